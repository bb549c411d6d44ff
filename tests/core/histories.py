"""Random lives of a session: what happens is drawn first, and fitted to the session when its moment comes.

So most events are legal, and a good part is late, repeated or out of place.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from plait.core import events as e
from plait.core.branching import messages_told
from plait.core.errors import IllegalTransition
from plait.core.messages import AssistantMessage, Attachment, CallId, SessionId, ToolCall, ToolResult, Turn, Usage
from plait.core.session import Session

TEXTS = st.sampled_from(["", " ", "a", "hello", "\n", "long " * 20, "\U0001f600", "x"])
KINDS = (
    "said",
    "retry",
    "start",
    "delta",
    "progress",
    "answer",
    "calls",
    "cut",
    "tool",
    "result",
    "result",
    "end",
    "end",
    "seen",
    "paused",
    "unpaused",
    "renamed",
    "setting",
    "noted",
    "closed",
    "reopened",
    "place",
    "unknown",
    "ask",
    "reply",
    "kind",
    "title",
    "compact",
    "compacted",
    "rewound",
    "rewound",
    "redone",
    "filed",
    *("next",) * 14,
)
Choice = tuple[str, str, int, bool, bool]


def steps(most: int = 40) -> st.SearchStrategy[list[Any]]:
    """What happens, a list of (kind, text, number, flag, misfit); `Player.event` makes events of them.

    Lists of any length have five members on average, and so short a life seldom gets to a question or a summary: every other is long.
    """
    misfit = st.integers(0, 9).map(lambda number: number == 0)
    step = st.tuples(st.sampled_from(KINDS), TEXTS, st.integers(0, 5), st.booleans(), misfit)
    return st.lists(step, max_size=most) | st.lists(step, min_size=most // 2, max_size=most)


class Player:
    """A session, and everything durable that it took."""

    def __init__(self, session: Session | None = None) -> None:
        self.session = session or Session(SessionId("s-1"))
        self.durable: list[e.Stamped] = []
        self.calls = 0

    def play(self, *events: e.Event) -> None:
        """Let events happen. Raises `IllegalTransition`."""
        for event in events:
            seq = None if isinstance(event, e.EPHEMERAL_TYPES) else self.session.seq + 1
            stamped = e.Stamped(self.session.id, seq, 1_000.0 + self.session.seq, event)
            self.session.apply(stamped)
            if seq is not None:
                self.durable.append(stamped)

    def try_play(self, event: e.Event) -> bool:
        """Let it happen if that is legal; whether it was."""
        try:
            self.play(event)
        except IllegalTransition:
            return False
        return True

    def event(self, choice: Choice) -> e.Event:
        """The event of a choice, fitted to the session as it is, unless it is a misfit."""
        kind, text, number, flag, misfit = choice
        session = self.session
        if kind == "next":
            return self.event((self._next(number, flag), text, number, flag, misfit))
        running = session.running if session.running is not None and not misfit else Turn(number)
        queued = session.queue[0] if session.queue and not misfit else Turn(number)
        plain: dict[str, e.Event] = {
            "said": e.UserSaid(text, (Attachment("a.txt", text),) if flag and number == 0 else ()),
            "retry": e.RetryAsked(),
            "start": e.TurnStarted(queued),
            "delta": e.AnswerDelta(running, text, "hm" if flag else ""),
            "cut": e.AssistantSaid(running, AssistantMessage(session.answer.text or text, "hm"), "other", complete=False),
            "end": e.TurnEnded(queued if session.running is None else running, "done" if flag else "failed", seen=number > 2),
            "seen": e.Seen(session.seq + number if misfit else max(0, session.seq - number), len(session.answer.text) * number // 5),
            "paused": e.Paused(),
            "unpaused": e.Unpaused(),
            "renamed": e.Renamed(f"name-{number}", flag),
            "kind": e.KindChanged("debug" if flag else "planning"),
            "title": e.Titled(text),
            "setting": e.SettingChanged("temperature", None if flag else number),
            "noted": e.Noted(text),
            "closed": e.Closed(),
            "reopened": e.Reopened(),
            "place": e.SlotAwaited(running, number),
            "unknown": e.UnknownEvent("Later", "{}"),
            "compact": e.CompactionAsked(text),
            "compacted": e.Compacted(running, max(0, session.seq - number), text or "short", told=number),
            "rewound": e.Rewound(self._said(number, misfit)),
            "redone": e.Redone(),
            "filed": (e.Tagged((text,)), e.Pinned(flag), e.Archived(flag), e.Trashed(flag), e.DirectoryChanged(f"/{number}"))[number % 5],
        }
        return plain.get(kind) or self._working(choice, running)

    def _said(self, number: int, misfit: bool) -> Turn:
        """The turn of one of the last messages."""
        said = [stamped.seq or 0 for stamped in messages_told(self.session.conversation)]
        return Turn(said[-1 - number % len(said)] if said and not misfit else number)

    def _next(self, number: int, flag: bool) -> str:
        """What usually comes next, so that lives get as far as questions."""
        session = self.session
        if session.running is None:
            return "start" if session.queue else "said"
        if session.question is not None:
            return "reply"
        if session.open_calls:
            return "ask" if flag else "result"
        return "tool" if session.asked_calls else ("delta", "progress", "answer", "calls", "calls", "end")[number]

    def _working(self, choice: Choice, running: Turn) -> e.Event:
        kind, text, number, flag, misfit = choice
        session = self.session
        match kind:
            case "progress":
                unsaved, thinking = session.answer.unsaved
                return e.AnswerProgress(running, unsaved or ("" if session.answer else text), thinking)
            case "answer":
                message = AssistantMessage(session.answer.text or text, provider_state="{}" if flag else None)
                return e.AssistantSaid(running, message, "end", "p:m", Usage(number, number), 0.5 if flag else None)
            case "calls":
                self.calls += 1
                ids = ["dup" if misfit else f"c{self.calls}", f"d{self.calls}"][: 1 + flag]
                calls = tuple(ToolCall(CallId(one), "read", "{}") for one in ids)
                return e.AssistantSaid(running, AssistantMessage(session.answer.text or text, calls=calls), "tool_calls")
            case "tool":
                asked = tuple(session.asked_calls.values())
                return e.ToolStarted(running, asked[0] if asked and not misfit else ToolCall(CallId("dup"), "read", "{}"))
            case "ask":
                open_calls = tuple(session.open_calls)
                asking = open_calls[0] if open_calls and not misfit else CallId("dup")
                return e.QuestionAsked(running, asking, text, ("yes", "no") if flag else ())
            case "reply":
                asked_by = session.question.call if session.question is not None and not misfit else CallId("dup")
                return e.QuestionAnswered(running, ToolResult(asked_by, "ask_user", text))
            case _:
                pending = (*session.open_calls.values(), *session.asked_calls.values())
                call = pending[0] if pending and not misfit else ToolCall(CallId(f"c{number}"), "read", "{}")
                return e.ToolReturned(running, ToolResult(call.id, call.name, text, "done" if flag else "error"))
