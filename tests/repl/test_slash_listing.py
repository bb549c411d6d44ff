"""How sessions are listed, whatever they are called and however wide the terminal is."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from plait.core.commands import SessionInfo
from plait.core.session import Awaited, SessionState
from plait.exchange.listing import Listed, json_lines, places
from plait.repl.slash.layout import lines
from plait.repl.slash.listing import list_rows
from plait.repl.slash.wording import size
from plait.repl.style import Look, row_width
from tests.repl.fleets import session

NOW = 1_000_000.0
HOSTILE = st.text(st.sampled_from("ab- \x1b[2J\x07\x9b\u202e\u200d\ud800é日本\n\t👩‍👩‍👧"), max_size=30)


def listed_of(*rows: SessionInfo) -> list[Listed]:
    return [Listed(row, number, number == 1, "shop" if number == 2 else "") for number, row in enumerate(rows, 1)]


FEW = listed_of(
    replace(session("auth-fix", "question", unread=2), last_at=NOW - 200, messages=12, title="Mend the login"),
    replace(session("docs", state=SessionState.PROCESSING, kind="planning"), queued=2, last_at=NOW - 90_000, messages=1234, draft=True),
)


def text_of(listed: list[Listed], look: Look) -> str:
    return lines(list_rows(listed, look, NOW), look)


def test_in_columns_where_they_fit() -> None:
    shown = text_of(FEW, Look(colour=False, width=110)).splitlines()
    assert [" ".join(line.split()) for line in shown] == [
        "* 1 auth-fix ? asks you development 12 messages, 2 unread 3 minutes ago Mend the login",
        "2 docs … working, 2 queued planning 1,234 messages 1 day ago (draft) in shop",
    ]
    assert shown[0].index("12 messages") == shown[1].index("1,234 messages")


def test_in_rows_of_their_own_where_they_do_not() -> None:
    shown = text_of(FEW, Look(colour=False, width=40)).splitlines()
    assert shown == [
        "  *  1 auth-fix  ? asks you",
        "      development · 12 messages",
        "      2 unread · 3 minutes ago",
        "      Mend the login",
        "     2 docs  … working, 2 queued",
        "      planning · 1,234 messages",
        "      1 day ago · (draft) · in shop",
    ]


def test_in_words_alone_for_a_plain_look() -> None:
    shown = text_of(FEW, Look(colour=False, plain=True, width=200))
    assert "1 auth-fix, shown now: asks you, development, 12 messages, 2 unread, 3 minutes ago, Mend the login" in shown
    assert not re.search("[*>?()·]", shown)


WAITS: list[Awaited] = ["question", "answer", "failed", "interrupted", "limit"]


def test_each_state_has_a_word_and_a_mark_of_its_own() -> None:
    rows = [session("a", awaited) for awaited in WAITS]
    rows += [session("a", state=state) for state in SessionState if state is not SessionState.WAITING]
    shown = [text_of([Listed(row)], Look(colour=False, width=100)).split("development")[0].strip() for row in rows]
    assert len(set(shown)) == len(rows)
    ascii_only = text_of(listed_of(*rows), Look(colour=False, unicode=False, encoding="ascii", width=100))
    assert ascii_only.isascii()


@given(name=HOSTILE, title=HOSTILE, directory=HOSTILE, width=st.integers(20, 220), plain=st.booleans())
def test_no_name_breaks_the_terminal(name: str, title: str, directory: str, width: int, plain: bool) -> None:
    row = replace(session(name), title=title, directory=directory, project=directory)
    listed = [Listed(row, 1, True, "shop", below=(title, directory)), *FEW]
    look = Look(colour=False, plain=plain, width=width)
    rows = list_rows(listed, look, NOW)
    assert all(row_width(one) <= look.content_width for one in rows)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", lines(rows, look))
    whole = json_lines(listed)
    assert not re.search("[^\n -~]", whole)
    told = json.loads(whole)[0]
    assert (told["name"], told["title"], told["cwd"]) == (name, title, directory)
    assert whole.count("\n") == len(listed) + 2


def test_json_says_what_programs_need() -> None:
    first, second = json.loads(json_lines(FEW))
    assert (first["number"], first["shown"], first["state"], first["waitingFor"]) == (1, True, "WaitingForInput", "question")
    assert (second["waitingFor"], second["queued"], second["draft"], second["type"]) == (None, 2, True, "planning")
    assert set(first) >= {"id", "name", "cwd", "state", "waitingFor", "unread", "messages", "project", "lastAt"}
    assert json.loads(json_lines([])) == []


def test_projects_are_told_apart() -> None:
    rows = [replace(session("a"), project=project) for project in ("shop-1234abcd", "docs-1", "docs-2", "home-1")]
    assert places(rows, "home-1") == {"shop-1234abcd": "shop", "docs-1": "docs-1", "docs-2": "docs-2"}


@pytest.mark.parametrize(
    ("amount", "told"), [(0, "0 bytes"), (1023, "1,023 bytes"), (2048, "2 kB"), (60 * 1024**2, "60 MB"), (5 * 1024**3, "5,120 MB")]
)
def test_sizes_can_be_read(amount: int, told: str) -> None:
    assert size(amount) == told
