"""The journal: nothing is acknowledged before it is written, everything is written in order, and a failing store loses nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import anyio
import pytest
from hypothesis import given, settings, strategies as st

from plait.core import events as e
from plait.core.commands import info_of
from plait.core.errors import SequenceConflict, StoreError
from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Project
from plait.core.session import Session
from plait.runtime import journal as journals
from plait.runtime.journal import CAP, CAP_BYTES, Journal
from plait.runtime.recovery import fold
from tests.runtime.failing import FULL, FailingStore
from tests.runtime.waiting import LIMIT, until
from tests.timing import within

pytestmark = pytest.mark.anyio

SHOP = Project(ProjectId("shop-a7b3c2d1"), "shop", "/shop", 1.0)
A, B = SessionId("a"), SessionId("b")


class Desk:
    """A journal over a store that may fail, and sessions that write to it."""

    def __init__(self) -> None:
        self.store = FailingStore()
        self.store.project(SHOP)
        self.committed: list[tuple[SessionId, int]] = []
        self.told: list[tuple[SessionId, str]] = []
        self.sessions: dict[SessionId, Session] = {}
        self.journal = Journal(self.store, lambda *end: self.committed.append(end), lambda *news: self.told.append(news))

    def record(self, session: SessionId, event: e.Event) -> int:
        if session not in self.sessions:
            self.sessions[session] = Session(session)
            self.journal.opened(session, 0)
            self.record(session, e.SessionOpened(session, "development", SHOP.id, "/shop"))
        folded = self.sessions[session]
        stamped = e.Stamped(session, folded.seq + 1, 1.0, event)
        folded.apply(stamped)
        self.journal.record(info_of(folded, draft=False), stamped)
        return folded.seq

    def note(self, session: SessionId, text: str = "x") -> int:
        return self.record(session, e.Noted(text))

    def on_disk(self, session: SessionId) -> int:
        return len(self.store.read(session))


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.store.recover()


@asynccontextmanager
async def running(desk: Desk) -> AsyncGenerator[Journal, None]:
    desk.journal.start()
    try:
        with anyio.fail_after(LIMIT):
            yield desk.journal
    finally:
        await desk.journal.aclose()


async def test_the_barrier_opens_when_it_is_on_disk(desk: Desk) -> None:
    async with running(desk) as journal:
        seq = desk.note(A)
        await journal.durable(A, seq)
        assert desk.on_disk(A) == seq == 2
        assert journal.durable_seq(A) == 2
        assert desk.committed[-1] == (A, 2)
        await until(lambda: desk.store.tidied > 0)  # and only then what can wait


async def test_nothing_is_told_durable_before_the_store_has_returned(desk: Desk) -> None:
    desk.store.hold()
    async with running(desk) as journal:
        seq = desk.note(A)
        await until(lambda: desk.store.attempts == 1)
        passed = False

        async def wait() -> None:
            nonlocal passed
            await journal.durable(A, seq)
            passed = True

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert not passed
            assert desk.committed == []
            assert journal.waiting == 2
            desk.store.recover()
        assert passed
        assert journal.waiting == 0


async def test_the_barrier_of_a_later_event_stays_shut_when_an_earlier_one_is_written(desk: Desk) -> None:
    async with running(desk) as journal:
        await journal.durable(A, desk.note(A))
        attempts = desk.store.attempts
        desk.store.hold()
        first = desk.note(A)
        await until(lambda: desk.store.attempts > attempts)
        second, passed = desk.note(A), list[int]()

        async def wait(seq: int) -> None:
            await journal.durable(A, seq)
            passed.append(seq)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, second)
            tasks.start_soon(wait, first)
            await anyio.wait_all_tasks_blocked()
            held = desk.store.fault
            desk.store.fail()
            assert held is not None
            held.held.set()
            await until(lambda: bool(desk.told) and bool(passed))
            assert passed == [first]
            desk.store.recover()
        assert passed == [first, second]


async def test_what_comes_during_a_commit_goes_into_the_next_one_together(desk: Desk) -> None:
    desk.store.hold()
    async with running(desk) as journal:
        desk.note(A)
        await until(lambda: desk.store.attempts == 1)
        last = [desk.note(session) for _ in range(20) for session in (A, B)][-2:]
        desk.store.recover()
        await journal.durable(A, last[0])
        await journal.durable(B, last[1])
        assert len(desk.store.groups) == 2
        assert sum(desk.store.groups) == 22 + 21 == desk.on_disk(A) + desk.on_disk(B)


async def test_a_group_has_its_cap(desk: Desk) -> None:
    desk.store.hold()
    async with running(desk) as journal:
        desk.note(A)
        await until(lambda: desk.store.attempts == 1)
        last = [desk.note(A) for _ in range(journals.GROUP + 100)][-1]
        desk.store.recover()
        await journal.durable(A, last)
        assert max(desk.store.groups) <= journals.GROUP


async def test_a_failing_store_is_told_and_what_waits_is_kept_and_written_in_order(desk: Desk) -> None:
    async with running(desk) as journal:
        await journal.durable(A, desk.note(A, "before"))
        desk.store.fail()
        for number in range(50):
            desk.note(A, str(number))
        await until(lambda: bool(desk.told))
        assert desk.told == [(A, FULL)]
        assert (journal.trouble, journal.trouble_of(A), journal.trouble_of(B)) == (FULL, FULL, "")
        assert "failing" in repr(journal)
        desk.note(A, "later")
        attempts = desk.store.attempts
        await until(lambda: desk.store.attempts > attempts)  # tried again by itself
        assert desk.told == [(A, FULL)]  # and told once
        assert desk.on_disk(A) == 2
        desk.store.recover()
        await journal.durable(A, desk.sessions[A].seq)
        await until(lambda: len(desk.told) == 2)
        assert desk.told[1] == (A, "")
        assert journal.trouble == ""
        texts = [one.event.text for one in desk.store.read(A) if isinstance(one.event, e.Noted)]
        assert texts == ["before", *map(str, range(50)), "later"]


@pytest.mark.parametrize("error", [SequenceConflict("Somebody else wrote. Start again."), RuntimeError("a bug")], ids=type)
async def test_one_sessions_refusal_holds_up_no_other(desk: Desk, error: Exception) -> None:
    async with running(desk) as journal:
        await journal.durable(A, desk.note(A))
        await journal.durable(B, desk.note(B))
        desk.store.fail(error, only={A})
        desk.note(A)
        for _ in range(20):
            desk.note(A)
            await journal.durable(B, desk.note(B))
        await until(lambda: bool(desk.told))
        assert {session for session, _ in desk.told} == {A}
        assert desk.on_disk(A) == 2
        assert desk.on_disk(B) == 22
        desk.store.recover()
        await journal.durable(A, desk.sessions[A].seq)
    assert fold(A, desk.store.read(A)).seq == desk.sessions[A].seq == 23


@pytest.mark.parametrize("size", [1, CAP_BYTES // 100], ids=["events", "text"])
async def test_it_is_full_only_when_it_fails_and_only_at_the_cap(desk: Desk, size: int) -> None:
    async with running(desk) as journal:
        await journal.durable(A, desk.note(A))
        desk.store.fail()
        desk.note(A)
        await until(lambda: bool(journal.trouble))
        text, count = "x" * size, 0
        assert not journal.full
        while not journal.full:
            desk.note(A, text)
            count += 1
        assert count <= (CAP if size == 1 else 101)
        assert count >= (CAP - 5 if size == 1 else 99)
        desk.store.recover()
        await journal.durable(A, desk.sessions[A].seq)
        assert not journal.full


async def test_closing_writes_what_waits(desk: Desk) -> None:
    desk.journal.start()
    for _ in range(2_000):
        desk.note(A)
    assert await desk.journal.aclose() == 0
    assert desk.on_disk(A) == 2_001


async def test_closing_over_a_failing_store_says_how_much_is_lost_and_lets_nobody_wait(desk: Desk) -> None:
    desk.journal.start()
    await desk.journal.durable(A, desk.note(A))
    desk.store.fail()
    seqs = [desk.note(A), desk.note(A)]
    refused: list[str] = []

    async def wait(seq: int) -> None:
        with pytest.raises(StoreError) as error:
            await desk.journal.durable(A, seq)
        refused.append(str(error.value))

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            for seq in seqs:
                tasks.start_soon(wait, seq)
            await until(lambda: bool(desk.told))
            assert await desk.journal.aclose() == 2
    assert len(refused) == 2
    assert FULL in refused[0]
    with pytest.raises(StoreError):
        await desk.journal.durable(A, desk.note(A))
    await desk.journal.durable(A, 2)  # what is on disk stays acknowledged


async def test_closing_does_not_wait_for_a_disk_that_hangs(desk: Desk) -> None:
    desk.store.hold()
    desk.journal.start()
    desk.note(A)
    with within(2.0):
        assert await desk.journal.aclose() == 2


async def test_closing_what_never_started_is_nothing(desk: Desk) -> None:
    assert await desk.journal.aclose() == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["note", "note", "note", "fail", "fail one", "recover", "wait"]), st.sampled_from([A, B])), max_size=30
    )
)
def test_whatever_the_disk_does_each_session_lies_there_in_order(plan: list[tuple[str, SessionId]]) -> None:
    anyio.run(_play, plan)


async def _play(plan: list[tuple[str, SessionId]]) -> None:
    desk = Desk()
    async with running(desk) as journal:
        for action, session in plan:
            match action:
                case "note":
                    desk.note(session)
                case "fail":
                    desk.store.fail()
                case "fail one":
                    desk.store.fail(only={session})
                case "recover":
                    desk.store.recover()
                case _:
                    await anyio.wait_all_tasks_blocked()
            for known in desk.sessions:
                assert journal.durable_seq(known) <= desk.on_disk(known)
        desk.store.recover()
        for known, folded in desk.sessions.items():
            await journal.durable(known, folded.seq)
            assert [one.seq for one in desk.store.read(known)] == list(range(1, folded.seq + 1))
    assert {row.id: row.seq for row in desk.store.sessions()} == {known: folded.seq for known, folded in desk.sessions.items()}
