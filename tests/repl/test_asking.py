"""A question of the model's: which line answers it, which one does not, and what becomes of what was typed before."""

from __future__ import annotations

import json
import time
from itertools import count

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.messages import CallId, ToolCall
from plait.core.ports import Client
from plait.models.scripted import Reply
from plait.repl.style import Look
from plait.tools.ask_user import AskUser
from tests.repl.stand import LATER, Page, Stand, standing
from tests.repl.test_drafts import Refusing
from tests.runtime.waiting import until
from tests.runtime.world import Recorder, World, ask, said, scripted

pytestmark = pytest.mark.anyio

DEPLOY = json.dumps({"question": "Which port?", "choices": ["80", "https on 443"]})
NAME = json.dumps({"question": "What shall it be called?"})


def world() -> World:
    """A model that asks for a port when it is to deploy, for a name when it is to create, and else echoes."""
    replies = (
        Reply(match="deploy", calls=(ToolCall(CallId("q"), "ask_user", DEPLOY),)),
        Reply(match="create", calls=(ToolCall(CallId("n"), "ask_user", NAME),)),
        Reply(match="", text="ok"),
    )
    return World(scripted(*replies), tools={"ask_user": Recorder("ask_user", AskUser().run)})


def answers(stand: Stand, name: str) -> list[str]:
    return [event.result.content for event in stand.log(name) if isinstance(event, e.QuestionAnswered)]


async def asked(stand: Stand, name: str, text: str = "deploy") -> None:
    """Let a session ask."""
    await said(stand.coordinator, stand.sessions[name], text)
    await until(lambda: any(isinstance(event, e.QuestionAsked) for event in stand.log(name)))
    if stand.repl.session == stand.sessions[name]:
        await until(lambda: stand.repl.prompt_text() == f"({name} ?) > ")


@pytest.mark.parametrize(
    ("line", "answer"), [("1", "80"), ("2", "https on 443"), ("HTTPS on 443", "https on 443"), ("8080 please", "8080 please")]
)
async def test_a_choice_is_taken_by_its_number_or_its_text(line: str, answer: str) -> None:
    async with standing(world(), "a") as stand:
        await asked(stand, "a")
        stand.page.enter(line)
        await until(lambda: answers(stand, "a") == [answer])
        await until(lambda: stand.repl.prompt_text() == "(a) > ")
        assert stand.said("a") == ["deploy"]


async def test_a_number_that_is_not_there_asks_again() -> None:
    async with standing(world(), "a") as stand:
        await asked(stand, "a")
        stand.page.enter("3")
        await until(lambda: "✗" in stand.page.text)
        assert stand.repl.prompt_text() == "(a ?) > "
        stand.page.enter("2")
        await until(lambda: answers(stand, "a") == ["https on 443"])


@pytest.mark.parametrize("after", [-5.0, -0.001, 0.0])
async def test_what_was_begun_before_the_question_could_be_read_is_a_draft(after: float) -> None:
    async with standing(world(), "a") as stand:
        await asked(stand, "a")
        stand.page.enter("1", after)
        stand.page.enter("1 as well", after)
        await until(lambda: len(stand.page.hints) == 2)
        stand.page.enter("2")
        await until(lambda: answers(stand, "a") == ["https on 443"])
        await until(lambda: stand.page.draft == "1\n1 as well")
        assert stand.said("a") == ["deploy"]


async def test_a_draft_stands_aside_and_comes_back_before_what_is_typed_then() -> None:
    async with standing(world(), "a") as stand:
        stand.page.type("half a thought")
        await asked(stand, "a")
        assert "Enter keeps what you had begun" in stand.page.hints[-1]
        stand.page.enter(after=-1.0)
        await until(lambda: stand.page.draft == "" and len(stand.page.hints) == 2)
        await until(lambda: [one.text for one in stand.coordinator.world.store.drafts()] == ["half a thought"])
        stand.page.enter("2")
        stand.page.type("next")
        await until(lambda: stand.page.draft == "half a thought\nnext")


@pytest.mark.parametrize("line", ["/answer 2", "/answer b 2", "/inbox b 2"])
async def test_an_answer_from_afar_that_was_begun_before_the_question_is_none(line: str) -> None:
    now = world()
    now.clock = count(int(time.time()) + 1_000)  # that much later it is asked
    async with standing(now, "a", "b") as stand:
        await asked(stand, "b")
        stand.page.enter(line, after=900)
        await stand.shows("begun to type")
        assert answers(stand, "b") == []
        stand.page.enter(line, after=2_000)
        await until(lambda: answers(stand, "b") == ["https on 443"])


@pytest.mark.parametrize("key", ["next", "switch 9", "choose"])
async def test_a_draft_that_a_key_puts_back_into_the_line_is_no_answer(key: str) -> None:
    async with standing(world(), "a", "b") as stand:
        stand.page.type("half a thought")
        await asked(stand, "a")
        if key == "choose":
            stand.repl.choose()
            assert stand.page.picking is not None
            stand.page.picking()
        else:
            stand.key(*key.split())  # it leads nowhere
            await until(lambda: stand.page.draft == "")
        await until(lambda: stand.page.draft == "half a thought")
        stand.page.enter()
        await until(lambda: any("begun before the question" in hint for hint in stand.page.hints))
        assert answers(stand, "a") == []
        stand.page.enter("2")
        await until(lambda: answers(stand, "a") == ["https on 443"])
        await until(lambda: stand.page.draft == "half a thought")


