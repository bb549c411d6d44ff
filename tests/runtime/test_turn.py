"""Turns: what is recorded in which order, and what is on disk before what is done."""

from __future__ import annotations

import pytest

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.messages import (
    AssistantMessage,
    CallId,
    SessionId,
    ToolCall,
    ToolMessage,
    ToolResult,
    Turn,
    Usage,
    UserMessage,
)
from plait.core.ports import ToolContext
from plait.models.scripted import Reply, ScriptedModel
from plait.runtime import turn as turns
from tests.runtime.world import Bench, Recorder, World, ask, calls, ended, fine, opened, said, scripted, turned

pytestmark = pytest.mark.anyio


def kinds(world: World, session: SessionId) -> list[str]:
    return [type(event).__name__ for event in world.log(session) if not isinstance(event, e.AnswerProgress)]


async def test_a_turn_from_the_message_to_its_end() -> None:
    world = World(scripted(Reply(text="Hello there, you.", thinking="A greeting.", usage=Usage(100, 20, 40))))
    world.models.priced = True
    async with world.start() as coordinator:
        session = await opened(coordinator)
        end = await turned(coordinator, session, "hi")
        assert end == e.TurnEnded(Turn(2), "done", True)
        status = await ask(coordinator, c.ReadStatus(session), c.Status)
    assert kinds(world, session) == ["SessionOpened", "UserSaid", "TurnStarted", "AssistantSaid", "TurnEnded"]
    (answer,) = world.answers(session)
    assert answer.message == AssistantMessage("Hello there, you.", "A greeting.", (), None, "scripted")
    assert (answer.model, answer.usage, answer.stop) == ("scripted:m", Usage(100, 20, 40), "end")
    assert answer.cost == pytest.approx((60 * 2.0 + 40 * 0.5 + 20 * 10.0) / 1e6)
    assert (status.usage, status.cost, status.unpriced, status.context_used) == (Usage(100, 20, 40), answer.cost, 0, 120)
    assert status.context_window == 1_000
    assert world.model.requests[0].messages == (UserMessage("hi"),)


async def test_a_cost_that_is_not_known_is_counted_as_such() -> None:
    world = World(scripted(Reply(text="x")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hi")
        status = await ask(coordinator, c.ReadStatus(session), c.Status)
    assert (status.cost, status.unpriced) == (0.0, 1)


async def test_a_tool_is_on_disk_before_it_runs_and_the_model_is_told_its_result() -> None:
    world = World(scripted(calls("read"), Reply(text="It says so.")))
    seen: list[str] = []

    async def look(arguments: str, context: ToolContext) -> str:
        seen.extend(kinds(world, context.session))
        return "42"

    tool = Recorder("read", look)
    world.tools["read"] = tool
    async with world.start() as coordinator:
        session = await opened(coordinator)
        end = await turned(coordinator, session, "hi")
    assert end.ending == "done"
    assert seen[-2:] == ["AssistantSaid", "ToolStarted"]
    assert len(tool.runs) == 1
    assert world.results(session) == [ToolResult(tool.runs[0], "read", "42")]
    assert world.model.requests[1].messages[-1] == ToolMessage((ToolResult(tool.runs[0], "read", "42"),))
    assert world.model.requests[0].tools == (tool.spec,)


async def test_a_tool_that_fails_is_an_answer_to_the_model_and_no_end_of_the_turn() -> None:
    async def fail(arguments: str, context: ToolContext) -> str:
        raise OSError("no such file")

    world = World(scripted(calls("read", "nothing"), Reply(text="I see.")), tools={"read": Recorder("read", fail)})
    async with world.start() as coordinator:
        session = await opened(coordinator)
        assert (await turned(coordinator, session, "hi")).ending == "done"
    failed, unknown = world.results(session)
    assert (failed.outcome, unknown.outcome) == ("error", "error")
    assert "no such file" in failed.content
    assert "nothing" in unknown.content
    assert "read" in unknown.content
    assert kinds(world, session).count("ToolStarted") == 1


async def test_what_a_tool_returns_has_a_cap_that_is_told() -> None:
    async def long(arguments: str, context: ToolContext) -> str:
        return "x" * (turns.RESULT_CAP + 7)

    world = World(scripted(calls("read"), Reply(text="ok")), tools={"read": Recorder("read", long)})
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hi")
    assert world.results(session)[0].content.endswith("[7 more characters were cut here.]")


async def test_calls_that_are_numbered_anew_in_every_answer_each_run_once() -> None:
    tool = Recorder("read", fine)
    world = World(scripted(calls("read", "read", id="call_0"), calls("read", id="call_0"), Reply(text="ok")), tools={"read": tool})
    async with world.start() as coordinator:
        session = await opened(coordinator, "/shop")
        assert (await turned(coordinator, session, "hi")).ending == "done"
    assert tool.runs == ["call_0", "call_0-2", "call_0-3"]
    told = [message for message in world.model.requests[-1].messages if isinstance(message, ToolMessage)]
    assert [[result.call for result in one.results] for one in told] == [["call_0", "call_0-2"], ["call_0-3"]]
    assert {result.content for one in told for result in one.results} == {"done in /shop"}


async def test_too_many_calls_in_one_answer_are_refused_one_by_one() -> None:
    tool = Recorder("read", fine)
    world = World(scripted(calls(*["read"] * (turns.CALLS_CAP + 5)), Reply(text="ok")), tools={"read": tool})
    async with world.start() as coordinator:
        session = await opened(coordinator)
        assert (await turned(coordinator, session, "hi")).ending == "done"
    assert len(tool.runs) == turns.CALLS_CAP
    assert [one.outcome for one in world.results(session)[turns.CALLS_CAP :]] == ["denied"] * 5


async def test_a_turn_ends_at_its_limit_of_model_calls() -> None:
    tool = Recorder("read", fine)
    world = World(
        scripted(Reply(match="", calls=(ToolCall(CallId(""), "read", "{}"),))), tools={"read": tool}, defaults=Defaults(max_turns=3)
    )
    async with world.start() as coordinator:
        session = await opened(coordinator)
        end = await turned(coordinator, session, "hi")
    assert (end.ending, len(world.model.requests)) == ("limit", 3)
    assert "3 model calls" in end.detail


async def test_an_answer_that_reached_its_length_says_so() -> None:
    world = World(scripted(Reply(text="and so", stop="length")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        assert (await turned(coordinator, session, "hi")).ending == "done"
    assert any(isinstance(event, e.Noted) and "max_tokens" in event.text for event in world.log(session))


async def test_messages_are_answered_one_after_the_other_in_their_order() -> None:
    world = World(scripted(*[Reply(text=f"answer {number}") for number in range(5)]))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        sent = [await said(coordinator, session, f"message {number}") for number in range(5)]
        for turn in sent:
            await ended(coordinator, session, turn)
    texts = [message.text for message in world.model.requests[-1].messages if not isinstance(message, ToolMessage)]
    assert texts == [text for number in range(5) for text in (f"message {number}", f"answer {number}")][:-1]


async def test_a_provider_that_cannot_call_tools_is_offered_none() -> None:
    class Plain(ScriptedModel):
        can_call_tools = False

    world = World(Bench({"plain:m": Plain([Reply(text="x")])}), tools={"read": Recorder("read", fine)})
    async with world.start() as coordinator:
        assert (await turned(coordinator, await opened(coordinator), "hi")).ending == "done"
    assert world.model.requests[0].tools == ()
