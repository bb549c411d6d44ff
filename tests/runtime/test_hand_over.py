"""An owner that leaves others behind: what was only a model call goes on at the next one by itself, and no tool runs twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.messages import AssistantMessage, SessionId, Turn, UserMessage
from plait.core.ports import ToolContext
from plait.core.session import SessionState
from plait.models.scripted import Reply, ScriptedModel
from plait.runtime.recovery import CUT_OFF, HEIRLESS, RESUMED, cut_off_by_crash, fold
from plait.runtime.registry import LEFT
from tests.runtime.waiting import until
from tests.runtime.world import Bench, Recorder, World, ask, calls, ended, fine, opened, said, scripted, shown

pytestmark = pytest.mark.anyio

CUT_ONCE = Reply(match="one", text="partial", hang=True, times=1)
"""It comes to its end at the second attempt."""


async def left_behind(world: World, *texts: str) -> tuple[SessionId, list[Turn]]:
    """A session whose first turn streams, and whose owner has handed it over."""
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turns = [await said(coordinator, session, text) for text in texts]
        await shown(coordinator, session, "partial")
        coordinator.hands_over = True
    return session, turns


async def test_a_model_call_that_was_cut_is_made_again_and_what_was_queued_follows() -> None:
    world = World(scripted(CUT_ONCE, Reply(match="two", text="second")))
    session, turns = await left_behind(world, "one", "two")
    log = world.log(session)
    assert log[-2:] == [e.AnswerProgress(turns[0], "partial"), e.HandedOver(turns[0])]  # the partial text is on disk
    assert not any(isinstance(event, e.TurnEnded) for event in log)
    async with world.start() as coordinator:
        assert [(await ended(coordinator, session, turn)).ending for turn in turns] == ["done", "done"]
    assert [answer.message.text for answer in world.answers(session)] == ["partial", "second"]
    assert e.Noted(RESUMED) in world.log(session)
    assert [request.messages for request in world.model.requests] == [
        (UserMessage("one"),),
        (UserMessage("one"),),
        (UserMessage("one"), AssistantMessage("partial", provider=world.model.name), UserMessage("two")),
    ]
    assert fold(session, world.store.read(session)).state is not SessionState.PROCESSING


@pytest.mark.parametrize("own", [None, "a:own"], ids=["of the flag", "of its own"])
async def test_what_is_handed_over_keeps_the_model_of_the_owner_that_left(own: str | None) -> None:
    """What was begun with a model of this machine must not be sent to one that only the heir knows of."""
    here, there = (ScriptedModel((CUT_ONCE, Reply(match="two", text="second"))), ScriptedModel((Reply(match="", text="elsewhere"),)))
    models = Bench({"a:demo": here, "a:own": here, "b:demo": there})
    world = World(models, defaults=Defaults(model="b:demo" if own else "a:demo", pinned=frozenset() if own else frozenset({"model"})))
    async with world.start() as coordinator:
        session, idle = await opened(coordinator), await opened(coordinator, "/elsewhere")
        if own:
            await ask(coordinator, c.ChangeSetting(session, "model", own), c.Done)
        turns = [await said(coordinator, session, text) for text in ("one", "two")]
        await shown(coordinator, session, "partial")
        coordinator.hands_over = True
    async with World(models, world.store, defaults=Defaults(model="b:demo"), clock=world.clock).start() as coordinator:
        assert [(await ended(coordinator, session, turn)).ending for turn in turns] == ["done", "done"]
        assert (await ask(coordinator, c.ReadStatus(session), c.Status)).model == (own or "a:demo")
        assert (await ask(coordinator, c.ReadStatus(idle), c.Status)).model == "b:demo"
    assert not there.requests


async def test_a_crash_of_the_heir_is_a_crash() -> None:
    """What it leaves without a word is cut off like any other turn: the call is not made a third time."""
    world = World(scripted(Reply(match="one", text="partial", hang=True)))
    session, _ = await left_behind(world, "one")
    async with world.start() as coordinator:
        await until(lambda: e.Noted(RESUMED) in world.log(session))
        crashed = list(world.store.read(session))
        await ask(coordinator, c.Interrupt(session), c.Done)
    (*_, end) = cut_off_by_crash(fold(session, crashed), lambda: 0.0)
    assert isinstance(end, e.TurnEnded)
    assert end.detail == CUT_OFF


async def test_a_turn_whose_tool_was_cut_is_ended_and_the_tool_is_not_run_again() -> None:
    stuck = Recorder("stuck", forever)
    world = World(scripted(calls("stuck")), tools={"stuck": stuck})
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "run it")
        await until(lambda: len(stuck.runs) == 1)
        coordinator.hands_over = True
    assert e.TurnEnded(turn, "interrupted", False, LEFT) in world.log(session)
    async with world.start():
        pass
    assert len(stuck.runs) == 1
    assert [result.outcome for result in world.results(session)] == ["interrupted"]


async def forever(arguments: str, context: ToolContext) -> str:
    """What a tool does that does not end."""
    await anyio.sleep_forever()
    raise AssertionError


async def test_a_turn_between_two_calls_keeps_the_results_of_its_tools() -> None:
    tool = Recorder("read", fine)
    world = World(scripted(calls("read"), replace(CUT_ONCE, match=None)), tools={"read": tool})
    session, turns = await left_behind(world, "look")
    async with world.start() as coordinator:
        assert (await ended(coordinator, session, turns[0])).ending == "done"
    assert len(tool.runs) == 1
    assert world.answers(session)[-1].message.text == "partial"


async def test_nothing_new_starts_once_it_is_handed_over() -> None:
    world = World(scripted(Reply(match="", text="ok")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        coordinator.hands_over = True
        turn = await said(coordinator, session, "hello")  # it is taken, and on disk
        assert e.TurnStarted(turn) not in world.log(session)
    async with world.start() as coordinator:
        assert (await ended(coordinator, session, turn)).ending == "done"


async def test_a_paused_session_is_handed_over_paused() -> None:
    world = World(scripted(CUT_ONCE))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "one")
        await shown(coordinator, session, "partial")
        await ask(coordinator, c.PauseSession(session), c.Done)
        coordinator.hands_over = True
    async with world.start() as coordinator:
        assert (await coordinator.sessions())[0].state is SessionState.PAUSED
        assert len(world.model.requests) == 1
        await ask(coordinator, c.UnpauseSession(session), c.Done)
        assert (await ended(coordinator, session, turn)).ending == "done"
    assert world.answers(session)[-1].message.text == "partial"


async def test_what_nobody_took_over_in_time_is_cut_off_as_after_a_crash() -> None:
    world = World(scripted(CUT_ONCE))
    session, turns = await left_behind(world, "one")
    world.clock = count(int(world.store.read(session)[-1].at + HEIRLESS))
    async with world.start() as coordinator:
        assert (await ended(coordinator, session, turns[0])).detail == CUT_OFF
    assert len(world.model.requests) == 1
