"""/resume over a real coordinator: which session is meant, where it works, and what is offered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plait.core import commands as c
from plait.core.errors import UsageError
from plait.core.messages import SessionId
from plait.core.resuming import Candidates, resumable, session_to_resume
from plait.core.session import SessionState
from plait.repl.slash.choices import Lookup, rank
from plait.repl.slash.resume import COMMANDS, parse_resume
from tests.repl.fleets import session as row_of
from tests.repl.prompting import FakePrompt, prompt_over

pytestmark = pytest.mark.anyio
(RESUME,) = COMMANDS


async def closed(prompt: FakePrompt, name: str, said: str, directory: str = "") -> str:
    """A closed session in which this was said; its id."""
    here = prompt.session
    prompt.session = await prompt.open(name, directory)
    await prompt.say(said)
    session, prompt.session = prompt.session, here
    await prompt.client.submit(c.CloseSession(session))
    return session


async def test_resume_goes_to_an_open_session_and_opens_a_closed_one(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        docs = await prompt.open("docs")
        old = await closed(prompt, "auth-fix", "the login is broken")
        await closed(prompt, "parser", "tokens are lost")
        assert "'default' is shown already." in await prompt.told("/resume default")
        await prompt.type("/resume docs")
        assert prompt.session == docs
        assert "Opened 'auth-fix' again." in await prompt.told("/resume auth-fix")
        assert prompt.session == old
        await prompt.type("/kill auth-fix")
        await prompt.open("auth-fix")
        assert "It is called 'auth-fix-2' now" in await prompt.told(f"/resume {old}")


@pytest.mark.parametrize("word", ["login broken", "BROKEN", "4", "the id"])
async def test_words_numbers_and_ids_name_a_session(tmp_path: Path, word: str) -> None:
    async with prompt_over(tmp_path) as prompt:
        prompt.look = replace(prompt.look, plain=True)  # numbers of closed ones are listed there alone
        await prompt.open("docs")
        old = await closed(prompt, "auth-fix", "the login is broken")
        await closed(prompt, "parser", "tokens are lost")
        await prompt.type(f"/resume {old if word == 'the id' else word}")
        assert prompt.session == old


async def test_what_names_no_session_is_told(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await closed(prompt, "auth-fix", "the login is broken")
        await closed(prompt, "auth-docs", "the login is described")
        assert "'login' can mean 2 sessions: auth-docs (" in await prompt.told("/resume login")
        assert "No session is called 'auth-fxi', and none is about that. Did you mean 'auth-fix'?" in await prompt.told("/resume auth-fxi")
        assert "none is about that" in await prompt.told("/resume 99")
        shown = prompt.session
        await prompt.type("/resume 2")  # is closed: /sessions gives it no number, and the menu has none
        assert prompt.session == shown


async def test_where_the_directory_is_gone_another_is_offered(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    other = tmp_path / "other one"
    other.mkdir()
    async with prompt_over(tmp_path) as prompt:
        await closed(prompt, "auth-fix", "hello", str(gone))
        gone.rmdir()
        prompt.answers = [False]
        shown = await prompt.told("/resume auth-fix")
        assert prompt.asked == [
            f"'auth-fix' worked in {gone}, which is not there any more. Shall it work in {tmp_path} instead?",
        ]
        assert "/resume auth-fix PATH gives it another directory." in shown
        assert (await prompt.row("auth-fix")).directory == str(gone)
        await prompt.type("/switch default")
        prompt.answers = [True]
        await prompt.type("/resume auth-fix")
        assert (await prompt.row("auth-fix")).directory == str(tmp_path)
        await prompt.type('/resume auth-fix "./other one"')
        assert (await prompt.row("auth-fix")).directory == str(other)
        assert "does not exist" in await prompt.told("/resume auth-fix ./nowhere")
        prompt.many = False
        assert "There is one session here, so /resume cannot be used." in await prompt.told("/resume default")
        await prompt.type(f"/resume {prompt.session} {tmp_path}")
        assert (await prompt.row("auth-fix")).directory == str(tmp_path)


async def test_without_a_word_all_are_offered_or_listed(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        await closed(prompt, "auth-fix", "the login is broken")
        assert await prompt.told("/resume") == ""
        assert prompt.offered == ["/resume "]
        prompt.has_menu = False
        shown = await prompt.told("/resume")
        assert "1 default" in shown
        assert "3 auth-fix" in shown
        assert "Type /resume and a number or a name." in shown


async def test_what_is_typed_is_looked_for_in_all_that_a_session_is_about(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        await closed(prompt, "auth-fix", "the Login is broken")
        await prompt.look_around()
        assert RESUME.complete is not None
        lookup = Lookup(prompt.client, lambda: prompt.fleet)
        offered = await RESUME.complete(lookup, "")
        assert [one.text for one in offered] == ["docs", "auth-fix"]
        assert offered[1].note.startswith("closed · ")
        assert offered[1].note.endswith(" · the Login is broken")
        for before, typed in (("", "logi"), ("broken", "auth"), ("LOGIN", "brok")):
            lookup.typed = typed
            offered = [one for one in await RESUME.complete(lookup, before) if rank(typed, one) is not None]
            assert [one.text for one in offered] == ["auth-fix"]
        lookup.typed = "nowhere"
        assert [one.text for one in await RESUME.complete(lookup, "") if rank("nowhere", one)] == []


@pytest.mark.parametrize(
    ("argument", "words", "path"),
    [
        ("", "", ""),
        ("auth", "auth", ""),
        ("auth fix", "auth fix", ""),
        ("auth ~/x", "auth", "~/x"),
        ('auth "./a b"', "auth", "./a b"),
        ("/only/a/path", "/only/a/path", ""),
        ('auth "x', 'auth "x', ""),
    ],
)
def test_what_resume_is_told(argument: str, words: str, path: str) -> None:
    assert parse_resume(argument) == (words, path)


SHOP = replace(row_of("x"), project="shop-1", directory="/shop", messages=2)
CLOSED = replace(SHOP, state=SessionState.COMPLETED)
ROWS = [
    replace(row_of("parser"), project="other-1", directory="/other", used_at=9.0),
    replace(SHOP, id=SessionId("s1"), name="auth-fix", used_at=5.0, first="The LOGIN is broken"),
    replace(CLOSED, id=SessionId("s2"), name="old-login", used_at=1.0, title="Sign in"),
    replace(CLOSED, id=SessionId("s3"), name="empty", used_at=8.0, messages=0),
    replace(CLOSED, id=SessionId("s4"), name="filed", used_at=8.0, archived=True),
    replace(CLOSED, id=SessionId("s5"), name="thrown", used_at=8.0, trashed_at=1.0),
]


def test_this_projects_come_first_and_what_is_put_away_is_not_offered() -> None:
    assert [row.name for row in resumable(ROWS, "/shop")] == ["auth-fix", "old-login", "parser"]
    assert [row.name for row in resumable(ROWS)] == ["parser", "auth-fix", "old-login"]


def test_words_narrow_and_a_name_that_begins_so_comes_first() -> None:
    candidates = Candidates(resumable(ROWS, "/shop"))
    assert [row.name for row in candidates.fitting("login")] == ["auth-fix", "old-login"]
    assert [row.name for row in candidates.fitting("old")] == ["old-login"]
    assert [row.name for row in candidates.fitting("sign IN")] == ["old-login"]
    assert [row.name for row in candidates.fitting("other-1")] == ["parser"]
    assert candidates.fitting("nothing") == []
    assert len(candidates.fitting("", 2)) == 2


def test_a_session_in_the_archive_is_found_by_its_name_and_one_in_the_trash_is_not() -> None:
    assert session_to_resume(ROWS, "filed", "/shop").name == "filed"
    with pytest.raises(UsageError, match=r"'thrown' lies in the trash\. Take it out first: /reopen thrown,"):
        session_to_resume(ROWS, "thrown", "/shop")
