"""What a peer can send: whatever it is, that connection ends with a reason, and nobody else notices."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings, strategies as st

from plait.core import commands as c, events as e
from plait.core.errors import BadFrame, OwnerError, OwnerLost, PlaitError, StoreError
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.models.scripted import Reply
from plait.remote import connection, frames as f, server as servers
from plait.remote.client import RemoteClient
from plait.remote.server import Server
from tests.remote.ends import PID, Raw, attached, raw, serving
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import World, opened, scripted
from tests.strategies import durable_events, of_hint

pytestmark = pytest.mark.anyio

HELLO = f.Hello(f.PROTOCOL, f.shape(), "1", 1)
READ = f.encode_frame(f.Submit(1, c.ReadFleet()))


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s") / "s"


@asynccontextmanager
async def world(path: Path, client: Client | None = None) -> AsyncGenerator[tuple[Server, RemoteClient], None]:
    """A server, and somebody attached who must notice nothing."""
    async with (
        World(scripted(Reply(match="", text="ok"))).start() as coordinator,
        serving(client or coordinator, path) as server,
        attached(path) as bystander,
    ):
        yield server, bystander
        assert isinstance(await bystander.submit(c.ReadFleet()), c.Fleet)


async def goodbye(peer: Raw) -> str:
    """The reason that the owner gives; lines before it are passed over."""
    while line := await peer.line():
        frame = f.decode_frame(line, f.RESPONSES)
        if isinstance(frame, f.Goodbye):
            assert await peer.line() == b""
            return frame.reason
    raise AssertionError("the connection ended without a reason")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"\n", "not valid JSON"),
        (b"{\n", "not valid JSON"),
        (b"\xff\xfe\n", "not valid JSON"),
        (b"null\n", "no frame"),
        (b"[]\n", "no frame"),
        (b'{"type":"Evil"}\n', "Evil"),
        (b'{"type":"Welcome"}\n', "no frame"),
        (b'{"type":"Submit","id":"1"}\n', "id is '1'"),
        (b'{"type":"Submit","id":1}\n', "lacks command"),
        (b'{"type":"Submit","id":1,"command":{"type":"Done","session":"a","seq":1}}\n', "command is not one of"),
        (b'{"type":"Submit","id":1,"command":{"type":"Say","session":"a","text":1}}\n', "text is"),
        (b'{"type":"Ping","id":1,"more":1}\n', "no field 'more'"),
        (b'{"type":"Ping","id":' + b"9" * 5000 + b"}\n", "not valid JSON"),
        (b"[" * 100_000 + b"\n", "not valid JSON"),
        (b'{"type":"Follow","id":1,"session":"s","after":' + b"[" * 900 + b"]" * 900 + b"}\n", "after"),
        (f.encode_frame(HELLO), "said already"),
        (f.encode_frame(f.Follow(1, SessionId("*"))) * 2, "fresh number"),
    ],
)
async def test_a_bad_line_ends_its_connection_with_a_reason(path: Path, line: bytes, told: str) -> None:
    async with world(path), raw(path) as peer:
        await peer.say(HELLO)
        await peer.stream.send(line + READ)
        assert told in await goodbye(peer)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (READ, "no frame that may come here"),
        (b"x" * 5_000, "longer than 4,096 bytes"),
        (f.encode_frame(replace(HELLO, protocol=99)), "Start the same version"),
        (f.encode_frame(replace(HELLO, shape="other")), "Start the same version"),
        (b'{"type":"Hello","protocol":2,"shape":"x","version":"9","pid":1,"later":"field"}\n', "is version 9"),
    ],
)
async def test_nobody_gets_in_with_a_wrong_first_line(path: Path, line: bytes, told: str) -> None:
    async with world(path) as (server, _), raw(path) as peer:
        await peer.stream.send(line)
        assert told in await goodbye(peer)
        assert server.attached == 1


async def test_a_line_of_100_mb_is_not_taken_in(path: Path) -> None:
    async with world(path), raw(path) as peer:
        await peer.say(HELLO)
        sent, piece = 0, b"x" * 1_000_000
        with suppress(anyio.BrokenResourceError):
            while True:
                await peer.stream.send(piece)
                sent += len(piece)
        assert f.FRAME_CAP - len(piece) <= sent <= f.FRAME_CAP + 2_000_000


async def test_a_line_that_is_cut_off_was_not_said(path: Path) -> None:
    line = f.encode_frame(f.Submit(1, c.OpenSession("/shop")))
    async with world(path) as (server, bystander):
        for cut in (1, len(line) // 2, len(line) - 1):  # the last one lacks nothing but its line feed
            async with raw(path) as peer:
                await peer.say(HELLO)
                await peer.stream.send(line[:cut])
        await until(lambda: server.connections == 1)
        await anyio.wait_all_tasks_blocked()
        assert await bystander.sessions() == ()


async def test_who_has_said_nothing_yet_would_not_take_over(path: Path) -> None:
    async with world(path) as (server, _), raw(path):
        await until(lambda: server.connections == 2)
        assert server.attached == 1


async def test_too_many_are_sent_away_with_a_sentence(path: Path) -> None:
    async with world(path) as (server, _), anyio.create_task_group() as tasks:

        async def stay() -> None:
            async with raw(path) as peer:
                await peer.say(HELLO)
                await anyio.sleep_forever()

        for _ in range(servers.MOST - 1):
            tasks.start_soon(stay)
        await until(lambda: server.connections == servers.MOST)
        with pytest.raises(OwnerError, match="128 others"):
            async with attached(path):
                raise AssertionError("it must not attach")
        tasks.cancel_scope.cancel()


async def test_who_floods_is_read_no_further(path: Path) -> None:
    """Commands that are not answered yet are bounded: whoever sends more waits, and nobody else."""

    class Slow:
        """Answers nobody but who asks for the fleet."""

        begun = 0

        async def submit(self, command: c.Command) -> c.Reply:
            """See `Client`."""
            if isinstance(command, c.ReadFleet):
                return c.Fleet((), c.GateFigures(0, 0, 0))
            self.begun += 1
            await anyio.sleep_forever()
            raise AssertionError

        async def follow(self, session: SessionId, after: e.Cursor | None = None) -> AsyncGenerator[e.Stamped, None]:
            """See `Client`."""
            raise BadFrame("never")
            yield

        async def sessions(self) -> tuple[c.SessionInfo, ...]:
            """See `Client`."""
            return ()

    slow = Slow()
    async with world(path, slow), raw(path) as peer, anyio.create_task_group() as tasks:

        async def flood() -> None:
            while True:
                await peer.stream.send(f.encode_frame(f.Submit(1, c.ReadModels())) * 100)

        await peer.say(HELLO)
        tasks.start_soon(flood)
        await until(lambda: slow.begun == connection.BUSY)
        await anyio.wait_all_tasks_blocked()
        assert slow.begun == connection.BUSY
        tasks.cancel_scope.cancel()


async def test_what_fails_inside_is_a_refusal_and_the_connection_goes_on(path: Path) -> None:
    class Failing:
        """A client with a fault."""

        async def submit(self, command: c.Command) -> c.Reply:
            """See `Client`."""
            if isinstance(command, c.ReadModels):
                raise ZeroDivisionError
            return c.Fleet((), c.GateFigures(0, 0, 0))

        async def follow(self, session: SessionId, after: e.Cursor | None = None) -> AsyncGenerator[e.Stamped, None]:
            """See `Client`."""
            raise ZeroDivisionError
            yield

        async def sessions(self) -> tuple[c.SessionInfo, ...]:
            """See `Client`."""
            raise StoreError("The disk cannot be read.")

    async with world(path, Failing()), attached(path) as client:
        refused = await client.submit(c.ReadModels())
        assert isinstance(refused, c.Refused)
        assert "ZeroDivisionError" in refused.text
        with pytest.raises(PlaitError, match="ZeroDivisionError"):
            async with aclosing(client.follow(SessionId("s"))) as events:
                await anext(events)
        with pytest.raises(StoreError, match="cannot be read"):
            await client.sessions()
        assert isinstance(await client.submit(c.ReadFleet()), c.Fleet)


async def test_an_error_where_one_is_attached_goes_on_as_it_is(path: Path) -> None:
    """Else what fails there, a test among it, would seem to have gone well."""

    async def fail() -> None:
        async with attached(path) as client:
            await client.sessions()
            raise ZeroDivisionError

    async with World(scripted()).start() as coordinator, serving(coordinator, path):
        with pytest.raises(ZeroDivisionError):
            await fail()


async def test_a_list_too_long_for_a_line_is_an_error_and_no_end_of_the_owner(path: Path) -> None:
    """Whoever took it for the owner's end would wait for the next owner, for ever."""
    async with World(scripted()).start() as coordinator:
        await opened(coordinator)
        (row,) = await coordinator.sessions()

        class Long:
            """A client with a session that takes more than a line."""

            submit, follow = coordinator.submit, coordinator.follow

            async def sessions(self) -> tuple[c.SessionInfo, ...]:
                """See `Client`."""
                return (replace(row, first="x" * f.FRAME_CAP),)

        async with world(path, Long()), attached(path) as client:
            with pytest.raises(PlaitError, match="more than the 104,857,600 of one line") as raised:
                await client.sessions()
            assert not isinstance(raised.value, OwnerError), raised.value
            assert isinstance(await client.submit(c.ReadFleet()), c.Fleet)


