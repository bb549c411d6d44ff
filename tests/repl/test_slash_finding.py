"""/search and /open over a real coordinator."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest

from plait.core import commands as c
from plait.core.errors import UsageError
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.repl.fleet import FleetView
from plait.repl.slash.commands import all_commands
from plait.repl.slash.hits import hit_rows, summary
from plait.repl.slash.layout import lines
from plait.repl.slash.line import SlashLine, parse_line
from plait.repl.slash.registry import Registry
from plait.repl.slash.search_line import parse_search
from plait.repl.style import Look, row_width
from tests.repl.prompting import FakePrompt, prompt_over

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 26, 10, 30)
REPLIES = [Reply(match="pool", text="A pool of \x1b[2Jconnections is \x07reused."), Reply(match="", text="Fine.")]


async def told(prompt: FakePrompt, line: str) -> str:
    """Type a command at this prompt, which has its hits for as long as it lives; what it showed, on one line."""
    prompt.texts.clear()
    parsed = parse_line(line)
    assert isinstance(parsed, SlashLine)
    await prompt.look_around()
    await COMMANDS[prompt.client].run(prompt, parsed)
    return " ".join("".join(prompt.texts).split())


@asynccontextmanager
async def prompt_with_hits(directory: Path) -> AsyncGenerator[FakePrompt, None]:
    async with prompt_over(directory, REPLIES) as prompt:
        COMMANDS[prompt.client] = all_commands()
        yield prompt


COMMANDS: WeakKeyDictionary[Client, Registry] = WeakKeyDictionary()


async def asked(prompt: FakePrompt, name: str, *texts: str) -> None:
    """A session of that name in which this was said and answered."""
    session = await prompt.open(name)

    def answered(view: FleetView) -> bool:
        row = view.row(session)
        return row is not None and row.messages == messages and row.waiting_for == "answer"

    messages = 0
    for text in texts:
        messages += 2
        await prompt.client.submit(c.Say(session, text))
        await prompt.until(answered)


async def test_hits_are_numbered_and_what_was_found_is_set_off(tmp_path: Path) -> None:
    async with prompt_with_hits(tmp_path) as prompt:
        await asked(prompt, "docs", "What is a connection pool?")
        seen = await told(prompt, "/search pool")
        assert "1 docs · 3 years ago · you" in seen
        assert "What is a connection *pool*?" in seen
        assert "2 docs · 3 years ago · the model" in seen
        assert "\x1b" not in seen
        assert "\x07" not in seen
        assert "2 hits. /open N goes to one." in seen
        assert "you" not in await told(prompt, "/grep POOL role:assistant")
        prompt.look = Look(width=100)
        assert "\x1b[1;33mpool\x1b" in await told(prompt, "/search pool connection")
        prompt.look = Look(plain=True, colour=False, width=100)
        assert "1 docs, 3 years ago, you What" in await told(prompt, "/search pool connection?")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("/search", "/search needs a word."),
        ('/search " * (', "There is no word to search for."),
        ("/search in:docs", "There is no word to search for."),
        ("/search x role:nobody", "Give role:user, role:assistant or role:tool."),
        ("/search x since:soon", "'soon' is not a date. Give one such as 2026-01-31"),
        ("/search x page:0", "is not the number of a page"),
        ("/search x in:dcos", "There is no session called 'dcos'. Did you mean 'docs'?"),
        ("/search x project:nowhere", "There is no project called 'nowhere'."),
        ("/search zebra", "Nothing was found."),
        ("/search pool page:9", "There are only 2 hits."),
        ("/open", "/open needs a number."),
        ("/open one", "'one' is not the number of a hit."),
        ("/open 7", "There is no hit 7. /search WORDS finds some."),
    ],
)
async def test_what_cannot_be_is_told(tmp_path: Path, line: str, sentence: str) -> None:
    async with prompt_with_hits(tmp_path) as prompt:
        await asked(prompt, "docs", "What is a connection pool?")
        assert sentence in " ".join((await told(prompt, line)).split())


async def test_opening_a_hit_shows_its_session_and_its_neighbourhood(tmp_path: Path) -> None:
    async with prompt_with_hits(tmp_path) as prompt:
        await asked(prompt, "docs", *(f"line {number}" for number in range(8)), "a needle", *(f"line {number}" for number in range(20, 25)))
        await asked(prompt, "other", "something else")
        await told(prompt, "/search needle")
        seen = await told(prompt, "/open 1")
        assert prompt.session == (await prompt.row("docs")).id
        assert "a needle" in seen
        assert [f"line {number}" in seen for number in (0, 5, 6, 7, 20, 21, 22, 24)] == [
            False,
            False,
            False,
            True,
            True,
            False,
            False,
            False,
        ]
        assert "There is no hit 2. The hits have the numbers 1 to 1." in await told(prompt, "/open 2")
        unread = (await prompt.row("other")).unread
        await told(prompt, "/search something")
        prompt.many = False
        assert "only shown" in await told(prompt, "/open 1")
        assert prompt.session == (await prompt.row("docs")).id
        assert (await prompt.row("other")).unread == unread


async def test_a_closed_session_is_shown_and_stays_closed(tmp_path: Path) -> None:
    async with prompt_with_hits(tmp_path) as prompt:
        await asked(prompt, "docs", "a needle")
        shown = prompt.session
        await told(prompt, "/kill docs")
        assert "docs · 3 years ago · you · closed" in await told(prompt, "/search needle in:docs")
        seen = await told(prompt, "/open 1")
        assert "a needle" in seen
        assert "Fine." in seen
        assert "/reopen docs goes on with it." in seen
        assert prompt.session == shown
        assert [row.name for row in await prompt.client.sessions() if row.state == "Completed"] == ["docs"]
        older = (await prompt.row("docs")).id
        await asked(prompt, "docs", "another thread")
        await told(prompt, "/kill docs")
        await told(prompt, "/search needle")
        assert f"/reopen {older} goes on with it." in await told(prompt, "/open 1")


async def test_pages_go_on_with_the_numbers(tmp_path: Path) -> None:
    async with prompt_with_hits(tmp_path) as prompt:
        await asked(prompt, "docs", *(f"needle {number}" for number in range(12)))
        first = await told(prompt, "/search needle role:user")
        assert "Hits 1 to 10 of 12. /open N goes to one; the same with page:2 shows more." in first
        second = await told(prompt, "/search needle role:user page:2")
        assert "11 docs" in second
        assert "Hits 11 to 12 of 12." in second
        assert "needle" in await told(prompt, "/open 12")


def test_a_count_that_was_not_finished_says_so() -> None:
    row = c.SessionInfo(SessionId("s"), "amber", "debug", SessionState.ACTIVE, "p", "/", 1, 1.0, 1.0, 1)
    hits = (c.Hit(row, 1, 1.0, "user", "pool", ()),) * 10
    first = summary(c.Found(hits, 10_000, 0, more=True), 0, "page:2", "later")
    assert first == "Hits 1 to 10 of more than 10,000. page:2 shows more."
    beyond = summary(c.Found((), 10_000, 0, more=True), 10_000, "page:1002", "later")
    assert beyond == "No more than 10,000 hits can be looked at. Give more words, or go back to an earlier page."


def test_filters_stand_among_the_words() -> None:
    day = datetime(2026, 11, 26)
    search = parse_search("std::vector in:Docs role:USER kind:debug tools:yes project:Shop page:3 :x in: foo", NOW)
    assert (search.words, search.session, search.role, search.kind) == ("std::vector :x in: foo", "docs", "user", "debug")
    assert (search.tools, search.project, search.offset, search.since, search.until) == (True, "Shop", 20, None, None)
    assert parse_search("x since:today until:today", NOW).since == day.timestamp()
    assert parse_search("x until:2026-11-25", NOW).until == day.timestamp()
    assert parse_search("x since:7d", NOW).since == datetime(2026, 11, 19).timestamp()
    assert parse_search("x since:yesterday", NOW).since == datetime(2026, 11, 25).timestamp()
    for wrong in ("since:2026-13-01", "since:99999999999d", "until:d", "kind:bug", "tools:maybe", "page:x", "page:-1"):
        with pytest.raises(UsageError):
            parse_search(f"x {wrong}", NOW)
    assert parse_search("x", datetime.fromtimestamp(time.time())).limit == 10


@pytest.mark.parametrize("width", [8, 20, 41, 80, 200])
@pytest.mark.parametrize("plain", [False, True])
def test_hits_keep_to_their_width_and_show_nothing_raw(width: int, plain: bool) -> None:
    info = c.SessionInfo(SessionId("s"), "名前-of-it", "debug", SessionState.COMPLETED, "p", "/", 1, 0.0, 0.0, 1)
    hits = [c.Hit(info, 3, 0.0, "tool", "… \x1b[2J東京都 の\u202e needle\x07 " + "x" * 90, ((7, 9), (14, 20)))] * 12
    look = Look(width=width, plain=plain)
    rows = hit_rows(hits, 9, look, 60.0)
    text = lines(rows, look)
    assert all(row_width(row) <= look.content_width for row in rows)
    assert not {"\x07", "\u202e"} & set(text)
    assert "\x1b[2J" not in text
    assert text.count("20 ") >= 1
