"""Showing a session: what was said last, the history of its input."""

from __future__ import annotations

import time
from dataclasses import dataclass

from prompt_toolkit.history import InMemoryHistory

from plait.core import commands as c, events as e
from plait.core.branching import Asking, count_messages, taken_back, turn_of
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.core.session import SessionState
from plait.repl.render import relative_time

PAGE = 1_000
"""Events that are read at once when a session is shown: the input history comes from them, and the last of them are shown again."""
PAGES = 20
"""Pages at the most. One holds hundreds of messages, or four minutes of one answer, of whose progress there are four events a second."""
SHOWN_MESSAGES = 10
"""Messages of the conversation that are shown again."""
INPUTS = 200
"""Messages that Up walks through."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A session as it is when it is shown: `recent` events to show again, `inputs` for the history, `seq` to follow from."""

    recent: tuple[e.Stamped, ...]
    inputs: tuple[str, ...]
    earlier: int
    """Messages before the ones in `recent`; a lower bound where `more` is true."""
    more: bool
    seq: int
    last_at: float
    """When something was said last. That a session was looked at, named or opened again is no talk."""

    @property
    def history(self) -> InMemoryHistory:
        """The inputs, oldest first, as the prompt takes them."""
        return InMemoryHistory(list(self.inputs))

    def heading(self, name: str, directory: str, now: float) -> str:
        """The line above what is shown again, with `directory` unless it is empty; itself empty for a session without a message."""
        if not any(isinstance(one.event, e.UserSaid) for one in self.recent):
            return f"{name} works in {directory}" if directory else ""
        earlier = f" · {'over ' if self.more else ''}{self.earlier} earlier messages, /history shows them" if self.earlier else ""
        place = f" · works in {directory}" if directory else ""
        return f"{name} · {relative_time(now - self.last_at)}{place}{earlier}"


def news_heading(info: c.SessionInfo, news: c.News, *, again: bool) -> str:
    """The line above what is new in a session; empty for one that has nothing new and whose last messages stand above it."""
    if not news.lines and not news.tools and not news.skipped:
        if not again:
            return ""
        if not info.messages:
            return f"{info.name}: nothing has been said yet"
        if info.state is SessionState.PROCESSING:
            return f"{info.name}: at work, nothing new yet"
        return f"{info.name}: nothing new · {info.messages:,} message{'s' * (info.messages != 1)}, /history shows the last"
    count = f"{news.lines:,} new line{'s' * (news.lines != 1)}"
    if not again and news.shown:  # the answer that was seen in part stands below as a whole
        count = "new"
    tools = f" ({news.tools} tool{'s' * (news.tools != 1)})" if news.tools else ""
    messages = 10 + count_messages(news.events)
    skipped = f" · {news.skipped_lines:,} lines before them are only in /history" if news.skipped else ""
    return f"{info.name}: {count} since {clock(news.since)}{tools}{skipped} · /history {messages} for more"


def clock(at: float) -> str:
    """A moment in local time: the hour if it is today, else the date too."""
    then, now = time.localtime(at), time.localtime()
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)


async def read_opening(client: Client, session: SessionId) -> Opening:
    """Read a session's last pages, until enough is there. Raises nothing: a refused page is an empty one, and the follower tells why."""
    events: tuple[e.Stamped, ...] = ()
    told = events
    start, before, last = 0, 0, None
    for _ in range(PAGES):
        reply = await client.submit(c.ReadHistory(session, before + 1 if last else None, PAGE))
        if not isinstance(reply, c.HistoryPage):
            break
        last = last or (reply.events[-1] if reply.events else None)
        events = (*(one for one in reply.events if not isinstance(one.event, e.AnswerProgress)), *events)
        told = _as_it_stands(events)
        before, start = reply.earlier, _start_of_recent(told)
        if not before or count_messages(told[start:]) >= SHOWN_MESSAGES:
            break
    inputs = [one.event.text for one in events if isinstance(one.event, e.UserSaid)]
    seq = (last.seq or 0) if last else 0
    at = next((one.at for one in reversed(told) if isinstance(one.event, (e.UserSaid, e.AssistantSaid))), 0.0)
    return Opening(told[start:], tuple(inputs[-INPUTS:]), count_messages(told[:start]), before > 0, seq, at)


def _as_it_stands(events: tuple[e.Stamped, ...]) -> tuple[e.Stamped, ...]:
    """Without what was taken back; that it was is told as long as it can be brought back."""
    gone = taken_back(events)
    last = max((place for place, one in enumerate(events) if isinstance(one.event, Asking)), default=-1)
    return tuple(
        one
        for place, one in enumerate(events)
        if turn_of(one) not in gone and (place > last or not isinstance(one.event, (e.Rewound, e.Redone)))
    )


def _start_of_recent(events: tuple[e.Stamped, ...]) -> int:
    """Where the last `SHOWN_MESSAGES` messages begin: at one of the user's, so that no answer stands alone, if there is any."""
    count, start, earliest = 0, len(events), len(events)
    for index in range(len(events) - 1, -1, -1):
        event = events[index].event
        if isinstance(event, (e.UserSaid, e.AssistantSaid)):
            count, earliest = count + 1, index
            if isinstance(event, e.UserSaid):
                start = index
            if count >= SHOWN_MESSAGES and start < len(events):
                break
    return start if start < len(events) else earliest
