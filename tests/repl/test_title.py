"""The window's title: what is sent to the terminal, exactly, and when nothing is."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given, strategies as st

from plait.repl.style import Look
from plait.repl.title import WindowTitle, has_title, title_text
from tests.repl.fleets import fleet, session

TWO_WAIT = fleet([session("a", "question"), session("b", "answer"), session("c")], shown="c")


def test_only_changes_are_sent_and_the_terminal_has_its_own_title_again() -> None:
    sent: list[str] = []
    title = WindowTitle(sent.append, enabled=True)
    title.open()
    title.show(TWO_WAIT, "auth-fix")
    title.show(TWO_WAIT, "auth-fix")
    title.show(fleet([]), "auth-fix")
    title.show(fleet([]), "docs")
    title.close()
    assert sent == [
        "\x1b[22;0t",
        "\x1b]2;plait: auth-fix (2 waiting)\x07",
        "\x1b]2;plait: auth-fix\x07",
        "\x1b]2;plait: docs\x07",
        "\x1b]2;\x07\x1b[23;0t",
    ]


def test_outside_of_open_and_close_nothing_is_sent() -> None:
    sent: list[str] = []
    title = WindowTitle(sent.append, enabled=True)
    title.show(TWO_WAIT, "a")
    title.close()
    assert sent == []
    title.open()
    title.open()
    title.close()
    title.close()
    title.show(TWO_WAIT, "a")
    assert sent == ["\x1b[22;0t", "\x1b]2;\x07\x1b[23;0t"]


def test_a_title_that_is_not_enabled_sends_nothing() -> None:
    sent: list[str] = []
    title = WindowTitle(sent.append, enabled=False)
    title.open()
    title.show(TWO_WAIT, "a")
    title.close()
    assert sent == []


def test_the_shown_session_is_not_counted() -> None:
    assert title_text(fleet(TWO_WAIT.sessions, shown="a"), "a") == "plait: a (1 waiting)"


@given(st.text())
def test_a_name_cannot_end_the_sequence(name: str) -> None:
    sent: list[str] = []
    title = WindowTitle(sent.append, enabled=True)
    title.open()
    title.show(TWO_WAIT, name)
    shown = sent[1]
    assert shown.startswith("\x1b]2;plait: ")
    assert shown.endswith(" (2 waiting)\x07")
    assert not set(shown[4:-1]) & set(map(chr, (*range(32), *range(127, 160))))


def test_a_terminal_takes_it_for_a_title_and_draws_nothing() -> None:
    screen = pyte.Screen(40, 2)
    stream = pyte.Stream(screen)
    title = WindowTitle(stream.feed, enabled=True)
    title.open()
    title.show(TWO_WAIT, "erklären-漢字")
    assert screen.title == "plait: erklären-漢字 (2 waiting)"
    title.close()
    assert screen.title == ""
    assert not "".join(screen.display).strip()


@pytest.mark.parametrize(
    ("term", "plain", "expected"),
    [
        ("xterm-256color", False, True),
        ("tmux-256color", False, True),
        ("vte-256color", False, True),
        ("xterm-256color", True, False),
        ("dumb", False, False),
        ("linux", False, False),
        ("vt100", False, False),
        ("eterm-color", False, False),
        ("", False, False),
    ],
)
def test_which_terminals_have_a_title(term: str, plain: bool, expected: bool) -> None:
    assert has_title(Look(plain=plain), {"TERM": term} if term else {}) is expected
