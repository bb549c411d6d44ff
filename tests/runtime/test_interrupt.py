"""Stopping a turn, wherever it is: at once, with what came kept, and with no tool run twice; and asking again."""

from __future__ import annotations

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.history import UNKNOWN_OUTCOME
from plait.core.messages import (
    ToolMessage,
    Turn,
    UserMessage,
)
from plait.core.ports import ToolContext
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.runtime import turn as turns
from plait.runtime.registry import STOPPING, STUCK
from tests.runtime.waiting import until
from tests.runtime.world import Recorder, World, ask, calls, ended, fine, opened, said, scripted, shown, turned
from tests.timing import within

pytestmark = pytest.mark.anyio


async def for_ever(arguments: str, context: ToolContext) -> str:
    await anyio.sleep_forever()
    raise AssertionError


async def test_an_interrupt_stops_a_stream_at_once_and_keeps_what_came() -> None:
    world = World(scripted(Reply(text="partial answer", hang=True), Reply(text="next")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "hi")
        await shown(coordinator, session, "partial answer")
        with within(0.1):  # what the prompt promises for Ctrl+C
            await ask(coordinator, c.Interrupt(session), c.Done)
        assert coordinator.gate.report().running == 0
        assert (await turned(coordinator, session, "next")).ending == "done"
    assert world.answers(session)[0].message.text == "partial answer"
    assert e.TurnEnded(turn, "interrupted", False) in world.log(session)


async def test_an_interrupted_tool_has_an_unknown_outcome_and_is_never_run_again() -> None:
    tool, other = Recorder("slow", for_ever), Recorder("read", fine)
    world = World(scripted(calls("slow", "read"), Reply(text="I see.")), tools={"slow": tool, "read": other})
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "hi")
        await until(lambda: bool(tool.runs))
        await ask(coordinator, c.Interrupt(session), c.Done)
        assert (await ended(coordinator, session, turn)).ending == "interrupted"
        retry = await ask(coordinator, c.Retry(session), c.Done)
        assert (await ended(coordinator, session, Turn(retry.seq))).ending == "done"
    assert (len(tool.runs), other.runs) == (1, [])
    assert [(one.content, one.outcome) for one in world.results(session)] == [
        (UNKNOWN_OUTCOME, "interrupted"),
        (turns.NOT_RUN, "interrupted"),
    ]
    assert isinstance(world.model.requests[-1].messages[-1], ToolMessage)


async def test_an_interrupt_before_the_first_step_is_not_lost() -> None:
    world = World(scripted(Reply(text="never")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        managed = await coordinator.managed(session)
        turn = Turn(coordinator.record(session, e.UserSaid("hi")))
        coordinator.dispatch(managed)  # recorded as started; its task has not had a step yet
        await ask(coordinator, c.Interrupt(session), c.Done)
        assert e.TurnEnded(turn, "interrupted", False) in world.log(session)
        assert managed.session.state is SessionState.WAITING
    assert list(world.model.requests) == []


async def test_an_interrupt_takes_a_queued_turn_out() -> None:
    world = World(scripted(Reply(text="never")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        coordinator.record(session, e.Paused())
        turn = await said(coordinator, session, "hi")
        await ask(coordinator, c.Interrupt(session), c.Done)
        await ask(coordinator, c.Interrupt(session), c.Refused)
    assert e.TurnEnded(turn, "interrupted", False) in world.log(session)


async def test_an_interrupt_ends_the_running_turn_and_the_queued_one_goes_on() -> None:
    world = World(scripted(Reply(match="one", text="first", hang=True), Reply(match="two", text="second")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        first, second = await said(coordinator, session, "one"), await said(coordinator, session, "two")
        await shown(coordinator, session, "first")
        await ask(coordinator, c.Interrupt(session), c.Done)
        assert (await ended(coordinator, session, first)).ending == "interrupted"
        assert (await ended(coordinator, session, second)).ending == "done"


async def test_a_turn_in_the_queue_of_the_gate_is_interrupted_too() -> None:
    world = World(scripted(Reply(match="one", hang=True), Reply(text="never")), defaults=Defaults(max_concurrent_calls=1))
    async with world.start() as coordinator:
        one, two = await opened(coordinator), await opened(coordinator)
        await said(coordinator, one, "one")
        await until(lambda: coordinator.gate.report().running == 1)
        await said(coordinator, two, "two")
        await until(lambda: coordinator.gate.report().queued == 1)
        await ask(coordinator, c.Interrupt(two), c.Done)
        assert coordinator.gate.report() == type(coordinator.gate.report())(1, 0, 1)


async def test_a_tool_that_does_not_stop_is_left_behind_and_its_result_is_not_taken() -> None:
    let_go = anyio.Event()

    async def stubborn(arguments: str, context: ToolContext) -> str:
        with anyio.CancelScope(shield=True):
            await let_go.wait()
        return "too late"

    tool = Recorder("stuck", stubborn)
    world = World(scripted(calls("stuck"), Reply(text="next")), tools={"stuck": tool})
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "hi")
        await until(lambda: bool(tool.runs))
        with within(STOPPING + 0.5):
            await ask(coordinator, c.Interrupt(session), c.Done)
        assert (await ended(coordinator, session, turn)).detail == STUCK
        assert (await turned(coordinator, session, "next")).ending == "done"
        before = world.log(session)
        let_go.set()
        await until(lambda: coordinator.turns == 0)
        assert world.log(session) == before
    assert [one.outcome for one in world.results(session)] == ["interrupted"]


async def test_a_retry_asks_the_model_again_without_its_last_answer() -> None:
    world = World(scripted(Reply(text="good")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        assert "nothing to retry" in (await ask(coordinator, c.Retry(session), c.Refused)).text
        await turned(coordinator, session, "hi")
        retry = await ask(coordinator, c.Retry(session), c.Done)
        assert (await ended(coordinator, session, Turn(retry.seq))).ending == "done"
    assert world.model.requests[0].messages == world.model.requests[1].messages == (UserMessage("hi"),)


async def test_a_retry_waits_for_the_running_turn() -> None:
    world = World(scripted(Reply(hang=True)))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await said(coordinator, session, "hi")
        assert "running" in (await ask(coordinator, c.Retry(session), c.Refused)).text
