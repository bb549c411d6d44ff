"""What waits for the user, and answering it without going there, over a real coordinator."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from plait.core import commands as c, events as e
from plait.core.messages import CallId, ToolCall
from plait.models.scripted import Reply
from plait.repl.style import row_width
from plait.tools.ask_user import AskUser
from tests.repl.prompting import FakePrompt, prompt_over

pytestmark = pytest.mark.anyio


def asking(match: str, question: str, *choices: str) -> Reply:
    arguments = json.dumps({"question": question, "choices": choices})
    return Reply(match=match, calls=(ToolCall(CallId(match), "ask_user", arguments),))


REPLIES = [
    asking("database", "Which database?\nThe tests need one too.", "sqlite", "postgres", "none"),
    asking("name", "What shall it be called?"),
    Reply(match="fail", error="AccessRefused", message="The key is wrong. Set another."),
    Reply(match="finish", text="Much text.\n\nIt is done. \x1b[2J"),
    Reply(match="", text="Thanks."),
]


@asynccontextmanager
async def waiting(tmp_path: Path, **texts: str) -> AsyncGenerator[FakePrompt, None]:
    """A prompt with sessions that have worked on a text each, one after the other."""
    async with prompt_over(tmp_path, REPLIES, tools={"ask_user": AskUser()}) as prompt:
        for name, text in texts.items():
            session = await prompt.open(name)
            await prompt.client.submit(c.Say(session, text))
            await prompt.until(lambda view: view.sessions[-1].waiting_for != "")
        yield prompt


async def answers(prompt: FakePrompt, name: str) -> list[str]:
    """What a session's questions were answered with."""
    page = await prompt.client.submit(c.ReadHistory((await prompt.row(name)).id))
    assert isinstance(page, c.HistoryPage)
    return [one.event.result.content for one in page.events if isinstance(one.event, e.QuestionAnswered)]


async def test_the_inbox_shows_what_waits_oldest_first_and_in_full(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert "Nothing waits for you." in await prompt.told("/inbox")
    async with waiting(tmp_path, docs="which database", broken="fail", auth="finish") as prompt:
        unread = [row.unread for row in (await prompt.look_around()).sessions]
        shown = await prompt.told("/inbox")
        places = [
            shown.index(text)
            for text in (
                "2 docs ? asks you, waiting",
                "Which database? The tests need one too. 1 sqlite 2 postgres 3 none",
                "3 broken ✗ has failed, waiting",
                "The key is wrong. Set another.",
                "4 auth ✓ has answered, waiting",
                "It is done. ␛[2J",
                "/answer NAME TEXT answers a question",
            )
        ]
        assert places == sorted(places)
        assert [row.unread for row in (await prompt.look_around()).sessions] == unread
        alone = await prompt.told("/inbox docs")
        assert "Which database?" in alone
        assert "broken" not in alone
        assert "/answer" not in await prompt.told("/inbox auth")
        for line in ("/peek docs 40", "/switch docs", "/history"):
            shown = await prompt.told(line)
        assert shown.count("Which database?") == 1  # the question, and not the call that asked it as well
        await prompt.type("/back")
        assert "'default' does not wait for you (ready)." in await prompt.told("/inbox default")
        for width in (20, 40, 200):
            for plain in (False, True):
                prompt.look = type(prompt.look)(colour=False, width=width, plain=plain)
                assert all(row_width([(line, "")]) <= width for line in (await prompt.type("/inbox")).splitlines())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/inbox docs 2", "postgres"),
        ("/inbox 2 2", "postgres"),
        ("/answer docs 2", "postgres"),
        ("/inbox do POST", "postgres"),
        ("/inbox docs\n2", "postgres"),
        ("/answer docs\nneither,\nuse files", "neither,\nuse files"),
        ("/answer 2", "postgres"),
        ("/answer 2 non", "none"),
        ("/answer docs neither, use files", "neither, use files"),
        ("/answer docs SQLITE", "sqlite"),
    ],
)
async def test_a_question_is_answered_from_afar(line: str, told: str, tmp_path: Path) -> None:
    async with waiting(tmp_path, docs="which database", auth="finish") as prompt:
        here = prompt.session
        assert await prompt.told(line) == f"✓ Answered 'docs': {' '.join(told.split())}"
        assert await answers(prompt, "docs") == [told]
        assert prompt.session == here


@pytest.mark.parametrize("text", ["7", "the old one", "no, keep it", "a b c"])
async def test_the_only_question_needs_no_name(text: str, tmp_path: Path) -> None:
    """Its words are not taken for the beginning of a session's name."""
    async with waiting(tmp_path, docs="what name") as prompt:
        await prompt.open("theory")
        assert await prompt.told(f"/answer {text}") == f"✓ Answered 'docs': {text}"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/answer", "/answer needs an answer. Type /answer [NAME|N] TEXT"),
        ("/answer yes", "2 questions wait: 2 docs; 3 auth. Say whose you answer, with /answer NAME TEXT; /inbox shows them."),
        ("/answer 2", "2 questions wait: 2 docs; 3 auth."),
        ("/answer use files", "No open session is called 'use'."),
        ("/answer docs 4", "There is no choice 4: they go from 1 to 3."),
        ("/answer docs 0", "There is no choice 0"),
        ("/answer default yes", "'default' asks nothing (ready). /say default TEXT sends it a message"),
        ("/inbox zzz 1", "No open session is called 'zzz'."),
    ],
)
async def test_no_answer_reaches_a_question_it_was_not_meant_for(line: str, answer: str, tmp_path: Path) -> None:
    async with waiting(tmp_path, docs="which database", auth="what name") as prompt:
        assert answer in await prompt.told(line)
        assert await answers(prompt, "docs") == await answers(prompt, "auth") == []


async def test_where_nothing_is_asked_nothing_is_answered(tmp_path: Path) -> None:
    async with waiting(tmp_path, docs="finish") as prompt:
        assert "No question waits for an answer. /inbox shows what waits." in await prompt.told("/answer yes")
        assert "'docs' asks nothing (has answered). /say docs TEXT sends it a message" in await prompt.told("/answer docs yes")


async def test_a_message_is_never_an_answer_and_a_pause_keeps_the_question(tmp_path: Path) -> None:
    async with waiting(tmp_path, docs="which database") as prompt:
        assert "It asks you something first, and this is not the answer: /answer docs TEXT gives one." in await prompt.told("/say docs 2")
        assert await answers(prompt, "docs") == []
        await prompt.type("/pause docs")
        assert "Nothing waits for you." in await prompt.told("/inbox")
        assert "Answered 'docs': postgres" in await prompt.told("/answer docs 2")


async def test_the_question_and_its_answer_are_in_the_history(tmp_path: Path) -> None:
    async with waiting(tmp_path, docs="which database") as prompt:
        await prompt.type("/answer 2")
        await prompt.type("/switch docs")
        shown = await prompt.told("/history")
        places = [shown.index(text) for text in ("which database", "Which database?", "3 none", "▌ postgres")]
        assert places == sorted(places)
