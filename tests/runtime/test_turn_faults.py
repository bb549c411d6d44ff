"""What goes wrong in a turn stays in it: models, disks and bugs; and what streamed so far is kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.defaults import BUFFER_EVENTS
from plait.core.history import CUT_OFF
from plait.core.messages import (
    AssistantMessage,
    ModelEvent,
    ModelRequest,
    TextDelta,
    Turn,
    UserMessage,
)
from plait.core.ports import ToolContext
from plait.models.scripted import Reply
from plait.runtime import turn as turns
from plait.runtime.eventlog import CROWDED
from plait.runtime.journal import CAP
from tests.runtime.failing import FULL, FailingStore
from tests.runtime.waiting import until
from tests.runtime.world import Bench, Recorder, World, ask, calls, ended, opened, said, scripted, turned

pytestmark = pytest.mark.anyio


async def test_the_message_is_on_disk_before_the_model_sees_it() -> None:
    store = FailingStore()
    world = World(scripted(Reply(text="late")), store)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        store.fail()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(said, coordinator, session, "hi")
            await until(lambda: bool(coordinator.journal.trouble))
            await anyio.wait_all_tasks_blocked()
            assert list(world.model.requests) == []
            store.recover()
        await ended(coordinator, session, Turn(2))
    assert len(world.model.requests) == 1


async def test_a_disk_that_keeps_failing_is_told_to_whoever_waits_and_the_message_is_kept() -> None:
    store = FailingStore()
    world = World(scripted(Reply(text="late")), store)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        store.fail()
        refused = await ask(coordinator, c.Say(session, "hi"), c.Refused)
        assert FULL in refused.text
        assert "do not send it again" in refused.text
        store.recover()
        assert (await ended(coordinator, session, Turn(2))).ending == "done"
    assert world.log(session).count(e.UserSaid("hi")) == 1


async def test_no_further_model_call_starts_while_the_disk_fails() -> None:
    store = FailingStore()
    world = World(scripted(calls("read"), Reply(text="done")), store)

    async def break_disk(arguments: str, context: ToolContext) -> str:
        store.fail()
        return "broken"

    world.tools["read"] = Recorder("read", break_disk)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "hi")
        await until(lambda: bool(coordinator.journal.trouble))
        await anyio.wait_all_tasks_blocked()
        assert len(world.model.requests) == 1
        assert (await ask(coordinator, c.ReadStatus(session), c.Status)).trouble
        store.recover()
        assert (await ended(coordinator, session, turn)).ending == "done"


async def test_an_answer_without_end_is_stopped_and_kept() -> None:
    world = World(scripted(Reply(text="x" * (turns.ANSWER_CAP + 100_000), chunk=50_000), Reply(text="fine")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        end = await turned(coordinator, session, "hi")
    assert (end.ending, end.error) == ("failed", "BadAnswer")
    (answer,) = world.answers(session)
    assert not answer.complete
    assert turns.ANSWER_CAP < len(answer.message.text) <= turns.ANSWER_CAP + 50_000


@pytest.mark.parametrize("error", ["NoModel", "AccessRefused", "ModelMissing", "ContextTooLong", "RequestRefused", "BadAnswer"])
async def test_a_model_that_fails_ends_the_turn_and_the_session_goes_on(error: str) -> None:
    world = World(scripted(Reply(error=error, times=1, text="now it works")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        end = await turned(coordinator, session, "hi")
        assert (end.ending, end.error) == ("failed", error)
        assert error in end.detail
        assert (await turned(coordinator, session, "again")).ending == "done"
    assert world.model.requests[-1].messages == (UserMessage("hi\n\nagain"),)


async def test_a_model_that_is_not_there_is_a_sentence() -> None:
    world = World(Bench({}))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        end = await turned(coordinator, session, "hi")
        status = await ask(coordinator, c.ReadStatus(session), c.Status)
    assert (end.ending, end.error, end.detail) == ("failed", "NoModel", "There is no model here. Install one.")
    assert status.model == ""


class Broken:
    """A model with a bug in it."""

    name, can_call_tools = "broken", False

    def __init__(self, events: tuple[ModelEvent, ...] = ()) -> None:
        self.events = events

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Play the events, then fail."""
        for event in self.events:
            yield event
        raise ZeroDivisionError("secret detail")

    async def aclose(self) -> None:
        """Nothing is held."""


