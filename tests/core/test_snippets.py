"""The part of a text that shows why it was found."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from plait.core.searching import phrases, words
from plait.core.snippets import LENGTH, LOOKED_AT, snippet

TEXTS = st.text(st.sampled_from("ab Cé\u0301東京都ガ+#_-.\n\t ßﷺ½🙂"), max_size=400)


@given(TEXTS, st.integers(0, 40))
def test_every_text_has_a_short_line_with_its_words_marked(text: str, which: int) -> None:
    parts = [part for part in text.split() if phrases(part)]
    wanted = phrases(parts[which % len(parts)] if parts else "nothing")
    line, marks = snippet(text, wanted)
    assert len(line) <= LENGTH + 4
    assert not set(line) & set("\n\t")
    end = 0
    for start, stop in marks:
        assert end <= start < stop <= len(line)
        end = stop
    if parts:
        assert marks
        assert words(line[marks[0][0] : marks[0][1]])


@pytest.mark.parametrize("distance", [10, LENGTH * 3, LOOKED_AT * 2])
def test_the_window_stands_where_the_words_are(distance: int) -> None:
    text = "pool " + "hay " * (distance // 4) + "a pool of connections" + " hay" * 200
    line, marks = snippet(text, phrases("connections pool"))
    assert "pool of connections" in line
    assert {line[start:end] for start, end in marks} == {"pool", "connections"}


def test_a_text_without_the_words_shows_its_beginning() -> None:
    assert snippet("some   text", phrases("other")) == ("some text", ())
