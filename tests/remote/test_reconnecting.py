"""Whoever holds the sessions, over every change of their owner: nothing is told twice, nothing is lost, no command is carried out twice."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import anyio
import pytest
from anyio.abc import TaskStatus
from hypothesis import given, settings, strategies as st

from plait.config import load
from plait.core import commands as c, events as e
from plait.core.errors import NoOwner, OwnerError, StoreBusy, StoreError
from plait.core.filing_commands import TagSession
from plait.core.messages import CallId, SessionId, ToolResult, Turn
from plait.core.revision_commands import ForkSession
from plait.models.scripted import Reply
from plait.owning import apply_settings, session_client
from plait.paths import find_paths
from plait.program import Program
from plait.remote import lost_answers
from plait.remote.client import RemoteClient
from plait.remote.ownership import TAKEN_OVER, Owned
from plait.remote.reconnecting import ReconnectingClient
from plait.runtime.coordinator import Coordinator
from plait.store.owner import announced, lock_path, take_ownership
from plait.store.sqlite import Finding
from tests.remote.ends import attached, serving
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import World, ask, ended, opened, said, scripted, shown
from tests.strategies import of_hint

pytestmark = pytest.mark.anyio

SCRIPT = '[[reply]]\nmatch = "stream"\nwords = 40\nper_second = 100\n'


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a short path."""
    with tempfile.TemporaryDirectory(prefix="h") as folder:
        (Path(folder) / "script.toml").write_text(SCRIPT)
        yield Path(folder)


def program(home: Path, **flags: str | float) -> Program:
    environ = {"PLAIT_HOME": str(home), "TMPDIR": str(home), "PLAIT_AUTO_NAMES": "0", "PLAIT_MODEL": f"scripted:{home}/script.toml"}
    return Program(load(None, environ, flags), find_paths(environ), environ, str(home))


def none_found(finding: Finding) -> None:
    raise AssertionError(finding.text)


@dataclass
class Seat:
    """A client of a home's sessions, and what its user was told."""

    home: Path
    told: list[str] = field(default_factory=list)
    quiet: bool = False
    client: ReconnectingClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = session_client(program(self.home), none_found, self.told.append, 5.0, quiet=self.quiet)


async def done(client: ReconnectingClient, command: c.Command) -> c.Done:
    with anyio.fail_after(LIMIT):
        reply = await client.submit(command)
    assert isinstance(reply, c.Done), reply
    return reply


async def test_one_owns_another_takes_over_and_who_follows_notices_nothing(home: Path) -> None:
    first, second, third = Seat(home), Seat(home), Seat(home)
    told: list[e.Stamped] = []
    leave, left = anyio.Event(), anyio.Event()

    async def own(*, task_status: TaskStatus[None]) -> None:
        async with first.client:
            task_status.started()
            await leave.wait()
        left.set()

    async with anyio.create_task_group() as tasks:
        await tasks.start(own)
        async with second.client as guest, third.client as follower:
            assert (first.client.attached_to, guest.attached_to, follower.attached_to) == (0, os.getpid(), os.getpid())
            await until(lambda: first.client.others == 2)
            session = (await done(guest, c.EnterProject(str(home)))).session

            async def follow() -> None:
                async with aclosing(follower.follow(session, e.Cursor(0, 0))) as events:
                    async for stamped in events:
                        told.append(stamped)

            tasks.start_soon(follow)
            for number in range(5):
                await done(follower, c.Say(session, f"message {number}"))
                if number == 2:
                    leave.set()
            await left.wait()
            await until(lambda: sum(isinstance(one.event, e.TurnEnded) for one in told) == 5)
            heirs = [seat.told.count(TAKEN_OVER) for seat in (first, second, third)]  # before the next one leaves
            tasks.cancel_scope.cancel()
    seqs = [one.seq for one in told if one.seq is not None]
    assert seqs == list(range(1, len(seqs) + 1))
    assert [one.event.text for one in told if isinstance(one.event, e.UserSaid)] == [f"message {number}" for number in range(5)]
    assert heirs in ([0, 1, 0], [0, 0, 1])


