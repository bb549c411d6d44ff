"""Which session is shown, and the way from one to another.

Rules:
1. A session is left in one step: its follower has ended, how far it was shown is noted, its draft is out of the line. Only then the next
   one is shown, which does not wait for the disk; coming back to the first does. What it says in between is news when it is shown again.
2. What is shown of a session that one comes back to is what nobody saw, in order, once; of one that was not shown in this run also its last
   messages.
3. A pending question is always printed in full.
4. One switch at a time, in the order in which they were asked for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress

import anyio
from anyio.abc import TaskGroup
from prompt_toolkit.history import InMemoryHistory

from plait.core import commands as c, events as e
from plait.core.errors import PlaitError
from plait.core.messages import SessionId
from plait.core.metrics_commands import Measured
from plait.core.ports import Client
from plait.repl.drafts import Drafts
from plait.repl.opening import Opening, news_heading, read_opening
from plait.repl.printer import Printer
from plait.repl.render import render_error, render_rule
from plait.repl.surface import Terminal

PARTING = 0.1
"""Seconds that whoever comes back to a session, or leaves the program, waits until its mark is on disk; it counts in any case."""

WARM = 10
WARM_EVENTS = 20_000
"""So many sessions, of so many events at the most, are read before they are looked at."""
WARM_AFTER = 1.0
"""Seconds after the start: by then the first keys were taken."""


class Stage:
    """The shown session. `shown` is told each of its events after it was printed.

    `arrived` is told the status of a session before anything of it is shown, `entered` after what it had to tell.
    """

    def __init__(
        self,
        client: Client,
        tasks: TaskGroup,
        screen: Terminal,
        printer: Printer,
        drafts: Drafts,
        shown: Callable[[e.Stamped], None],
        arrived: Callable[[c.Status], None],
        entered: Callable[[c.Status], None],
    ) -> None:
        self._client = client
        self._tasks = tasks
        self._screen = screen
        self._printer = printer
        self._drafts = drafts
        self._shown = shown
        self._arrived = arrived
        self._entered = entered
        self._moving = anyio.Lock()
        self._following = anyio.CancelScope()
        self._followed = anyio.Event()
        self._seq = 0
        self._histories: dict[SessionId, InMemoryHistory] = {}
        self._marking: dict[SessionId, anyio.Event] = {}
        """Sessions that were left and whose marks are on their way to the disk."""
        self._on_round = False
        self.session = SessionId("")
        self.came_from: SessionId | None = None
        self.recent: list[SessionId] = []
        """The sessions that were shown, the latest last; each once."""

    def __repr__(self) -> str:
        return f"<Stage '{self.session}' [event {self._seq}]>"

    async def go(self, session: SessionId, *, on_round: bool = False) -> bool:
        """Show `session`; False, and why is shown, if it cannot be. See `slash.registry.Prompt.switch`."""
        began = anyio.current_time()
        async with self._moving:
            if session == self.session:
                return True
            if (marked := self._marking.get(session)) is not None:
                with anyio.move_on_after(PARTING):
                    await marked.wait()
            status, news = await self._client.submit(c.ReadStatus(session)), await self._client.submit(c.ReadNews(session))
            if not isinstance(status, c.Status) or not isinstance(news, c.News):
                self._complain(news if isinstance(status, c.Status) else status)
                return False
            left = await self.leave()
            if left and not (on_round and self._on_round):
                self.came_from = left
            self._on_round = on_round
            await self._enter(session, status, news)
            if left:
                self._tasks.start_soon(self._measured, anyio.current_time() - began)
            return True

    async def _measured(self, seconds: float) -> None:
        """A switch took so long, from the key to the text. Where that cannot be told, nothing is missing."""
        with suppress(PlaitError):
            await self._client.submit(Measured("session_switch_duration_ms", seconds * 1000))

    async def warm(self, rows: Sequence[c.SessionInfo]) -> None:
        """Have the sessions in memory to which one may switch next, the ones used last, one after another and once the start is over.

        It costs no more memory than looking at them would, and nothing is marked or shown.
        """
        await anyio.sleep(WARM_AFTER)
        for row in sorted(rows, key=lambda one: -one.used_at)[:WARM]:
            if row.id != self.session and row.seq <= WARM_EVENTS:
                await self._client.submit(c.ReadDraft(row.id))

    async def mark(self) -> None:
        """Say how far the shown session was shown: the program is left."""
        if self.session:
            with anyio.move_on_after(PARTING):
                await self._client.submit(c.MarkSeen(self.session, self._seq, self._printer.shown, leaving=True))

    def forget(self, session: SessionId) -> None:
        """It was completed: opened again, it is shown like one that was not shown in this run."""
        if session != self.session:
            self._histories.pop(session, None)
            self.recent = [one for one in self.recent if one != session]

    async def leave(self) -> SessionId | None:
        """Show no session; returns the one that was left."""
        left = self.session
        if not left:
            return None
        self._following.cancel()
        await self._followed.wait()
        mark = c.MarkSeen(left, self._seq, self._printer.shown)
        draft = self._drafts.part()
        self.session = SessionId("")
        self._printer.reset()
        self._tasks.start_soon(self._drafts.keep, draft)
        marked = self._marking[left] = anyio.Event()
        self._tasks.start_soon(self._mark, mark, marked)
        return left

    async def _mark(self, mark: c.MarkSeen, marked: anyio.Event) -> None:
        """Apart from the switch, which would wait for the disk each time."""
        await self._client.submit(mark)
        marked.set()
        if self._marking.get(mark.session) is marked:
            del self._marking[mark.session]

    async def _enter(self, session: SessionId, status: c.Status, news: c.News) -> None:
        self.session = session
        self.recent = [*(one for one in self.recent if one != session), session]
        self._arrived(status)
        self._seq = news.seq
        again = session in self._histories
        if not again:
            await self._show_opening(session, status, news)
        self._screen.use_history(self._histories[session])
        self._show_news(status, news, again=again)
        await self._drafts.arrive(session, aside=status.question is not None or bool(status.instructions_asked))
        self._following, self._followed = anyio.CancelScope(), anyio.Event()
        self._tasks.start_soon(self._follow, session, self._following, self._followed)
        in_progress = news.shown if again and not any(isinstance(one.event, e.AssistantSaid) for one in news.events) else 0
        self._tasks.start_soon(self._client.submit, c.MarkSeen(session, news.seq, in_progress))
        self._entered(status)

    async def _show_opening(self, session: SessionId, status: c.Status, news: c.News) -> None:
        """The last messages of a session that was not shown in this run, up to where its news begin."""
        opening = await read_opening(self._client, session)
        self._histories[session] = opening.history
        elsewhere = "" if status.info.directory == os.getcwd() else status.info.directory
        if heading := opening.heading(status.info.name, elsewhere, time.time()):
            self._rule(heading)
        for stamped in _seen_before(opening, news):
            if stamped.event != status.question:  # it comes below, as the last thing
                self._printer.show(stamped)

    def _show_news(self, status: c.Status, news: c.News, *, again: bool) -> None:
        self._printer.go_on_from(news.shown if again else 0, status.running, (*news.begun, *status.waiting))
        if heading := news_heading(status.info, news, again=again):
            self._rule(heading)
        for stamped in news.events:
            self._show(stamped)
        question = status.question
        if question is not None and not any(_is_about(question, one.event) for one in news.events):
            self._show(e.Stamped(status.info.id, None, 0.0, question))

    def _rule(self, text: str) -> None:
        self._screen.write(render_rule(text, self._printer.look))

    def _complain(self, reply: c.Reply) -> None:
        if isinstance(reply, c.Refused):
            self._screen.write(render_error(reply.text, self._printer.look))

    async def _follow(self, session: SessionId, scope: anyio.CancelScope, followed: anyio.Event) -> None:
        try:
            with scope:
                async with aclosing(self._client.follow(session, e.Cursor(0, self._seq))) as events:
                    async for stamped in events:
                        if scope.cancel_called:
                            break  # it came too late to be shown: it is news
                        self._show(stamped)
                        self._seq = stamped.seq or self._seq
        except PlaitError as error:
            self._screen.write(render_error(str(error), self._printer.look))
        finally:
            followed.set()

    def _show(self, stamped: e.Stamped) -> None:
        self._printer.show(stamped)
        self._shown(stamped)


def _is_about(question: e.QuestionAsked, event: e.Event) -> bool:
    """Whether the event asks the question, or tells that it waits no more."""
    match event:
        case e.QuestionAsked(call=call):
            return call == question.call
        case e.QuestionAnswered(turn=turn) | e.TurnEnded(turn=turn):
            return turn == question.turn
        case _:
            return False


def _seen_before(opening: Opening, news: c.News) -> list[e.Stamped]:
    first = next((one.seq for one in news.events if one.seq is not None), None)
    return [one for one in opening.recent if first is None or (one.seq or 0) < first]
