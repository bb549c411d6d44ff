"""The linear prompt on a pty: the terminal edits the line, and not one escape sequence is written."""

from __future__ import annotations

import signal
import sys
import termios

from tests.repl.harness import DEMO, Pty


def plain() -> Pty:
    """The demo with `--plain`."""
    return Pty([sys.executable, str(DEMO), "--plain"], TERM="dumb")


def assert_linear(pty: Pty) -> None:
    """No escape sequence, and the terminal as it was."""
    assert b"\x1b" not in pty.sent
    assert termios.tcgetattr(pty.child.child_fd) == pty.before


def test_lines_are_submitted_and_the_prompt_comes_again() -> None:
    with plain() as pty:
        pty.ready().send("hello\r")
        pty.until(lambda: "got 5 characters: 'hello'" in pty.text and pty.text.endswith("(demo) >"))
        assert pty.text.splitlines() == ["(demo) > hello", "got 5 characters: 'hello'", "(demo) >"]
        pty.send("\x04")
        assert pty.wait() == 0
        assert_linear(pty)


def test_a_stream_is_printed_as_its_lines_come() -> None:
    with plain() as pty:
        pty.ready().send("/stream 3 200\r")
        pty.until(lambda: "[stream ended]" in pty.text and pty.text.endswith("(demo) >"))
        assert [pty.text.count(f"line {number:05}") for number in range(3)] == [1, 1, 1]
        assert_linear(pty)


def test_a_paste_does_not_send_its_inner_lines() -> None:
    with plain() as pty:
        pty.ready().send("one\rtwo\r")
        pty.until(lambda: r"got 7 characters: 'one\ntwo'" in pty.text)


def test_control_c_stops_then_hints_then_leaves() -> None:
    with plain() as pty:
        pty.ready().send("/stream 500 200\r")
        pty.until(lambda: "line 00001" in pty.text)
        pty.send("\x03")
        pty.until(lambda: "[stopped]" in pty.text, promised=2)
        pty.until(lambda: pty.text.endswith("(demo) >"))
        pty.send("\x03")
        pty.until(lambda: "Press Ctrl+C again to leave." in pty.text)
        pty.send("\x03")
        assert pty.wait() == 0
        assert_linear(pty)


def test_a_signal_ends_it() -> None:
    with plain() as pty:
        pty.ready().child.kill(signal.SIGTERM)
        assert pty.wait() == 143
        assert_linear(pty)
