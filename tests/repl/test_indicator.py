"""The line that says who waits: what it says at which width, and that it never takes more than there is."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from wcwidth import wcswidth

from plait.core.session import Awaited, SessionState
from plait.repl.indicator import KIND_COLOURS, indicator_text, shorten
from plait.repl.rows import text_width
from plait.repl.style import Look
from tests.repl.fleets import fleet, session

PLAIN_TEXT = Look(colour=False)
LOOKS = [
    Look(colour=colour, unicode=encoding == "utf-8", plain=plain, encoding=encoding)
    for colour, encoding, plain in itertools.product((True, False), ("utf-8", "ascii", "iso8859-1"), (True, False))
]
AWAITED: list[Awaited] = ["answer", "question", "failed", "interrupted", "limit"]
NAMES = st.text(
    st.sampled_from("ab-7éß漢字한글жא\u0301\u0308\U0001f468\u200d\U0001f469\ufe0f🎉\U0001f1e9\U0001f1ea\x1b\x07\n\u202e…"), max_size=24
)
THREE = fleet(
    [session("api", "answer", since=30), session("auth-fix", "question", since=10), session("docs", "failed", since=20)], shown="default"
)


def width(look: Look, columns: int) -> Look:
    return replace(look, width=columns)


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (80, "[auth-fix ?] [docs ✗] [api]"),
        (27, "[auth-fix ?] [docs ✗] [api]"),
        (26, "[auth-fix ?] +2 more"),  # with two names and the count it would be 29
        (20, "[auth-fix ?] +2 more"),
        (19, "[auth-f… ?] +2 more"),
        (18, "[auth-… ?] +2 more"),
        (17, "3 waiting"),
        (9, "3 waiting"),
        (8, "3"),
        (1, "3"),
    ],
)
def test_with_less_room_it_says_less(columns: int, expected: str) -> None:
    assert indicator_text(THREE, width(PLAIN_TEXT, columns)) == expected


def test_nobody_waits_and_nothing_stands_there() -> None:
    working = [session("a", state=SessionState.PROCESSING), session("b", state=SessionState.PAUSED), session("c", unread=2)]
    for text_only in (False, True):
        assert indicator_text(fleet(working), PLAIN_TEXT, text_only=text_only) == ""
        assert indicator_text(fleet([*working, session("d", "question")], shown="d"), PLAIN_TEXT, text_only=text_only) == ""


def test_what_is_shown_is_left_out_and_the_oldest_comes_first() -> None:
    assert indicator_text(fleet(THREE.sessions, shown="auth-fix"), PLAIN_TEXT) == "[docs ✗] [api]"


def test_five_names_unless_a_setting_says_otherwise() -> None:
    seven = fleet([session(f"s{number}", "answer", since=number) for number in range(7)])
    assert indicator_text(seven, PLAIN_TEXT) == "[s0] [s1] [s2] [s3] [s4] +2 more"
    assert indicator_text(seven, PLAIN_TEXT, most=1) == "[s0] +6 more"
    assert indicator_text(seven, PLAIN_TEXT, most=100) == "[s0] [s1] [s2] [s3] [s4] [s5] [s6]"
    assert indicator_text(seven, PLAIN_TEXT, most=0) == "7 waiting"


def test_the_colour_is_the_types() -> None:
    rows = [
        session("a", "question", kind="debug"),
        session("b", "answer", kind="planning"),
        session("c", "failed", kind="development"),
        session("d", "limit", kind="code-review"),
    ]
    expected = "\x1b[34m[a ?]\x1b[0m \x1b[32m[b]\x1b[0m \x1b[35m[c ✗]\x1b[0m \x1b[33m[d !]\x1b[0m"
    assert indicator_text(fleet(rows), Look()) == expected
    assert indicator_text(fleet(rows), Look(), most=1) == "\x1b[34m[a ?]\x1b[0m +3 more"


def test_high_contrast_is_bold_and_in_words() -> None:
    assert indicator_text(THREE, Look(high_contrast=True)) == (
        "\x1b[1m[auth-fix question]\x1b[0m \x1b[1m[docs failed]\x1b[0m \x1b[1m[api]\x1b[0m"
    )
    assert indicator_text(THREE, width(Look(high_contrast=True), 12)) == "\x1b[1m3 waiting\x1b[0m"


def test_text_only_is_a_sentence() -> None:
    assert indicator_text(THREE, Look(), text_only=True) == "Waiting: auth-fix (question), docs (failed), api"
    assert indicator_text(THREE, Look(), most=2, text_only=True) == "Waiting: auth-fix (question), docs (failed) and 1 more"
    assert indicator_text(THREE, width(Look(), 38), text_only=True) == "Waiting: auth-f… (question) and 2 more"
    assert indicator_text(THREE, width(Look(), 20), text_only=True) == "3 waiting"


def test_a_plain_look_has_the_sentence_too() -> None:
    assert indicator_text(THREE, Look(plain=True)) == indicator_text(THREE, Look(), text_only=True)


def test_an_ascii_terminal_has_stand_ins() -> None:
    ascii_only = Look(colour=False, unicode=False, encoding="ascii")
    rows = fleet([session("überlegen", "failed"), session("b", "limit", since=1)])
    assert indicator_text(rows, ascii_only) == "[\\xfcberlegen x] [b !]"
    assert indicator_text(rows, width(ascii_only, 21)) == "[\\xfcbe... x] +1 more"
    assert indicator_text(rows, width(ascii_only, 20)) == "[\\xfcb... x] +1 more"


@pytest.mark.parametrize(
    ("awaited", "mark", "contrast", "sentence"),
    [
        ("answer", "[a]", "[a]", "Waiting: a"),
        ("question", "[a ?]", "[a question]", "Waiting: a (question)"),
        ("failed", "[a ✗]", "[a failed]", "Waiting: a (failed)"),
        ("interrupted", "[a !]", "[a interrupted]", "Waiting: a (interrupted)"),
        ("limit", "[a !]", "[a limit reached]", "Waiting: a (limit reached)"),
    ],
)
def test_what_a_session_waits_for_is_told_without_colours(awaited: Awaited, mark: str, contrast: str, sentence: str) -> None:
    one = fleet([session("a", awaited)])
    assert indicator_text(one, PLAIN_TEXT) == without_colours(indicator_text(one, Look())) == mark
    assert indicator_text(one, replace(PLAIN_TEXT, high_contrast=True)) == contrast
    assert indicator_text(one, PLAIN_TEXT, text_only=True) == sentence


@given(
    st.lists(NAMES, min_size=1, max_size=6),
    st.integers(0, 100),
    st.one_of(st.integers(1, 19), st.integers(20, 300)),
    st.sampled_from(LOOKS),
    st.integers(0, 100),
    st.booleans(),
    st.booleans(),
)
def test_it_always_fits_and_says_something_if_anybody_waits(
    names: list[str], count: int, columns: int, look: Look, most: int, text_only: bool, high_contrast: bool
) -> None:
    rows = [
        session(name, awaited, kind=kind, since=number)
        for number, name, awaited, kind in zip(
            range(count),
            itertools.cycle(names),
            itertools.cycle(AWAITED),
            itertools.cycle(KIND_COLOURS),
            strict=False,
        )
    ]
    there = fleet(rows, shown="someone else")
    look = replace(look, width=columns, high_contrast=high_contrast)
    text = indicator_text(there, look, most, text_only)
    shown = without_colours(text)
    assert max(text_width(shown), wcswidth(shown)) <= columns
    assert "\x1b" not in shown
    assert "\n" not in shown
    shown.encode(look.encoding)
    assert bool(text) == (count > 0 and len(str(count)) <= columns)
    assert look.colour or text == shown
    assert not re.search(r"\x1b\[[0-9;]*\b(2|7|4[0-9]|10[0-7])m", text), "neither dim nor a background"
    assert shown == indicator_text(there, replace(look, colour=False), most, text_only)


@given(st.lists(NAMES, min_size=1, max_size=8), st.integers(1, 120), st.booleans())
def test_more_room_never_shows_fewer_names(names: list[str], columns: int, text_only: bool) -> None:
    there = fleet(session(f"{number}-{name}", "question", since=number) for number, name in enumerate(names))

    def shown(columns: int) -> int:
        return len(re.findall(r"[\[( ]\d-", indicator_text(there, width(PLAIN_TEXT, columns), text_only=text_only)))

    assert shown(columns) <= shown(columns + 1)


@given(NAMES, st.integers(0, 40), st.sampled_from(LOOKS))
def test_a_shortened_name_is_the_beginning_of_the_whole_one(name: str, columns: int, look: Look) -> None:
    short, whole = shorten(name, columns, look), shorten(name, 1_000, look)
    assert text_width(short) <= columns
    assert short == whole or not short or whole.startswith(short.removesuffix(look.marks("…")))
    assert short == whole if text_width(whole) <= columns else short.endswith(look.marks("…")) or columns < 3
