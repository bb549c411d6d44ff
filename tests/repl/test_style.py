"""The look of a terminal, and the laws of wrapping."""

from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st
from wcwidth import wcswidth

from plait.core.sanitize import sanitize_line
from plait.repl.style import BOLD, DIM, GREEN, ITALIC, RED, Look, row_width, wrap

WORDS = st.text(st.sampled_from("ab \u3000é漢字。「」한글\U0001f468\u200d\U0001f469e\u0301\U0001f1e9\U0001f1ea-/"), max_size=60).map(
    sanitize_line
)


@pytest.mark.parametrize(
    ("environ", "tty", "encoding", "expected"),
    [
        ({"TERM": "xterm", "LANG": "de_DE.UTF-8"}, True, "UTF8", Look()),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, "utf-8", Look(colour=False)),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, "utf-8", Look()),
        ({"TERM": "dumb"}, True, "utf-8", Look(colour=False, plain=True)),
        ({"TERM": "xterm"}, False, "utf-8", Look(colour=False, plain=True)),
        ({"TERM": "xterm", "LANG": "C", "LC_CTYPE": "C.UTF-8"}, True, "utf-8", Look(unicode=False, encoding="ascii")),
        ({"TERM": "xterm", "LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, True, "utf-8", Look(unicode=False, encoding="ascii")),
        ({"TERM": "xterm", "LANG": "C", "LC_CTYPE": "de_DE.UTF-8"}, True, "utf-8", Look()),
        ({"TERM": "xterm"}, True, "latin-1", Look(unicode=False, encoding="iso8859-1")),
        ({"TERM": "xterm"}, True, "no-such", Look(unicode=False, encoding="ascii")),
    ],
)
def test_the_look_follows_the_terminal(environ: dict[str, str], tty: bool, encoding: str, expected: Look) -> None:
    assert Look.of_terminal(environ, tty=tty, encoding=encoding, width=80) == expected


def test_plain_can_be_asked_for_and_keeps_colours() -> None:
    assert Look.of_terminal({"TERM": "xterm"}, tty=True, encoding="utf-8", width=0, plain=True) == Look(plain=True, width=1)


def test_high_contrast_has_nothing_dim_and_no_colour() -> None:
    row = [("error", f"{BOLD};{RED}"), (" and ", DIM), ("note", f"{DIM};{ITALIC}"), (" in green", GREEN)]
    assert Look(high_contrast=True).paint(row) == "\x1b[1merror\x1b[0m and \x1b[3mnote\x1b[0m in green"
    assert Look(high_contrast=True, colour=False).paint(row) == "error and note in green"


def test_what_the_encoding_cannot_hold_is_escaped() -> None:
    look = Look(unicode=False, encoding="ascii")
    assert look.clean("naïve \u202e漢") == "na\\xefve <U+202E>\\u6f22"
    assert look.marks("▌ … ─┼─") == "> ... -+-"
    assert Look(encoding="iso8859-1", unicode=False).clean("naïve 漢") == "naïve \\u6f22"


def test_painting_joins_neighbours_and_drops_blanks_at_the_end() -> None:
    row = [("a", BOLD), ("b ", BOLD), ("c", ""), ("  ", RED), (" ", "")]
    assert Look().paint(row) == "\x1b[1mab\x1b[0m c"
    assert Look(colour=False).paint(row) == "ab c"
    assert Look().paint([("  ", ""), (" ", RED)]) == ""


@given(WORDS, st.integers(2, 30), st.booleans())
@example("漢字「漢」。", 4, False)
def test_rows_fit_and_lose_only_blanks(text: str, width: int, hard: bool) -> None:
    rows = wrap([(text, "")], width, hard=hard)
    joined = ["".join(part for part, _ in row) for row in rows]
    assert all(wcswidth(row) <= width for row in joined)
    blanks = " \u3000"
    kept, original = "".join(joined), text
    if not hard:
        kept, original = (value.translate(dict.fromkeys(map(ord, blanks))) for value in (kept, original))
    assert kept == original


@given(st.lists(st.tuples(WORDS, st.sampled_from(["", BOLD, RED])), max_size=6), st.integers(4, 30), st.booleans())
def test_styles_stay_with_their_text(spans: list[tuple[str, str]], width: int, hard: bool) -> None:
    text = "".join(part for part, _ in spans)
    styled = wrap(spans, width, hard=hard)
    assert ["".join(part for part, _ in row) for row in styled] == [
        "".join(part for part, _ in row) for row in wrap([(text, "")], width, hard=hard)
    ]
    for colour in (BOLD, RED):
        letters = "".join(part for row in styled for part, sgr in row if sgr == colour).replace(" ", "").replace("\u3000", "")
        assert letters == "".join(part for part, sgr in spans if sgr == colour).replace(" ", "").replace("\u3000", "")


def test_line_feeds_end_rows_and_blank_lines_stay() -> None:
    assert [row_width(row) for row in wrap([("ab\n\nc", "")], 10)] == [2, 0, 1]
    assert wrap([], 10) == [[("", "")]]


def test_closing_marks_do_not_begin_a_row() -> None:
    rows = ["".join(part for part, _ in row) for row in wrap([("漢字漢字。漢字", "")], 8)]
    assert rows == ["漢字漢", "字。漢字"]
