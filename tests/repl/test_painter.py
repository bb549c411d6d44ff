"""The painter against a terminal emulator: whatever was drawn before, the screen shows the last frame, and above it each text once."""

from __future__ import annotations

import pyte
from hypothesis import given, strategies as st

from plait.repl.painter import Painter
from plait.repl.rows import Row, folds, wrap

COLUMNS, HEIGHT = 20, 9

words = st.sampled_from(["a", "be", "streaming", "x " * 9, "wide 漢字", "é", "\x1b[1mbold\x1b[0m", "\x1b[31mred", "tail end of it."])
row_texts = st.lists(words, max_size=2).map(" ".join)
frames = st.tuples(
    st.lists(row_texts, min_size=1, max_size=HEIGHT - 1),
    st.integers(0, HEIGHT),
    st.integers(0, COLUMNS - 1),
    st.sampled_from(["", "", "", "finished\n", "one\n\ntwo that is longer than the width of it\n"]),
)


def one_row(text: str) -> Row:
    """The first row of a text."""
    return wrap(text, COLUMNS)[0] if text else Row("", 0)


def lines_of(screen: pyte.HistoryScreen) -> list[str]:
    """Everything in the scrollback and on the screen, without the blank end."""
    above = ["".join(line[x].data for x in range(COLUMNS)).rstrip() for line in screen.history.top]
    lines = above + [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def shown(text: str) -> str:
    """A row as the emulator displays it: without colours."""
    screen = pyte.Screen(COLUMNS, 1)
    pyte.Stream(screen).feed(text)
    return str(screen.display[0]).rstrip()


@given(st.lists(frames, min_size=1, max_size=8))
def test_the_screen_shows_the_last_frame_below_all_finished_text(steps: list[tuple[list[str], int, int, str]]) -> None:
    screen = pyte.HistoryScreen(COLUMNS, HEIGHT, history=500)
    stream = pyte.Stream(screen)
    painter = Painter()
    finished: list[str] = []
    for texts, y, x, above in steps:
        rows = [one_row(text) for text in texts]
        cursor = (x, min(y, len(rows) - 1))
        stream.feed(painter.frame(rows, cursor, COLUMNS, above))
        for line in above.splitlines():
            finished += [line[i : i + COLUMNS].rstrip() for i in range(0, len(line), COLUMNS)] or [""]
        wanted = finished + [shown(row.text) for row in rows]
        while wanted and not wanted[-1]:
            wanted.pop()
        assert lines_of(screen) == wanted
        assert len(screen.history.top) + screen.cursor.y == len(finished) + cursor[1]
        assert not screen.cursor.hidden
    stream.feed(painter.erase(COLUMNS))
    while finished and not finished[-1]:
        finished.pop()
    assert lines_of(screen) == finished


def test_an_echoed_key_is_one_byte() -> None:
    painter = Painter()
    painter.frame([Row("> ab", 4), Row("bar", 3)], (4, 0), COLUMNS)
    assert painter.frame([Row("> abc", 5), Row("bar", 3)], (5, 0), COLUMNS) == "c"


def test_a_full_tail_that_moves_up_is_not_drawn_again() -> None:
    rows = [Row(f"row {number} of a long answer", 23) for number in range(12)]
    below = [Row("> ", 2), Row("toolbar", 7)]
    painter = Painter()
    painter.frame([*rows[:8], *below], (2, 8), 80)
    frame = painter.frame([*rows[1:9], *below], (2, 8), 80)
    assert "row 8" in frame
    assert "row 7" not in frame
    assert len(frame) < 90


def test_a_token_at_the_end_of_the_tail_costs_little() -> None:
    painter = Painter()
    below = [Row(" " * 70 + "2 waiting", 79), Row("> ", 2), Row("toolbar", 7)]
    text, sent = "", 0
    for number in range(400):
        text += " token"
        if number % 5 == 4:  # at 100 tokens a second and 20 frames
            tail = wrap(text, 80)[-8:]
            sent += len(painter.frame([*tail, *below], (2, len(tail) + 1), 80))
    assert sent / 400 <= 25


def test_nothing_is_sent_for_the_same_frame() -> None:
    painter = Painter()
    rows = [Row("> ", 2)]
    painter.frame(rows, (2, 0), COLUMNS)
    assert painter.frame(rows, (2, 0), COLUMNS) == ""


def test_erasing_never_starts_in_the_first_column() -> None:
    """tmux moves the screen into its history when it is erased from its first cell."""
    painter = Painter()
    painter.frame([Row("> ", 2)], (0, 0), COLUMNS)
    assert "\r\x1b[J" not in painter.erase(COLUMNS).replace("\x1b[K", "")


@given(st.text("ab é\u0301", max_size=COLUMNS), st.integers(1, COLUMNS))
def test_folds_counts_the_rows_that_a_terminal_makes(text: str, narrow: int) -> None:
    row = one_row(text + ".")
    screen = pyte.Screen(narrow, 40)
    pyte.Stream(screen).feed("\x1b[7m" + row.text)
    used = max(y for y, line in screen.buffer.items() if any(cell.reverse for cell in line.values())) + 1
    assert folds(row, COLUMNS) == 1
    assert folds(row, narrow) == used


def test_a_wide_character_that_does_not_fit_goes_to_the_next_row() -> None:
    assert folds(Row("a漢字", 5), 4) == 2
    assert folds(Row("a漢字", 5), 2) == 3


def test_in_a_row_of_unsure_width_the_terminal_itself_finds_the_cursor() -> None:
    family = "👨‍👩‍👧"
    painter = Painter()
    row = Row(f"> {family}ab", 10, certain=False)
    frame = painter.frame([row, Row("bar", 3)], (9, 0), COLUMNS)
    assert frame.split("\r")[-1].startswith(f"> {family}a\x1b[?25h")  # drawn up to the cursor, no column named
    assert "G" not in frame
