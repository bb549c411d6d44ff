"""What an answer to a question with choices means: a number, a choice's words or their beginning, or just what it says."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from plait.core.choices import chosen
from plait.core.errors import UsageError

CHOICES = ("Yes, all", "yes", "no", "Not now")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1", "Yes, all"),
        (" 4\n", "Not now"),
        ("yes", "yes"),
        ("YES, ALL", "Yes, all"),
        ("yes,", "Yes, all"),
        ("NO", "no"),
        ("not", "Not now"),
        ("n", "n"),
        ("y", "y"),
        ("rather blue", "rather blue"),
        ("1.", "1."),
        ("", ""),
    ],
)
def test_an_answer_is_a_choice_or_its_own_words(text: str, meant: str) -> None:
    assert chosen(text, CHOICES) == meant


@pytest.mark.parametrize(
    ("text", "meant"), [("2", "2"), ("4", "4"), ("1", "2"), ("8080", "8080"), ("808", "808"), ("yes", "yes"), ("Yes", "Yes")]
)
def test_the_words_of_a_choice_go_before_its_number(text: str, meant: str) -> None:
    assert chosen(text, ("2", "4", "8080", "808", "Yes", "yes")) == meant


@pytest.mark.parametrize("text", ["0", "5", "99999999999999999999", "0000000001", "0000000010"])
def test_a_number_that_no_choice_has_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="from 1 to 4"):
        chosen(text, CHOICES)


@given(st.text(), st.lists(st.text(min_size=1), max_size=9))
def test_nothing_else_becomes_the_answer(text: str, choices: list[str]) -> None:
    try:
        answer = chosen(text, choices)
    except UsageError:
        assert text.strip().isdigit()
        return
    assert answer in (text.strip(), *choices)
    assert choices or answer == text.strip()
