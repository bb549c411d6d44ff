"""Listing sessions and going from one to another, over a real coordinator."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest

from plait.core import commands as c
from plait.core.messages import SessionId
from plait.models.scripted import Reply
from plait.repl.fleet import FleetView
from tests.repl.prompting import FakePrompt, prompt_over

pytestmark = pytest.mark.anyio


async def waiting(prompt: FakePrompt, name: str) -> None:
    """Let a session have an answer that nobody has seen."""
    session = await prompt.open(name)
    done = await prompt.client.submit(c.Say(session, "hello"))
    assert isinstance(done, c.Done)
    await prompt.until(partial(waits, session))


def waits(session: SessionId, view: FleetView) -> bool:
    """Whether that session waits for the user."""
    row = view.row(session)
    return row is not None and bool(row.waiting_for)


async def test_sessions_are_listed_by_number(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    async with prompt_over(here, [Reply(text="Done.")]) as prompt:
        await waiting(prompt, "auth-fix")
        await prompt.client.submit(c.KeepDraft((await prompt.row("auth-fix")).id, "later", 0))
        await prompt.open("far", str(elsewhere))
        shown = (await prompt.type("/sessions")).splitlines()
        assert [" ".join(line.split()[:4]) for line in shown] == ["* 1 default ·", "2 auth-fix ✓ has", "3 far · ready"]
        assert re.search(r"2 messages, 1 unread  [0-9]+ years ago  \(draft\)$", shown[1])
        assert shown[2].endswith("in elsewhere")
        assert "in " not in shown[0]
        assert await prompt.type("/session list") == await prompt.type("/sessions")


async def test_flags(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [Reply(text="All **done**.\n\nReally.")]) as prompt:
        assert "No session waits for you." in await prompt.told("/sessions --waiting")
        await waiting(prompt, "auth-fix")
        await prompt.open("old")
        await prompt.type("/kill old")
        assert "old" not in await prompt.told("/sessions")
        assert "old - closed" in await prompt.told("/sessions --all")
        assert "old - closed" in await prompt.told("/sessions state:closed")
        for flag in ("--archived", "--trash"):
            assert f"--waiting and {flag} do not go together. Take one of them." in await prompt.told(f"/sessions {flag} --waiting")
        assert "default" not in await prompt.told("/sessions --waiting")
        row = await prompt.row("auth-fix")
        verbose = await prompt.told("/sessions --verbose --all")
        assert "last: All **done**. Really." in verbose
        assert f"{row.id} in {tmp_path}, holds " in verbose
        assert f"{(await prompt.row('old')).id} in {tmp_path}, not in memory" in verbose
        assert "No session fits 'nowhere'. /sessions --all nowhere looks at closed ones, too." in await prompt.told("/sessions nowhere")
        assert "No session fits 'verbose'. Did you mean --verbose?" in await prompt.told("/sessions verbose")
        assert "/sessions knows no '--jsn'. Did you mean --json? Type /sessions" in await prompt.told("/sessions --all --jsn")


@pytest.mark.parametrize("width", [20, 80])
async def test_json_is_valid_at_every_width(width: int, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        prompt.look = type(prompt.look)(width=width)
        await prompt.open("old")
        await prompt.type("/kill old")
        told = json.loads(await prompt.type("/sessions --all --json"))
        assert [(one["name"], one["number"], one["completed"]) for one in told] == [("default", 1, False), ("old", None, True)]
        assert json.loads(await prompt.type("/sessions --waiting --json")) == []


async def test_switching_by_name_beginning_number_and_id(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        first = prompt.session
        auth, docs = await prompt.open("auth-fix"), await prompt.open("docs")
        for line, session in (
            ("/switch auth-fix", auth),
            ("/s DOCS", docs),
            ("/switch au", auth),
            ("/switch 3", docs),
            ("/1", first),
            (f"/switch {docs}", docs),
            ("/session switch auth-fix", auth),
        ):
            assert await prompt.type(line) == ""
            assert prompt.session == session, line
        assert "'auth-fix' is shown already" in await prompt.told("/switch 2")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/switch", "/switch needs a session to go to. Type /switch NAME or /switch 2"),
        ("/switch auth fix", "'auth fix' has a blank in it, and a name has none. Type /switch NAME"),
        ("/switch auth", "'auth' can mean 2 sessions: 2 auth-fix in"),
        ("/switch auth-fxi", "No open session is called 'auth-fxi'. Did you mean 'auth-fix'?"),
        ("/switch zzz", "No open session is called 'zzz'. /sessions lists"),
        ("/switch old", "The session 'old' is closed. /reopen old opens it again."),
        ("/9", "There is no session number 9: they go from 1 to 3."),
        ("/0", "There is no session number 0"),
        ("/3 hello", "/3 takes nothing after it. Type /3 to go there, or /say 3 TEXT to say something there."),
        ("/next now", "/next takes nothing after it."),
        ("/back 2", "/back takes nothing after it."),
        ("/back", "There is no session to go back to."),
    ],
)
async def test_nobody_goes_astray(line: str, answer: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        here = prompt.session
        for name in ("auth-fix", "auth-tests", "old"):
            await prompt.open(name)
        await prompt.type("/kill old")
        assert answer in await prompt.told(line)
        assert prompt.session == here


async def test_next_goes_round_those_that_wait_and_back_to_where_it_began(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [Reply(text="Done.")]) as prompt:
        here = prompt.session
        assert "Nobody else waits for you." in await prompt.told("/next")
        for name in ("second", "first"):
            await prompt.open(name)
        for name in ("first", "second"):
            session = (await prompt.row(name)).id
            await prompt.client.submit(c.Say(session, "hello"))
            await prompt.until(partial(waits, session))
        await prompt.type("/next")
        assert prompt.session == (await prompt.row("first")).id
        await prompt.type("/next")
        assert prompt.session == (await prompt.row("second")).id
        assert "Nobody else waits" in await prompt.told("/next")
        await prompt.type("/back")
        assert prompt.session == here


async def test_back_says_what_became_of_the_session_one_came_from(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        await prompt.type("/switch docs")
        await prompt.type("/rename default work")
        await prompt.type("/kill work")
        assert "The session that you came from is closed. /reopen work opens it again." in await prompt.told("/back")


async def test_of_a_thousand_closed_sessions_the_newest_are_listed_and_the_others_counted(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        for number in range(1000):
            await prompt.client.submit(c.CloseSession(await prompt.open(f"work-{number}")))
        shown = await prompt.told("/sessions --all")
        assert shown.count(" closed ") == 50
        assert "950 more are closed. Words narrow it: /sessions --all WORDS" in shown
        assert "default" in shown, "open ones are all there"
        assert "more are closed" not in await prompt.told("/sessions --all work-77")
        assert len(json.loads(await prompt.type("/sessions --all --json"))) == 1001, "a program gets all"