async def seated(seat: Seat, leave: anyio.Event, *, task_status: TaskStatus[None]) -> None:
    """Own the sessions until it is time to leave."""
    async with seat.client:
        task_status.started()
        await leave.wait()


async def test_a_prompt_takes_over_before_scripts_do(home: Path) -> None:
    """However many scripts are attached: one of them would soon leave the sessions again, and knows other models perhaps."""
    prompt, scripts, leave = Seat(home), [Seat(home, quiet=True) for _ in range(4)], anyio.Event()
    async with anyio.create_task_group() as tasks:
        await tasks.start(seated, Seat(home), leave)
        async with AsyncExitStack() as stack:
            for seat in (*scripts, prompt):
                await stack.enter_async_context(seat.client)
            session = (await done(prompt.client, c.EnterProject(str(home)))).session
            leave.set()
            await until(lambda: prompt.told == [TAKEN_OVER])
            await done(scripts[0].client, c.RenameSession(session, "meanwhile"))
            assert prompt.client.attached_to == 0
            assert all(script.client.attached_to for script in scripts)


async def test_a_script_takes_over_where_there_is_no_prompt(home: Path) -> None:
    script, leave = Seat(home, quiet=True), anyio.Event()
    async with anyio.create_task_group() as tasks:
        await tasks.start(seated, Seat(home), leave)
        async with script.client as client:
            session = (await done(client, c.EnterProject(str(home)))).session
            leave.set()
            await until(lambda: not client.attached_to)
            await done(client, c.RenameSession(session, "meanwhile"))


async def test_who_steps_aside_is_not_counted_on_and_comes_back_without_a_word(home: Path) -> None:
    owner, guest = Seat(home), Seat(home)
    async with owner.client, guest.client as client:
        session = (await done(client, c.EnterProject(str(home)))).session
        async with aclosing(client.follow(session, e.Cursor(0, 0))) as events:
            assert (await anext(events)).seq == 1
            client.step_aside()  # and the process would be stopped in this very moment
            await until(lambda: owner.client.others == 0)
            await done(owner.client, c.RenameSession(session, "meanwhile"))
            assert (await anext(events)).event == e.Renamed("meanwhile", by_hand=True)
        assert owner.client.others == 1
    assert (owner.told, guest.told) == ([], [])


async def test_eight_at_once_have_one_owner(home: Path) -> None:
    seats = [Seat(home) for _ in range(8)]
    sessions: set[SessionId] = set()
    all_in = anyio.Event()

    async def come(seat: Seat) -> None:
        async with seat.client:
            sessions.add((await done(seat.client, c.EnterProject(str(home)))).session)
            owners.append(not seat.client.attached_to)
            if len(owners) == 8:
                all_in.set()
            await all_in.wait()

    owners: list[bool] = []
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            for seat in seats:
                tasks.start_soon(come, seat)
    assert (sum(owners), len(sessions)) == (1, 1)
    assert announced(home / "data" / "plait.db")[1] == ""  # the last one leaves no socket behind


async def test_a_database_that_is_not_shared_is_waited_for_and_then_told(home: Path) -> None:
    (home / "data").mkdir()
    lock = take_ownership(home / "data" / "plait.db")
    with pytest.raises(StoreBusy, match=str(os.getpid())):
        async with session_client(program(home), none_found, print, 0.1):
            raise AssertionError("it is another's")
    seat = Seat(home)
    async with anyio.create_task_group() as tasks:

        async def let_go() -> None:
            await until(lambda: bool(seat.told))
            lock.release()

        tasks.start_soon(let_go)
        async with seat.client as client:
            await done(client, c.EnterProject(str(home)))
    assert "Waiting" in seat.told[0]


