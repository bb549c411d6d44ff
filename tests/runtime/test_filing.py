"""Filing through the coordinator: tags, pin, archive, trash; and the one command that erases, which never takes more than it names."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.errors import StoreError
from plait.core.filing_commands import (
    ArchiveSession,
    DeleteSession,
    PinSession,
    Purged,
    PurgeTrash,
    ReadTrash,
    RestoreSession,
    TagSession,
    Trash,
)
from plait.core.messages import CallId, SessionId, ToolCall
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.runtime.coordinator import Coordinator
from plait.tools.ask_user import AskUser
from tests.runtime.failing import FULL, FailingStore
from tests.runtime.waiting import until
from tests.runtime.world import World, ask, opened, scripted, turned

pytestmark = pytest.mark.anyio


class Unerasing(FailingStore):
    """A store that erases nothing and keeps no draft while `willing` is off."""

    willing = True

    def purge(self, sessions: Sequence[SessionId]) -> None:
        if not self.willing:
            raise StoreError(FULL)
        super().purge(sessions)

    def keep_draft(self, draft: c.Draft, at: float) -> None:
        if not self.willing:
            raise StoreError(FULL)
        super().keep_draft(draft, at)


class Slow(FailingStore):
    """A store that keeps back what it has read of a session while `held` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.reads = False, threading.Event()
        self.asked = threading.Event()

    def settled(self, session: SessionId, after: int, most: int) -> Sequence[e.Stamped]:
        read = super().settled(session, after, most)
        if self.held:
            self.asked.set()
            self.reads.wait(60)
        return read


async def row(coordinator: Coordinator, session: SessionId) -> c.SessionInfo:
    return next(one for one in await coordinator.sessions() if one.id == session)


async def refused(coordinator: Coordinator, command: c.Command) -> str:
    return (await ask(coordinator, command, c.Refused)).text


async def deleted(coordinator: Coordinator, text: str = "hello") -> SessionId:
    """A session of two messages in the trash."""
    session = await opened(coordinator)
    await turned(coordinator, session, text)
    await ask(coordinator, DeleteSession(session), c.Done)
    return session


async def test_tags_are_changed_and_refused_whole() -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await ask(coordinator, TagSession(session, ("db", "api")), c.Done)
        await ask(coordinator, TagSession(session, ("new",), ("db",)), c.Done)
        assert (await row(coordinator, session)).tags == ("api", "new")
        before = world.log(session)
        await ask(coordinator, TagSession(session, ("api",)), c.Done)
        assert "Try 'two-words'" in await refused(coordinator, TagSession(session, ("fine", "Two Words")))
        assert "has no tag 'db'" in await refused(coordinator, TagSession(session, ("fine",), ("db",)))
        assert world.log(session) == before, "what changes nothing is no event"
        await ask(coordinator, c.CloseSession(session), c.Done)
        await ask(coordinator, TagSession(session, ("late",)), c.Done)
        await ask(coordinator, PinSession(session), c.Done)
        await ask(coordinator, PinSession(session), c.Done)
        assert world.log(session)[-2:] == [e.Tagged(("api", "late", "new")), e.Pinned(True)]
    async with world.start() as coordinator:
        kept = await row(coordinator, session)
        assert (kept.tags, kept.pinned) == (("api", "late", "new"), True)
        await ask(coordinator, PinSession(session, pinned=False), c.Done)
        assert not (await row(coordinator, session)).pinned


