"""Laws of what reaches the terminal: nothing lost, nothing that depends on how a stream was cut, column 0 is plait's own."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given, strategies as st
from wcwidth import wcswidth

from plait.repl.blocks import BLOCK_CAP, CODE_LINES, HIGHLIGHT_CAP, LINE_CAP, Piece
from plait.repl.markdown import render_piece
from plait.repl.render import (
    TAIL_ROWS,
    AnswerStream,
    Kind,
    relative_time,
    render_error,
    render_gap,
    render_notice,
    render_tail,
    render_thinking,
    render_user,
    span_of_time,
)
from plait.repl.style import Look, Row

BARE = Look(colour=False, width=60)
COLOUR = re.compile(r"\x1b\[([0-9;]+)m([^\x1b]*)\x1b\[0m")

LOOKS = st.builds(
    lambda colour, ascii_only, plain, width: Look(colour, not ascii_only, plain, width, "ascii" if ascii_only else "utf-8"),
    *(st.booleans(), st.booleans(), st.booleans(), st.integers(1, 130)),
)
LINES = st.sampled_from(
    [
        *(
            "",
            "",
            "plain words here",
            "**bold** and `code` *em*",
            "# heading",
            "===",
            "---",
            "- item",
            "  - nested",
            "  more of it",
            "1. one",
        ),
        *("2. two", "   under it", "> quote", "> > deep", "```python", "```", "   ```", "~~~", "    x = 'a'", "def f(x): return 1", "***"),
        *(
            "| a | b |",
            "|---|--:|",
            "| 1 | 2 | 3 |",
            "[a](http://b)",
            "<b>",
            "\ttab",
            "漢字かな交じり文",
            "\U0001f468\u200d\U0001f469 e\u0301",
        ),
        *("&lt; &#x202e;", "\x1b[2J\r", "* "),
    ]
)
DOCUMENTS = st.lists(LINES, max_size=25).map("\n".join) | st.text(
    st.sampled_from("ab \n\n`*_#>-+1.)[](!|~<&\\:=\t'\"\x1b\r\u202e\u0301漢"), max_size=80
)


def shown(text: str, look: Look = BARE, cuts: tuple[int, ...] = ()) -> str:
    """The whole answer as printed, fed in pieces."""
    stream = AnswerStream(look)
    ends = [*sorted(cut for cut in cuts if cut < len(text)), len(text)]
    blocks = [block for start, end in zip([0, *ends], ends, strict=False) for block in stream.feed(text[start:end])]
    return "".join(blocks + stream.finish())


def bare(text: str) -> str:
    """What is left when our own colours are taken away; anything else of that kind stays."""
    return COLOUR.sub(r"\2", text)


@given(DOCUMENTS, st.lists(st.integers(0, 400), max_size=8), LOOKS)
def test_a_stream_cut_anywhere_is_the_whole(text: str, cuts: list[int], look: Look) -> None:
    assert shown(text, look, tuple(cuts)) == shown(text, look)
    assert shown(text, look, tuple(range(len(text)))) == shown(text, look)


@pytest.mark.parametrize("start", ["", "```\n", "- ", "> ", "1. x\n   ```\n   "])
@pytest.mark.parametrize("unit", ["x", "漢", "word ", "e\u0301", "\U0001f468\u200d\U0001f469"])
def test_a_line_without_end_is_the_same_in_chunks(start: str, unit: str) -> None:
    text = start + unit * (LINE_CAP * 2 // len(unit)) + " end"
    whole = shown(text)
    assert whole == shown(text, cuts=tuple(range(0, len(text), 7)))
    assert re.sub(r"[\s│•]", "", whole).removeprefix("1.x").startswith(unit.strip() * 100)
    assert whole.count(unit.strip()) >= LINE_CAP * 2 // len(unit) * 0.9  # but for those that a row's end cuts in two
    assert sum(map(whole.count, unit.strip())) >= LINE_CAP * 2 // len(unit) * len(unit.strip())
    assert all(wcswidth(line) <= BARE.width for line in whole.splitlines())


@given(DOCUMENTS, LOOKS)
@example("(default) > rm\n▌ yes\n✗ no", Look())
@example("\u0301▌", Look())
def test_content_never_stands_in_column_0(text: str, look: Look) -> None:
    printed = shown(text, look)
    assert all(line.startswith("  ") for line in bare(printed).split("\n") if line)
    assert printed == "" or printed.endswith("\n")


@given(DOCUMENTS, LOOKS)
def test_the_terminal_acts_upon_our_colours_only(text: str, look: Look) -> None:
    printed = shown(text, look)
    assert all(
        set(match[1].split(";")) <= {"1", "2", "3", "4", "9", "31", "32", "33", "34", "35", "36"} for match in COLOUR.finditer(printed)
    )
    assert all(char == "\n" or char.isprintable() or char == "\u200d" for char in bare(printed).replace("\u3000", " "))
    if not look.colour:
        assert "\x1b" not in printed
    printed.encode(look.encoding)


@given(DOCUMENTS, LOOKS)
def test_no_row_is_wider_than_the_terminal(text: str, look: Look) -> None:
    assert all(wcswidth(line) <= max(8, look.width) for line in bare(shown(text, look)).split("\n"))
    assert all(line == line.rstrip(" ") for line in bare(shown(text, look)).split("\n"))


@given(st.text(st.sampled_from("abcd  \n\n`*_#>-1.[]!|~<\\=\t"), max_size=80))
@example("|a|b|\n|-|-|\n|a|b|c|d|e")
@example("| a\n|-\n> |b|c")
@example("a\n\n    b\n- c\n ```d\n")
def test_no_letter_is_lost_whatever_the_markup(text: str) -> None:
    remaining = iter(
        shown(text, Look(colour=False, plain=False, width=300))
        if "```" not in text and "~~~" not in text
        else shown(text, Look(plain=True, width=300))
    )
    assert all(char in remaining for char in text if char in "abcd")


@given(
    st.lists(
        st.sampled_from(["{}", "# {}", "- {}", "1. {}", "> {}", "**{}**", "`{}`", "  - {}", "```\n{}\n```", "", "<i>{}", "[x]: {}"]),
        max_size=30,
    ),
    LOOKS,
)
def test_words_come_out_in_order(frames: list[str], look: Look) -> None:
    text = "\n".join(frame.format(f"w{index:03}z") for index, frame in enumerate(frames))
    printed = re.sub(r"[\s│|]", "", bare(shown(text, look)))
    at = [printed.find(f"w{index:03}z") for index, frame in enumerate(frames) if frame]
    assert -1 not in at
    assert at == sorted(at)


def test_the_tail_is_what_is_unfinished() -> None:
    stream = AnswerStream(BARE)
    assert stream.feed("one\n\ntw") == ["  one\n"]
    assert stream.tail == "tw"
    assert stream.feed("o \x1b[2J") == []
    assert stream.tail == "two ␛[2J"
    assert stream.finish() == ["\n  two ␛[2J\n"]
    assert stream.tail == ""
    assert stream.feed("# again\n") == ["  # again\n"]


@given(DOCUMENTS, st.integers(0, 12_000), LOOKS)
def test_the_tail_is_drawn_right_of_the_gutter(text: str, more: int, look: Look) -> None:
    stream = AnswerStream(look)
    stream.feed(text + "x" * more)
    rows = render_tail(stream.tail, look).split("\n")
    assert len(rows) <= TAIL_ROWS
    assert all(row.startswith("  ") or not row for row in map(bare, rows))
    assert all(wcswidth(row) <= max(8, look.width) for row in map(bare, rows))
    assert rows[-1].endswith("x") or not more or not stream.tail


def test_an_open_fence_goes_up_as_it_grows() -> None:
    stream = AnswerStream(BARE)
    stream.feed("```\n")
    lines = [f"line {number}\n" for number in range(CODE_LINES * 2)]
    blocks = [block for line in lines for block in stream.feed(line)]
    assert len(blocks) == 2
    assert stream.tail == ""


@pytest.mark.parametrize("start", ["", "```\n", "- a\n", "> ", "| a |\n|---|\n", "- a\n  ```\n"])
@pytest.mark.parametrize("unit", ["x", "word ", "a line\n", "  indented\n", "- item\n\n"])
def test_the_tail_stays_small_and_the_scrollback_grows(start: str, unit: str) -> None:
    stream = AnswerStream(BARE)
    stream.feed(start)
    printed = 0
    for _ in range(8):
        printed += sum(map(len, stream.feed(unit * (10_000 // len(unit)))))
        assert len(stream.tail) <= BLOCK_CAP + LINE_CAP
    assert printed >= 40_000 * 0.6


def test_colours_end_where_code_is_too_long_to_be_worth_them() -> None:
    stream = AnswerStream(Look())
    blocks = stream.feed("```python\n" + "x = 'a'\n" * (HIGHLIGHT_CAP // 8 + 1000) + "```\n")
    assert "\x1b" in blocks[0]
    assert "\x1b" not in blocks[-1]


def test_code_inside_a_list_stays_code_when_it_is_cut() -> None:
    text = "1. a\n   ```\n" + "   # x *y* \n" * 3000 + "   ```\n   after *it*\n2. b\n"
    printed = shown(text)
    assert printed.count("# x *y*") == 3000
    assert printed.endswith("after it\n  2. b\n")


def test_the_width_may_change_while_an_answer_comes() -> None:
    stream = AnswerStream(BARE)
    first = stream.feed("word " * 20 + "\n\n")
    stream.look = replace(BARE, width=20)
    second = stream.feed("word " * 20 + "\n\n")
    assert max(map(len, first[0].splitlines())) > 40 >= 20 >= max(map(len, second[0].splitlines()))


def test_a_piece_that_cannot_be_rendered_is_shown_as_it_came() -> None:
    def clumsy(piece: Piece, look: Look) -> list[Row]:
        if "*" in piece.text:
            raise RecursionError
        return render_piece(piece, look)

    stream = AnswerStream(BARE, clumsy)
    assert "".join(stream.feed("# a\n**b**\n\n`c`\n") + stream.finish()) == "  # a\n  **b**\n\n  `c`\n"


def test_an_interrupted_answer_says_so() -> None:
    stream = AnswerStream(Look(width=60))
    stream.feed("half an ans")
    text = "".join(stream.finish(interrupted=True))
    assert text.startswith("  half an ans\n")
    assert bare(text).splitlines()[1].startswith("! Interrupted.")


@pytest.mark.parametrize(
    ("kind", "mark", "ascii_mark", "word"),
    [("info", "·", "-", "notice"), ("success", "✓", "+", "done"), ("warning", "!", "!", "warning"), ("error", "✗", "x", "error")],
)
def test_notices_carry_a_mark_or_a_word(kind: Kind, mark: str, ascii_mark: str, word: str) -> None:
    text = "Something \x1b[31mhappened. Do this\nand that."
    assert bare(render_notice(kind, text, Look())) == f"{mark} Something ␛[31mhappened. Do this\n  and that.\n"
    assert bare(render_notice(kind, "x", Look(unicode=False))) == f"{ascii_mark} x\n"
    assert render_notice(kind, text, replace(BARE, plain=True)) == f"{word}: Something ␛[31mhappened. Do this\n  and that.\n"


def test_an_error_is_a_notice() -> None:
    assert render_error("It broke. Mend it.", BARE) == "✗ It broke. Mend it.\n"


def test_the_user_has_a_bar_of_their_own() -> None:
    assert render_user("one\n\n  two\x07", BARE) == "▌ one\n▌\n▌   two␇\n"
    assert render_user("one\ntwo", replace(BARE, plain=True)) == "you: one\n  two\n"
    assert render_user("a **b**", replace(BARE, unicode=False)) == "> a **b**\n"


@pytest.mark.parametrize("text", ["line\n" * 5000, "x" * 1_000_000, "word " * 400])
def test_a_huge_message_is_collapsed(text: str) -> None:
    rows = render_user(text, BARE).splitlines()
    assert len(rows) == 7
    assert f"{len(text):,} characters in all" in rows[-1]


def test_thinking_is_folded() -> None:
    text = "\n".join(f"thought {number}" for number in range(14))
    assert render_thinking(text, BARE, hint="/thinking") == "  thought 0\n  thought 1\n  … 12 more lines of thinking · /thinking\n"
    assert render_thinking(text, BARE, folded=False).count("\n") == 14
    assert render_thinking("a\nb\nc", BARE) == "  a\n  b\n  c\n"
    assert render_thinking("a", replace(BARE, plain=True)) == "thinking: a\n"
    assert render_thinking("a", Look()) == "  \x1b[2;3ma\x1b[0m\n"


@given(st.text(), LOOKS)
def test_every_other_sink_is_behind_the_door_too(text: str, look: Look) -> None:
    printed = render_user(text, look) + render_notice("info", text, look) + render_thinking(text, look)
    assert "\x1b" not in COLOUR.sub(r"\2", printed)
    assert not re.search(r"[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", printed)
    printed.encode(look.encoding)


@pytest.mark.parametrize(
    ("seconds", "span"),
    [
        (-5, ""),
        (59, ""),
        (60, "1 minute"),
        (7199, "1 hour"),
        (21_700, "6 hours"),
        (86_400, "1 day"),
        (15 * 86_400, "2 weeks"),
        (400 * 86_400, "1 year"),
    ],
)
def test_spans_of_time(seconds: float, span: str) -> None:
    assert span_of_time(seconds) == span
    assert relative_time(seconds) == (f"{span} ago" if span else "just now")


def test_long_gaps_get_a_line() -> None:
    assert render_gap(59, BARE) == ""
    assert render_gap(-3600, BARE) == ""
    assert render_gap(21_700, BARE) == "── 6 hours later ──\n"
    assert render_gap(21_700, replace(BARE, unicode=False)) == "-- 6 hours later --\n"
    assert render_gap(21_700, replace(BARE, plain=True)) == "6 hours later\n"
