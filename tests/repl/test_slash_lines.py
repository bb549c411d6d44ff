"""What a line of input is, and how a name finds its command."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from plait.core.errors import UsageError
from plait.repl.slash.commands import all_commands
from plait.repl.slash.line import OTHER_WORDS, BlankLine, Line, Message, ShellLine, SlashLine, parse_line

REGISTRY = all_commands()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", BlankLine()),
        (" \n\t", BlankLine()),
        ("hello", Message("hello")),
        ("/help", SlashLine("help")),
        ("/Set  temperature 1 ", SlashLine("Set", "temperature 1")),
        ("/system one\ntwo", SlashLine("system", "one\ntwo")),
        ("/system\none", SlashLine("system", "one")),
        ("/", SlashLine("")),
        ("//", SlashLine("/")),
        ("// ", SlashLine("/")),
        ("/ new", SlashLine("", "new")),
        ("/nwe", SlashLine("nwe")),
        ("/etc/hosts is odd", Message("/etc/hosts is odd")),
        ("/etc/", Message("/etc/")),
        ("// a comment", Message("// a comment")),
        ("//x", Message("//x")),
        (" /help", Message(" /help")),
        ("\t!ls", Message("\t!ls")),
        ("\\/help", Message("/help")),
        ("\\!ls", Message("!ls")),
        ("\\help", Message("\\help")),
        ("!ls -l", ShellLine("ls -l")),
        ("! ls", ShellLine("ls")),
        ("!", ShellLine("")),
        ("!if true\nthen ls\nfi", ShellLine("if true\nthen ls\nfi")),
        ("![a picture](a.png) what is it", Message("![a picture](a.png) what is it")),
        ("![ -f x ] && echo y", ShellLine("[ -f x ] && echo y")),
        ("?", Message("?")),
        ("hello /help", Message("hello /help")),
    ],
)
def test_the_first_character_decides(text: str, line: Line) -> None:
    assert parse_line(text) == line


@given(st.text())
def test_every_text_is_something_and_a_message_is_not_changed(text: str) -> None:
    line = parse_line(text)
    if isinstance(line, Message):
        assert line.text in (text, text[1:])
    else:
        assert isinstance(line, BlankLine) or text[0] in "/!"


@given(st.text())
def test_a_blank_first_makes_a_message_of_anything(text: str) -> None:
    assert parse_line(" " + text) == (Message(" " + text) if text.strip() else BlankLine())


@pytest.mark.parametrize("text", ["!rm -rf ~\nand more", "/exit\nand\nmore\nlines"])
def test_what_was_pasted_is_a_message_whatever_it_begins_with(text: str) -> None:
    assert parse_line(text, "[pasted 4 lines, 20 B #1]") == Message(text)
    assert parse_line(text, text) == parse_line(text) != Message(text)


@pytest.mark.parametrize(
    ("typed", "name"),
    [("help", "help"), ("?", "help"), ("HELP", "help"), ("he", "help"), ("quit", "exit"), ("qu", "exit"), ("q", "exit"), ("v", "vim")],
)
def test_a_name_is_matched_whole_or_by_a_prefix_of_its_own(typed: str, name: str) -> None:
    assert REGISTRY.find(typed).name == name


@given(st.sampled_from([name for command in REGISTRY.commands for name in command.names]), st.data())
def test_a_prefix_finds_its_command_or_says_which_there_are(name: str, data: st.DataObject) -> None:
    prefix = name[: data.draw(st.integers(1, len(name)))]
    owners = {command.name for command in REGISTRY.commands for one in command.names if one.startswith(prefix)}
    exact = next((command.name for command in REGISTRY.commands if prefix in command.names), None)
    if exact or len(owners) == 1:
        assert REGISTRY.find(prefix).name == (exact or owners.pop())
    else:
        with pytest.raises(UsageError) as refusal:
            REGISTRY.find(prefix)
        assert f"/{name}" in str(refusal.value)


def test_never_by_contains() -> None:
    for typed in ("elp", "odel", "lear"):
        with pytest.raises(UsageError):
            REGISTRY.find(typed)


@pytest.mark.parametrize(("typed", "nearest"), [("hlep", "/help"), ("modle", "/model"), ("exti", "/exit"), ("ussage", "/usage")])
def test_an_unknown_name_is_answered_with_the_nearest(typed: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=f"There is no command '/{typed}'. Did you mean {nearest}?"):
        REGISTRY.find(typed)


def test_what_other_programs_call_a_command_leads_to_the_one_of_plait() -> None:
    for word, here in OTHER_WORDS.items():
        with pytest.raises(UsageError, match=f"There is no command '/{word}'. Did you mean /{here}?"):
            REGISTRY.find(word)
        assert here.split()[0] in {name for command in REGISTRY.commands for name in command.names}


def test_a_name_like_nothing_is_answered_with_help() -> None:
    with pytest.raises(UsageError, match="/help lists the commands"):
        REGISTRY.find("zzzzzz")


def test_every_command_tells_how_it_is_used() -> None:
    for command in REGISTRY.commands:
        assert command.usage.startswith(f"/{command.name}")
        assert command.summary.endswith(".")
        assert command.examples
        for line, effect in command.examples:
            parsed = parse_line(line)
            assert isinstance(parsed, SlashLine)
            assert REGISTRY.find(parsed.name) is command
            assert effect
