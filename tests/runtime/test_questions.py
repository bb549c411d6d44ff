"""A tool that asks the user: the session waits, durably and without a slot, until the answer comes, and no other answer will do."""

from __future__ import annotations

import json

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.messages import CallId, SessionId, ToolCall, ToolMessage, ToolResult, Turn
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.runtime.coordinator import Coordinator
from plait.runtime.registry import LEFT
from plait.runtime.turn import NOT_ANSWERED, QUESTION_CAP, RESULT_CAP
from plait.tools.ask_user import AskUser
from tests.runtime.waiting import until
from tests.runtime.world import Recorder, World, ask, ended, fine, opened, said, scripted, turned

pytestmark = pytest.mark.anyio

QUESTION = json.dumps({"question": "Which port?", "choices": ["80", "443"]})
ASKS, READS = ToolCall(CallId("q"), "ask_user", QUESTION), ToolCall(CallId("r"), "read", "{}")


def asking(*calls: ToolCall, most: int = 5) -> World:
    """A model that asks when it is to deploy, and then says what it heard."""
    replies = (
        Reply(match="deploy", text="I ask.", calls=calls or (ASKS,)),
        Reply(match="443", text="On 443."),
        Reply(match="", text="ok"),
    )
    tools = {"ask_user": Recorder("ask_user", AskUser().run), "read": Recorder("read", fine)}
    return World(scripted(*replies), tools={**tools}, defaults=Defaults(max_concurrent_calls=most))


def runs(world: World, name: str) -> int:
    tool = world.tools[name]
    assert isinstance(tool, Recorder)
    return len(tool.runs)


async def asked(coordinator: Coordinator, session: SessionId) -> e.QuestionAsked:
    """The question that the session waits with."""
    managed = await coordinator.managed(session)
    await until(lambda: managed.session.question is not None)
    assert managed.session.question is not None
    return managed.session.question


async def row(coordinator: Coordinator, session: SessionId) -> c.SessionInfo:
    return next(one for one in await coordinator.sessions() if one.id == session)


async def test_a_question_holds_no_slot_and_its_answer_is_the_calls_result() -> None:
    world = asking(most=1)
    async with world.start() as coordinator:
        session, other = await opened(coordinator), await opened(coordinator)
        turn = await said(coordinator, session, "deploy")
        question = await asked(coordinator, session)
        assert question == e.QuestionAsked(turn, ASKS.id, "Which port?", ("80", "443"))
        assert (await ask(coordinator, c.ReadStatus(session), c.Status)).question == question
        waiting = await row(coordinator, session)
        assert (waiting.state, waiting.waiting_for, waiting.unread) == (SessionState.WAITING, "question", 2)
        assert (await turned(coordinator, other, "hi")).ending == "done"  # the only slot is free
        await ask(coordinator, c.AnswerQuestion(session, question.call, "443"), c.Done)
        assert (await ended(coordinator, session, turn)).ending == "done"
    assert world.answers(session)[-1].message.text == "On 443."
    assert world.model.requests[-1].messages[-1] == ToolMessage((ToolResult(ASKS.id, "ask_user", "443", "done"),))
    assert [type(event).__name__ for event in world.log(session) if not isinstance(event, e.AnswerProgress)] == [
        "SessionOpened",
        "UserSaid",
        "TurnStarted",
        "AssistantSaid",
        "ToolStarted",
        "QuestionAsked",
        "QuestionAnswered",
        "AssistantSaid",
        "TurnEnded",
    ]


async def test_what_is_not_the_answer_is_refused_and_the_question_stays() -> None:
    world = asking()
    async with world.start() as coordinator:
        session, other = await opened(coordinator), await opened(coordinator)
        await said(coordinator, session, "deploy")
        call = (await asked(coordinator, session)).call
        for wrong in (
            c.AnswerQuestion(session, CallId("another"), "443"),
            c.AnswerQuestion(other, call, "443"),
            c.AnswerQuestion(session, call, " \n"),
            c.AnswerQuestion(session, call, "x" * (RESULT_CAP + 1)),
        ):
            await ask(coordinator, wrong, c.Refused)
        assert (await asked(coordinator, session)).call == call
        await ask(coordinator, c.AnswerQuestion(session, call, "443"), c.Done)
        assert "/inbox" in (await ask(coordinator, c.AnswerQuestion(session, call, "80"), c.Refused)).text  # an answer counts once
    assert sum(isinstance(event, e.QuestionAnswered) for event in world.log(session)) == 1