async def test_an_owner_of_another_version_is_a_sentence(path: Path) -> None:
    async def answer(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(f.encode_frame(f.Welcome(f.PROTOCOL, "other", "9.9", PID, 1)))
            await anyio.sleep_forever()

    listener = await anyio.create_unix_listener(path)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        with pytest.raises(OwnerError, match=rf"process {PID}\) is version 9.9.*Leave that one first"):
            async with attached(path):
                raise AssertionError("it must not attach")
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("said", [b"", b"nonsense\n", b'{"type":"Welcome"}\n', b'{"type":"Pong","id":1}\n' + b"[" * 50_000, b"y" * 5_000])
async def test_an_owner_that_talks_nonsense_is_an_error(path: Path, said: bytes) -> None:
    async def answer(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(said)

    listener = await anyio.create_unix_listener(path)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        with pytest.raises(OwnerError), anyio.fail_after(LIMIT):
            async with attached(path):
                raise AssertionError("it must not attach")
        tasks.cancel_scope.cancel()


async def test_a_message_too_long_for_a_line_is_refused_where_it_is_written(path: Path) -> None:
    async with world(path), attached(path) as client:
        refused = await client.submit(c.Say(SessionId("s"), "\x01" * (18 * 1024 * 1024)))
        assert isinstance(refused, c.Refused)
        assert "more than the 104,857,600 of one line" in refused.text


@given(command=of_hint(c.Command))
@settings(max_examples=50)
def test_every_command_survives_a_line(command: c.Command) -> None:
    frame = f.Submit(1, command)
    line = f.encode_frame(frame)
    assert line.count(b"\n") == 1
    assert f.encode_frame(f.decode_frame(line, f.REQUESTS)) == line


@given(event=durable_events())
@settings(max_examples=50)
def test_every_event_survives_a_line(event: e.Durable) -> None:
    frame = f.Happened(1, e.Stamped(SessionId("s"), 1, 0.0, event))
    line = f.encode_frame(frame)
    assert f.encode_frame(f.decode_frame(line, f.RESPONSES)) == line


@given(noise=st.binary(max_size=60), at=st.integers(0, 200))
@settings(max_examples=100)
def test_no_noise_is_more_than_a_bad_frame(noise: bytes, at: int) -> None:
    line = f.encode_frame(f.Submit(1, c.Say(SessionId("s"), "text")))
    with suppress(BadFrame):
        f.decode_frame(line[:at] + noise + line[at:], f.REQUESTS)


async def test_attaching_and_going_leaks_nothing(path: Path) -> None:
    async with world(path) as (server, bystander):
        fds = len(os.listdir("/proc/self/fd"))
        session = await opened_by(bystander)
        for number in range(300):
            async with attached(path) as client, aclosing(client.follow(session, e.Cursor(0, 0))) as events:
                await anext(events)
                if number % 3 == 0:
                    client._wire.close()  # without a word
        await until(lambda: server.connections == 1)
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= fds
        status = await bystander.submit(c.ReadInternals())
        assert isinstance(status, c.Internals)
        assert [held.readers for held in status.held if held.info.id == session] in ([0], [])


async def opened_by(client: Client) -> SessionId:
    reply = await client.submit(c.OpenSession("/shop"))
    assert isinstance(reply, c.Done)
    return reply.session


async def test_what_was_asked_when_the_connection_ended_says_so(path: Path) -> None:
    async with World(scripted()).start() as coordinator:
        session = await opened(coordinator)
        async with serving(coordinator, path), attached(path) as client:
            client._wire.close()
            for ask in (client.submit(c.ReadFleet()), client.sessions(), anext(client.follow(session))):
                with pytest.raises(OwnerLost):
                    await ask
