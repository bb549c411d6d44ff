"""Leaving and starting again, in order or after a crash: nothing is lost, nothing is repeated, what was queued goes on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from hypothesis import given

from plait.core import commands as c, events as e
from plait.core.commands import info_of
from plait.core.errors import StoreError
from plait.core.history import UNKNOWN_OUTCOME
from plait.core.messages import AssistantMessage, CallId, ProjectId, SessionId, ToolCall, Turn
from plait.core.ports import Project, Write
from plait.core.session import Session, SessionState
from plait.models.scripted import Reply
from plait.runtime.recovery import CUT_OFF, PAGE, fold, settled
from plait.runtime.registry import LEFT
from plait.store.memory import MemoryStore
from tests.core.histories import Player, steps
from tests.runtime.failing import FailingStore
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import Recorder, World, ask, ended, fine, opened, said, scripted, shown

pytestmark = pytest.mark.anyio

SHOP = Project(ProjectId("shop-a7b3c2d1"), "shop", "/shop", 1.0)
ONLY = SessionId("s-1")


async def test_leaving_in_the_middle_keeps_the_partial_answer_and_what_is_queued_goes_on() -> None:
    world = World(scripted(Reply(match="one", text="partial", hang=True), Reply(match="two", text="second")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        first, second = await said(coordinator, session, "one"), await said(coordinator, session, "two")
        await shown(coordinator, session, "partial")
    assert coordinator.unsaved == 0
    assert e.TurnEnded(first, "interrupted", False, LEFT) in world.log(session)
    assert world.answers(session)[0] == e.AssistantSaid(first, AssistantMessage("partial"), "other", complete=False)
    assert e.TurnStarted(second) not in world.log(session)
    async with world.start() as coordinator:
        assert (await ended(coordinator, session, second)).ending == "done"
    assert world.answers(session)[1].message.text == "second"
    assert [one.text for one in world.model.requests[-1].messages if not isinstance(one, AssistantMessage) and hasattr(one, "text")] == [
        "one",
        "two",
    ]


async def test_being_cancelled_from_outside_is_leaving_too() -> None:
    """As a signal does it: the scope around the coordinator is cancelled, before the coordinator knows."""
    world = World(scripted(Reply(text="partial", hang=True)))
    session, turn = SessionId(""), Turn(0)
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks, world.start() as coordinator:
            session = await opened(coordinator)
            turn = await said(coordinator, session, "hi")
            await shown(coordinator, session, "partial")
            tasks.cancel_scope.cancel()
            await anyio.sleep_forever()
    assert world.log(session)[-1] == e.TurnEnded(turn, "interrupted", False, LEFT)
    assert world.answers(session)[0].message.text == "partial"


async def test_leaving_with_a_failing_disk_says_how_much_is_lost() -> None:
    store = FailingStore()
    world = World(scripted(Reply(text="x")), store)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        store.fail()
        coordinator.record(session, e.Noted("lost"))
        await until(lambda: bool(coordinator.journal.trouble))
    assert coordinator.unsaved == 1


def stored(world: World, *events: e.Event, session: SessionId = ONLY) -> SessionId:
    """What a process that was killed has left: these events, after `SessionOpened`."""
    world.store.project(SHOP)
    folded = Session(session)
    stamped = [
        e.Stamped(session, seq, 1.0, event)
        for seq, event in enumerate((e.SessionOpened("default", "development", SHOP.id, "/shop"), *events), 1)
    ]
    for one in stamped:
        folded.apply(one)
    world.store.append([Write(info_of(folded, draft=False), 0, world.store.epoch, tuple(stamped))])
    return session


CALL, LATER = ToolCall(CallId("c1"), "read", "{}"), ToolCall(CallId("c2"), "read", "{}")


async def test_after_a_crash_a_cut_off_turn_is_ended_and_nothing_is_repeated() -> None:
    world = World(scripted(Reply(match="", text="never")))
    turn = Turn(2)
    session = stored(world, e.UserSaid("hi"), e.TurnStarted(turn), e.AnswerProgress(turn, "par", "h"), e.AnswerProgress(turn, "tial", "m"))
    async with world.start() as coordinator:
        assert e.TurnEnded(turn, "interrupted", False, CUT_OFF) == (await ended(coordinator, session, turn))
        assert (await coordinator.sessions())[0].state is SessionState.WAITING
    assert world.answers(session) == [e.AssistantSaid(turn, AssistantMessage("partial", "hm"), "other", complete=False)]
    assert list(world.model.requests) == []


async def test_after_a_crash_an_open_call_has_an_unknown_outcome_and_is_not_run_again() -> None:
    tool = Recorder("read", fine)
    world, turn = World(scripted(Reply(match="", text="I see.")), tools={"read": tool}), Turn(2)
    answer = e.AssistantSaid(turn, AssistantMessage("", calls=(CALL, LATER)), "tool_calls")
    session = stored(world, e.UserSaid("hi"), e.TurnStarted(turn), answer, e.ToolStarted(turn, CALL))
    async with world.start() as coordinator:
        await ended(coordinator, session, turn)
        retry = await ask(coordinator, c.Retry(session), c.Done)
        assert (await ended(coordinator, session, Turn(retry.seq))).ending == "done"
    assert tool.runs == []
    assert [(one.call, one.outcome) for one in world.results(session)] == [(CALL.id, "interrupted"), (LATER.id, "interrupted")]
    assert world.results(session)[0].content == UNKNOWN_OUTCOME
    assert world.results(session)[1].content != UNKNOWN_OUTCOME


async def test_after_a_crash_what_was_queued_goes_on_by_itself() -> None:
    world = World(scripted(Reply(match="two", text="second")))
    session = stored(world, e.UserSaid("one"), e.TurnStarted(Turn(2)), e.UserSaid("two"))
    async with world.start() as coordinator:
        assert (await ended(coordinator, session, Turn(4))).ending == "done"
    assert e.TurnEnded(Turn(2), "interrupted", False, CUT_OFF) in world.log(session)


async def test_a_paused_session_stays_paused_after_a_start() -> None:
    world = World(scripted(Reply(match="", text="never")))
    session = stored(world, e.Paused(), e.UserSaid("later"))
    async with world.start() as coordinator:
        await anyio.wait_all_tasks_blocked()
        assert (await coordinator.managed(session)).session.state is SessionState.PAUSED
    assert list(world.model.requests) == []


async def test_a_session_that_cannot_be_read_keeps_no_other_from_starting() -> None:
    world = World(scripted(Reply(match="", text="ok")))
    good = stored(world, e.UserSaid("hi"), session=SessionId("good"))
    bad = stored(world, session=SessionId("bad"))
    row = next(row for row in world.store.sessions() if row.id == bad)
    broken = e.Stamped(bad, 2, 1.0, e.TurnStarted(Turn(9)))
    broken_row = c.SessionInfo(bad, row.name, row.kind, SessionState.PROCESSING, row.project, row.directory, 0, 1.0, 2.0, 2)
    world.store.append([Write(broken_row, 1, world.store.epoch, (broken,))])
    async with world.start() as coordinator:
        assert (await ended(coordinator, good, Turn(2))).ending == "done"
        refused = await ask(coordinator, c.Say(bad, "hi"), c.Refused)
        assert "cannot be read past event 1" in refused.text
        assert {row.id for row in await coordinator.sessions()} == {good, bad}
        assert world.store.claim(bad, "another")  # its lease was given back


async def test_a_session_that_another_owner_works_on_is_refused() -> None:
    world = World(scripted())
    session = stored(world)
    world.store.claim(session, "another")
    async with world.start() as coordinator:
        assert "Another process" in (await ask(coordinator, c.Say(session, "hi"), c.Refused)).text


async def test_a_start_that_fails_leaves_nothing_behind() -> None:
    class Broken(FailingStore):
        def settled(self, session: SessionId, after: int, most: int) -> Sequence[e.Stamped]:
            if session == bad:
                raise ZeroDivisionError
            return super().settled(session, after, most)

    bad = SessionId("bad")
    world = World(scripted(Reply(match="", hang=True)), Broken())
    stored(world, e.UserSaid("hi"), session=SessionId("good"))
    stored(world, e.UserSaid("hi"), session=bad)
    with pytest.raises(ZeroDivisionError):
        async with world.start():
            raise AssertionError("it must not start")
    assert not any(thread.name == "plait-journal" for thread in threading.enumerate())
    assert world.store.claim(SessionId("good"), "another")


@given(steps(60))
def test_without_the_progress_of_answers_that_are_over_a_session_is_the_same(choices: list[Any]) -> None:
    player = Player()
    player.play(e.SessionOpened("default", "development", SHOP.id, "/shop"))
    for choice in choices:
        player.try_play(player.event(choice))
    store = MemoryStore()
    store.project(SHOP)
    session = player.session
    store.append([Write(info_of(session, draft=False), 0, store.epoch, tuple(player.durable))])
    assert fold(session.id, settled(store, session.id)) == fold(session.id, player.durable)


def test_a_long_session_is_folded_page_by_page() -> None:
    world = World(scripted())
    session = stored(world, *[e.Noted(str(number)) for number in range(2 * PAGE - 1)])
    assert len(fold(session, settled(world.store, session)).conversation) == 2 * PAGE - 1


def test_an_event_that_is_missing_is_noticed_where_no_turn_runs() -> None:
    player = Player()
    player.play(e.SessionOpened("default", "development", SHOP.id, "/shop"), e.Noted("one"), e.Noted("two"), e.Noted("three"))
    with pytest.raises(StoreError, match="past event 2"):
        fold(player.session.id, [one for one in player.durable if one.seq != 3])