async def test_a_dead_owners_place_that_is_not_trusted_keeps_nobody_from_owning(home: Path) -> None:
    folder = home / "open"
    folder.mkdir()
    folder.chmod(0o755)
    (home / "data").mkdir()
    (folder / "s").touch()
    (home / "data" / "plait.db.lock").write_text(f"1\n{folder}/s\n")
    async with Seat(home).client as client:
        assert client.attached_to == 0
        await done(client, c.EnterProject(str(home)))
    (home / "data" / "plait.db.lock").write_text(f"1\n{folder}/s\n")
    lock = take_ownership(home / "data" / "plait.db")
    (home / "data" / "plait.db.lock").write_text(f"1\n{folder}/s\n")
    with pytest.raises(OwnerError, match="open to other users"):  # while somebody has it, why one cannot attach is told
        async with Seat(home).client:
            raise AssertionError("it is another's")
    lock.release()


async def test_what_keeps_it_from_being_opened_is_raised(home: Path) -> None:
    (home / "data" / "plait.db").mkdir(parents=True)
    with pytest.raises((StoreError, OSError)):
        async with session_client(program(home), none_found, print, 5.0):
            raise AssertionError("there is no database")


async def test_flags_are_asked_for_as_changes_of_one_session(home: Path) -> None:
    async with Seat(home).client as owner, Seat(home).client as guest:
        session = (await done(guest, c.EnterProject(str(home)))).session
        other = (await done(guest, c.OpenSession(str(home)))).session
        assert await apply_settings(guest, program(home), session) == ""
        text = await apply_settings(guest, program(home, temperature=0.5, system="Be brief."), session)
        assert "temperature is 0.5" in text
        assert "system is the one given (--system)" in text
        status = await owner.submit(c.ReadStatus(session))
        assert isinstance(status, c.Status)
        assert (status.temperature, status.system) == (0.5, "Be brief.")
        assert await apply_settings(guest, program(home, temperature=0.5), session) == ""  # it is so already
        ignored = await apply_settings(guest, program(home, max_turns=3), session)
        assert "--max-turns counts in the plait that runs the sessions only" in ignored
        await done(guest, c.Say(session, "hello"))
        by_variable = replace(program(home), settings=load(None, {"PLAIT_TEMPERATURE": "1.5"}, {}))
        assert "PLAIT_TEMPERATURE counts in the plait" in await apply_settings(guest, by_variable, session)
        assert "temperature is 1.5 (PLAIT_TEMPERATURE)" in await apply_settings(guest, by_variable, other)
        assert await apply_settings(guest, program(home, temperature=1.0), other, script=True) == ""  # its own session
        await done(guest, c.ChangeSetting(other, "temperature", None))
        untouched = await owner.submit(c.ReadStatus(other))
        assert isinstance(untouched, c.Status)
        assert untouched.temperature is None


async def test_who_lost_the_lock_file_leaves_the_next_owner_its_place(home: Path) -> None:
    """Somebody removed the lock file: the second owns, and the first, which writes nothing any more, takes nothing of it along."""
    first, second, third = Seat(home), Seat(home), Seat(home)
    leave, left = anyio.Event(), anyio.Event()

    async def own(*, task_status: TaskStatus[None]) -> None:
        async with first.client:
            task_status.started()
            await leave.wait()
        left.set()

    async with anyio.create_task_group() as tasks:
        await tasks.start(own)
        lock_path(find_paths({"PLAIT_HOME": str(home)}).database).unlink()
        async with second.client:
            assert second.client.attached_to == 0
            leave.set()
            await left.wait()
            async with third.client:
                assert third.client.attached_to == os.getpid()
                assert isinstance(await third.client.submit(c.ReadFleet()), c.Fleet)


# Commands whose answer was lost.


@dataclass
class Losing:
    """Ways to one coordinator whose connection ends in the middle of the commands that `loses` knows, before or after they are done."""

    path: Path
    loses: Callable[[c.Command], bool]
    after: bool
    lost: int = 0

    def owner(self) -> int:
        """See `Ways`."""
        return 1

    @asynccontextmanager
    async def own(self, *, heir: bool) -> AsyncGenerator[Owned, None]:
        """See `Ways`."""
        raise StoreBusy("its owner is there")
        yield

    @asynccontextmanager
    async def attach(self, silence: Callable[[bool], object]) -> AsyncGenerator[RemoteClient, None]:
        """See `Ways`."""
        async with attached(self.path, silence) as client:
            submit = client.submit

            async def losing(command: c.Command) -> c.Reply:
                if not self.lost and self.loses(command):
                    self.lost += 1
                    if self.after:
                        await submit(command)
                    client._wire.close()
                return await submit(command)

            client.submit = losing  # type: ignore[method-assign]  # the connection ends at this very moment
            yield client


