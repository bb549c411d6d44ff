"""Tags, pins, the archive and the trash at the prompt, over a real coordinator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plait.core import commands as c
from plait.core.filing_commands import DeleteSession
from plait.core.session import SessionState
from plait.models.scripted import Reply
from tests.repl.prompting import FakePrompt, prompt_over
from tests.repl.test_complete import completer, offered

pytestmark = pytest.mark.anyio


async def names(prompt: FakePrompt, line: str) -> list[str]:
    return [one["name"] for one in json.loads(await prompt.type(f"{line} --json"))]


async def deleted(prompt: FakePrompt, name: str) -> None:
    await prompt.open(name)
    prompt.answers = [True]
    await prompt.type(f"/delete {name}")


async def test_tags_are_given_shown_and_taken_off(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        assert "'default' has no tags. /tag api gives it one." in await prompt.told("/tag")
        assert "'default' is tagged #api #db." in await prompt.told("/tag db #api")
        assert "'docs' is tagged #api." in await prompt.told("/tag docs +api")
        assert "'docs' is tagged #new." in await prompt.told("/tag docs +new -api")
        shown = await prompt.told("/tag")
        assert "'default' is tagged #api #db. /tag -api takes that off." in shown
        assert "In use: api (1), db (1), new (1); /sessions --all tag:api lists them." in shown
        assert "tags #api #db" in await prompt.told("/status")
        assert "#api #db" in await prompt.told("/sessions")
        assert await names(prompt, "/sessions tag:new") == ["docs"]
        assert "'default' has no tag any more." in await prompt.told("/tag -api -db")
        assert "'default' is tagged #docs. /tag docs +TAG would tag the session 'docs'." in await prompt.told("/tag docs")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/tag API", "'API' cannot be a tag: lower-case words joined by '-', 20 characters at most. Try 'api'."),
        ("/tag +fine +" + "x" * 30, "Try 'xxxxxxxxxxxxxxxxxxxx'."),
        ("/tag -api", "This session has no tag 'api'. It has none."),
        ("/tag default api +db", "'api' has neither + nor - before it. Type /tag [NAME] +TAG -TAG"),
        ("/tag nobody +api", "No open session is called 'nobody'."),
        ("/tag a b c d e f g h i j k", "A session has 10 tags at most, and this would be 11."),
        ("/tag +", "cannot be a tag"),
    ],
)
async def test_what_cannot_be_a_tag_changes_nothing(line: str, answer: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert answer in await prompt.told(line)
        assert (await prompt.row("default")).tags == ()


async def test_pinned_ones_stand_first_and_every_number_stays(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        for name in ("one", "two", "three"):
            await prompt.open(name)
        assert "'two' is pinned: it stands first in lists, and its number stays." in await prompt.told("/pin two")
        listed = json.loads(await prompt.type("/sessions --json"))
        assert [(one["name"], one["number"], one["pinned"]) for one in listed] == [
            ("two", 3, True),
            ("default", 1, False),
            ("one", 2, False),
            ("three", 4, False),
        ]
        assert "3 two · ready development 0 messages" in await prompt.told("/sessions")
        assert "pinned" in await prompt.told("/sessions")
        await prompt.type("/3")
        assert (await prompt.row("two")).id == prompt.session
        assert "pinned yes; it stands first in lists" in await prompt.told("/status")
        assert "'two' is pinned already." in await prompt.told("/pin")
        assert "'two' is not pinned any more." in await prompt.told("/unpin")
        assert "'two' is not pinned. /pin two pins it." in await prompt.told("/unpin two")
        for name in ("one", "three"):
            await prompt.type(f"/kill {name}")
        await prompt.type("/pin one")
        assert await names(prompt, "/sessions --all") == ["default", "two", "one", "three"]


async def test_the_archive_is_listed_where_it_is_asked_for(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.say("hello")
        await prompt.open("docs")
        assert "The archive is empty." in await prompt.told("/sessions --archived")
        shown = await prompt.told("/archive")
        assert "'default' is in the archive; nothing was deleted. /reopen default opens it" in shown
        assert prompt.session == (await prompt.row("docs")).id, "another one is shown"
        assert await names(prompt, "/sessions --all") == ["docs"]
        assert await names(prompt, "/sessions --archived") == ["default"]
        assert "archived" in await prompt.told("/sessions --all --archived")
        assert "default · " in await prompt.told("/search hello")
        assert "'default' is in the archive already." in await prompt.told("/archive default")
        assert "'default' is out of the archive, and closed." in await prompt.told("/unarchive default")
        assert await names(prompt, "/sessions --all") == ["docs", "default"]
        assert "No session in the archive is called 'default'." in await prompt.told("/unarchive default")
        await prompt.type("/archive default")
        assert "Opened 'default' again." in await prompt.told("/reopen default")
        assert not (await prompt.row("default")).archived


async def test_a_working_session_is_archived_after_a_question(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [Reply(text="half", hang=True)]) as prompt:
        await prompt.client.submit(c.Say(prompt.session, "hello"))
        prompt.answers = [False, True]
        assert "'default' stays where it is." in await prompt.told("/archive")
        assert "'default' is in the archive" in await prompt.told("/archive")
        assert prompt.asked == ["'default' is working. Close it and put it into the archive?"] * 2


async def test_delete_asks_and_can_be_undone(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.say("hello")
        first = prompt.session
        await prompt.open("docs")
        prompt.answers = [False, True]
        assert "'default' stays where it is." in await prompt.told("/delete default")
        shown = await prompt.told("/delete default")
        assert prompt.asked == ["Put 'default' (2 messages) into the trash?"] * 2
        assert "'default' is in the trash, where it stays until you purge it. /reopen default takes it out and opens it." in shown
        assert prompt.session == (await prompt.row("docs")).id, "another one is shown, as after /close"
        assert await names(prompt, "/sessions --all --archived") == ["docs"]
        assert await names(prompt, "/sessions --trash") == ["default"]
        assert "Nothing was found." in await prompt.told("/search hello")
        assert "default · " in await prompt.told("/search hello trashed:yes")
        assert "'default' is in the trash, which is not searched. Add trashed:yes" in await prompt.told("/search hello in:default")
        assert "The session 'default' is in the trash. /reopen default opens it again." in await prompt.told("/switch default")
        assert "Took 'default' out of the trash and opened it again." in await prompt.told("/reopen default")
        assert prompt.session == first
        assert "The trash is empty." in await prompt.told("/trash")


async def test_delete_of_the_last_and_of_a_working_one(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [Reply(text="half", hang=True)]) as prompt:
        await prompt.client.submit(c.Say(prompt.session, "hello"))
        prompt.answers = [True]
        first = prompt.session
        await prompt.type("/session delete default")
        assert prompt.asked == ["Put 'default' (1 message; it is working) into the trash?"]
        assert prompt.session != first, "a fresh one is shown"
        assert (await prompt.status()).info.state is SessionState.ACTIVE


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/delete", "/delete needs the name of the one session to put into the trash; nothing was deleted. Type /delete NAME"),
        ("/delete *", "No open session is called '*'."),
        ("/delete one two", "'one two' has a blank in it, and a name has none."),
        ("/delete --all", "No open session is called '--all'."),
        ("/delete o", "'o' can mean 2 sessions"),
        ("/delete same", "'same' can mean 2 sessions"),
        ("/trash purge", "Nothing is erased from here."),
        ("/trash restroe one", "/trash knows no 'restroe'. Did you mean /trash restore?"),
        ("/trash restore", "/trash needs a session after restore"),
        ("/trash restore one", "Nothing in the trash is called 'one'."),
    ],
)
async def test_nothing_is_deleted_that_was_not_named(line: str, answer: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        for name in ("same", "same", "one", "other"):
            await prompt.open(name)
            if name == "same":
                await prompt.type("/kill same")
        before = {row.id: row.state for row in await prompt.client.sessions()}
        assert answer in await prompt.told(line)
        assert prompt.asked == []
        assert {row.id: row.state for row in await prompt.client.sessions()} == before


async def test_a_closed_session_goes_before_an_open_one_whose_name_begins_so(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("doc")
        await prompt.type("/kill doc")
        await prompt.open("docs")
        prompt.answers = [True]
        await prompt.type("/delete doc")
        assert prompt.asked == ["Put 'doc' (0 messages) into the trash?"]
        assert (await prompt.row("docs")).state is SessionState.ACTIVE


async def test_the_trash_is_listed_and_gives_back(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await deleted(prompt, "one")
        await deleted(prompt, "two")
        shown = await prompt.told("/trash")
        assert shown.index("two") < shown.index("one")
        assert "0 messages, " in shown
        assert "2 sessions, " in shown
        assert (await prompt.row("one")).id in shown
        assert "'one' is out of the trash, and closed. /reopen one opens it." in await prompt.told("/trash restore one")
        assert (await prompt.row("one")).state is SessionState.COMPLETED
        await deleted(prompt, "one")
        assert (await prompt.told("/trash")).count("deleted") == 2
        row = next(row for row in await prompt.client.sessions() if row.name == "one" and row.trashed_at)
        assert "Took 'one' out of the trash and opened it again." in await prompt.told(f"/reopen {row.id}")


async def test_of_a_full_trash_the_newest_are_listed_and_the_others_counted(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        for number in range(52):
            session = await prompt.open(f"work-{number}")
            await prompt.client.submit(c.CloseSession(session))
            await prompt.client.submit(DeleteSession(session))
        more = "2 more are in the trash. Words narrow it: /sessions --trash WORDS"
        shown = await prompt.told("/trash")
        assert (shown.count("deleted"), more in shown, "52 sessions, " in shown) == (50, True, True)
        shown = await prompt.told("/sessions --trash")
        assert (shown.count("in the trash"), more in shown) == (51, True)


async def test_what_tab_offers(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        for name, line in (("aside", "/archive aside"), ("gone", "/delete gone"), ("old", "/kill old")):
            await prompt.open(name)
            prompt.answers = [True]
            await prompt.type(line)
        await prompt.type("/tag api")
        await prompt.look_around()
        tab = completer(prompt, tmp_path)
        assert await offered(tab, "/delete o") == ["/delete old", "/delete docs"]
        assert await offered(tab, "/reopen ") == ["/reopen old", "/reopen aside"]
        assert await offered(tab, "/unarchive ") == ["/unarchive aside"]
        assert await offered(tab, "/trash ") == ["/trash restore"]
        assert await offered(tab, "/trash restore ") == ["/trash restore gone"]
        assert await offered(tab, "/tag ") == ["/tag -api", "/tag +api", "/tag api"]
        assert await offered(tab, "/sessions tag:") == ["/sessions tag:api"]
