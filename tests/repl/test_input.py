"""Pastes and odd input on a pty, against the running prompt."""

from __future__ import annotations

import re

import pytest

from tests.repl.harness import Pty
from tests.repl.test_paste import REPORTS
from tests.timing import TooSlow, within

START, END = "\x1b[200~", "\x1b[201~"


def megabyte() -> str:
    """1 MiB in 16,384 lines."""
    text = "\n".join(f"{number:05} " + "x" * 57 for number in range(16_384)) + "\n"
    assert len(text) == 1_048_576
    return text


def test_a_paste_of_a_megabyte_is_quick_collapsed_and_whole() -> None:
    text = megabyte()
    with Pty() as pty:
        pty.ready()
        with within(3):  # the order of magnitude: 0.12 s alone on 2 cores; the figure to hold is 0.3
            pty.send(START + text.replace("\n", "\r") + END)
            pty.until(lambda: "[pasted 16,384 lines, 1.0 MB #1]" in pty.text)
        pty.pause(0.1)
        pty.send("\r")
        pty.until(lambda: f"got {len(text)} characters: '00000 xxx" in pty.text)
        assert "> [pasted 16,384 lines, 1.0 MB #1]" in pty.text


def test_a_placeholder_is_deleted_whole_and_comes_back_from_the_history() -> None:
    with Pty() as pty:
        pty.ready().send(f"see {START}a\nb\nc\nd{END}")
        pty.until(lambda: pty.input_row == "(demo) > see [pasted 4 lines, 7 B #1]")
        pty.pause()
        pty.send("\r")
        pty.until(lambda: "got 11 characters" in pty.text)
        pty.type("\x1b[A")
        pty.until(lambda: pty.input_row == "(demo) > see [pasted 4 lines, 7 B #1]")
        pty.type("\r")
        pty.until(lambda: pty.text.count("got 11 characters") == 2)
        pty.type("\x1b[A\x7f")
        pty.until(lambda: pty.input_row == "(demo) > see")


def test_a_small_paste_is_literal_and_does_not_send() -> None:
    with Pty() as pty:
        pty.ready().send(f"{START}one\r\ntwo\r{END}")
        pty.until(lambda: "two" in pty.text)
        pty.pause(0.1)
        assert "got" not in pty.text
        pty.type("\r")
        pty.until(lambda: r"got 8 characters: 'one\ntwo\n'" in pty.text)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"], ids=["cr", "lf", "crlf"])
def test_a_burst_without_paste_marks_does_not_send(end: str) -> None:
    text = end.join("x" * 60 for _ in range(84)) + end
    with Pty() as pty:
        pty.ready()
        with within(1):  # 30 ms alone; the figure to hold is 0.1
            pty.send(text)
            pty.until(lambda: sum(map(int, re.findall(r"pasted (\d+) lines", pty.text))) >= 84)
        if "#2]" in pty.text:
            raise TooSlow("the terminal handed the burst over in pieces")
        assert "[pasted 84 lines, 5.0 KB #1]" in pty.text
        pty.pause(0.1)
        assert "got" not in pty.text
        pty.type("\r")
        pty.until(lambda: f"got {84 * 61} characters" in pty.text)


def test_a_kept_draft_is_known_as_one_until_its_line_was_emptied() -> None:
    with Pty() as pty:
        pty.ready().type("/keep half a thought\r")
        pty.until(lambda: pty.input_row == "(demo) > half a thought")
        pty.type("only \r")
        pty.until(lambda: "got 19 characters: 'only half a thought', kept from earlier" in pty.text)
        pty.type("/keep half a thought\r")
        pty.until(lambda: pty.input_row == "(demo) > half a thought")
        pty.type("\x0b")  # Ctrl+K
        pty.until(lambda: pty.input_row == "(demo) >")
        pty.type("new\r")
        pty.until(lambda: "got 3 characters: 'new'" in pty.text)
        assert "'new', kept" not in pty.text


def test_what_breaks_out_of_a_paste_is_not_run() -> None:
    with Pty() as pty:
        pty.ready().send(f"{START}harmless{END}rm -rf ~\n")
        pty.until(lambda: "rm -rf" in pty.text)
        pty.pause(0.1)
        assert "got" not in pty.text
        assert pty.input_row == "(demo) > harmlessrm -rf ~"


def test_escapes_in_a_paste_are_shown_and_not_obeyed() -> None:
    with Pty() as pty:
        pty.ready().send(f"{START}a\x1b[2Jb\x07\u202ec{END}")
        pty.until(lambda: pty.input_row == "(demo) > a␛[2Jb␇<U+202E>c")


def test_pastes_and_typing_keep_their_order() -> None:
    with Pty() as pty:
        pty.ready()
        for part in ("a", f"{START}1\n2\n3\n4{END}", "b", f"{START}5\n6\n7\n8{END}", "c"):
            pty.send(part)
            pty.pause(0.05)
        pty.until(lambda: pty.input_row == "(demo) > a[pasted 4 lines, 7 B #1]b[pasted 4 lines, 7 B #2]c")


@pytest.mark.parametrize("soup", [*REPORTS, "\x1b[99;99~"])
def test_reports_of_the_terminal_are_ignored(soup: str) -> None:
    with Pty() as pty:
        pty.ready().type("a")
        pty.send(soup)
        pty.pause(0.1)
        pty.type("b")
        pty.until(lambda: pty.input_row == "(demo) > ab")


def test_bytes_that_are_not_utf8_are_replaced_visibly() -> None:
    with Pty() as pty:
        pty.ready().send(b"caf" + b"\xe9!")
        pty.until(lambda: pty.input_row == "(demo) > caf\ufffd!")
        pty.type("\r")
        pty.until(lambda: "got 5 characters: 'caf\ufffd!'" in pty.text)


def test_enter_five_hundred_times_leaves_no_backlog() -> None:
    with Pty() as pty:
        pty.ready().send("\r" * 500)
        pty.pause()
        pty.type("x")
        pty.until(lambda: pty.input_row == "(demo) > x", promised=2)


def test_a_line_typed_and_sent_in_one_go_is_submitted() -> None:
    with Pty() as pty:
        pty.ready().send("hello\r")
        pty.until(lambda: "got 5 characters" in pty.text, promised=2)


def test_a_huge_line_from_the_history_is_collapsed() -> None:
    with Pty() as pty:
        pty.ready().send(START + "y" * 20_000 + END)
        pty.until(lambda: "#1]" in pty.text)
        pty.pause()
        pty.send("\r")
        pty.until(lambda: "got 20000 characters" in pty.text)
        pty.type("\x1b[A")
        pty.until(lambda: pty.input_row.startswith("(demo) > [pasted 1 line, 19.5 KB #"))