@pytest.mark.parametrize("after", [False, True], ids=["before it was done", "after it was done"])
async def test_a_lost_command_is_carried_out_once(tmp_path_factory: pytest.TempPathFactory, after: bool) -> None:
    folder = tmp_path_factory.mktemp("s")
    async with World(scripted()).start() as coordinator, serving(coordinator, folder / "s"):
        for number, (make, event) in enumerate(LOST):
            session = await opened(coordinator)
            if isinstance(make(session), c.ReopenSession):
                await ask(coordinator, c.CloseSession(session), c.Done)
            else:
                await ask(coordinator, c.PauseSession(session), c.Done)
            if isinstance(make(session), c.PauseSession):
                await ask(coordinator, c.UnpauseSession(session), c.Done)
            ways = Losing(folder / "s", lambda command, make=make, session=session: command == make(session), after)  # type: ignore[misc]
            async with ReconnectingClient(ways, print, 5.0, now=lambda: 0.0) as client:
                known = await client.submit(c.ReadStatus(session))
                assert isinstance(known, c.Status)
                reply = await done(client, make(session))
            assert ways.lost == 1
            log = [one for one in coordinator.world.store.read(session, known.info.seq) if isinstance(one.event, event)]
            assert len(log) == 1, number
            assert reply.session == session


LOST: list[tuple[Callable[[SessionId], c.Command], type[e.Event]]] = [
    (lambda session: c.Say(session, "hello"), e.UserSaid),
    (c.CloseSession, e.Closed),
    (c.ReopenSession, e.Reopened),
    (c.PauseSession, e.Paused),
    (c.UnpauseSession, e.Unpaused),
]


