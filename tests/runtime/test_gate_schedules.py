"""The gate under any schedule of calls, ends, cancellations, pauses and rate limits: each start of a call is held against its rules."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings, strategies as st

from plait.core.commands import GateFigures
from plait.core.errors import Overloaded, RateLimited
from plait.core.messages import Finished, ModelEvent, ModelRequest, SessionId, TextDelta, UserMessage
from plait.runtime.gate import TIMER_STEP, Gate, Watcher
from tests.runtime.clock import run_jumping

SESSIONS = tuple(SessionId(one) for one in "abcd")
PROVIDERS = {"free": None, "slow": 6}
"""Requests per minute by provider."""
SLACK = 10 * TIMER_STEP
MOST_FAULTS = 4
"""A call has five attempts, so that none that is played here ends by faults alone."""


@dataclass
class Call:
    """One call of a schedule. `due` is when a call that is to be tried again is back in the queue."""

    number: int
    session: SessionId
    provider: str
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    end: anyio.Event = field(default_factory=anyio.Event)
    fault: RateLimited | Overloaded | None = None
    faults: int = 0
    due: float = 0.0
    place: int = 0
    state: str = "waits"
    starts: list[float] = field(default_factory=list)


class Board:
    """The gate, the calls, and what is known of the providers; it is the providers' other end too."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.calls: list[Call] = []
        self.shown: set[SessionId] = set()
        self.paused: set[SessionId] = set()
        self.held_until = dict.fromkeys(PROVIDERS, 0.0)
        self.sent_at = dict.fromkeys(PROVIDERS, -60.0)
        self.passed: list[tuple[Call, float]] = []
        """Calls that came after another, and when: they must have got a slot in the same moment."""
        self.changes = 0
        self.gate = Gate(
            limit,
            self.shown.__contains__,
            lambda: 0.0,
            requests_per_minute=PROVIDERS.__getitem__,
            on_change=self._changed,
            held=self.paused.__contains__,
        )

    def _changed(self) -> None:
        self.changes += 1

    def running(self) -> list[Call]:
        """The calls that have a slot."""
        return [call for call in self.calls if call.state == "runs"]

    def waiting(self) -> list[Call]:
        """The calls that are in the queue, in the order of the rules."""
        there = [call for call in self.calls if call.state == "waits" and call.due <= anyio.current_time()]
        return sorted(there, key=lambda call: (call.session in self.paused, call.session not in self.shown, call.number))

    def could_start(self, provider: str) -> float:
        """The moment from which on the provider may be sent another call."""
        rate = PROVIDERS[provider]
        return max(self.held_until[provider], 0.0 if rate is None else self.sent_at[provider] + 60 / rate)

    def may_start(self, call: Call) -> bool:
        """Whether nothing but the lack of a slot holds this call."""
        return call.session not in self.paused and anyio.current_time() >= self.could_start(call.provider)

    def started(self, call: Call) -> None:
        """A call has got its slot: was it its turn?"""
        assert self.may_start(call)
        now, waiting = anyio.current_time(), self.waiting()
        # One that comes back to the queue in this very moment may find the slot taken.
        before = [one for one in waiting[: waiting.index(call)] if self.may_start(one) and (one.due < now or not one.faults)]
        self.passed += [(one, now) for one in before]
        call.state = "runs"
        call.starts.append(now)
        self.sent_at[call.provider] = now
        assert len(self.running()) <= self.limit

    async def run(self, call: Call) -> None:
        """The life of a call."""
        request = ModelRequest("m", (UserMessage(str(call.number)),))
        watcher = Watcher(lambda place: setattr(call, "place", place), lambda *delay: setattr(call, "due", anyio.current_time() + delay[1]))
        heard: list[ModelEvent] = []
        with call.scope:
            async with aclosing(self.gate.stream(call.session, Provider(call.provider, self, call), request, watcher)) as events:
                heard = [event async for event in events]
        call.state = "gone" if call.scope.cancelled_caught else "done"
        assert call.state == "gone" or heard == [TextDelta("x"), Finished("end")]

    def look(self) -> None:
        """What must hold whenever nothing moves."""
        assert all(at in call.starts for call, at in self.passed)
        self.passed.clear()
        waiting, running = self.waiting(), self.running()
        figures = self.gate.report()
        assert (figures.running, figures.queued) == (len(running), len(waiting))
        assert [one.session for one in self.gate.order()] == [call.session for call in waiting]
        assert [call.place for call in waiting] == list(range(1, len(waiting) + 1)) or not waiting
        if len(running) < self.limit:  # nobody waits without a reason, but for what a timer is late
            now = anyio.current_time()
            assert [call for call in waiting if self.may_start(call) and now - self.could_start(call.provider) > SLACK] == []