async def test_a_bug_ends_one_turn_and_nothing_else() -> None:
    world = World(Bench({"broken:m": Broken((TextDelta("half"),)), "scripted:m": scripted(Reply(text="ok")).providers["scripted:m"]}))
    async with world.start() as coordinator:
        one, two = await opened(coordinator), await opened(coordinator)
        await ask(coordinator, c.ChangeSetting(two, "model", "scripted:m"), c.Done)
        end = await turned(coordinator, one, "hi")
        assert end.ending == "failed"
        assert "ZeroDivisionError" in end.detail
        assert "secret detail" not in end.detail
        assert (await turned(coordinator, two, "hi")).ending == "done"
        assert (await turned(coordinator, one, "hi")).ending == "failed"
    assert [answer.complete for answer in world.answers(one)] == [False, False]


async def test_a_stream_that_stops_without_an_end_is_a_bad_answer() -> None:
    class Short(Broken):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            yield TextDelta("half")

    world = World(Bench({"short:m": Short()}))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        assert (await turned(coordinator, session, "hi")).error == "BadAnswer"


async def test_a_cut_answer_is_kept_marked_and_told_to_the_model_as_cut() -> None:
    world = World(scripted(Reply(text="The answer is forty-two.", chunk=4, cut=10, times=1), Reply(text="ok")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        assert (await turned(coordinator, session, "hi")).error == "BadAnswer"
        await turned(coordinator, session, "go on")
    first = world.answers(session)[0]
    assert (first.message.text, first.complete) == ("The answer", False)
    assert world.model.requests[-1].messages == (UserMessage("hi"), AssistantMessage("The answer" + CUT_OFF), UserMessage("go on"))


async def test_what_streams_is_in_the_journal_while_it_streams() -> None:
    world = World(scripted(Reply(text="abcdefgh", thinking="hm", chunk=2, hang=True)))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "hi")
        await until(lambda: any(isinstance(event, e.AnswerProgress) for event in world.log(session)))
        saved = [event for event in world.log(session) if isinstance(event, e.AnswerProgress)]
        assert saved == [e.AnswerProgress(turn, "abcdefgh", "hm")]
        await ask(coordinator, c.Interrupt(session), c.Done)
    assert world.answers(session)[0].message == AssistantMessage("abcdefgh", "hm")


async def test_nothing_new_is_taken_while_too_much_waits_for_the_disk() -> None:
    store = FailingStore()
    world = World(scripted(Reply(match="", text="ok")), store)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        store.fail()
        for _ in range(CAP):
            coordinator.record(session, e.Noted("x"))
        await until(lambda: coordinator.journal.full)
        for command in (c.Say(session, "hi"), c.ChangeSetting(session, "model", "scripted:m"), c.OpenSession("/shop")):
            assert "until the disk works again" in (await ask(coordinator, command, c.Refused)).text
        store.recover()
        await until(lambda: not coordinator.journal.full)
        assert (await turned(coordinator, session, "hi")).ending == "done"


async def test_a_stream_waits_for_a_disk_that_hangs_before_it_fills_the_memory() -> None:
    store = FailingStore()
    world = World(scripted(Reply(words=60_000)), store)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "hi")
        store.hold()
        managed = await coordinator.managed(session)
        await until(lambda: managed.log.crowded or managed.session.running is None)
        await anyio.wait_all_tasks_blocked()
        assert managed.session.running == turn
        held = int(repr(managed.log).split("[")[1].split()[0])
        assert held < CROWDED * BUFFER_EVENTS + 10
        store.recover()
        assert (await ended(coordinator, session, turn)).ending == "done"
    assert len(world.answers(session)[0].message.text.split()) == 60_000
