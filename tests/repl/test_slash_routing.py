"""Whatever a session is called and whatever is typed: a name is a name and a command is a command. And what one session alone may do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from plait.core.errors import UsageError
from plait.core.naming import checked_name
from plait.repl.slash.commands import all_commands
from tests.repl.prompting import prompt_over

pytestmark = pytest.mark.anyio
REGISTRY = all_commands()
WORDS = [name for command in REGISTRY.commands for name in command.names if name.isalnum()]
NAMES = st.one_of(
    st.sampled_from(
        ["help", "h", "my-hotfix", "auth-helper", "on", "off", "reset", "all", "json", "new", "switch", "2", "10", "007", "é", "日本"]
    ),
    st.sampled_from(WORDS),
    st.lists(st.text(st.characters(categories=["Ll", "Lo", "Nd"]), min_size=1, max_size=6), min_size=1, max_size=3).map("-".join),
)
RELAXED = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def usable(name: str) -> bool:
    try:
        return checked_name(name) == name
    except UsageError:
        return False


@given(name=NAMES)
@RELAXED
async def test_a_session_is_reached_by_its_name_whatever_it_is(name: str, tmp_path: Path) -> None:
    assume(usable(name) and name != "default")
    async with prompt_over(tmp_path) as prompt:
        here = prompt.session
        await prompt.open("other-one")
        session = await prompt.open(name)
        assert await prompt.type(f"/switch {name}") == ""
        assert prompt.session == session
        await prompt.type("/back")
        assert prompt.session == here
        assert f"Sent to '{name}'" in await prompt.told(f"/say {name} help -h --help")
        assert f"Notices of '{name}': done=off." in await prompt.told(f"/notify {name} done=off")
        await prompt.type(f"/mute {name}")
        assert (await prompt.row(name)).muted
        assert f"'{name}' is paused" in await prompt.told(f"/pause {name}")
        assert f"Closed '{name}'" in await prompt.told(f"/kill {name}")
        assert f"Opened '{name}' again." in await prompt.told(f"/reopen {name}")
        assert prompt.session == session


@given(name=NAMES)
@RELAXED
async def test_no_name_hijacks_a_command(name: str, tmp_path: Path) -> None:
    """`/NAME` is the command of that name, or the session of that number, and nothing else."""
    assume(usable(name) and name != "default")
    async with prompt_over(tmp_path) as prompt:
        session = await prompt.open(name)
        before = await prompt.type("/help")
        for word in ("help", "status", "sessions"):
            assert "✗" not in (await prompt.type(f"/{word}")).splitlines()[0]
        assert await prompt.type("/help") == before
        if name.isascii() and name.isdigit():
            await prompt.type(f"/{name}")
            assert prompt.session == session  # a session of that name comes before the one of that number


async def test_a_number_is_a_name_first(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        seven, other = await prompt.open("3"), await prompt.open("work")
        await prompt.type("/3")
        assert prompt.session == seven
        await prompt.type("/kill 3")
        await prompt.open("more")
        await prompt.type("/switch default")
        await prompt.type("/2")
        assert prompt.session == other
        assert "/switch NAME|N|ID" in await prompt.told("/3 --help") == await prompt.told("/help 3")


@pytest.mark.parametrize(
    "line", ["/sessions", "/switch docs", "/2", "/next", "/back", "/new", "/close", "/kill docs", "/reopen docs", "/session list"]
)
async def test_one_session_says_how_to_have_many(line: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        prompt.many = False
        here = prompt.session
        shown = await prompt.told(line)
        assert shown.startswith("✗ There is one session here, so /")
        assert shown.endswith("Start plait without --single for many.")
        assert shown.count(". ") == 1
        assert prompt.session == here
        assert "There is one session here" not in await prompt.told("/help switch")


async def test_one_session_can_be_named_and_paused_and_no_other_one(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        prompt.many = False
        for line in ("/rename work", "/session-name", "/pause", "/unpause work", "/mute", "/notify done=off", "/debug gate", "/answer yes"):
            assert "There is one session here" not in await prompt.told(line), line
        for line in ("/rename docs x", "/pause docs", "/interrupt docs", "/mute docs", "/notify docs done=off", "/answer docs yes"):
            assert "There is one session here, so 'docs' cannot be used." in await prompt.told(line), line
        assert not (await prompt.row("docs")).muted
        prompt.many = True
        await prompt.type("/kill docs")
        prompt.many = False
        assert "There is one session here, so 'docs' cannot be used." in await prompt.told("/pause docs")
        await prompt.say("hello")
        assert "plait --session" in await prompt.told("/clear")


def test_every_command_about_sessions_is_told_with_an_example_and_completes() -> None:
    many = [command for command in REGISTRY.commands if command.topic == "sessions"]
    assert {command.name for command in many if command.many} == {
        *("sessions", "switch", "next", "back", "new", "close", "kill", "reopen", "say", "broadcast", "peek", "inbox", "session"),
        *("archive", "unarchive", "delete", "trash", "fork"),
    }
    assert {command.name for command in many if not command.many} == {
        *("rename", "session-name", "pause", "unpause", "interrupt", "answer", "mute", "notify", "debug", "search", "open"),
        *("tag", "pin", "unpin", "resume"),
    }
    for command in many:
        takes_one = "NAME" in command.usage.replace("--name=NAME", "") or "OLD" in command.usage
        assert command.complete is not None or not takes_one, command.name
