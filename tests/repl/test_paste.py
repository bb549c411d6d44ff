"""Telling typed from pasted, as a pure machine: what it is fed, in which pieces and when, against what may submit."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from plait.repl.paste import BURST, STALLED, InputSplitter, Pasted, PasteShelf, Piece, Typed, normalise, size_words

START, END = "\x1b[200~", "\x1b[201~"


MOUSE = ["\x1b[M !!", "\x1b[<0;3;4M", "\x1b[<0;3;4m", "\x1b[96;14;13M", "\x1b[I", "\x1b[O"]
ANSWERS = ["\x1b[?62;4c", "\x1b[>1;10;0c", "\x1b[12;40R", "\x1b[?2026;2$y", "\x1b[?1u", "\x1bP>|XTerm(370)\x1b\\"]
REPORTS = [*MOUSE, *ANSWERS, "\x1b]11;rgb:0000/0000/0000\x07", "\x1b]11;rgb:00/00/00\x1b\\"]


def play(*chunks: tuple[float, str]) -> list[Piece]:
    """Feed chunks at their times, let deadlines pass between them, and wait at the end."""
    splitter = InputSplitter()
    pieces: list[Piece] = []
    for now, data in chunks:
        if splitter.deadline is not None and splitter.deadline <= now:
            pieces += splitter.expire(splitter.deadline)
        pieces += splitter.feed(data, now)
    while splitter.deadline is not None:
        pieces += splitter.expire(splitter.deadline)
    return pieces


def typed(pieces: list[Piece]) -> str:
    """What reaches the key parser."""
    return "".join(piece.text for piece in pieces if isinstance(piece, Typed))


def pasted(pieces: list[Piece]) -> str:
    """What is inserted as text."""
    return "".join(piece.text for piece in pieces if isinstance(piece, Pasted))


def test_keys_pass_at_once() -> None:
    splitter = InputSplitter()
    assert splitter.feed("a", 0.0) == [Typed("a")]
    assert splitter.feed("\r", 0.5) == [Typed("\r")]
    assert splitter.deadline is None


def test_a_line_sent_in_one_go_submits_after_the_burst() -> None:
    splitter = InputSplitter()
    assert splitter.feed("hello\r", 1.0) == [Typed("hello")]
    assert splitter.deadline == 1.0 + BURST
    assert splitter.expire(1.0 + BURST) == [Typed("\r")]


@pytest.mark.parametrize("text", ["one\rtwo", "one\rtwo\r", "one\ntwo\n", "\rone", "a\r\nb\r\n"])
def test_a_burst_with_an_inner_line_end_never_submits(text: str) -> None:
    pieces = play((0.0, text))
    assert typed(pieces) == ""
    assert pasted(pieces) == text


@given(st.lists(st.text("ab \r\n", min_size=1, max_size=5), min_size=1, max_size=8))
def test_a_burst_in_pieces_never_submits_before_its_last_text(chunks: list[str]) -> None:
    pieces = play(*((number * BURST / 2, chunk) for number, chunk in enumerate(["text", *chunks, "end"])))
    assert typed(pieces) + pasted(pieces) == "text" + "".join(chunks) + "end"
    assert "\r" not in typed(pieces)
    assert "\n" not in typed(pieces)


def test_many_enters_are_many_enters() -> None:
    assert play((0.0, "\r" * 500)) == [Typed("\r" * 500)]


def test_alt_enter_is_a_key() -> None:
    assert typed(play((0.0, "abc\x1b\rdef"))) == "abc\x1b\rdef"


@given(st.text(st.characters(exclude_characters="\x1b"), max_size=200), st.integers(1, 7))
def test_a_paste_comes_whole_however_it_is_cut(text: str, size: int) -> None:
    data = START + text + END
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    pieces = play(*((number * 0.001, chunk) for number, chunk in enumerate(chunks)))
    assert typed(pieces) == ""
    assert pasted(pieces) == text


def test_an_end_mark_inside_a_paste_lets_nothing_out() -> None:
    pieces = play((0.0, f"{START}harmless{END}rm -rf ~\n{END}"))
    assert typed(pieces) == ""
    assert pasted(pieces) == "harmlessrm -rf ~\n"


def test_enter_pressed_after_a_paste_is_enter() -> None:
    pieces = play((0.0, f"{START}text{END}"), (0.2, "\r"))
    assert pieces == [Pasted("text"), Typed("\r")]


def test_two_pastes_and_typing_keep_their_order() -> None:
    pieces = play((0.0, "a"), (0.1, f"{START}b{END}"), (0.2, "c"), (0.3, f"{START}d{END}"), (0.4, "e"))
    assert [piece.text for piece in pieces] == ["a", "b", "c", "d", "e"]


def test_a_paste_whose_end_is_lost_ends_by_itself() -> None:
    splitter = InputSplitter()
    assert splitter.feed(START + "cut off", 0.0) == []
    assert splitter.expire(STALLED) == [Pasted("cut off")]
    assert splitter.feed("x", 9.0) == [Typed("x")]


@pytest.mark.parametrize("report", REPORTS)
def test_reports_of_the_terminal_are_no_keys(report: str) -> None:
    assert play((0.0, f"a{report}b")) == [Typed("ab")]
    cut = len(report) // 2
    if cut > 1:
        assert typed(play((0.0, "a" + report[:cut]), (0.02, report[cut:] + "b"))) == "ab"


def test_an_escape_alone_is_the_key() -> None:
    splitter = InputSplitter()
    assert splitter.feed("\x1b", 0.0) == []
    assert splitter.flush() == "\x1b"
    assert splitter.flush() == ""


def test_long_printable_runs_are_inserted_as_text() -> None:
    assert play((0.0, "x" * 5000)) == [Pasted("x" * 5000)]


@given(st.text("a\r\n", max_size=30))
def test_line_ends_are_normalised_by_one_rule(text: str) -> None:
    assert "\r" not in normalise(text)
    assert normalise(normalise(text)) == normalise(text)
    assert normalise(text).count("\n") == len(text.replace("\r\n", "\n")) - text.count("a")


def test_short_pastes_are_literal_and_long_ones_kept_beside() -> None:
    shelf = PasteShelf()
    assert shelf.shown("one\ntwo\nthree") == "one\ntwo\nthree"
    lines = "one\ntwo\nthree\nfour"
    assert shelf.shown(lines) == "[pasted 4 lines, 18 B #1]"
    assert shelf.shown("x" * 1_048_576) == "[pasted 1 line, 1.0 MB #2]"
    assert shelf.whole("see [pasted 4 lines, 18 B #1]!") == f"see {lines}!"
    assert shelf.whole("[pasted 9 lines, 18 B #7]") == "[pasted 9 lines, 18 B #7]"


def test_a_placeholder_is_known_at_the_end_of_a_text_only() -> None:
    shelf = PasteShelf()
    placeholder = shelf.shown("a\nb\nc\nd\n")
    assert shelf.ending_at("before " + placeholder) == len(placeholder)
    assert shelf.ending_at(placeholder + " ") == 0
    assert shelf.ending_at("nothing") == 0


@given(st.lists(st.text(max_size=600), max_size=5))
def test_what_is_shown_stands_for_the_whole(texts: list[str]) -> None:
    shelf = PasteShelf()
    assert shelf.whole("|".join(shelf.shown(text) for text in texts)) == "|".join(texts)


def test_a_paste_that_comes_back_is_the_same_paste() -> None:
    shelf = PasteShelf()
    first, longer = shelf.shown("a\nb\nc\nd"), shelf.shown("a\nb\nc\nd\ne")
    line = f"see {longer} and {first}, {longer}!"
    assert shelf.folded(shelf.whole(line)) == line
    assert shelf.folded("typed\nin\nfour\nlines") == "typed\nin\nfour\nlines"


def test_sizes_in_words() -> None:
    assert [size_words(n) for n in (0, 1023, 5120, 1_048_576, 3 * 1024**3)] == ["0 B", "1023 B", "5.0 KB", "1.0 MB", "3.0 GB"]
