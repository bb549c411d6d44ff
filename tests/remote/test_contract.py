"""What every `Client` does: the same tests over the coordinator, over a socket to it, and over who holds either."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.errors import NoOwner, UsageError
from plait.core.messages import Attachment, SessionId, Turn
from plait.core.ports import FLEET, Client
from plait.models.scripted import Reply
from plait.remote.client import RemoteClient
from plait.remote.ownership import Owned
from plait.remote.reconnecting import ReconnectingClient
from plait.runtime.coordinator import Coordinator
from tests.remote.ends import attached, serving
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import World, scripted

pytestmark = pytest.mark.anyio


@dataclass
class FixedWays:
    """Ways to one coordinator: owned, or over the socket at `path`."""

    coordinator: Coordinator
    path: Path | None = None

    def owner(self) -> int:
        """See `Ways`."""
        return 1

    @asynccontextmanager
    async def own(self, *, heir: bool) -> AsyncGenerator[Owned, None]:
        """See `Ways`."""
        yield Owned(self.coordinator, None)

    @asynccontextmanager
    async def attach(self, silence: Callable[[bool], object]) -> AsyncGenerator[RemoteClient, None]:
        """See `Ways`."""
        if self.path is None:
            raise NoOwner("Nobody is there.")
        async with attached(self.path, silence) as client:
            yield client


def in_process(coordinator: Coordinator, path: Path) -> AbstractAsyncContextManager[Client]:
    """The coordinator itself."""

    @asynccontextmanager
    async def itself() -> AsyncGenerator[Client, None]:
        yield coordinator

    return itself()


def over_a_socket(coordinator: Coordinator, path: Path) -> AbstractAsyncContextManager[Client]:
    """A twin of it."""

    @asynccontextmanager
    async def twin() -> AsyncGenerator[Client, None]:
        async with serving(coordinator, path), attached(path) as client:
            yield client

    return twin()


def holding_it(coordinator: Coordinator, path: Path) -> AbstractAsyncContextManager[Client]:
    """Whoever owns it."""
    return ReconnectingClient(FixedWays(coordinator), print, 1.0)


def holding_its_twin(coordinator: Coordinator, path: Path) -> AbstractAsyncContextManager[Client]:
    """Whoever is attached to it."""

    @asynccontextmanager
    async def twin() -> AsyncGenerator[Client, None]:
        async with serving(coordinator, path), ReconnectingClient(FixedWays(coordinator, path), print, 1.0) as client:
            yield client

    return twin()


KINDS = (in_process, over_a_socket, holding_it, holding_its_twin)
SCRIPT = (
    Reply(match="tell", text="one two three four"),
    Reply(match="wait", text="partial", hang=True),
    Reply(match="", text="ok"),
)


@dataclass
class Meeting:
    """A client, and the coordinator that it is, or that is behind it."""

    client: Client
    coordinator: Coordinator
    world: World

    async def done(self, command: c.Command) -> c.Done:
        """Submit what is answered with `Done`."""
        with anyio.fail_after(LIMIT):
            reply = await self.client.submit(command)
        assert isinstance(reply, c.Done), reply
        return reply

    async def opened(self, name: str = "") -> SessionId:
        """A fresh session."""
        return (await self.done(c.OpenSession("/shop", name))).session

    async def watched(self, session: SessionId, after: int, last: Callable[[e.Stamped], bool]) -> list[e.Stamped]:
        """What a follower is given, up to the event that `last` knows."""
        seen: list[e.Stamped] = []
        with anyio.fail_after(LIMIT):
            async with aclosing(self.client.follow(session, e.Cursor(0, after))) as events:
                async for stamped in events:
                    seen.append(stamped)
                    if last(stamped):
                        break
        return seen


Meet = Callable[[], AbstractAsyncContextManager[Meeting]]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def meeting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Meet:
    """What brings a world and a client of its sessions together."""
    path = tmp_path_factory.mktemp("s") / "s"

    @asynccontextmanager
    async def meet() -> AsyncGenerator[Meeting, None]:
        world = World(scripted(*SCRIPT))
        async with AsyncExitStack() as stack:
            coordinator = await stack.enter_async_context(world.start())
            client = await stack.enter_async_context(request.param(coordinator, path))
            yield Meeting(client, coordinator, world)

    return meet


def ends(turn: int) -> Callable[[e.Stamped], bool]:
    """Whether an event is the end of a turn."""
    return lambda stamped: isinstance(stamped.event, e.TurnEnded) and stamped.event.turn == turn


async def test_a_turn_is_followed_as_it_lies_on_disk(meeting: Meet) -> None:
    async with meeting() as at:
        session = await at.opened("shop-work")
        said = await at.done(c.Say(session, "tell me ☃ \x00 \ud800", (Attachment("/a", "text"),)))
        seen = await at.watched(session, 0, ends(said.seq))
        durable = [one for one in seen if one.seq is not None]
        assert durable == list(at.world.store.read(session))[: len(durable)]
        assert [one.seq for one in durable] == list(range(1, len(durable) + 1))
        assert [row.name for row in await at.client.sessions()] == ["shop-work"]
        assert list(await at.client.sessions()) == list(await at.coordinator.sessions())


async def test_whoever_comes_in_the_middle_is_given_the_text_so_far_first(meeting: Meet) -> None:
    async with meeting() as at:
        session = await at.opened()
        said = await at.done(c.Say(session, "wait"))
        await until(lambda: at.coordinator._managed[session].session.answer.text == "partial")
        seen = await at.watched(session, said.seq + 1, lambda one: isinstance(one.event, e.InProgress))
        assert seen[-1].event == e.InProgress(Turn(said.seq), "partial")


async def test_from_now_on_is_from_now_on(meeting: Meet) -> None:
    async with meeting() as at:
        session = await at.opened()
        with anyio.fail_after(LIMIT):
            async with aclosing(at.client.follow(session)) as events, anyio.create_task_group() as tasks:
                tasks.start_soon(rename_once_followed, at, session)
                assert (await anext(events)).event == e.Renamed("other-name", by_hand=True)


async def rename_once_followed(at: Meeting, session: SessionId) -> None:
    managed = await at.coordinator.managed(session)
    await until(lambda: managed.log.readers == 1)
    await at.done(c.RenameSession(session, "other-name"))


async def test_following_attends_the_session_until_it_ends(meeting: Meet) -> None:
    async with meeting() as at:
        session = await at.opened()
        log = (await at.coordinator.managed(session)).log
        events = at.client.follow(session, e.Cursor(0, 0))
        assert isinstance((await anext(events)).event, e.SessionOpened)
        assert log.attended
        await events.aclose()
        await at.client.submit(c.ReadStatus(session))  # what is asked for after it finds the session unattended
        assert not log.attended


async def test_what_cannot_be_done_is_refused_and_what_cannot_be_followed_raises(meeting: Meet) -> None:
    async with meeting() as at:
        nobody = SessionId("nobody")
        refused = await at.client.submit(c.Say(nobody, "hi"))
        assert isinstance(refused, c.Refused)
        assert (refused.error, "no session with the id" in refused.text) == ("UsageError", True)
        with pytest.raises(UsageError, match="no session with the id"), anyio.fail_after(LIMIT):
            await anext(at.client.follow(nobody, e.Cursor(0, 0)))


async def test_the_fleet_is_told_once_of_what_was_not_taken(meeting: Meet) -> None:
    async with meeting() as at:
        session = await at.opened()
        async with aclosing(at.client.follow(FLEET)) as changes:
            with anyio.fail_after(LIMIT):
                first = await anext(changes)
                assert (first.session, first.event) == (FLEET, e.SessionsChanged())
                for number in range(20):
                    await at.done(c.RenameSession(session, f"name-{number}"))
                await anext(changes)
                more = 0
                with anyio.move_on_after(0.2):
                    while await anext(changes):
                        more += 1
                assert more <= 1  # the first was on its way, the second stands for all that came after


async def test_what_reads_is_answered_alike(meeting: Meet) -> None:
    async with meeting() as at:
        session = await at.opened()
        said = await at.done(c.Say(session, "tell me"))
        await at.watched(session, 0, ends(said.seq))
        await at.done(c.KeepDraft(session, "half a\nmess", 3))
        for command in (
            c.ReadStatus(session),
            c.ReadNews(session),
            c.ReadHistory(session, None, 3),
            c.ReadHistory(session, 3),
            c.ReadDraft(session),
            c.ReadModels(),
            c.ReadFleet(),
            c.Search("tell"),
        ):
            assert await at.client.submit(command) == await at.coordinator.submit(command), command


async def test_a_caller_who_gives_up_harms_nobody(meeting: Meet) -> None:
    async with meeting() as at:
        session = await at.opened()
        for _ in range(20):
            with anyio.move_on_after(0):
                await at.client.submit(c.ReadStatus(session))
        await at.done(c.RenameSession(session, "still-there"))
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(at.done, c.KeepDraft(session, f"draft {number}"))
        assert isinstance(await at.client.submit(c.ReadDraft(session)), c.Draft)


async def test_commands_of_one_client_are_carried_out_in_their_order(meeting: Meet) -> None:
    async with meeting() as at:
        session = await at.opened()
        await at.done(c.PauseSession(session))
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(at.done, c.Say(session, f"message {number}"))
        texts = [event.text for event in at.world.log(session) if isinstance(event, e.UserSaid)]
        assert texts == [f"message {number}" for number in range(50)]


async def test_a_reader_that_takes_its_time_loses_nothing_durable(meeting: Meet) -> None:
    async with meeting() as at:
        session = await at.opened()
        async with aclosing(at.client.follow(session, e.Cursor(0, 0))) as events:
            await anext(events)
            for number in range(1_500):
                at.coordinator.record(session, e.Noted(f"{number} {'x' * 2_000}"))
            await until(lambda: not at.coordinator.journal.waiting)
            with anyio.fail_after(LIMIT):
                seqs = [(await anext(events)).seq for _ in range(1_500)]
        assert seqs == list(range(2, 1_502))


async def test_who_comes_at_the_same_time_goes_on_in_the_same_session(meeting: Meet) -> None:
    async with meeting() as at:
        found: set[SessionId] = set()

        async def enter() -> None:
            found.add((await at.done(c.EnterProject("/shop"))).session)

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(enter)
        assert len(found) == 1
