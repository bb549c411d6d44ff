"""Going back, going forth again and branching off, over the whole runtime: what is refused, what is kept, what is on disk together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given, settings, strategies as st

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.messages import Attachment, SessionId, Turn, UserMessage
from plait.core.ports import Write
from plait.core.revision_commands import ChangeDirectory, ContinueLast, EditMessage, ForkSession, ReadTurns, Redo, Rewind, Turns
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.runtime.coordinator import Coordinator
from plait.runtime.recovery import fold
from tests.runtime.failing import FailingStore
from tests.runtime.waiting import until
from tests.runtime.world import World, ask, ended, last_word, opened, said, scripted, shown, turned

pytestmark = pytest.mark.anyio

SLOW = Reply(match="slow", words=2_000, per_second=100)


def world(*replies: Reply, **more: object) -> World:
    """A world whose model repeats what it is told, unless a reply says otherwise."""
    return World(scripted(*replies), **more)  # type: ignore[arg-type]


async def talked(coordinator: Coordinator, *words: str) -> SessionId:
    """A session in which these were said and answered."""
    session = await opened(coordinator, name="auth")
    for word in words:
        await turned(coordinator, session, word)
    return session


async def turns(coordinator: Coordinator, session: SessionId) -> Turns:
    """The messages of a session by their numbers."""
    return await ask(coordinator, ReadTurns(session), Turns)


async def texts(coordinator: Coordinator, session: SessionId) -> list[str]:
    """The user's messages that the model is told of."""
    return [one.text for one in (await turns(coordinator, session)).turns]


def told(world: World) -> list[str]:
    """What the user had said, as the model was told last."""
    return [message.text for message in world.model.requests[-1].messages if isinstance(message, UserMessage)]


async def test_what_was_taken_back_is_told_no_more_and_comes_back_with_redo() -> None:
    here = world()
    async with here.start() as coordinator:
        session = await talked(coordinator, "one", "two", "three")
        before = await turns(coordinator, session)
        assert [line.number for line in before.turns] == [1, 2, 3]
        await ask(coordinator, Rewind(session, before.turns[1].turn), c.Done)
        after = await turns(coordinator, session)
        assert ([line.text for line in after.turns], after.total, after.can_redo) == (["one"], 1, True)
        assert here.log(session)[-1] == e.Rewound(before.turns[1].turn, "two", 4)
        await ask(coordinator, Redo(session), c.Done)
        assert here.log(session)[-1] == e.Redone("two", 4)
        assert await turns(coordinator, session) == before
        await ask(coordinator, Rewind(session), c.Done)
        await turned(coordinator, session, "four")
        assert told(here) == ["one", "two", "four"]
        assert [event.text for event in here.log(session) if isinstance(event, e.UserSaid)] == ["one", "two", "three", "four"]
        await ask(coordinator, Redo(session), c.Refused)
        await ask(coordinator, Rewind(session), c.Done)
    async with here.start() as coordinator:
        assert await texts(coordinator, session) == ["one", "two"]
        await ask(coordinator, Redo(session), c.Done)
        assert await texts(coordinator, session) == ["one", "two", "four"]


async def test_what_cannot_be_taken_back_is_refused_with_the_way_out() -> None:
    here = world(SLOW)
    async with here.start() as coordinator:
        session = await talked(coordinator)
        for command in (Rewind(session), EditMessage(session, "other")):
            assert "Send a message first" in (await ask(coordinator, command, c.Refused)).text
        await turned(coordinator, session, "one")
        assert "taken back already" in (await ask(coordinator, Rewind(session, Turn(99)), c.Refused)).text
        assert "/redo undoes" in (await ask(coordinator, Redo(session), c.Refused)).text
        assert "empty" in (await ask(coordinator, EditMessage(session, " "), c.Refused)).text
        await ask(coordinator, Rewind(session), c.Done)
        assert "/redo brings back" in (await ask(coordinator, Rewind(session), c.Refused)).text
        await said(coordinator, session, "slow")
        seq = (await ask(coordinator, c.ReadStatus(session), c.Status)).info.seq
        for busy in (Rewind(session), Redo(session), EditMessage(session, "other")):
            refused = await ask(coordinator, busy, c.Refused)
            assert "A turn is running" in refused.text
            assert "/interrupt" in refused.text
        events = here.log(session)[seq:]
        assert not any(isinstance(event, (e.Rewound, e.Redone)) for event in events)


