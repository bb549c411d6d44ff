"""The gate: its bound, its order, its pauses and retries, and that no way of stopping a call leaks a slot."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings, strategies as st

from plait.core import errors
from plait.core.messages import Finished, ModelEvent, ModelRequest, SessionId, TextDelta, UserMessage
from plait.models.scripted import Reply, ScriptedModel
from plait.runtime.gate import LONGEST_DELAY, Gate, Watcher
from tests.runtime.waiting import LIMIT, until

pytestmark = pytest.mark.anyio

A, B, C = (SessionId(one) for one in "abc")


@dataclass
class Held:
    """A model whose every call waits until it is let go; it counts how many run at once."""

    name: str = "held"
    can_call_tools: bool = False
    started: list[ModelRequest] = field(default_factory=list)
    running: int = 0
    most: int = 0
    let_go: anyio.Event = field(default_factory=anyio.Event)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.started.append(request)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.let_go.wait()
            yield TextDelta("x")
            yield Finished("end")
        finally:
            self.running -= 1

    async def aclose(self) -> None:
        """Nothing is held."""


@dataclass
class Told:
    """What a call was told while it waited."""

    places: list[int] = field(default_factory=list)
    delays: list[tuple[str, float, int, int]] = field(default_factory=list)

    def watcher(self) -> Watcher:
        return Watcher(self.places.append, lambda *delay: self.delays.append(delay))


def gate_of(limit: int = 2, attended: Callable[[SessionId], bool] = lambda _: False, attempts: int = 5) -> Gate:
    return Gate(limit, attended, lambda: 0.0, attempts)


async def call(gate: Gate, session: SessionId, provider: Held | ScriptedModel, name: str = "m", told: Told | None = None) -> str:
    """One whole call; its text."""
    text = ""
    watcher = (told or Told()).watcher()
    async with aclosing(gate.stream(session, provider, ModelRequest(name, (UserMessage("hi"),)), watcher)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                text += event.text
    return text


async def test_no_more_than_the_limit_run_and_the_rest_go_on_in_order() -> None:
    gate, model, told = gate_of(2), Held(), [Told() for _ in range(6)]
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(call, gate, A, model, str(number), told[number])
                await until(lambda number=number: gate.report().running + gate.report().queued == number + 1)  # type: ignore[misc]  # the default binds the loop's number
            assert (gate.report().running, gate.report().queued, gate.report().limit) == (2, 4, 2)
            assert "2/2, 4 queued" in repr(gate)
            model.let_go.set()
    assert [one.model for one in model.started] == list("012345")
    assert model.most == 2
    assert told[5].places == [4, 3, 2, 1, 0]
    assert told[0].places == []
    assert (gate.report().running, gate.report().queued) == (0, 0)


async def test_the_foreground_passes_what_is_queued() -> None:
    gate, model = gate_of(1, attended=lambda session: session == C), Held()
    async with anyio.create_task_group() as tasks:
        for number, session in enumerate([A, A, B, C, B]):
            tasks.start_soon(call, gate, session, model, f"{session}{number}")
            await until(lambda number=number: gate.report().queued == number)  # type: ignore[misc]  # see above
        model.let_go.set()
    assert [one.model for one in model.started] == ["a0", "c3", "a1", "b2", "b4"]


async def test_one_rate_limit_pauses_its_provider_for_everybody_and_nobody_else() -> None:
    gate, held = gate_of(3), Held("other")
    limited = ScriptedModel([Reply(error="RateLimited", retry_after=0.05, times=1, text="again")])
    told = Told()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, gate, A, limited, "m", told)
        await until(lambda: bool(told.delays))
        before = len(limited.requests)
        late = Told()
        tasks.start_soon(call, gate, B, limited, "m", late)
        await until(lambda: late.places == [1])
        assert len(limited.requests) == before  # free slots, but a pause
        tasks.start_soon(call, gate, C, held)
        await until(lambda: held.running == 1)
        held.let_go.set()
    assert len(limited.requests) == before + 2
    (_, seconds, attempt, attempts) = told.delays[0]
    assert 0.05 <= seconds < 0.5
    assert (attempt, attempts) == (2, 5)


async def test_the_rate_limit_that_ends_a_call_pauses_its_provider_as_well() -> None:
    gate, late = gate_of(1, attempts=1), Told()
    limited = ScriptedModel([Reply(error="RateLimited", retry_after=0.05, times=1, text="again")])
    with pytest.raises(errors.RateLimited):
        await call(gate, A, limited)
    assert gate.report().paused == (limited.name,)
    assert await call(gate, B, limited, told=late) == "again"
    assert late.places[0] == 1


async def test_whoever_waits_goes_on_after_the_pause_though_the_limited_call_is_gone() -> None:
    """The call that met the 429 is cancelled while it waits; the end of the pause must still wake the others."""
    gate = gate_of(1)
    limited = ScriptedModel([Reply(error="RateLimited", retry_after=0.05, times=1, text="again")])
    told, late = Told(), Told()
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            scope = anyio.CancelScope()

            async def given_up() -> None:
                with scope:
                    await call(gate, A, limited, "m", told)

            tasks.start_soon(given_up)
            await until(lambda: bool(told.delays))
            tasks.start_soon(call, gate, B, limited, "m", late)
            await until(lambda: late.places == [1])
            scope.cancel()
    assert gate.report().running == 0


async def test_a_call_that_is_tried_again_keeps_its_place() -> None:
    gate = gate_of(1)
    failing, held = ScriptedModel([Reply(error="Overloaded", times=1, text="fine")]), Held()
    order: list[str] = []

    async def run(session: SessionId, model: ScriptedModel | Held, told: Told) -> None:
        await call(gate, session, model, "m", told)
        order.append(session)

    told, later = Told(), Told()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, A, failing, told)
        await until(lambda: bool(told.delays))
        tasks.start_soon(run, B, held, Told())
        await until(lambda: held.running == 1)
        tasks.start_soon(run, C, held, later)
        await until(lambda: later.places == [1])
        await until(lambda: later.places[-1] == 2)  # the retried call came back before it
        held.let_go.set()
    assert order == [B, A, C]


@pytest.mark.parametrize("fault", ["Unreachable", "Overloaded", "RateLimited"])
async def test_what_may_help_is_tried_again_and_told(fault: str) -> None:
    model, told = ScriptedModel([Reply(error=fault, retry_after=0.0, times=1, text="at last")]), Told()
    gate = Gate(1, lambda _: False, lambda: -1.0, attempts=3)  # this chance takes the jitter to no wait at all
    assert await call(gate, A, model, told=told) == "at last"
    assert len(model.requests) == 2
    assert told.delays[0][0].startswith("The script answers with")


@pytest.mark.parametrize("fault", ["AccessRefused", "ModelMissing", "ContextTooLong", "RequestRefused", "BadAnswer", "NoModel"])
async def test_what_cannot_help_is_not_tried_again(fault: str) -> None:
    model, gate = ScriptedModel([Reply(error=fault)]), gate_of()
    with pytest.raises(getattr(errors, fault)):
        await call(gate, A, model)
    assert len(model.requests) == 1
    assert gate.report().running == 0


async def test_attempts_are_bounded() -> None:
    model, told = ScriptedModel([Reply(error="Overloaded")]), Told()
    gate = Gate(1, lambda _: False, lambda: -1.0, attempts=4)
    with pytest.raises(errors.Overloaded):
        await call(gate, A, model, told=told)
    assert len(model.requests) == 4
    assert [delay[2] for delay in told.delays] == [2, 3, 4]


async def test_nothing_is_repeated_after_the_first_event() -> None:
    """Even an error that may pass: the answer has begun (promise P3)."""

    class CutOff(ScriptedModel):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            self.requests.append(request)
            yield TextDelta("half")
            raise errors.Overloaded("The server went away. Try again.")

    model, gate = CutOff(), gate_of()
    with pytest.raises(errors.Overloaded):
        await call(gate, A, model)
    assert len(model.requests) == 1
    assert gate.report().running == 0


@given(
    st.one_of(st.none(), st.floats(), st.sampled_from([0.0, -1.0, 1e9, float("inf"), float("nan")])),
    st.integers(1, 30),
    st.floats(0, 1, exclude_max=True),
)
def test_a_delay_is_believed_only_within_bounds(named: float | None, attempt: int, chance: float) -> None:
    gate = Gate(1, lambda _: False, lambda: chance)
    delay = gate.delay(errors.RateLimited("Too many. Wait.", named), attempt)
    assert 0 <= delay <= LONGEST_DELAY
    if named is not None and 0 <= named <= LONGEST_DELAY:
        assert delay >= named
    assert gate.delay(errors.Overloaded("Busy. Wait."), attempt) <= LONGEST_DELAY


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from(["start", "cancel", "step", "let go"]), st.integers(0, 7)), min_size=1, max_size=25),
)
def test_stopping_calls_anywhere_leaks_no_slot(limit: int, plan: list[tuple[str, int]]) -> None:
    anyio.run(_play, limit, plan)


async def _play(limit: int, plan: list[tuple[str, int]]) -> None:
    gate, model, scopes = gate_of(limit), Held(), list[anyio.CancelScope]()
    async with anyio.create_task_group() as tasks:

        async def run(scope: anyio.CancelScope) -> None:
            with scope:
                await call(gate, A, model)

        for action, number in plan:
            match action:
                case "start":
                    scopes.append(anyio.CancelScope())
                    tasks.start_soon(run, scopes[-1])
                case "cancel":
                    for scope in scopes[number : number + 1]:
                        scope.cancel()
                case "let go":
                    model.let_go.set()
                    model.let_go = anyio.Event()
                case _:
                    for _ in range(number):
                        await anyio.lowlevel.checkpoint()
            assert 0 <= gate.report().running <= limit
        for scope in scopes:
            scope.cancel()
    assert (gate.report().running, gate.report().queued) == (0, 0)
    assert model.most <= limit
    model.let_go.set()
    assert await call(gate, B, model) == "x"
