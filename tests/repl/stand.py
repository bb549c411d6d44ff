"""The prompt loop over the real coordinator and on a screen that remembers: what its user sees and does, without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from prompt_toolkit.history import History, InMemoryHistory

from plait.core import commands as c, events as e
from plait.core.messages import Finished, ModelEvent, ModelRequest, SessionId, UserMessage
from plait.core.ports import Client
from plait.repl.app import Repl
from plait.repl.asking import READABLE
from plait.repl.lines import Ended, EndReason, LeaveAsked, Line, LineQueue
from plait.repl.options import ReplOptions
from plait.repl.slash.commands import all_commands
from plait.repl.style import Look
from plait.runtime.coordinator import Coordinator
from tests.runtime.waiting import until
from tests.runtime.world import World, opened

LATER = 2 * READABLE
"""A first key that came so many seconds after now was certainly pressed when everything shown by now could be read."""


class Page:
    """A `Terminal` that keeps what is shown, each text with the session that was shown, and whose user is the test."""

    vi_mode = False

    def __init__(self, *, keeps_draft: bool = True) -> None:
        self.keeps_draft = keeps_draft
        self.columns = 80
        self.written: list[tuple[str, str]] = []
        """The session that was shown, and what was written."""
        self.tail = ""
        self.hints: list[str] = []
        self.sequences: list[str] = []
        self.history: History = InMemoryHistory()
        self.cursor = 0
        self.picking: Callable[[], None] | None = None
        self.queue = LineQueue()
        self.repl: Repl | None = None
        self._draft = ""
        self._kept = False

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(text for _, text in self.written)

    def of(self, session: SessionId) -> str:
        """What was written while this session was shown."""
        return "".join(text for shown, text in self.written if shown == session)

    # What the loop does.

    @property
    def draft(self) -> str:
        """See `Terminal`."""
        return self._draft

    @draft.setter
    def draft(self, text: str) -> None:
        self.put_draft(text, len(text))
        self._kept = False

    def put_draft(self, text: str, cursor: int) -> None:
        """See `Terminal`."""
        if self.keeps_draft:
            self._draft, self.cursor, self._kept = text, cursor, bool(text)
            self._edited()
        elif text:
            self.write(f"Draft: {text}\n")

    def write(self, text: str) -> None:
        """See `Surface`."""
        self.written.append((self.repl.session if self.repl else "", text))

    def set_tail(self, text: str) -> None:
        """See `Surface`."""
        self.tail = text

    async def read(self) -> Line | LeaveAsked | Ended:
        """See `Terminal`."""
        return await self.queue.read()

    def put(self, line: Line | LeaveAsked) -> None:
        """See `Terminal`."""
        self.queue.put(line)

    def pick(self, start: str, on_cancel: Callable[[], None], on_widen: Callable[[], None] | None = None) -> None:
        """See `Terminal`."""
        self._draft, self.cursor, self.picking = "", 0, on_cancel

    def refresh(self) -> None:
        """See `Terminal`."""

    def hint(self, text: str, seconds: float = 4.0) -> None:
        """See `Terminal`."""
        self.hints.append(text)

    def forward(self, sequence: str) -> None:
        """See `Terminal`."""
        self.sequences.append(sequence)

    async def drained(self) -> None:
        """See `Terminal`."""

    def use_history(self, history: History) -> None:
        """See `Terminal`."""
        self.history = history

    async def edit(self, text: str) -> str | None:
        """See `Terminal`."""
        return None

    def leave(self) -> None:
        """See `Terminal`."""
        self.queue.end(Ended(EndReason.CLOSED))

    # What its user does.

    def type(self, text: str) -> None:
        """Keys, at the place of the cursor."""
        self._draft = self._draft[: self.cursor] + text + self._draft[self.cursor :]
        self.cursor += len(text)
        self._edited()

    def enter(self, text: str = "", after: float = LATER) -> None:
        """Type and send; the first key comes `after` seconds from now, or came long ago where a kept draft is sent."""
        text = self._draft + text
        began = 0.0 if self._kept else anyio.current_time() + after
        self._draft, self.cursor, self._kept = "", 0, False
        self.queue.put(Line(text, text, began))
        self._edited()

    def _edited(self) -> None:
        if self.repl is not None:
            self.repl.edited()


@dataclass
class Taps:
    """A model that says what the test pours out, each session from a tap that is called as the session's first message."""

    name: str = "taps"
    can_call_tools: bool = True
    taps: dict[str, asyncio.Queue[ModelEvent]] = field(default_factory=dict)

    def pour(self, tap: str, *events: ModelEvent) -> None:
        """Let this come out of a tap."""
        for event in events:
            self._tap(tap).put_nowait(event)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `ModelProvider`."""
        tap = self._tap(next(message.text for message in request.messages if isinstance(message, UserMessage)))
        while not isinstance(event := await tap.get(), Finished):
            yield event
        yield event

    async def aclose(self) -> None:
        """See `ModelProvider`."""

    def _tap(self, name: str) -> asyncio.Queue[ModelEvent]:
        return self.taps.setdefault(name, asyncio.Queue())


@dataclass
class Stand:
    """A prompt loop at work. `sessions` are ids by name."""

    coordinator: Coordinator
    repl: Repl
    page: Page
    sessions: dict[str, SessionId]
    exit_code: int | None = None

    async def settle(self) -> None:
        """Return when everything that has happened is on disk and was shown where it is shown, and all tasks wait for something."""
        for _ in range(2):
            await until(lambda: not self.coordinator.journal.waiting)
            await anyio.wait_all_tasks_blocked()
            await until(self._all_is_shown)

    def _all_is_shown(self) -> bool:
        """Whether the shown session is shown up to its end: whoever begins to follow it reads what it lacks in a thread of its own."""
        shown = self.repl.session
        return not shown or self.repl._stage._seq >= self.coordinator.journal.durable_seq(shown)

    async def shows(self, text: str) -> None:
        """Wait until it was written."""
        await until(lambda: text in self.page.text)

    async def on(self, name: str) -> None:
        """Wait until the session is shown, and all of it is."""
        await until(lambda: self.repl.session == self.sessions[name] and not self.repl._stage._moving.locked())

    async def go(self, name: str) -> None:
        """Go to a session by a command, and wait until it is shown."""
        self.page.enter(f"/switch {name}")
        await self.on(name)

    def key(self, name: str, argument: str = "") -> None:
        """Press a key that goes to another session."""
        self.repl.move(name, argument)

    async def row(self, name: str) -> c.SessionInfo:
        """The session as the coordinator lists it."""
        return next(row for row in await self.coordinator.sessions() if row.id == self.sessions[name])

    async def draft(self, name: str) -> c.Draft:
        """What is kept of what was typed in a session."""
        reply = await self.coordinator.submit(c.ReadDraft(self.sessions[name]))
        assert isinstance(reply, c.Draft)
        return reply

    def log(self, name: str) -> list[e.Event]:
        """The session's events in the store."""
        return [one.event for one in self.coordinator.world.store.read(self.sessions[name])]

    def said(self, name: str) -> list[str]:
        """What the user said in a session."""
        return [event.text for event in self.log(name) if isinstance(event, e.UserSaid)]


@asynccontextmanager
async def standing(
    world: World,
    *names: str,
    page: Page | None = None,
    look: Look | None = None,
    options: ReplOptions | None = None,
    client: Callable[[Coordinator], Client] = lambda coordinator: coordinator,
    prompt: str = "",
) -> AsyncGenerator[Stand, None]:
    """A loop that shows the first of the sessions of these names, which are opened where there are none yet; it is left at the end."""
    page = page or Page()
    async with world.start() as coordinator:
        known = {row.name: row.id for row in await coordinator.sessions()}
        sessions = {name: known.get(name) or await opened(coordinator, name=name) for name in names}
        look = look or Look(colour=False, width=page.columns)
        repl = Repl(client(coordinator), all_commands({}), look, {}, options or ReplOptions(), page)
        stand = Stand(coordinator, repl, page, sessions)

        async def run() -> None:
            page.repl = repl
            stand.exit_code = await repl.run(sessions[names[0]], prompt)

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                await until(lambda: hasattr(repl, "_stage"))
                await stand.on(names[0])
                yield stand
                page.leave()
                await until(lambda: stand.exit_code is not None)
        finally:
            page.queue.close()
