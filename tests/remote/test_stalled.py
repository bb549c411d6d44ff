"""Ends that stop: a client that does not read stalls nobody, and an owner that does not answer is named."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketStream

from plait.core import commands as c, events as e
from plait.core.errors import OwnerError
from plait.core.messages import SessionId, Turn
from plait.models.scripted import Reply
from plait.remote import frames as f, wire
from plait.remote.reconnecting import ReconnectingClient
from tests.remote.ends import PID, Raw, attached, raw, serving, small_buffers
from tests.remote.test_cuts import OverCuts
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import World, ended, opened, said, scripted
from tests.timing import within

pytestmark = pytest.mark.anyio
HELLO = f.Hello(f.PROTOCOL, f.shape(), "1", 1)


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s") / "s"


async def test_a_client_that_stops_reading_stalls_nobody_and_catches_up(path: Path) -> None:
    world = World(scripted(Reply(match="", text="x" * 400_000, chunk=40)))
    async with world.start() as coordinator, serving(coordinator, path) as server, raw(path) as stalled, attached(path) as client:
        small_buffers(stalled.stream)
        session = await opened(coordinator)
        await stalled.say(HELLO, f.Follow(1, session, e.Cursor(0, 0), 10_000_000))
        await until(lambda: server.attached == 2)
        turn = await said(coordinator, session, "go")
        assert (await ended(client, session, turn)).ending == "done"  # type: ignore[arg-type]  # any client will do
        for number in range(2_000):
            coordinator.record(session, e.Noted(f"{number} {'y' * 1_000}"))
        await until(lambda: not coordinator.journal.waiting)
        held = max(one._wire.waiting for one in server._connections)
        assert held <= wire.ROOM + 20_000
        assert isinstance(await client.submit(c.ReadFleet()), c.Fleet)
        stored = [one.seq for one in world.store.read(session)]
        assert await durable(stalled, len(stored)) == stored  # once it reads again: all of it, in order, once


async def durable(peer: Raw, last: int) -> list[int]:
    """The numbers of the events that come, up to the last one."""
    found: list[int] = []
    while not found or found[-1] < last:
        frame = f.decode_frame(await peer.line(), f.RESPONSES)
        if isinstance(frame, f.Happened) and frame.event.seq:
            found.append(frame.event.seq)
    return found


async def test_a_window_that_is_full_is_waited_for(path: Path) -> None:
    async with World(scripted()).start() as coordinator, serving(coordinator, path), raw(path) as peer:
        session = await opened(coordinator)
        for number in range(10):
            coordinator.record(session, e.Noted(f"{number}"))
        await until(lambda: not coordinator.journal.waiting)
        await peer.say(HELLO, f.Follow(1, session, e.Cursor(0, 0), 1))
        assert b"Welcome" in await peer.line()
        for number in range(1, 12):
            line = await peer.line()
            assert f'"seq":{number},' in line.decode()
            await peer.say(f.Ping(7))
            assert b"Pong" in await peer.line()  # and no further event
            await peer.say(f.Taken(1, len(line) + 1))


async def test_whoever_falls_far_behind_is_given_the_text_so_far_and_not_each_piece(path: Path) -> None:
    world = World(scripted(Reply(match="", text="z" * 200_000, chunk=10, hang=True)))
    async with world.start() as coordinator, serving(coordinator, path), raw(path) as peer:
        session = await opened(coordinator)
        await peer.say(HELLO, f.Follow(1, session, e.Cursor(0, 0), 1))
        turn = await said(coordinator, session, "go")
        managed = await coordinator.managed(session)
        await until(lambda: len(managed.session.answer.text) == 200_000)
        await peer.say(f.Taken(1, 10_000_000), f.Unfollow(1), f.Follow(2, session, e.Cursor(0, turn + 1), 10_000_000))
        texts = 0
        with anyio.fail_after(LIMIT):
            while True:
                frame = f.decode_frame(await peer.line(), f.RESPONSES)
                if isinstance(frame, f.Happened) and frame.id == 2:
                    texts += 1
                    if frame.event.event == e.InProgress(Turn(turn), "z" * 200_000):
                        break
        assert texts < 50


@asynccontextmanager
async def an_owner(path: Path, behave: Callable[[SocketStream], Awaitable[None]]) -> AsyncGenerator[None, None]:
    """Somebody who listens there and behaves as the test says."""

    async def serve(stream: SocketStream) -> None:
        async with stream:
            await behave(stream)

    listener = await anyio.create_unix_listener(path)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield
        tasks.cancel_scope.cancel()


WELCOME = f.encode_frame(f.Welcome(f.PROTOCOL, f.shape(), "1", PID, 1))


async def test_an_owner_of_a_later_version_is_told_as_such_whatever_it_says_besides(path: Path) -> None:
    async def later(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(b'{"type":"Welcome","protocol":2,"shape":"x","version":"9","pid":7,"epoch":1,"later":"field"}\n')
        await anyio.sleep_forever()

    async with an_owner(path, later):
        with pytest.raises(OwnerError, match=r"\(process 7\) is version 9.*Leave that one first"):
            async with attached(path):
                pass


async def test_an_owner_that_does_not_answer_is_told_of_and_that_it_does_again(path: Path) -> None:
    speak = anyio.Event()
    told: list[bool] = []

    async def mute(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(WELCOME)
        await speak.wait()
        await stream.send(f.encode_frame(f.Answered(1, c.Fleet((), c.GateFigures(0, 0, 0)))))
        await anyio.sleep_forever()

    async with an_owner(path, mute), attached(path, told.append) as client, anyio.create_task_group() as tasks:
        with within(1.5):
            tasks.start_soon(client.submit, c.ReadFleet())
            await until(lambda: told == [True])
        speak.set()
        await until(lambda: told == [True, False])


async def test_an_owner_that_works_on_a_command_for_long_is_not_silent(path: Path) -> None:
    told: list[bool] = []

    async def busy(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(WELCOME)
        asked = b""
        while asked.count(b'"Ping"') < 3:
            data = await stream.receive()
            asked += data
            for _ in range(data.count(b'"Ping"')):
                await stream.send(f.encode_frame(f.Pong(9)))
        await stream.send(f.encode_frame(f.Answered(1, c.Fleet((), c.GateFigures(0, 0, 0)))))
        await anyio.sleep_forever()

    async with an_owner(path, busy), attached(path, told.append) as client:
        with anyio.fail_after(LIMIT):
            assert isinstance(await client.submit(c.ReadFleet()), c.Fleet)
        assert told == []


async def silent_from_the_start(stream: SocketStream) -> None:
    await anyio.sleep_forever()


async def silent_after_the_greeting(stream: SocketStream) -> None:
    await stream.receive()
    await stream.send(WELCOME)
    await anyio.sleep_forever()


@pytest.mark.parametrize("behave", [silent_from_the_start, silent_after_the_greeting])
async def test_whoever_waits_for_a_silent_owner_is_told_its_process_and_can_leave(
    path: Path, behave: Callable[[SocketStream], Awaitable[None]]
) -> None:
    told: list[str] = []
    async with an_owner(path, behave):
        joined = ReconnectingClient(OverCuts(path), told.append, 5.0)
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:

                async def leave_when_told() -> None:
                    await joined.until_silent()
                    scope.cancel()

                tasks.start_soon(leave_when_told)
                async with joined, aclosing(joined.follow(SessionId("any"))) as events:
                    await anext(events)
        assert scope.cancelled_caught
    process = 1 if behave is silent_from_the_start else PID
    assert told == [
        f"The plait that owns the sessions (process {process}) does not answer. Let it go on, or end it: kill -9 {process}. "
        "Waiting for it; Ctrl+D leaves."
    ]


async def test_a_script_does_not_wait_for_a_silent_owner_for_ever(path: Path) -> None:
    async with an_owner(path, silent_from_the_start):
        with pytest.raises(OwnerError, match=r"process 1\) does not answer"):
            async with ReconnectingClient(OverCuts(path), print, 0.1, quiet=True):
                raise AssertionError("nobody answers")
