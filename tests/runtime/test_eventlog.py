"""The log: whatever the pace of a reader and whenever it starts, it is given everything durable once, in order, and every character."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings, strategies as st

from plait.core import events as e
from plait.core.messages import AssistantMessage, Turn
from plait.core.session import Session
from plait.runtime.eventlog import CROWDED, EventLog
from plait.runtime.weight import OBJECTS, weight
from tests.core.histories import Player
from tests.core.test_session import OPENED
from tests.runtime.waiting import LIMIT, until

pytestmark = pytest.mark.anyio

ONE = Turn(2)


class Life:
    """A session whose events go to a log, and a store that keeps what was committed."""

    def __init__(self, capacity: int = 4, capacity_bytes: int = 10**6) -> None:
        self.player = Player()
        self.stored: list[e.Stamped] = []
        self.reads: list[tuple[int, int]] = []
        self.log = EventLog(self.player.session, self.read, capacity, capacity_bytes)
        self.happen(OPENED)
        self.commit()

    @property
    def session(self) -> Session:
        return self.player.session

    def read(self, after: int, upto: int) -> Sequence[e.Stamped]:
        self.reads.append((after, upto))
        return [one for one in self.stored if one.seq is not None and after < one.seq <= upto]

    def happen(self, *events: e.Event) -> None:
        for event in events:
            before = len(self.player.durable)
            self.player.play(event)
            durable = self.player.durable[before:]
            self.log.append(durable[0] if durable else e.Stamped(self.session.id, None, 0.0, event))

    def commit(self, most: int = 10**9) -> None:
        self.stored = self.player.durable[: len(self.stored) + most]
        self.log.commit(self.stored[-1].seq or 0)


@dataclass
class Reader:
    """A front end: it shows text as it comes, and knows what it has been given. It takes as many events as it may."""

    life: Life
    after: e.Cursor | None
    may_take: int = 10**9
    given: list[e.Stamped] = field(default_factory=list)
    began: int = -1
    log_is_open: bool = False
    shown: str = ""
    faults: list[str] = field(default_factory=list)
    permits: anyio.Event = field(default_factory=anyio.Event)

    async def run(self) -> None:
        """Follow for ever; `began` is the last event that it is not given."""
        async with aclosing(self.life.log.follow(self.after)) as events:
            while True:
                while len(self.given) >= self.may_take:
                    await self.permits.wait()
                if not self.log_is_open:
                    self.log_is_open, last = True, self.life.session.seq
                    self.began = (self.life.stored[-1].seq or 0) if self.after is None else min(max(0, self.after.seq), last)
                self.take(await anext(events))

    def allow(self, more: int) -> None:
        self.may_take += more
        self.permits.set()
        self.permits = anyio.Event()

    def take(self, stamped: e.Stamped) -> None:
        self.given.append(stamped)
        match stamped.event:
            case e.AnswerDelta(text=text):
                self.shown += text
            case e.InProgress(text=text) | e.AssistantSaid(message=AssistantMessage(text=text)):
                if not text.startswith(self.shown):
                    self.faults.append(f"was shown {self.shown!r} of {text!r}")
                self.shown = "" if isinstance(stamped.event, e.AssistantSaid) else text
            case _:
                pass

    @property
    def durable(self) -> list[int]:
        return [one.seq for one in self.given if one.seq is not None]


async def test_a_durable_event_is_given_once_it_is_committed_and_not_before() -> None:
    life = Life()
    reader = Reader(life, None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.run)
        await until(lambda: life.log.attended)
        life.happen(e.UserSaid("hi"), e.SlotAwaited(ONE, 1))
        await anyio.wait_all_tasks_blocked()
        assert reader.given == []  # what comes after it waits behind it
        life.commit()
        await until(lambda: len(reader.given) == 2)
        assert [type(one.event) for one in reader.given] == [e.UserSaid, e.SlotAwaited]
        tasks.cancel_scope.cancel()
    assert not life.log.attended


async def test_news_of_the_store_overtake_what_waits_for_it() -> None:
    life = Life()
    before, late = Reader(life, None), Reader(life, None)
    life.happen(e.UserSaid("hi"), e.TurnStarted(ONE))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(before.run)
        await until(lambda: life.log.attended)
        life.happen(e.AnswerDelta(ONE, "ab"))
        life.log.tell(e.Stamped(life.session.id, None, 0.0, e.StoreTrouble("The disk is full. Make room.")))
        await until(lambda: len(before.given) == 1)
        tasks.start_soon(late.run)  # while it lasts, whoever comes is told too
        await until(lambda: len(late.given) == 1)
        assert isinstance(late.given[0].event, e.StoreTrouble)
        life.commit()
        life.log.tell(e.Stamped(life.session.id, None, 0.0, e.StoreRecovered()))
        await until(lambda: before.durable == [2, 3] == late.durable and before.shown == late.shown == "ab")
        for reader in (before, late):
            assert [one.event for one in reader.given if isinstance(one.event, e.StoreRecovered)] == [e.StoreRecovered()]
        after = Reader(life, None)
        tasks.start_soon(after.run)
        await until(lambda: after.shown == "ab")
        assert not any(isinstance(one.event, e.StoreTrouble | e.StoreRecovered) for one in after.given)
        tasks.cancel_scope.cancel()


async def test_what_has_left_the_ring_comes_from_the_store() -> None:
    life = Life(capacity=3)
    slow = Reader(life, e.Cursor(0, 0), may_take=1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(slow.run)
        await until(lambda: len(slow.given) == 1)
        for number in range(50):
            life.happen(e.Noted(str(number)))
        life.commit()
        slow.allow(10**9)
        await until(lambda: len(slow.durable) == 51)
        assert slow.durable == list(range(1, 52))
        assert life.reads[-1][1] == 51
        tasks.cancel_scope.cancel()


async def test_whoever_comes_while_a_call_waits_is_told_what_for() -> None:
    life = Life()
    life.happen(e.UserSaid("hi"), e.TurnStarted(ONE), e.CallDelayed(ONE, "Too many. Wait.", 30.0, 2, 5))
    life.commit()
    during, after = Reader(life, None), Reader(life, None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(during.run)
        await until(lambda: len(during.given) == 1)
        assert isinstance(during.given[0].event, e.CallDelayed)
        life.happen(e.AnswerDelta(ONE, "at last"))
        tasks.start_soon(after.run)
        await until(lambda: after.shown == "at last" == during.shown)
        assert [type(one.event) for one in after.given] == [e.InProgress]
        tasks.cancel_scope.cancel()


def test_the_ring_is_bounded_by_events_and_by_bytes() -> None:
    life = Life(capacity=3)
    for _ in range(20):
        life.happen(e.Noted("x"))
        life.commit()
    assert "[3 events" in repr(life.log)
    life = Life(capacity=1_000, capacity_bytes=5_000)
    life.happen(e.UserSaid("hi"), e.TurnStarted(ONE))
    for _ in range(100):
        life.happen(e.AnswerDelta(ONE, "y" * 800, "z" * 100))
        life.commit()
        held = int(repr(life.log).split(" bytes")[0].split()[-1])
        assert held <= 5_000
    assert f"[4 events, {4 * (OBJECTS + 900)} bytes" in repr(life.log)


def test_an_event_larger_than_the_ring_is_left_to_the_store() -> None:
    life = Life(capacity_bytes=1_000)
    life.happen(e.UserSaid("x" * 5_000))
    assert weight(life.player.durable[-1]) == 5_000 + OBJECTS
    life.commit()
    assert "[0 events, 0 bytes" in repr(life.log)


def test_what_is_not_committed_stays_and_is_told_to_be_too_much() -> None:
    life = Life(capacity=3)
    life.happen(e.UserSaid("hi"), e.TurnStarted(ONE))
    for _ in range(CROWDED * 3):
        life.happen(e.AnswerDelta(ONE, "x"))
    assert life.log.crowded
    life.commit()
    assert not life.log.crowded
    assert "[3 events" in repr(life.log)


@pytest.mark.parametrize("seq", [-1, 0, 2, 10**18])
async def test_any_cursor_has_a_meaning(seq: int) -> None:
    life = Life()
    life.happen(e.Noted("a"), e.Noted("b"))
    life.commit()
    reader = Reader(life, e.Cursor(7, seq))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.run)
        await until(lambda: life.log.attended)
        life.happen(e.Noted("c"))
        life.commit()
        await until(lambda: 4 in reader.durable)
        tasks.cancel_scope.cancel()
    assert reader.durable == list(range(max(0, min(seq, 3)) + 1, 5))


ACTIONS = st.sampled_from(["delta", "delta", "delta", "save", "said", "note", "commit", "commit", "some", "reader", "take", "step", "news"])


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 6), st.lists(st.tuples(ACTIONS, st.integers(0, 6)), max_size=60))
def test_every_reader_is_shown_everything(capacity: int, plan: list[Any]) -> None:
    anyio.run(_play, capacity, plan)


async def _play(capacity: int, plan: list[tuple[str, int]]) -> None:
    life, readers = Life(capacity), list[Reader]()
    life.happen(e.UserSaid("hi"), e.TurnStarted(ONE))
    async with anyio.create_task_group() as tasks:
        for place, (action, number) in enumerate(plan):
            match action:
                case "delta":
                    life.happen(e.AnswerDelta(ONE, f"<{place}>"))
                case "save":
                    life.happen(e.AnswerProgress(ONE, *life.session.answer.unsaved))
                case "said":
                    life.happen(e.AssistantSaid(ONE, AssistantMessage(life.session.answer.text), "end"))
                case "note":
                    life.happen(e.Noted(str(place)))
                case "commit":
                    life.commit()
                case "some":
                    life.commit(number)
                case "news":
                    life.log.tell(e.Stamped(life.session.id, None, 0.0, e.StoreTrouble("Full. Wait.") if number else e.StoreRecovered()))
                case "reader":
                    after = None if number == 0 else e.Cursor(0, number)
                    readers.append(Reader(life, after, may_take=0 if number % 2 else 10**9))
                    tasks.start_soon(readers[-1].run)
                case "take":
                    for reader in readers[number : number + 1]:
                        reader.allow(1)
                case _:
                    for _ in range(number):
                        await anyio.lowlevel.checkpoint()
            for reader in readers:
                assert all(seq <= (life.stored[-1].seq or 0) for seq in reader.durable)
        life.commit()
        last = life.session.seq
        for reader in readers:
            reader.allow(10**9)
        life.happen(e.AnswerDelta(ONE, "the end"))
        with anyio.fail_after(LIMIT):
            await until(lambda: all(reader.shown == life.session.answer.text for reader in readers))
        for reader in readers:
            assert reader.faults == []
            assert reader.durable == list(range(reader.began + 1, last + 1))
        tasks.cancel_scope.cancel()
