"""A switch does not wait for the disk: how far the session that is left was shown gets there meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.messages import SessionId
from plait.runtime.coordinator import Coordinator
from tests.repl.stand import Taps, standing
from tests.runtime.world import Bench, World, ask, opened, said
from tests.timing import within

pytestmark = pytest.mark.anyio

NAMES = ("a", "b", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m")


@dataclass
class SlowDisk:
    """A client that takes marks, and does not answer them before `repaired`."""

    coordinator: Coordinator
    repaired: anyio.Event

    async def submit(self, command: c.Command) -> c.Reply:
        reply = await self.coordinator.submit(command)
        if isinstance(command, c.MarkSeen):
            await self.repaired.wait()
        return reply

    def follow(self, session: SessionId, after: e.Cursor | None = None) -> AsyncGenerator[e.Stamped, None]:
        return self.coordinator.follow(session, after)

    async def sessions(self) -> Sequence[c.SessionInfo]:
        return await self.coordinator.sessions()


async def test_many_switches_are_quick_while_the_disk_answers_nothing() -> None:
    repaired = anyio.Event()
    world = World(Bench({"scripted:m": Taps()}))
    async with standing(world, *NAMES, client=lambda coordinator: SlowDisk(coordinator, repaired)) as stand:
        with within(0.6, f"{len(NAMES) - 1} switches"):
            for name in NAMES[1:]:
                await stand.go(name)
        repaired.set()


async def test_the_sessions_used_last_are_in_memory_before_one_looks_at_them() -> None:
    world = World(Bench({"scripted:m": Taps()}))
    async with world.start() as coordinator:
        for name in ("a", "b", "d"):
            await said(coordinator, await opened(coordinator, name=name), "hello")
    async with standing(world, "e") as stand:
        assert len(await held(stand.coordinator)) == 1
        before = stand.repl.fleet.sessions
        await stand.repl._stage.warm(before)
        assert await held(stand.coordinator) == {"a", "b", "d", "e"}
        await stand.settle()
        assert stand.repl.fleet.sessions == before  # nothing was marked as seen


async def held(coordinator: Coordinator) -> set[str]:
    """Names of the sessions that are in memory."""
    return {one.info.name for one in (await ask(coordinator, c.ReadInternals(), c.Internals)).held}
