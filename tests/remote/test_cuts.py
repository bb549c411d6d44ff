"""However a connection ends, in the middle of whatever: a follower is told all of it once, and a message is said once."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import SocketStream
from hypothesis import HealthCheck, given, settings, strategies as st

from plait.core import commands as c, events as e
from plait.core.errors import StoreBusy
from plait.core.messages import SessionId
from plait.remote.client import RemoteClient
from plait.remote.ownership import Owned
from plait.remote.reconnecting import ReconnectingClient
from tests.remote.ends import attached, serving
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import World, opened, scripted


@dataclass
class Cutter:
    """Passes on what goes between the ends, and ends a connection after so many bytes of it; after the last number, none."""

    to: Path
    after: Iterator[int]
    cuts: int = 0

    async def serve(self, stream: SocketStream) -> None:
        """One connection."""
        left = next(self.after, -1)
        async with stream, await anyio.connect_unix(self.to) as other, anyio.create_task_group() as tasks:

            async def passing(source: SocketStream, target: SocketStream) -> None:
                nonlocal left
                try:
                    while True:
                        data = await source.receive(1024)
                        if left >= 0:
                            data, left = data[:left], left - min(left, len(data))
                        await target.send(data)
                        if left == 0:
                            self.cuts += 1
                            break
                except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(passing, stream, other)
            tasks.start_soon(passing, other, stream)


@dataclass
class OverCuts:
    """The way to an owner that stays, through a `Cutter`; it cannot be owned."""

    path: Path

    def owner(self) -> int:
        """See `Ways`."""
        return 1

    @asynccontextmanager
    async def own(self, *, heir: bool) -> AsyncGenerator[Owned, None]:
        """See `Ways`."""
        raise StoreBusy("Its owner is there.")
        yield

    @asynccontextmanager
    async def attach(self, silence: Callable[[bool], object]) -> AsyncGenerator[RemoteClient, None]:
        """See `Ways`."""
        async with attached(self.path, silence) as client:
            yield client


async def meet(folder: Path, after: list[int], messages: int) -> int:
    """Two clients of one world, one of them over connections that are cut; all that it says and is told comes once, in order.

    Returns how many connections were cut.
    """
    cutter = Cutter(folder / "s", iter(after))
    told: list[int] = []
    async with World(scripted()).start() as coordinator, serving(coordinator, folder / "s"):
        listener = await anyio.create_unix_listener(folder / "cut")
        session = await opened(coordinator)
        await coordinator.submit(c.PauseSession(session))
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, cutter.serve)
            async with ReconnectingClient(OverCuts(folder / "cut"), print, 1.0, now=lambda: 0.0) as client:
                tasks.start_soon(follow, client, session, told)
                with anyio.fail_after(LIMIT):
                    for number in range(messages):
                        say = c.Say(session, f"message {number % 3}")  # some of them are the same
                        while not isinstance(reply := await client.submit(say), c.Done):
                            assert isinstance(reply, c.Refused)  # cut again and again
                            assert reply.error == "OwnerLost"
                await until(lambda: told[-1:] == [messages + 2])
                tasks.cancel_scope.cancel()
        said = [one.event.text for one in coordinator.world.store.read(session) if isinstance(one.event, e.UserSaid)]
    assert told == list(range(1, messages + 3))
    assert said == [f"message {number % 3}" for number in range(messages)]
    assert cutter.cuts <= len(after)
    return cutter.cuts


async def follow(client: ReconnectingClient, session: SessionId, told: list[int]) -> None:
    async with aclosing(client.follow(session, e.Cursor(0, 0))) as events:
        async for stamped in events:
            if stamped.seq is not None:
                told.append(stamped.seq)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(after=st.lists(st.integers(0, 3_000), max_size=12), messages=st.integers(1, 12))
def test_nothing_is_told_twice_or_lost_over_cuts(after: list[int], messages: int) -> None:
    with tempfile.TemporaryDirectory(prefix="c") as folder:
        anyio.run(meet, Path(folder), after, messages)


def test_the_property_sees_cuts() -> None:
    """Cuts at each of the first bytes of what is said: in the greeting, in a request, in an answer, in an event."""
    after = list(range(1, 1_200, 37))
    with tempfile.TemporaryDirectory(prefix="c") as folder:
        assert anyio.run(meet, Path(folder), after, 30) == len(after)