async def test_a_lost_interrupt_stops_one_turn_and_not_the_next(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("s")
    model = scripted(Reply(match="one", text="first", hang=True), Reply(match="two", text="second", hang=True))
    async with World(model).start() as coordinator, serving(coordinator, folder / "s"):
        session = await opened(coordinator)
        first, second = await said(coordinator, session, "one"), await said(coordinator, session, "two")
        await shown(coordinator, session, "first")
        ways = Losing(folder / "s", lambda command: isinstance(command, c.Interrupt), True)
        async with ReconnectingClient(ways, print, 5.0, now=lambda: 0.0) as client:
            assert isinstance(await client.submit(c.ReadStatus(session)), c.Status)
            await done(client, c.Interrupt(session))
            assert (await ended(coordinator, session, first)).ending == "interrupted"
            await shown(coordinator, session, "second")
            assert (await coordinator.managed(session)).session.running == second


async def test_a_tag_that_was_taken_off_is_not_missed_where_the_answer_was_lost(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("s")
    async with World(scripted()).start() as coordinator, serving(coordinator, folder / "s"):
        session = await opened(coordinator)
        await ask(coordinator, TagSession(session, ("red", "blue")), c.Done)
        ways = Losing(folder / "s", lambda command: isinstance(command, TagSession), True)
        async with ReconnectingClient(ways, print, 5.0, now=lambda: 0.0) as client:
            assert isinstance(await client.submit(c.ReadStatus(session)), c.Status)
            await done(client, TagSession(session, remove=("red",)))
        assert (await coordinator.managed(session)).session.filing.tags == ("blue",)


@pytest.mark.parametrize("name", ["", "own-name"])
async def test_a_lost_open_and_a_lost_fork_make_one_session_each(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("s")
    async with World(scripted()).start() as coordinator, serving(coordinator, folder / "s"):
        async with ReconnectingClient(Losing(folder / "s", lambda command: isinstance(command, c.OpenSession), True), print, 5.0) as client:
            session = (await done(client, c.OpenSession("/shop", name))).session
        assert [row.id for row in await coordinator.sessions()] == [session]
        await ended(coordinator, session, await said(coordinator, session, "hello"))
        async with ReconnectingClient(Losing(folder / "s", lambda command: isinstance(command, ForkSession), True), print, 5.0) as client:
            fork = (await done(client, ForkSession(session, name and "other-name"))).session
        assert {row.id for row in await coordinator.sessions()} == {session, fork}


async def test_who_names_the_session_that_it_wants_makes_no_second_one() -> None:
    async with World(scripted()).start() as coordinator:
        wanted = c.OpenSession("/shop", id=SessionId("00000000abcd"))
        first = await ask(coordinator, wanted, c.Done)
        await ask(coordinator, c.CloseSession(first.session), c.Done)
        assert (await ask(coordinator, wanted, c.Done)).session == first.session == wanted.id
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(coordinator.submit, c.OpenSession("/shop", id=SessionId("00000000abce")))
        assert len(await coordinator.sessions()) == 2
        refused = await coordinator.submit(c.OpenSession("/shop", id=SessionId("../x")))
        assert isinstance(refused, c.Refused)
        assert "12 hex digits" in refused.text


@given(st.data())
@settings(max_examples=20)
def test_of_every_command_it_is_decided_what_becomes_of_a_lost_one(data: st.DataObject) -> None:
    for kind in get_args(c.Command):
        command = data.draw(of_hint(kind))
        ways = (
            isinstance(command, lost_answers.REPEATABLE),
            isinstance(command, lost_answers.UNSURE),
            lost_answers.trace_of(command) is not None,
        )
        assert sum(ways) == 1, kind


def test_the_trace_of_an_answer_is_that_of_its_call() -> None:
    trace = lost_answers.trace_of(c.AnswerQuestion(SessionId("s"), CallId("one"), "yes"))
    assert trace is not None
    assert trace(e.QuestionAnswered(Turn(1), ToolResult(CallId("one"), "ask_user", "yes", "done")))
    assert not trace(e.QuestionAnswered(Turn(1), ToolResult(CallId("two"), "ask_user", "yes", "done")))


@dataclass
class Failing:
    """The way to an owner that leaves; then the database cannot be opened, so many times."""

    path: Path
    coordinator: Coordinator
    failures: int
    heir: bool = False

    def owner(self) -> int:
        """See `Ways`."""
        return 1

    @asynccontextmanager
    async def own(self, *, heir: bool) -> AsyncGenerator[Owned, None]:
        """See `Ways`."""
        self.failures -= 1
        self.heir = heir
        if self.failures >= 0:
            raise StoreError("The disk is gone. Bring it back.")
        yield Owned(self.coordinator, None)

    @asynccontextmanager
    async def attach(self, silence: Callable[[bool], object]) -> AsyncGenerator[RemoteClient, None]:
        """See `Ways`."""
        if not self.path.exists():
            raise NoOwner("It has left.")
        async with attached(self.path, silence) as client:
            yield client


async def test_an_heir_that_cannot_open_the_database_says_so_and_tries_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("s") / "s"
    told: list[str] = []
    async with World(scripted()).start() as coordinator:
        ways = Failing(path, coordinator, 2)  # what may be over at once is told when it has lasted
        async with anyio.create_task_group() as tasks:
            leave = anyio.Event()

            async def own(*, task_status: TaskStatus[None]) -> None:
                async with serving(coordinator, path):
                    task_status.started()
                    await leave.wait()
                    os.unlink(path)

            await tasks.start(own)
            async with ReconnectingClient(ways, told.append, 1.0) as client:
                leave.set()
                await until(lambda: ways.failures == -1)
                assert isinstance(await client.submit(c.ReadFleet()), c.Fleet)
    assert ways.heir
    assert told == ["The disk is gone. Bring it back. Waiting; Ctrl+D leaves.", TAKEN_OVER]


async def test_a_start_that_cannot_open_the_database_raises_why() -> None:
    async with World(scripted()).start() as coordinator:
        with pytest.raises(StoreError, match="The disk is gone"):
            async with ReconnectingClient(Failing(Path("/none"), coordinator, 1), print, 1.0):
                raise AssertionError("there is none")
