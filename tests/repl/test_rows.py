"""Wrapping by width: no row is too wide, no character is lost, colours do not leak."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, strategies as st

from plait.repl.rows import cut, is_certain, last_rows, text_width, wrap

ALPHABET = "ab c漢字ée\u0301👍🏽👨‍👩‍👧🇩🇪שלום\t."
texts = st.text(ALPHABET, max_size=60)
SGR = re.compile("\x1b\\[[0-9;]*m")


@given(texts, st.integers(2, 30))
def test_no_row_is_too_wide_and_only_blanks_are_lost(text: str, columns: int) -> None:
    rows = wrap(text, columns)
    assert all(row.width == min(text_width(row.text), columns) for row in rows)
    assert "".join(row.text for row in rows).replace(" ", "") == text.expandtabs(4).replace(" ", "").removesuffix("\n")


@given(st.lists(st.sampled_from(["word ", "\x1b[1m", "\x1b[31m", "\x1b[0m", "漢字 ", "x" * 9, "\n"]), max_size=20), st.integers(4, 20))
def test_each_row_carries_its_colours(parts: list[str], columns: int) -> None:
    text = "".join(parts)
    rows = wrap(text, columns)
    assert SGR.sub("", "".join(row.text for row in rows)).replace(" ", "") == SGR.sub("", text).replace(" ", "").replace("\n", "")
    for row in rows:
        state = ""
        for match in SGR.finditer(row.text):
            state = "" if match[0] == "\x1b[0m" else state + match[0]
        assert row.sgr == state
    for before, after in itertools.pairwise(rows):
        assert after.text.startswith(before.sgr)


def test_rows_break_at_blanks() -> None:
    assert [row.text for row in wrap("the quick brown fox", 10)] == ["the quick", "brown fox"]
    assert [row.text for row in wrap("abcdefghijklm", 5)] == ["abcde", "fghij", "klm"]
    assert [row.text for row in wrap("naïve words é here", 8)] == ["naïve", "words é", "here"]


def test_line_ends() -> None:
    assert wrap("", 10) == []
    assert [row.text for row in wrap("a\n\nb\n", 10)] == ["a", "", "b"]


@given(st.lists(st.text("ab ", max_size=30), max_size=30), st.integers(3, 20), st.integers(1, 8))
def test_the_last_rows_are_the_end_of_all_rows(lines: list[str], columns: int, limit: int) -> None:
    text = "\n".join(lines)
    assert last_rows(text, columns, limit) == wrap(text, columns)[-limit:]


@given(texts, st.integers(0, 20))
def test_a_cut_row_fits(text: str, columns: int) -> None:
    for row in wrap(text, 20)[:1]:
        assert text_width(cut(row, columns)) <= columns
        assert row.text.startswith(cut(row, columns))


@pytest.mark.parametrize(
    ("cluster", "certain"), [("a", True), ("漢", True), ("👍", True), ("👍🏽", False), ("e\u0301", False), ("ש", False)]
)
def test_what_terminals_agree_about(cluster: str, certain: bool) -> None:
    assert is_certain(cluster) is certain
