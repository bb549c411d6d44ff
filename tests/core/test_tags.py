"""Tags: what one may look like, and how they are changed."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from plait.core.errors import UsageError
from plait.core.tags import MOST_TAGS, checked_tag, tags_after


@pytest.mark.parametrize("tag", ["api", "b2b", "7", "second-week", "größe", "x" * 20, "a-b-c-d-e-f-g-h-i-j"])
def test_what_a_tag_can_be(tag: str) -> None:
    assert checked_tag(tag) == tag


@pytest.mark.parametrize(
    ("tag", "proposal"),
    [
        ("API", "api"),
        ("two words", "two-words"),
        ("x" * 21, "x" * 20),
        ("-rf", "rf"),
        ("a--b", "a-b"),
        ("a_b", "a-b"),
        ("#db", "db"),
        ("a\0b", "a-b"),
    ],
)
def test_what_cannot_be_one_is_refused_with_a_proposal(tag: str, proposal: str) -> None:
    with pytest.raises(UsageError, match=f"Try '{proposal}'"):
        checked_tag(tag)


@pytest.mark.parametrize("tag", ["", "*", "..", "---"])
def test_where_nothing_can_be_proposed_the_rule_is_told(tag: str) -> None:
    with pytest.raises(UsageError, match="Use letters and digits"):
        checked_tag(tag)


def test_tags_are_ordered_and_each_is_there_once() -> None:
    assert tags_after(("db",), ("web", "api", "web"), ()) == ("api", "db", "web")
    assert tags_after(("api", "db"), ("new",), ("db",)) == ("api", "new")
    with pytest.raises(UsageError, match=r"has no tag .old.. It has: api, db"):
        tags_after(("api", "db"), (), ("old",))
    with pytest.raises(UsageError, match=r"has no tag .old.. It has none"):
        tags_after((), ("api",), ("old",))


def test_there_are_ten_at_most() -> None:
    ten = tuple(sorted(f"t{number}" for number in range(MOST_TAGS)))
    assert tags_after((), ten, ()) == ten
    with pytest.raises(UsageError, match="10 tags at most, and this would be 11"):
        tags_after(ten, ("more",), ())
    assert len(tags_after(ten, ("more",), ("t3",))) == MOST_TAGS


@given(st.lists(st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True), max_size=MOST_TAGS))
def test_what_was_added_can_be_taken_off_again(tags: list[str]) -> None:
    assert tags_after(tags_after((), tags, ()), (), tuple(set(tags))) == ()