async def test_a_question_outlives_the_program_and_the_tool_is_not_run_again() -> None:
    """Leaving ends no turn that waits for its user, and a model that is not there at the next start does not either."""
    world = asking(ASKS, READS)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "deploy")
        question = await asked(coordinator, session)
    assert world.log(session)[-1] == question
    gone, world.models.providers = world.models.providers, {}
    async with world.start() as coordinator:
        assert (await row(coordinator, session)).waiting_for == "question"
        await anyio.wait_all_tasks_blocked()
        assert await asked(coordinator, session) == question
    world.models.providers = gone
    async with world.start() as coordinator:
        await ask(coordinator, c.AnswerQuestion(session, question.call, "443"), c.Done)
        assert (await ended(coordinator, session, turn)).ending == "done"
    assert (runs(world, "ask_user"), runs(world, "read")) == (1, 1)  # what the answer asked for after the question goes on too
    assert not any(isinstance(event, e.TurnEnded) and event.detail == LEFT for event in world.log(session))


async def test_an_answer_counts_though_the_program_ends_right_after() -> None:
    world = asking()
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await said(coordinator, session, "deploy")
        call = (await asked(coordinator, session)).call
        coordinator.record(session, e.QuestionAnswered(Turn(2), ToolResult(call, "ask_user", "443", "done")))
    assert sum(isinstance(event, e.QuestionAnswered) for event in world.log(session)) == 1
    assert isinstance(world.log(session)[-1], e.TurnEnded)
    async with world.start() as coordinator:
        retry = await ask(coordinator, c.Retry(session), c.Done)
        assert (await ended(coordinator, session, Turn(retry.seq))).ending == "done"
    assert runs(world, "ask_user") == 1
    assert world.answers(session)[-1].message.text == "On 443."


async def test_an_interrupt_takes_the_question_back() -> None:
    world = asking(ASKS, READS)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "deploy")
        question = await asked(coordinator, session)
        await ask(coordinator, c.Interrupt(session), c.Done)
        assert (await ended(coordinator, session, turn)).ending == "interrupted"
        await ask(coordinator, c.AnswerQuestion(session, question.call, "443"), c.Refused)
        assert (await turned(coordinator, session, "go on")).ending == "done"
    assert (world.results(session)[0].call, world.results(session)[0].content) == (ASKS.id, NOT_ANSWERED)
    assert runs(world, "read") == 0


async def test_a_session_that_asks_can_be_closed() -> None:
    world = asking()
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await said(coordinator, session, "deploy")
        question = await asked(coordinator, session)
        await ask(coordinator, c.CloseSession(session), c.Done)
        await ask(coordinator, c.AnswerQuestion(session, question.call, "443"), c.Refused)
        await ask(coordinator, c.ReopenSession(session), c.Done)
        assert (await row(coordinator, session)).state is SessionState.ACTIVE
        assert coordinator.turns == 0


async def test_messages_wait_behind_the_question_and_none_is_its_answer() -> None:
    world = asking()
    async with world.start() as coordinator:
        session = await opened(coordinator)
        first = await said(coordinator, session, "deploy")
        question = await asked(coordinator, session)
        second = await said(coordinator, session, "443, by the way")
        assert ((await row(coordinator, session)).state, (await row(coordinator, session)).queued) == (SessionState.WAITING, 1)
        await ask(coordinator, c.AnswerQuestion(session, question.call, "80"), c.Done)
        assert (await ended(coordinator, session, second)).ending == "done"
    assert [event.turn for event in world.log(session) if isinstance(event, e.TurnEnded)] == [first, second]
    assert [answer.message.text for answer in world.answers(session)] == ["I ask.", "ok", "On 443."]


async def test_an_answer_to_a_paused_session_is_kept_and_the_model_hears_it_later() -> None:
    world = asking()
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "deploy")
        question = await asked(coordinator, session)
        await ask(coordinator, c.PauseSession(session), c.Done)
        await ask(coordinator, c.AnswerQuestion(session, question.call, "443"), c.Done)
        await anyio.wait_all_tasks_blocked()
        assert len(world.model.requests) == 1
        await ask(coordinator, c.UnpauseSession(session), c.Done)
        assert (await ended(coordinator, session, turn)).ending == "done"
    assert world.answers(session)[-1].message.text == "On 443."


async def test_a_question_of_a_paused_session_is_there_after_a_restart_and_when_it_is_unpaused() -> None:
    world = asking()
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "deploy")
        question = await asked(coordinator, session)
        await ask(coordinator, c.PauseSession(session), c.Done)
    async with world.start() as coordinator:
        await ask(coordinator, c.UnpauseSession(session), c.Done)
        assert (await row(coordinator, session)).waiting_for == "question"
        await ask(coordinator, c.AnswerQuestion(session, question.call, "443"), c.Done)
        assert (await ended(coordinator, session, turn)).ending == "done"


async def test_a_question_beyond_the_cap_is_not_asked_and_the_model_is_told() -> None:
    world = asking(ToolCall(CallId("q"), "ask_user", json.dumps({"question": "why? " * QUESTION_CAP})))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        assert (await turned(coordinator, session, "deploy")).ending == "done"
    (result,) = world.results(session)
    assert result.outcome == "error"
    assert "Ask a shorter one" in result.content
    assert not any(isinstance(event, e.QuestionAsked) for event in world.log(session))
