"""Which sessions a list shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plait.core.errors import UsageError
from plait.core.selection import STATES, newest, pinned_first, places_of, selection_of
from plait.core.session import SessionState
from tests.repl.fleets import session

ROWS = [
    replace(session("auth-fix", "question"), title="Mend the Login", tags=("api", "db"), project="shop-a7b3c2d1"),
    replace(session("docs", state=SessionState.PROCESSING), first="describe the flags", project="manual-00000001", pinned=True),
    replace(session("old", state=SessionState.COMPLETED), tags=("api",)),
    replace(session("aside", state=SessionState.COMPLETED), archived=True),
    replace(session("gone", state=SessionState.COMPLETED), trashed_at=5.0, tags=("api",), archived=True),
]


def names(text: str, *, every: bool = False, archived: bool = False, trashed: bool = False) -> str:
    selection = selection_of(text.split(), **places_of(every=every, archived=archived, trashed=trashed))
    return " ".join(row.name for row in selection.of(ROWS))


def test_where_a_session_lies() -> None:
    assert names("") == "auth-fix docs"
    assert names("", every=True) == "auth-fix docs old"
    assert names("", archived=True) == "aside"
    assert names("", trashed=True) == "gone"
    assert names("", every=True, archived=True, trashed=True) == "auth-fix docs old aside gone"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("LOGIN", "auth-fix"),
        ("login mend", "auth-fix"),
        ("login docs", ""),
        ("flags", "docs"),
        ("tag:api", "auth-fix old"),
        ("tag:API tag:db", "auth-fix"),
        ("tag:ap", ""),
        ("project:shop", "auth-fix"),
        ("state:asks", "auth-fix"),
        ("state:Working", "docs"),
        ("state:closed", "old"),
        ("state:open state:pinned", "docs"),
        ("tag:", ""),
        ("std::vector", ""),
    ],
)
def test_words_and_filters(asked: str, found: str) -> None:
    assert names(asked, every=True) == found


def test_who_asks_for_closed_ones_need_not_say_where_they_lie() -> None:
    assert names("state:closed") == "old"
    assert names("state:Closed tag:api") == "old"
    assert names("state:closed", archived=True) == "aside"
    assert names("state:closed", trashed=True) == "gone"


def test_every_state_can_be_asked_for_and_no_other() -> None:
    for state in STATES:
        names(f"state:{state}")
    with pytest.raises(UsageError, match=r"There is no state 'wating' of a session\. Did you mean state:waiting\?"):
        names("state:wating")
    with pytest.raises(UsageError, match="There are ready, waiting, working"):
        names("state:%")


def test_what_was_asked_can_be_typed_again() -> None:
    asked = selection_of(["x", "tag:api", "project:shop", "state:open", "y"])
    assert selection_of(asked.asked.split()) == asked
    assert (asked.narrows, selection_of(()).narrows) == (True, False)


def test_pinned_ones_stand_first_and_keep_their_order() -> None:
    assert [row.name for row in pinned_first(ROWS)] == ["docs", "auth-fix", "old", "aside", "gone"]


def test_the_newest_are_the_pinned_ones_and_those_used_or_thrown_away_last() -> None:
    used = [replace(session(name), used_at=at) for name, at in (("c", 3.0), ("a", 1.0), ("d", 4.0), ("b", 2.0))]
    rows = [*used, replace(session("gone"), used_at=1.0, trashed_at=9.0), replace(session("first"), pinned=True)]
    assert [row.name for row in newest(rows, 4)] == ["c", "d", "gone", "first"]
    assert newest(rows, 6) == rows