@dataclass
class Provider:
    """The model's side of one call: it goes on when the schedule says so, and fails as the schedule says."""

    name: str
    board: Board
    call: Call
    can_call_tools: bool = False

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `ModelProvider.stream`."""
        call = self.call
        self.board.started(call)
        try:
            await call.end.wait()
            call.end = anyio.Event()
            if call.fault is not None:
                fault, call.fault = call.fault, None
                call.due = float("inf")  # until the gate tells the delay
                if isinstance(fault, RateLimited):
                    until = anyio.current_time() + self.board.gate.delay(fault, call.faults)
                    self.board.held_until[self.name] = max(self.board.held_until[self.name], until)
                raise fault
            yield TextDelta("x")
            yield Finished("end")
        finally:
            call.state = "waits"

    async def aclose(self) -> None:
        """Nothing is held."""


NUMBERS = st.integers(0, 11)
STEPS = st.one_of(
    st.tuples(st.just("start"), st.sampled_from(range(8))),
    st.tuples(st.just("start"), st.sampled_from(range(8))),
    st.tuples(st.sampled_from(["finish", "cancel", "429", "529"]), NUMBERS),
    st.tuples(st.sampled_from(["show", "hide", "pause", "unpause"]), st.sampled_from(range(4))),
    st.tuples(st.just("wait"), st.sampled_from([1, 11, 40])),
)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3), st.lists(STEPS, min_size=1, max_size=40))
def test_any_schedule_keeps_the_rules_and_leaks_nothing(limit: int, steps: list[tuple[str, int]]) -> None:
    run_jumping(_play, limit, steps)


async def _play(limit: int, steps: list[tuple[str, int]]) -> None:
    board = Board(limit)
    async with anyio.create_task_group() as tasks:
        for action, number in steps:
            match action:
                case "start":
                    call = Call(len(board.calls), SESSIONS[number % 4], tuple(PROVIDERS)[number // 4])
                    board.calls.append(call)
                    tasks.start_soon(board.run, call)
                case "wait":
                    await anyio.sleep(number)
                case "show" | "hide" | "pause" | "unpause":
                    _toggle(board, action, SESSIONS[number])
                case _:
                    _end(board, action, number)
            await _quiet()
            board.look()
        board.paused.clear()
        board.gate.serve()
        while left := [call for call in board.calls if call.state in ("waits", "runs")]:
            for call in left:
                call.end.set()
            await anyio.sleep(10)
    assert all(call.state == "done" or (call.state == "gone" and call.scope.cancel_called) for call in board.calls)
    await anyio.sleep(100)
    assert board.gate.report() == GateFigures(0, 0, limit)


def _toggle(board: Board, action: str, session: SessionId) -> None:
    where = board.shown if action in ("show", "hide") else board.paused
    if action in ("show", "pause"):
        where.add(session)
    else:
        where.discard(session)
    board.gate.serve()


def _end(board: Board, action: str, number: int) -> None:
    """End one of the calls that run, or cancel one of any."""
    alive = [call for call in board.calls if call.state in ("waits", "runs") and (action == "cancel" or call.state == "runs")]
    if not alive:
        return
    call = alive[number % len(alive)]
    if action == "cancel":
        call.scope.cancel()
        return
    if action != "finish" and call.faults < MOST_FAULTS:
        call.faults += 1
        call.fault = RateLimited("Too many. Wait.", 5.0 * (number % 3)) if action == "429" else Overloaded("Busy. Wait.")
    call.end.set()


async def _quiet() -> None:
    """Let everything come to rest that does not wait for a timer."""
    for _ in range(30):
        await anyio.lowlevel.checkpoint()


def test_requests_are_spread_over_the_minute_and_no_other_provider_waits() -> None:
    run_jumping(_spread)


async def _spread() -> None:
    board = Board(10)
    async with anyio.create_task_group() as tasks:
        for number in range(8):
            call = Call(number, SESSIONS[0], "slow" if number < 4 else "free")
            board.calls.append(call)
            tasks.start_soon(board.run, call)
        sent: list[float] = []
        await _quiet()
        assert [call.state for call in board.calls] == ["runs", "waits", "waits", "waits", "runs", "runs", "runs", "runs"]
        while board.waiting():
            sent.append(board.sent_at["slow"])
            await anyio.sleep(10 + TIMER_STEP)
            await _quiet()
        assert [*sent, board.sent_at["slow"]] == pytest.approx([0, 10, 20, 30], abs=SLACK)
        for call in board.calls:
            call.end.set()


def test_room_that_has_come_long_ago_is_not_waited_for() -> None:
    run_jumping(_room)


async def _room() -> None:
    board = Board(1)
    first, second, third = (Call(number, SESSIONS[number], "slow") for number in range(3))
    board.calls += [first, second, third]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(board.run, first)
        await anyio.sleep(9)
        first.end.set()
        tasks.start_soon(board.run, second)
        await anyio.sleep(1 + SLACK)
        assert second.state == "runs"  # ten seconds after the first, not after it was asked for
        second.end.set()
        await anyio.sleep(100)
        tasks.start_soon(board.run, third)
        await _quiet()
        assert third.state == "runs"
        third.end.set()


def test_a_watcher_that_fails_is_no_other_calls_affair(caplog: pytest.LogCaptureFixture) -> None:
    run_jumping(_broken_watcher)
    assert "could not be told its place" in caplog.text


async def _broken_watcher() -> None:
    board = Board(1)
    first, last = Call(0, SESSIONS[0], "free"), Call(2, SESSIONS[2], "free")
    board.calls += [first, last]

    def broken(place: int) -> None:
        raise ZeroDivisionError

    async def unlucky() -> None:
        call = Call(1, SESSIONS[1], "free")
        call.end.set()
        board.calls.insert(1, call)
        provider = Provider("free", board, call)
        async for _ in board.gate.stream(call.session, provider, ModelRequest("m", ()), Watcher(broken, lambda *delay: None)):
            pass
        call.state = "done"

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(board.run, first)
        await _quiet()
        tasks.start_soon(unlucky)
        tasks.start_soon(board.run, last)
        await _quiet()
        assert last.place == 2
        first.end.set()
        last.end.set()
    assert board.gate.report() == GateFigures(0, 0, 1)
