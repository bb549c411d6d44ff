"""Names of sessions: what may be one, what is proposed instead, and how a taken one is told apart."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from plait.core.errors import UsageError
from plait.core.naming import NAME_LENGTH, checked_name, proposed, unique_name

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
