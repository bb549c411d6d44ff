"""The commands about the program itself, help, and what is answered to lines that nobody understands; the page in docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.core.messages import Usage
from plait.models.scripted import Reply
from plait.repl.slash.commands import all_commands
from plait.repl.slash.document import page
from plait.repl.slash.line import SlashLine
from plait.repl.slash.registry import TOPICS, Registry
from tests.repl.prompting import prompt_over

pytestmark = pytest.mark.anyio
ANSWER = Reply(text="One.\n\n```python\nprint(1)\n```\nDone.", usage=Usage(400, 100, 100))


async def test_vim_switches(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert "are on" in await prompt.type("/vim")
        assert prompt.vi_mode
        assert "are on" in await prompt.type("/vim ON")
        assert "are off" in await prompt.type("/vim")
        assert "/vim cannot be 'maybe'. Type /vim, /vim on or /vim off" in await prompt.type("/vim maybe")
        assert not prompt.vi_mode


async def test_trust_is_asked_shown_given_and_taken_back(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert "no AGENTS.md" in await prompt.type("/trust yes")
        file = tmp_path / "AGENTS.md"
        file.write_text("Be brief. \x1b[2J")
        assert "/trust show, then /trust yes or no" in " ".join((await prompt.type("/trust")).split())
        assert "Be brief. ␛[2J" in await prompt.type("/trust show")
        assert "from the next message on" in await prompt.type("/trust YES")
        await prompt.say("hello")
        assert "Be brief." in prompt.models.model.requests[-1].system
        assert f"is given {file}, as you said" in " ".join((await prompt.type("/trust")).split())
        assert "Be brief." in await prompt.type("/trust show")
        assert "is not given" in await prompt.type("/trust no")
        assert "is not given the project's AGENTS.md, as you said" in " ".join((await prompt.type("/trust")).split())
        assert "You said no" in await prompt.type("/trust show")
        await prompt.type("/trust yes")
        file.write_text("Do something else.")
        assert (await prompt.status()).instructions_asked == (str(file),)
        assert "/trust cannot be 'always'. Type /trust" in await prompt.type("/trust always")


@pytest.mark.parametrize("line", ["/exit", "/quit", "/q", "/EXIT"])
async def test_leaving(line: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.type(line)
        assert prompt.left


@pytest.mark.parametrize("line", ["/exit now", "/exit help", "/quit --help", "/exit -h", "/usage x", "/status x", "/clear all"])
async def test_nobody_leaves_by_accident(line: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert await prompt.type(line)
        assert not prompt.left


async def test_help_has_an_example_for_each_command_by_topic(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        shown = " ".join((await prompt.type("/help")).split())
        for title in TOPICS.values():
            assert title in shown
        for command in all_commands().commands:
            assert any(f"For example, /{name}" in shown for name in command.names), command
        assert await prompt.type("/?") == await prompt.type("/") == await prompt.type("/help")


async def test_help_has_further_topics(tmp_path: Path) -> None:
    registry = all_commands({"keys": lambda look: f"Enter sends. {look.width}\n"})
    async with prompt_over(tmp_path) as prompt:
        await registry.run(prompt, SlashLine("help", "keys"))
        assert prompt.texts == ["Enter sends. 100\n"]


def test_two_commands_of_one_name_are_a_mistake() -> None:
    command = all_commands().find("exit")
    with pytest.raises(ValueError, match="two commands are called /exit"):
        Registry([command, command])


async def test_help_about_one_thing(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        one = await prompt.type("/help copy")
        assert "/copy code" in one
        assert one == await prompt.type("/copy --help") == await prompt.type("/help /copy") == await prompt.type("/HELP Copy")
        assert "/model" in await prompt.type("/help models")
        assert "@path" in await prompt.type("/help input")
        assert "There is no command '/nonsens'" in await prompt.type("/help nonsens")
        assert "to send it as a message" not in await prompt.told("/help nonsens")
        assert "/help lists the commands. Put a blank before it to send it as a message." in await prompt.told("/nonsens")
        assert "Topics are conversation, sessions, models, program and input" in " ".join((await prompt.type("/help nonsens")).split())


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/nwe", "There is no command '/nwe'."),
        ("/hlep", "Did you mean /help?"),
        ("//", "There is no command '//'. /help lists the commands"),
        ("/ exit", "There is a blank right after the slash, so 'exit' was not taken for a command. Type /exit without the blank."),
        ("/ zzz", "/help lists the commands."),
        ("/h", "/h can mean /help or /history. Type more of the name."),
        ("/\x1b[2J", "There is no command '/␛[2J'."),
    ],
)
async def test_what_nobody_knows_is_answered(line: str, answer: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert answer in " ".join((await prompt.type(line)).split())
        assert not prompt.left


async def test_every_width_and_look_holds_every_answer(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [ANSWER]) as prompt:
        await prompt.say("hello")
        await prompt.open("docs")
        await prompt.type("/say docs a word")
        for width in (20, 40, 300):
            for plain in (False, True):
                prompt.look = type(prompt.look)(colour=False, plain=plain, width=width)
                for line in (
                    *("/help", "/model", "/status", "/usage", "/history", "/system", "/set"),
                    *("/sessions --all --verbose", "/peek docs", "/session-name", "/session", "/notify", "/inbox docs"),
                    *(f"/debug {part}" for part in ("sessions", "coordinator", "buffers", "gate")),
                ):
                    rows = (await prompt.type(line)).splitlines()
                    assert max(map(len, rows)) <= width, (line, width)


def test_the_page_in_docs_is_the_one_that_is_made() -> None:
    """`python -m plait.repl.slash.document > docs/commands.md` makes it."""
    assert (Path(__file__).parents[2] / "docs" / "commands.md").read_text() == page()
