"""Names of sessions: what may be one, what is proposed instead, and how a taken one is told apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from plait.core.commands import SessionInfo
from plait.core.errors import UsageError
from plait.core.messages import SessionId
from plait.core.naming import NAME_LENGTH, checked_name, numbered_name, proposed, session_meant, session_named, unique_name
from plait.core.session import SessionState

NAMES = st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,5}){0,2}", fullmatch=True).filter(lambda name: len(name) <= NAME_LENGTH)


@pytest.mark.parametrize("name", ["a", "auth-fix", "con", "7", "größe", "認証", "x" * 20, "a-b-c-d-e-f-g-h-i-j"])
def test_a_good_name_is_taken_as_it_is(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("Auth Fix", "auth-fix"),
        ("-rf", "rf"),
        ("--help", "help"),
        ("@", "Use letters and digits"),
        ("", "Use letters and digits"),
        ("#1", "1"),
        ("/new", "new"),
        ("..", "Use letters and digits"),
        ("a/b", "a-b"),
        ("a\0b", "a-b"),
        ("a--b", "a-b"),
        ("a_b", "a-b"),
        ("a\u202eb", "a-b"),
        ("x" * 21, "x" * 20),
        ("one two three four five six", "one-two-three-four"),
        ("a\ud83db", "a-b"),
    ],
)
def test_anything_else_is_refused_with_a_proposal(name: str, proposal: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked_name(name)
    assert proposal in str(refused.value)
    assert "20 characters" in str(refused.value)


@given(st.text(max_size=60))
def test_a_proposal_is_a_name(text: str) -> None:
    name = proposed(text)
    assert not name or checked_name(name) == name
    assert proposed(name) == name


@given(NAMES, st.sets(NAMES | st.integers(2, 12).map(lambda number: f"a-{number}"), max_size=12))
def test_a_unique_name_is_one_and_keeps_a_free_one(name: str, taken: set[str]) -> None:
    unique = unique_name(name, taken)
    assert checked_name(unique) == unique
    assert unique not in taken
    assert unique == name or name in taken


def test_numbers_fit_inside_the_length() -> None:
    long = "abcdefghij-klmnopqrs"
    taken = {long}
    for _ in range(15):
        taken.add(unique_name(long, taken))
    assert len(taken) == 16
    assert all(len(name) <= NAME_LENGTH and not name.endswith("-") for name in taken)


def test_a_number_makes_a_name_where_nothing_else_does() -> None:
    assert numbered_name("debug", set()) == "debug-1"
    assert numbered_name("debug", {"debug-1", "debug-2", "debug-4"}) == "debug-3"
    assert checked_name(numbered_name("code-review", {f"code-review-{number}" for number in range(1, 1000)})) == "code-review-1000"


def rows(*names: str) -> list[SessionInfo]:
    """Sessions of these names; `name@place` is one of another project."""
    listed = []
    for number, one in enumerate(names, 1):
        name, _, place = one.partition("@")
        place = place or "shop"
        identity = SessionId(f"{number:x}{'abcdef' * 2}")
        listed.append(SessionInfo(identity, name, "debug", SessionState.ACTIVE, place, f"/{place}", 1, 0.0, 0.0, 1))
    return listed


@pytest.mark.parametrize(
    ("names", "word", "number"),
    [
        (["auth-fix", "docs"], "docs", 2),
        (["auth-fix", "docs"], " DOCS ", 2),
        (["auth-fix", "docs"], "2", 2),
        (["auth-fix", "docs"], "a", 1),
        (["auth", "auth-fix"], "auth", 1),
        (["docs", "2", "x"], "2", 2),
        (["docs", "1"], "1", 2),
        (["docs@lab", "docs"], "docs", 2),
        (["docs@lab", "docs@den", "docs"], "docs", 3),
        (["größe", "docs"], "GRÖSSE", 1),
        (["a", "b", "c"], "3abcdef", 3),
        (["help", "-h"], "-h", 2),
    ],
)
def test_a_word_means_a_session(names: list[str], word: str, number: int) -> None:
    listed = rows(*names)
    assert session_meant(listed, word, "shop") is listed[number - 1]


@pytest.mark.parametrize(
    ("names", "word", "told"),
    [
        (["auth-fix", "auth-bug"], "auth", "can mean 2 sessions: 1 auth-fix in /shop, 2 auth-bug"),
        (["docs@lab", "docs@den"], "docs", "can mean 2 sessions"),
        (["auth-fix", "docs"], "3", "from 1 to 2"),
        (["auth-fix", "docs"], "0000000010", "from 1 to 2"),
        (["auth-fix", "docs"], "0000000001", "from 1 to 2"),
        (["auth-fix", "docs"], "dosc", "Did you mean 'docs'"),
        (["auth-fix"], "zzz", "/sessions lists"),
        (["auth-fix"], "", "/sessions lists"),
        ([], "x", "/sessions lists"),
    ],
)
def test_what_means_none_or_several_is_refused_with_a_hint(names: list[str], word: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        session_meant(rows(*names), word, "shop")


@given(st.lists(NAMES, min_size=1, max_size=8, unique=True), st.data())
def test_a_name_always_reaches_its_session(names: list[str], data: st.DataObject) -> None:
    """Whatever else it could mean: a number, the beginning of another, an id."""
    listed = rows(*names)
    wanted = data.draw(st.sampled_from(listed))
    assert session_meant(listed, wanted.name, "shop") is wanted
    number = listed.index(wanted) + 1
    if str(number) not in names:
        assert session_meant(listed, str(number)) is wanted


def test_a_stored_session_is_found_by_name_or_id_here_first_and_open_first() -> None:
    one, two, three = rows("docs", "docs@lab", "docs")
    closed = replace(one, state=SessionState.COMPLETED)
    assert session_named([closed, two, three], "docs", "/shop") is three
    assert session_named([closed, two], "docs", "/shop") is closed
    assert session_named([closed, two], two.id, "/shop") is two
    assert session_named([two], "docs", "/shop") is two
    assert session_named([two], "x", "/shop") is None
    with pytest.raises(UsageError, match="/lab, /shop"):
        session_named([one, two], "docs", "/den")