async def test_an_edited_message_keeps_its_files_and_stands_in_the_place_of_the_old_one() -> None:
    here = world()
    note, more = Attachment("a.py", "x = 1"), Attachment("b.py", "y = 2")
    async with here.start() as coordinator:
        session = await talked(coordinator, "one")
        await ask(coordinator, c.Say(session, "look at @a.py", (note,)), c.Done)
        await until(lambda: len(here.answers(session)) == 2)
        await until(lambda: not coordinator.turns)
        edited = await ask(
            coordinator, EditMessage(session, "look at @a.py and @b.py", attachments=(Attachment("a.py", "new"), more)), c.Done
        )
        await until(lambda: len(here.answers(session)) == 3)
        assert [line.text for line in (await turns(coordinator, session)).turns] == ["one", "look at @a.py and @b.py"]
        rewound, new = here.log(session)[edited.seq - 2 : edited.seq]
        assert isinstance(rewound, e.Rewound)
        assert rewound.replaced
        assert new == e.UserSaid("look at @a.py and @b.py", (note, more))


class Splitting(FailingStore):
    """A store that looks at each commit as a crash after it would leave it."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: list[str] = []

    def append(self, writes: Sequence[Write]) -> None:
        """As the store in memory; then what is there is looked at."""
        super().append(writes)
        for write in writes:
            log = self.read(write.row.id)
            if isinstance(log[-1].event, e.Rewound) and log[-1].event.replaced:
                self.broken.append("a message was taken back, and what stands in its place is missing")
            fold(write.row.id, log)


async def test_no_commit_parts_an_edit_or_a_fork() -> None:
    """A crash between two commits finds both halves, or none."""
    store = Splitting()
    here = world(store=store)
    async with here.start() as coordinator:
        session = await talked(coordinator, *(f"message {number}" for number in range(8)))
        for number in range(20):
            done = await ask(coordinator, EditMessage(session, f"other {number}"), c.Done)
            await until(lambda seq=done.seq: any(event.turn == seq for event in here.answers(session)))  # type: ignore[misc]
            await until(lambda: not coordinator.turns)
        groups = len(store.groups)
        fork = await ask(coordinator, ForkSession(session), c.Done)
        mine = [group for group in store.groups[groups:] if group >= fork.seq]
        assert len(mine) == 1, "the events of a fork are one commit"
    assert not store.broken


async def test_a_fork_is_a_session_of_its_own_with_the_old_times() -> None:
    here = world()
    async with here.start() as coordinator:
        session = await talked(coordinator, "one", "two")
        await ask(coordinator, c.ChangeSetting(session, "temperature", 0.5), c.Done)
        fork = (await ask(coordinator, ForkSession(session), c.Done)).session
        original = await ask(coordinator, c.ReadStatus(session), c.Status)
        copy = await ask(coordinator, c.ReadStatus(fork), c.Status)
        assert (copy.info.name, copy.info.forked_from, copy.info.directory) == ("auth-2", session, original.info.directory)
        assert (copy.temperature, copy.cost, copy.usage.input, copy.info.unread) == (0.5, 0.0, 0, 0)
        assert await texts(coordinator, fork) == ["one", "two"]
        times = {one.event.text: one.at for one in here.store.read(session) if isinstance(one.event, e.UserSaid)}
        assert times == {one.event.text: one.at for one in here.store.read(fork) if isinstance(one.event, e.UserSaid)}
        await ask(coordinator, c.ChangeSetting(fork, "temperature", None), c.Done)
        await turned(coordinator, fork, "three")
        assert await texts(coordinator, session) == ["one", "two"]
        assert told(here) == ["one", "two", "three"]
        again = (await ask(coordinator, ForkSession(fork, upto=(await turns(coordinator, fork)).turns[0].turn), c.Done)).session
        assert (await ask(coordinator, c.ReadStatus(again), c.Status)).info.name == "auth-3"
        assert await texts(coordinator, again) == ["one"]
        assert "never was there" in (await ask(coordinator, ForkSession(session, upto=Turn(99)), c.Refused)).text
    async with here.start() as coordinator:
        assert await texts(coordinator, fork) == ["one", "two", "three"]


async def test_a_fork_takes_what_is_finished_while_the_original_goes_on() -> None:
    here = world(SLOW)
    async with here.start() as coordinator:
        session = await talked(coordinator, "one")
        turn = await said(coordinator, session, "slow")
        await shown(coordinator, session, " ")
        assert "not finished" in (await ask(coordinator, ForkSession(session, upto=turn), c.Refused)).text
        fork = (await ask(coordinator, ForkSession(session, "other-way"), c.Done)).session
        assert await texts(coordinator, fork) == ["one"]
        assert (await ask(coordinator, c.ReadStatus(session), c.Status)).running == turn
        assert "has a session 'other-way' already" in (await ask(coordinator, ForkSession(session, "other-way"), c.Refused)).text


async def test_forks_at_the_same_moment_get_names_of_their_own_and_keep_the_limit() -> None:
    here = world(defaults=Defaults(max_sessions=4))
    replies: list[c.Reply] = []
    async with here.start() as coordinator:
        session = await talked(coordinator, "one")

        async def fork() -> None:
            replies.append(await coordinator.submit(ForkSession(session)))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(fork)
        assert sorted(row.name for row in await coordinator.sessions()) == ["auth", "auth-2", "auth-3", "auth-4"]
        refused = [reply for reply in replies if isinstance(reply, c.Refused)]
        assert len(refused) == 2
        assert all("4 of 4 sessions" in reply.text for reply in refused)


async def test_who_follows_a_fork_is_told_nothing_before_it_is_on_disk() -> None:
    store = FailingStore()
    here = world(store=store)
    told: list[int] = []
    async with here.start() as coordinator:
        session = await talked(coordinator, "one", "two")
        store.hold()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(coordinator.submit, ForkSession(session))
            await until(lambda: len(coordinator.list.open()) == 2)
            (fork,) = [row for row in coordinator.list.open() if row.id != session]

            async def follow() -> None:
                async with aclosing(coordinator.follow(fork.id, e.Cursor(0, 0))) as events:
                    async for stamped in events:
                        told.append(stamped.seq or 0)

            tasks.start_soon(follow)
            await anyio.wait_all_tasks_blocked()
            assert not told
            store.recover()
            await until(lambda: len(told) == fork.seq)
            assert told == list(range(1, fork.seq + 1))
            tasks.cancel_scope.cancel()


async def test_there_is_nothing_to_branch_off_from_before_an_answer_and_none_over_the_limit() -> None:
    here = world(defaults=Defaults(max_sessions=1))
    async with here.start() as coordinator:
        session = await talked(coordinator)
        assert "nothing to branch off" in (await ask(coordinator, ForkSession(session), c.Refused)).text
        await turned(coordinator, session, "one")
        assert "1 of 1 sessions" in (await ask(coordinator, ForkSession(session), c.Refused)).text
        assert len(await coordinator.sessions()) == 1


async def test_what_was_taken_back_is_no_news_and_gives_no_name() -> None:
    here = world(named=last_word)
    async with here.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "fix login")
        await until(lambda: any(isinstance(event, e.Renamed) for event in here.log(session)))
        await ask(coordinator, Rewind(session), c.Done)
        row = next(row for row in await coordinator.sessions() if row.id == session)
        assert (row.state, row.unread, row.messages) == (SessionState.ACTIVE, 0, 2)
        news = await ask(coordinator, c.ReadNews(session), c.News)
        assert (news.lines, news.events) == (0, ())
        await turned(coordinator, session, "write docs")
        await until(lambda: e.Renamed("docs", by_hand=False) in here.log(session))
        for word in ("again", "more"):
            await turned(coordinator, session, word)
        await ask(coordinator, Rewind(session, (await turns(coordinator, session)).turns[0].turn), c.Done)
        name = next(row.name for row in await coordinator.sessions() if row.id == session)
        await turned(coordinator, session, "something else")
        await anyio.wait_all_tasks_blocked()
        assert next(row.name for row in await coordinator.sessions() if row.id == session) == name, "the name is fixed after the third"


async def test_a_session_can_work_in_another_directory_also_while_it_is_closed() -> None:
    here = world()
    async with here.start() as coordinator:
        session = await talked(coordinator, "one")
        assert "not an absolute path" in (await ask(coordinator, ChangeDirectory(session, "shop"), c.Refused)).text
        await ask(coordinator, c.CloseSession(session), c.Done)
        await ask(coordinator, ChangeDirectory(session, "/elsewhere"), c.Done)
        seq = (await ask(coordinator, ChangeDirectory(session, "/elsewhere"), c.Done)).seq
        assert here.log(session)[-1] == e.DirectoryChanged("/elsewhere")
        assert len(here.log(session)) == seq, "nothing is recorded for no change"
        (row,) = await coordinator.sessions()
        assert (row.directory, row.state) == ("/elsewhere", SessionState.COMPLETED)


async def test_one_goes_on_in_the_session_used_last_here_or_else_anywhere() -> None:
    here = world()
    async with here.start() as coordinator:
        assert "Start plait without -c" in (await ask(coordinator, ContinueLast("/shop"), c.Refused)).text
        mine = await talked(coordinator, "one")
        other = await opened(coordinator, "/docs", "manual")
        await turned(coordinator, other, "two")
        await opened(coordinator, "/shop")
        assert (await ask(coordinator, ContinueLast("/shop/src"), c.Done)).session == mine
        assert (await ask(coordinator, ContinueLast("/nowhere"), c.Done)).session == other
        await ask(coordinator, c.CloseSession(mine), c.Done)
        assert (await ask(coordinator, ContinueLast("/shop"), c.Done)).session == mine
        assert next(row.state for row in await coordinator.sessions() if row.id == mine) is SessionState.ACTIVE


async def test_the_pages_of_messages() -> None:
    here = world()
    async with here.start() as coordinator:
        session = await talked(coordinator, "one", "two", "three", "four")
        page = await ask(coordinator, ReadTurns(session, before=4, limit=2), Turns)
        assert ([(line.number, line.text) for line in page.turns], page.total) == ([(2, "two"), (3, "three")], 4)
        assert (await ask(coordinator, ReadTurns(session, before=1), Turns)).turns == ()
        assert "Give positive numbers" in (await ask(coordinator, ReadTurns(session, before=0), c.Refused)).text


@dataclass
class Expected:
    """What a session tells its model, kept in the plainest way: a list, and what was taken off its end."""

    told: list[str] = field(default_factory=list)
    back: list[list[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """Everything that was ever said."""

    def say(self, text: str) -> None:
        self.told.append(text)
        self.said.append(text)
        self.back.clear()

    def rewind(self, place: int) -> None:
        self.back.append(self.told[place:])
        del self.told[place:]

    def redo(self) -> None:
        self.told += self.back.pop()


KINDS = ("say", "say", "say", "rewind", "redo", "edit", "fork", "retry", "restart")
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 9)), min_size=1, max_size=20)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_any_way_back_and_forth_tells_what_a_list_would(steps: list[tuple[str, int]]) -> None:
    anyio.run(_walk, steps)


async def _walk(steps: list[tuple[str, int]]) -> None:
    """Each step on the session used last; after each, every session tells what its list says, also after a restart."""
    here, sessions = world(defaults=Defaults(max_sessions=50)), list[tuple[SessionId, Expected]]()
    coordinator = await here.start().__aenter__()
    try:
        sessions.append((await opened(coordinator), Expected()))
        for number, (step, choice) in enumerate(steps):
            if step == "restart":
                await coordinator.__aexit__(None, None, None)
                coordinator = await here.start().__aenter__()
            else:
                await _step(coordinator, sessions, step, choice, f"text {number}")
            for session, expected in sessions:
                assert await texts(coordinator, session) == expected.told
                assert [event.text for event in here.log(session) if isinstance(event, e.UserSaid)] == expected.said
    finally:
        await coordinator.__aexit__(None, None, None)


async def _step(coordinator: Coordinator, sessions: list[tuple[SessionId, Expected]], step: str, choice: int, text: str) -> None:
    """One step, and what it is expected to do; where the list says that it cannot be done, it is refused."""
    session, expected = sessions[choice % len(sessions)]
    lines = (await turns(coordinator, session)).turns
    place = choice % len(lines) if lines else 0
    turn = lines[place].turn if lines else None
    match step:
        case "say":
            await turned(coordinator, session, text)
            expected.say(text)
        case "rewind":
            await ask(coordinator, Rewind(session, turn), c.Done if lines else c.Refused)
            if lines:
                expected.rewind(place)
        case "redo":
            await ask(coordinator, Redo(session), c.Done if expected.back else c.Refused)
            if expected.back:
                expected.redo()
        case "edit" if lines:
            done = await ask(coordinator, EditMessage(session, text, turn), c.Done)
            await ended(coordinator, session, Turn(done.seq))
            expected.rewind(place)
            expected.say(text)
        case "retry" if lines:
            done = await ask(coordinator, c.Retry(session), c.Done)
            await ended(coordinator, session, Turn(done.seq))
            expected.back.clear()
        case "fork":
            reply = await ask(coordinator, ForkSession(session, upto=turn), c.Done if lines else c.Refused)
            if isinstance(reply, c.Done):
                copy = expected.told[: place + 1]
                sessions.append((reply.session, Expected([*copy], [], [*copy])))
