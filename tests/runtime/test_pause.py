"""A paused session starts no model call, wherever the pause finds it; nothing of it is lost, and it goes on where it was."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.messages import SessionId
from plait.core.ports import ToolContext
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.runtime.coordinator import Coordinator
from tests.runtime.test_gate import Held
from tests.runtime.waiting import until
from tests.runtime.world import Bench, Recorder, World, ask, calls, ended, opened, said, scripted

pytestmark = pytest.mark.anyio


def state(coordinator: Coordinator, session: SessionId) -> Callable[[], SessionState]:
    return lambda: next(one.session.state for one in coordinator.loaded if one.session.id == session)


async def test_a_running_call_completes_and_what_is_queued_waits_until_the_end_of_the_pause() -> None:
    model = Held()
    world = World(Bench({"held:m": model}))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        first, second = await said(coordinator, session, "one"), await said(coordinator, session, "two")
        await until(lambda: model.running == 1)
        await ask(coordinator, c.PauseSession(session), c.Done)
        model.let_go.set()
        assert (await ended(coordinator, session, first)).ending == "done"
        third = await said(coordinator, session, "three")
        await anyio.wait_all_tasks_blocked()
        (row,) = await coordinator.sessions()
        assert (row.state, row.queued, len(model.started)) == (SessionState.PAUSED, 2, 1)
        await ask(coordinator, c.UnpauseSession(session), c.Done)
        assert (await ended(coordinator, session, third)).ending == "done"
    assert [event.turn for event in world.log(session) if isinstance(event, e.TurnEnded)] == [first, second, third]


async def test_a_pause_between_two_calls_of_a_turn_holds_the_second() -> None:
    let_go = anyio.Event()

    async def wait(arguments: str, context: ToolContext) -> str:
        await let_go.wait()
        return "there"

    world = World(scripted(calls("wait"), Reply(text="next")), tools={"wait": Recorder("wait", wait)})
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "hi")
        await until(lambda: any(isinstance(event, e.ToolStarted) for event in world.log(session)))
        await ask(coordinator, c.PauseSession(session), c.Done)
        let_go.set()
        await until(lambda: bool(world.results(session)))
        await anyio.wait_all_tasks_blocked()
        assert len(world.model.requests) == 1
        assert coordinator.gate.report().queued == 0  # it waits for its user, not for a slot
        assert state(coordinator, session)() is SessionState.PAUSED
        await ask(coordinator, c.UnpauseSession(session), c.Done)
        assert (await ended(coordinator, session, turn)).ending == "done"
    assert len(world.model.requests) == 2


async def test_a_pause_holds_a_call_that_waits_for_a_slot_and_lets_others_pass() -> None:
    model = Held()
    world = World(Bench({"held:m": model}), defaults=Defaults(max_concurrent_calls=1))
    async with world.start() as coordinator:
        busy, paused, other = [await opened(coordinator) for _ in range(3)]
        await said(coordinator, busy, "one")
        await until(lambda: model.running == 1)
        turn = await said(coordinator, paused, "two")
        await until(lambda: coordinator.gate.report().queued == 1)
        await ask(coordinator, c.PauseSession(paused), c.Done)
        last = await said(coordinator, other, "three")
        await until(lambda: coordinator.gate.report().queued == 2)
        assert [one.session for one in coordinator.gate.order()] == [other, paused]
        model.let_go.set()
        assert (await ended(coordinator, other, last)).ending == "done"
        assert (coordinator.gate.report().running, coordinator.gate.report().queued) == (0, 1)
        assert len(model.started) == 2
        await ask(coordinator, c.UnpauseSession(paused), c.Done)
        assert (await ended(coordinator, paused, turn)).ending == "done"


async def test_a_paused_session_is_interrupted_and_closed_like_any_other() -> None:
    model = Held()
    world = World(Bench({"held:m": model}))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        first, second = await said(coordinator, session, "one"), await said(coordinator, session, "two")
        await until(lambda: model.running == 1)
        await ask(coordinator, c.PauseSession(session), c.Done)
        await ask(coordinator, c.Interrupt(session), c.Done)
        await ask(coordinator, c.CloseSession(session), c.Done)
        assert coordinator.loaded == ()
    assert [event.turn for event in world.log(session) if isinstance(event, e.TurnEnded)] == [first, second]
    assert world.log(session)[-1] == e.Closed()


async def test_what_is_paused_already_or_not_at_all_is_told_so() -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await ask(coordinator, c.UnpauseSession(session), c.Refused)
        await ask(coordinator, c.PauseSession(session), c.Done)
        assert "Unpause it first" in (await ask(coordinator, c.PauseSession(session), c.Refused)).text


async def test_a_queue_is_kept_over_a_restart_of_a_paused_session() -> None:
    world = World(scripted(Reply(match="", text="ok")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await ask(coordinator, c.PauseSession(session), c.Done)
        turn = await said(coordinator, session, "later")
    async with world.start() as coordinator:
        await anyio.wait_all_tasks_blocked()
        assert list(world.model.requests) == []
        await ask(coordinator, c.UnpauseSession(session), c.Done)
        assert (await ended(coordinator, session, turn)).ending == "done"