async def test_a_working_session_is_interrupted_and_goes_into_the_trash_and_comes_back() -> None:
    world = World(scripted(Reply(text="half", hang=True), Reply(text="whole")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await ask(coordinator, c.Say(session, "hello"), c.Done)
        await ask(coordinator, c.Say(session, "and this"), c.Done)
        await until(lambda: any(isinstance(event, e.AnswerProgress) for event in world.log(session)))
        await ask(coordinator, DeleteSession(session), c.Done)
        gone = await row(coordinator, session)
        assert (gone.state, gone.queued, bool(gone.trashed_at)) == (SessionState.COMPLETED, 0, True)
        assert world.log(session)[-2:] == [e.Closed(), e.Trashed(True)]
        assert len([event for event in world.log(session) if isinstance(event, e.TurnEnded) and event.ending == "interrupted"]) == 2
        assert "is in the trash already" in await refused(coordinator, DeleteSession(session))
        await ask(coordinator, c.ReopenSession(session), c.Done)
        back = await row(coordinator, session)
        assert (back.state, back.trashed_at) == (SessionState.ACTIVE, 0.0)
        assert (await turned(coordinator, session, "again")).ending == "done"


async def test_a_question_is_given_up_by_deleting() -> None:
    asks = Reply(calls=(ToolCall(CallId("q"), "ask_user", json.dumps({"question": "Which?"})),))
    world = World(scripted(asks), tools={"ask_user": AskUser()})
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await ask(coordinator, c.Say(session, "x"), c.Done)
        await until(lambda: any(isinstance(event, e.QuestionAsked) for event in world.log(session)))
        await ask(coordinator, DeleteSession(session), c.Done)
        assert (await row(coordinator, session)).waiting_for == ""


async def test_restoring_leaves_it_closed() -> None:
    async with World(scripted()).start() as coordinator:
        session = await deleted(coordinator)
        await ask(coordinator, RestoreSession(session), c.Done)
        back = await row(coordinator, session)
        assert (back.state, back.trashed_at) == (SessionState.COMPLETED, 0.0)
        assert "is not in the trash" in await refused(coordinator, RestoreSession(session))


async def test_the_archive_takes_a_session_closed_and_reopening_takes_it_out() -> None:
    async with World(scripted()).start() as coordinator:
        session = await opened(coordinator)
        await ask(coordinator, ArchiveSession(session), c.Done)
        kept = await row(coordinator, session)
        assert (kept.state, kept.archived) == (SessionState.COMPLETED, True)
        await ask(coordinator, ArchiveSession(session, archived=False), c.Done)
        assert "is not in the archive" in await refused(coordinator, ArchiveSession(session, archived=False))
        await ask(coordinator, ArchiveSession(session), c.Done)
        await ask(coordinator, c.ReopenSession(session), c.Done)
        back = await row(coordinator, session)
        assert (back.state, back.archived) == (SessionState.ACTIVE, False)


async def test_the_trash_tells_sizes_the_last_one_first() -> None:
    async with World(scripted()).start() as coordinator:
        sessions = [await deleted(coordinator, "x" * size) for size in (10, 10_000)]
        trash = await ask(coordinator, ReadTrash(), Trash)
        assert [one.info.id for one in trash.sessions] == sessions[::-1]
        assert trash.sessions[0].size > 10_000 > trash.sessions[1].size > 100


async def test_what_is_purged_is_gone_also_after_a_restart() -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        first, second, kept = [await deleted(coordinator) for _ in range(3)]
        events = len(world.log(first)) + len(world.log(second))
        purged = await ask(coordinator, PurgeTrash((first, second, first)), Purged)
        assert purged == Purged(2, 4, events)
        assert [one.id for one in await coordinator.sessions()] == [kept]
        assert "There is no session with the id" in await refused(coordinator, c.ReadStatus(first))
        assert "There is no session with the id" in await refused(coordinator, c.KeepDraft(first, "x"))
    async with world.start() as coordinator:
        assert [one.id for one in await coordinator.sessions()] == [kept]
        assert world.log(first) == []


@pytest.mark.parametrize("wrong", ["open", "closed", "unknown"])
async def test_a_purge_takes_nothing_that_is_not_in_the_trash(wrong: str) -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        trashed, other = await deleted(coordinator), await opened(coordinator)
        if wrong == "closed":
            await ask(coordinator, c.CloseSession(other), c.Done)
        sessions: Sequence[SessionId] = (trashed, SessionId("*") if wrong == "unknown" else other)
        before = list(await coordinator.sessions())
        assert "othing was erased" in await refused(coordinator, PurgeTrash(tuple(sessions)))
        assert list(await coordinator.sessions()) == before
        assert world.log(trashed)


async def test_what_somebody_looks_at_is_not_purged() -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        session = await deleted(coordinator)
        following = coordinator.follow(session, e.Cursor(0, 0))
        await anext(following)
        assert "is shown or in use" in await refused(coordinator, PurgeTrash((session,)))
        await following.aclose()
        assert (await ask(coordinator, PurgeTrash((session,)), Purged)).sessions == 1


async def test_where_the_disk_refuses_nothing_is_lost_from_the_list() -> None:
    store = Unerasing()
    world = World(scripted(), store)
    async with world.start() as coordinator:
        session = await deleted(coordinator)
        store.willing = False
        assert await refused(coordinator, PurgeTrash((session,))) == FULL
        assert (await row(coordinator, session)).trashed_at
        store.willing = True
        with anyio.fail_after(5):
            assert (await ask(coordinator, PurgeTrash((session,)), Purged)).sessions == 1


async def test_a_draft_that_the_disk_refused_is_written_still_after_a_purge_that_it_refused_too() -> None:
    store = Unerasing()
    world = World(scripted(), store)
    async with world.start() as coordinator:
        session = await deleted(coordinator)
        store.willing = False
        assert await refused(coordinator, c.KeepDraft(session, "dear", 4)) == FULL
        assert await refused(coordinator, PurgeTrash((session,))) == FULL
        store.willing = True
    assert (coordinator.unsaved, store.drafts()) == (0, [c.Draft(session, "dear", 4)])


async def test_what_is_being_read_into_memory_is_purged_after_that_or_not_at_all() -> None:
    store = Slow()
    world = World(scripted(), store)
    async with world.start() as coordinator:
        session = await deleted(coordinator)
        assert not coordinator.loaded
        store.held = True
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(coordinator.submit, RestoreSession(session))
            await until(store.asked.is_set)
            tasks.start_soon(coordinator.submit, PurgeTrash((session,)))
            await anyio.wait_all_tasks_blocked()
            store.reads.set()
        assert [one.id for one in await coordinator.sessions()] == [one.id for one in store.sessions()]
        assert (session in [one.id for one in store.sessions()]) == bool(world.log(session))
        assert not coordinator.journal.trouble
