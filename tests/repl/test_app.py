"""The loop between a client and a screen, without a terminal."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Sequence

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.core.prompt import Instructions
from plait.repl.app import Repl
from plait.repl.options import ReplOptions
from plait.repl.slash.commands import all_commands
from plait.repl.style import Look
from tests.repl.stand import Page, standing
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import World, opened, scripted

pytestmark = pytest.mark.anyio


class Counting:
    """A client that counts what was asked and answered."""

    def __init__(self, client: Client) -> None:
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
        page.repl = repl = Repl(client, all_commands({}), Look(), {}, ReplOptions(), page)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(repl.run, old, "")
            await until(lambda: repl.prompt_text() == "(old) > " and coordinator._managed[old].log.readers > 0)
            slow.set()
            coordinator.record(old, e.UserSaid("a turn, at whose end the status is read"))
            coordinator.dispatch(coordinator._managed[old])
            await until(reading.is_set)
            await repl.switch(new)
            assert repl.prompt_text() == "(new) > "
            go_on.set()
            await until(lambda: not client.under_way)
            await anyio.wait_all_tasks_blocked()
            assert repl.prompt_text() == "(new) > "
            page.leave()
        page.queue.close()


async def test_with_one_session_the_keys_between_sessions_do_nothing_but_say_so() -> None:
    async with standing(
        World(scripted()), "a", "b", options=ReplOptions(many=False, to_many="Start plait without --single for many.")
    ) as stand:
        stand.page.type("draft")
        stand.key("switch", "2")
        stand.key("next")
        stand.repl.choose()
        assert (stand.page.draft, stand.page.picking) == ("draft", None)
        assert stand.page.hints == ["plait runs one session now. Start plait without --single for many."] * 3
        assert stand.repl.session == stand.sessions["a"]


async def test_where_there_is_no_other_session_none_is_offered() -> None:
    async with standing(World(scripted()), "a") as stand:
        stand.page.type("draft")
        stand.repl.choose()
        assert (stand.page.draft, stand.page.picking) == ("draft", None)
        assert stand.page.hints == ["There is no other session. /new opens one."]


async def test_a_prompt_of_the_command_line_waits_for_no_other_session() -> None:
    """It was meant for the session that was shown first, and goes to it once its question about instructions is answered."""

    def instructions(directory: str) -> Instructions:
        return Instructions(project=(("/shop/AGENTS.md", "Use tabs."),), digest="d1") if directory == "/shop" else Instructions()

    world = World(scripted(), instructions=instructions)
    async with world.start() as coordinator:
        await opened(coordinator, "/docs", "b")
    async with standing(world, "a", "b", prompt="for a") as stand:
        await stand.shows("This project has instructions for the model")
        stand.page.enter("set aside")
        stand.key("switch", "b")
        await stand.on("b")
        assert "give AGENTS.md" not in stand.repl.prompt_text()
        assert stand.page.draft == ""
        await stand.settle()
        assert stand.said("b") == []
        stand.key("switch", "a")
        await stand.on("a")
        assert "give AGENTS.md" in stand.repl.prompt_text()
        assert stand.page.of(stand.sessions["a"]).rstrip().endswith("or v to read them first.")
        assert stand.page.draft == ""
        assert (await stand.draft("a")).text == "set aside"
