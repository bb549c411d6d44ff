"""Opening, closing, reopening and naming sessions, over a real coordinator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plait.core import commands as c
from plait.core.defaults import Defaults
from plait.core.messages import CallId, ToolCall
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.repl.slash.begin import parse_new
from plait.tools.ask_user import AskUser
from tests.repl.prompting import FakePrompt, prompt_over

pytestmark = pytest.mark.anyio
ASKS = Reply(match="ask", calls=(ToolCall(CallId("q"), "ask_user", json.dumps({"question": "Which one?"})),))


@pytest.mark.parametrize(
    ("argument", "kind", "name", "message"),
    [
        ("", None, "", ""),
        ("debug", "debug", "", ""),
        ("Review login", "code-review", "login", ""),
        ("plan", "planning", "", ""),
        ("dev x", "development", "x", ""),
        ("debug debug", "debug", "debug", ""),
        ("deb", None, "deb", ""),
        ("auth-fix -- why does --json fail?\nAnd -- this?", None, "auth-fix", "why does --json fail?\nAnd -- this?"),
        ("-- /help me", None, "", "/help me"),
        ("debug -- x", "debug", "", "x"),
        ("my-hotfix", None, "my-hotfix", ""),
    ],
)
def test_what_new_is_told(argument: str, kind: str | None, name: str, message: str) -> None:
    wanted = parse_new(argument)
    assert (wanted.kind, wanted.name, wanted.message) == (kind, name, message)


async def test_new_opens_a_session_and_shows_it(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("important")
    async with prompt_over(tmp_path) as prompt:
        first = prompt.session
        shown = await prompt.told("/new debug my-hotfix -- look at @notes.txt")
        assert f"Opened 'my-hotfix', a session of type debug in {tmp_path}." in shown
        row = await prompt.row("my-hotfix")
        assert (row.id, row.kind, row.directory) == (prompt.session, "debug", str(tmp_path))
        assert prompt.came_from == first
        await prompt.until(lambda view: any(one.waiting_for for one in view.sessions))
        assert "important" in str(prompt.models.model.requests[-1].messages)
        assert "give it its name" not in await prompt.told("/new -- hello")
        assert "Your first messages give it its name." in await prompt.told("/new")
        assert (await prompt.row("default-3")).id == prompt.session


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/new fix the login", "'fix the login' is no name, for it has a blank in it; 'fix-the-login' could be one. Type /new [TYPE]"),
        ("/new debgu login", "Did you mean /new debug login? Type /new [TYPE]"),
        ("/new Auth_Fix", "'Auth_Fix' cannot be the name of a session"),
        ("/new x --", "There is no message after --."),
        ("/new x -- see @/nowhere/a.txt", "'/nowhere/a.txt' does not exist."),
        ("/new default", "This project has a session 'default' already."),
        ("/new /tmp", "'/tmp' is no name. Type /session new /tmp to open a session that works in that directory."),
        ("/new debug ~/shop -- x", "Type /session new ~/shop to"),
    ],
)
async def test_nothing_is_opened_by_mistake(line: str, answer: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert answer in await prompt.told(line)
        assert len(await prompt.client.sessions()) == 1


async def full(prompt: FakePrompt) -> None:
    """Two sessions with a message, of two that may be open."""
    await prompt.say("hello")
    await prompt.open("docs")
    await prompt.type("/switch docs")
    await prompt.say("hello")


async def test_at_the_limit_the_one_left_alone_longest_can_make_room(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, defaults=Defaults(max_sessions=2, auto_names=False)) as prompt:
        await full(prompt)
        prompt.answers = [False, True]
        shown = await prompt.told("/new third")
        assert "2 of 2 sessions with messages are open." in shown
        assert prompt.asked[0].startswith("Close 'default' (ready, last used ")
        assert "Nothing was closed or opened." in shown
        assert "third" not in [row.name for row in await prompt.client.sessions()]
        shown = await prompt.told("/new third")
        assert "Closed 'default' with 2 messages; nothing was deleted. /reopen default opens it again." in shown
        assert (await prompt.row("third")).id == prompt.session
        await prompt.say("hello")
        prompt.answers = [True]
        assert "Opened 'default' again." in await prompt.told("/reopen default")
        assert "Close 'docs'" in prompt.asked[-1]
        assert (await prompt.row("docs")).state is SessionState.COMPLETED


async def test_nobody_is_offered_who_works(tmp_path: Path) -> None:
    defaults = Defaults(max_sessions=1, auto_names=False)
    async with prompt_over(tmp_path, [Reply(text="half", hang=True)], defaults=defaults) as prompt:
        await prompt.client.submit(c.Say(prompt.session, "hello"))
        assert "1 of 1 sessions with messages are open." in await prompt.told("/new")
        assert prompt.asked == []


async def test_close_asks_only_where_something_would_be_lost_from_sight(tmp_path: Path) -> None:
    replies = [ASKS, Reply(match="hang", text="half", hang=True)]
    async with prompt_over(tmp_path, replies, tools={"ask_user": AskUser()}) as prompt:
        for name, text in (("idle", ""), ("seen", "x"), ("unread", "x"), ("asks", "ask"), ("works", "hang")):
            session = await prompt.open(name)
            if text:
                await prompt.client.submit(c.Say(session, text))
        await prompt.until(lambda view: [row.waiting_for for row in view.sessions] == ["", "", "answer", "answer", "question", ""])
        await prompt.type("/switch seen")
        await prompt.type("/back")
        for name in ("idle", "seen"):
            shown = await prompt.told(f"/close {name}")
            assert f"Closed '{name}'" in shown
        assert prompt.asked == []
        prompt.answers = [False, False, False, True]
        for name in ("unread", "asks", "works", "works"):
            await prompt.type(f"/close {name}")
        assert prompt.asked == [
            "'unread' has 1 unread message. Close it?",
            "'asks' waits for your answer and has 2 unread messages. Close it?",
            "'works' is working. Close it?",
            "'works' is working. Close it?",
        ]
        assert [row.name for row in (await prompt.look_around()).sessions] == ["default", "unread", "asks"]
        assert "Closed 'asks'" in await prompt.told("/kill asks")
        assert len(prompt.asked) == 4


async def test_closing_the_shown_one_shows_another(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        docs = await prompt.open("docs")
        await prompt.say("hello")
        assert "Closed 'default' with 2 messages" in await prompt.told("/close")
        assert prompt.session == docs
        assert await prompt.told("/session close") == "✓ Closed 'docs'."
        assert (await prompt.status()).info.name == "default"


@pytest.mark.parametrize("line", ["/close -h", "/close docs now", "/kill help", "/close docz", "/reopen docs x"])
async def test_nothing_is_closed_by_mistake(line: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        assert (await prompt.told(line)).startswith("✗")
        assert len((await prompt.look_around()).sessions) == 2


async def test_reopen_undoes_close(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert "No session is closed." in await prompt.told("/reopen docs")
        for name in ("auth-fix", "auth-tests", "docs"):
            await prompt.open(name)
            await prompt.type(f"/kill {name}")
        old = (await prompt.row("docs")).id
        await prompt.open("docs")
        await prompt.type("/kill docs")
        new = (await prompt.row("docs")).id
        assert "such as docs, auth-tests, auth-fix." in await prompt.told("/reopen")
        assert "'auth' can mean 2 closed sessions: auth-tests, auth-fix." in await prompt.told("/reopen auth")
        assert "No closed session is called 'auth-fxi'. Did you mean 'auth-fix'?" in await prompt.told("/reopen auth-fxi")
        assert "'default' is open. /switch default shows it." in await prompt.told("/reopen default")
        assert f"Opened 'docs' again. An older one of that name is /reopen {old}." in await prompt.told("/reopen DOCS")
        assert prompt.session == new
        assert "It is called 'docs-2' now, because another session has its name." in await prompt.told(f"/reopen {old}")
        assert "Opened 'auth-fix' again." in await prompt.told("/reopen auth-f")


async def test_renaming(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        assert "'default' is called 'auth-fix' from now on" in await prompt.told("/rename auth-fix")
        assert "'docs' is called 'manual' from now on" in await prompt.told("/rename docs manual")
        assert "'auth-fix' is called 'help' from now on" in await prompt.told("/session rename help")
        assert "This session is called 'help', given by hand." in await prompt.told("/session-name")
        assert "'help' is called '7' from now on" in await prompt.told("/session-name 7")
        assert [row.name for row in (await prompt.look_around()).sessions] == ["7", "manual"]
        for line, answer in (
            ("/rename", "/rename needs a name. Type /rename NEW or /rename OLD NEW"),
            ("/rename a b c", "A name has no blanks; 'a-b-c' could be one."),
            ("/rename Foo Bar", "A name has no blanks: /rename foo-bar renames the shown session."),
            ("/rename zzz x", "No open session is called 'zzz'."),
            ("/rename manual", "This project has a session 'manual' already."),
            ("/session-name a B", "A name has no blanks; 'a-b' could be one."),
            ("/rename Über_Mut", "Try 'über-mut'."),
        ):
            assert answer in await prompt.told(line)
        await prompt.say("hello")
        assert "given by hand" in await prompt.told("/session-name")
        assert "until its first message gives it one" in await prompt.told("/new") + await prompt.told("/session-name")


async def test_the_family(tmp_path: Path) -> None:
    place = tmp_path / "a place"
    place.mkdir()
    (tmp_path / "file").touch()
    async with prompt_over(tmp_path) as prompt:
        assert f"Opened 'shop', a session of type development in {place}." in await prompt.told('/session new "a place" --name=shop')
        await prompt.type("/1")
        await prompt.type("/session new a\\ place --name other")
        assert (await prompt.row("other")).directory == str(place)
        await prompt.type("/session new ..")
        assert (await prompt.status()).info.directory == str(tmp_path)
        assert "'default-2' is on disk with its 0 messages, in /home/plait.db." in await prompt.told("/session save")
        assert "'shop' is on disk" in await prompt.told("/session save shop")
        for line, answer in (
            ("/session", "/session needs a word that says what to do. Type /session new"),
            ("/session lsit", "/session knows no 'lsit'. Did you mean /session list? Type"),
            ("/session new nowhere", "'nowhere' does not exist."),
            ("/session new file", "'file' is not a directory."),
            ("/session new a place", "'place' is a second path; one with blanks stands in quotes."),
            ("/session new 'a", "There is a quote without its end"),
            ("/session new --foo", "/session new knows no '--foo'."),
            ("/session new --name=", "There is no name after --name."),
            ("/session list --foo", "/sessions knows no '--foo'."),
            ("/session switch zzz", "No open session is called 'zzz'."),
        ):
            assert answer in await prompt.told(line), line
        assert len(await prompt.client.sessions()) == 4