async def test_commands_stay_commands_while_a_question_waits() -> None:
    async with standing(world(), "a") as stand:
        await asked(stand, "a")
        stand.page.enter("/status")
        await stand.shows("model")
        assert stand.repl.prompt_text() == "(a ?) > "
        assert answers(stand, "a") == []


async def test_a_line_begun_as_an_answer_is_no_message_when_the_question_has_gone() -> None:
    async with standing(world(), "a") as stand:
        await asked(stand, "a")
        stand.repl._asking._drawn -= 60  # it has stood there for a minute
        await ask(stand.coordinator, c.AnswerQuestion(stand.sessions["a"], CallId("q"), "80"), c.Done)
        await until(lambda: stand.repl.prompt_text() == "(a) > ")
        stand.page.enter("443", after=-30)
        await until(lambda: stand.page.draft == "443")
        stand.page.enter()
        await until(lambda: stand.said("a") == ["deploy", "443"])
        assert answers(stand, "a") == ["80"]


async def test_two_sessions_ask_at_once_and_each_gets_its_own_answer() -> None:
    async with standing(world(), "a", "b") as stand:
        await asked(stand, "a")
        await asked(stand, "b", "create")
        stand.page.type("begun in a")
        stand.key("switch", "b")
        stand.page.enter("typed ahead", after=0.0)
        await stand.on("b")
        assert "What shall it be called?" in stand.page.of(stand.sessions["b"])
        assert stand.repl.prompt_text() == "(b ?) > "
        await until(lambda: any("begun before the question" in hint for hint in stand.page.hints))
        assert (answers(stand, "a"), answers(stand, "b")) == ([], [])
        stand.page.enter("tango")
        await until(lambda: answers(stand, "b") == ["tango"])
        await until(lambda: stand.page.draft == "typed ahead")
        stand.key("switch", "a")
        await stand.on("a")
        assert stand.page.of(stand.sessions["a"]).count("Which port?") == 2  # in full again
        assert stand.page.of(stand.sessions["a"]).count("2 https on 443") == 2
        assert stand.page.draft == ""  # it stands aside
        stand.page.enter("1")
        await until(lambda: answers(stand, "a") == ["80"])
        await until(lambda: stand.page.draft == "begun in a")
        assert (stand.said("a"), stand.said("b")) == (["deploy"], ["create"])


async def test_a_question_is_asked_again_after_a_restart() -> None:
    here = world()
    async with standing(here, "a", "b") as stand:
        await asked(stand, "a")
        stand.page.type("a draft")
    async with standing(here, "a", "b") as stand:
        assert stand.repl.prompt_text() == "(a ?) > "
        assert "Which port?" in stand.page.text
        assert stand.page.draft == ""
        stand.page.enter("1")
        await until(lambda: answers(stand, "a") == ["80"])
        await until(lambda: stand.page.draft == "a draft")
        await until(lambda: isinstance(stand.log("a")[-1], (e.TurnEnded, e.Seen)))


async def test_a_question_that_was_answered_elsewhere_while_one_went_there_is_not_asked() -> None:
    """The status that a switch begins with may be older than the news that it shows."""
    async with standing(world(), "a", "b") as stand:
        await stand.go("b")
        await asked(stand, "a")
        for pause in range(8):
            await stand.settle()
            stand.key("switch", "a")
            for _ in range(pause):
                await anyio.lowlevel.checkpoint()
            question = await stand.coordinator.submit(c.ReadStatus(stand.sessions["a"]))
            assert isinstance(question, c.Status)
            if question.question is not None:
                await stand.coordinator.submit(c.AnswerQuestion(stand.sessions["a"], question.question.call, "80"))
            await stand.on("a")
            await until(lambda: stand.repl.prompt_text() == "(a) > ")
            stand.key("switch", "b")
            await stand.on("b")
            before = len(answers(stand, "a"))
            await said(stand.coordinator, stand.sessions["a"], "deploy")
            await until(lambda before=before: sum(isinstance(event, e.QuestionAsked) for event in stand.log("a")) > before)  # type: ignore[misc]


async def test_where_the_terminal_edits_the_line_it_is_asked_and_answered_too() -> None:
    page = Page(keeps_draft=False)
    async with standing(world(), "a", page=page, look=Look(colour=False, plain=True, width=80)) as stand:
        await asked(stand, "a")
        page.enter("too early", after=0.0)
        await until(lambda: bool(page.hints))
        page.enter("2", after=LATER)
        await until(lambda: answers(stand, "a") == ["https on 443"])
        await stand.shows("Draft: too early")
        assert stand.said("a") == ["deploy"]


@pytest.mark.parametrize(("error", "draft"), [("StoreError", "8080 please"), ("NotSaved", "")])
async def test_an_answer_that_was_not_taken_comes_back_and_one_that_waits_for_the_disk_does_not(error: str, draft: str) -> None:
    def refusing(coordinator: Client) -> Client:
        client = Refusing(coordinator, error, c.AnswerQuestion)
        client.go.set()
        return client

    async with standing(world(), "a", client=refusing) as stand:
        await asked(stand, "a")
        stand.page.enter("8080 please")
        await stand.shows("The disk is full")
        await stand.settle()
        assert stand.page.draft == draft
