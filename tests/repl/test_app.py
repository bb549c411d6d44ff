"""The loop between a client and a screen, without a terminal."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Sequence

import anyio
import anyio.lowlevel
import pytest
from prompt_toolkit.history import History

from plait.core import commands as c
from plait.core import events as e
from plait.core.messages import SessionId
from plait.core.prompt import Instructions
from plait.repl.app import Repl
from plait.repl.lines import Ended, EndReason, Line
from plait.repl.slash.commands import all_commands
from plait.repl.style import Look
from plait.runtime.coordinator import Coordinator
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import World, opened, scripted

pytestmark = pytest.mark.anyio


class Page:
    """A screen that keeps what is shown, and on which nobody types until they leave."""

    columns = 80
    vi_mode = False
    draft = ""

    def __init__(self) -> None:
        self.text = ""
        self._left = anyio.Event()

    def write(self, text: str) -> None:
        """See `Surface`."""
        self.text += text

    def set_tail(self, text: str) -> None:
        """See `Surface`."""

    async def read(self) -> Line | Ended:
        """See `Terminal`."""
        await self._left.wait()
        return Ended(EndReason.CLOSED)

    def refresh(self) -> None:
        """See `Terminal`."""

    def hint(self, text: str, seconds: float = 4.0) -> None:
        """See `Terminal`."""

    def forward(self, sequence: str) -> None:
        """See `Terminal`."""

    async def drained(self) -> None:
        """See `Terminal`."""

    def use_history(self, history: History) -> None:
        """See `Terminal`."""

    async def edit(self, text: str) -> str | None:
        """See `Terminal`."""
        return None

    def leave(self) -> None:
        """See `Terminal`."""
        self._left.set()


class Counting:
    """A client that counts what was asked and answered."""

    def __init__(self, client: Coordinator) -> None:
        self._client = client
        self.under_way = 0

    async def submit(self, command: c.Command) -> c.Reply:
        """See `Client`."""
        self.under_way += 1
        try:
            return await self._client.submit(command)
        finally:
            self.under_way -= 1

    def follow(self, session: SessionId, after: e.Cursor | None = None) -> AsyncGenerator[e.Stamped, None]:
        """See `Client`."""
        return self._client.follow(session, after)

    async def sessions(self) -> Sequence[c.SessionInfo]:
        """See `Client`."""
        return await self._client.sessions()


async def test_a_late_status_of_the_session_left_does_not_name_the_one_shown() -> None:
    """F6: the wrong name in the prompt after a switch."""
    slow, reading, go_on = threading.Event(), threading.Event(), threading.Event()

    def instructions(directory: str) -> Instructions:
        if directory == "/old" and slow.is_set():
            reading.set()
            go_on.wait(LIMIT)
        return Instructions()

    async with World(scripted(), instructions=instructions).start() as coordinator:
        old, new = await opened(coordinator, "/old", "old"), await opened(coordinator, "/new", "new")
        client, page = Counting(coordinator), Page()
        repl = Repl(client, all_commands({}), Look(), {}, 0.0)
        repl.use(page)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(repl.run, old, "")
            await until(lambda: repl.name == "old" and coordinator.rows()[0].seq > 0 and coordinator._managed[old].log.readers > 0)
            slow.set()
            coordinator.record(old, e.Renamed("older", by_hand=True))
            await until(reading.is_set)
            await repl.switch(new)
            assert repl.prompt_text() == "(new) > "
            go_on.set()
            await until(lambda: not client.under_way)
            await anyio.wait_all_tasks_blocked()
            assert repl.prompt_text() == "(new) > "
            page.leave()
