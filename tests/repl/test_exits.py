"""The terminal is as it was, on every way out; and the way out is short even if nobody reads."""

from __future__ import annotations

import re
import signal
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.repl.harness import DEMO, Pty, Tmux, needs_tmux
from tests.timing import LIMIT, until, within


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=["term", "hup", "int"]
)
@pytest.mark.parametrize("streaming", [False, True], ids=["idle", "streaming"])
def test_a_signal_ends_it_gracefully(number: signal.Signals, code: int, streaming: bool) -> None:
    with Pty() as pty:
        pty.ready()
        if streaming:
            pty.enter("/stream 1000 500")
            pty.until(lambda: "line 00001" in pty.everything)
        with within(2):
            pty.child.kill(number)
            assert pty.wait() == code
        assert "bye" in pty.text
        pty.assert_restored()


def test_a_signal_before_the_prompt_leaves_the_terminal_as_it_was() -> None:
    code = (
        "from plait.repl.terminal import prepare_terminal; prepare_terminal();"
        "import sys, time; sys.stdout.write('prepared'); sys.stdout.flush(); time.sleep(60)"
    )
    with Pty([sys.executable, "-c", code]) as pty:
        pty.until(lambda: "prepared" in pty.text)
        assert not termios.tcgetattr(pty.child.child_fd)[0] & termios.ICRNL
        pty.child.kill(signal.SIGTERM)
        assert pty.wait() == 143
        assert termios.tcgetattr(pty.child.child_fd) == pty.before


def test_an_exception_before_the_prompt_leaves_the_terminal_as_it_was() -> None:
    with Pty([sys.executable, "-c", "from plait.repl.terminal import prepare_terminal; prepare_terminal(); 1 / 0"]) as pty:
        assert pty.wait() == 1
        assert termios.tcgetattr(pty.child.child_fd) == pty.before


def test_leaving_takes_the_toolbar_away_and_keeps_the_text() -> None:
    with Pty() as pty:
        pty.ready().enter("hello")
        pty.until(lambda: "got 5" in pty.text)
        pty.enter("/exit")
        assert pty.wait() == 0
        assert pty.text.splitlines() == ["> hello", "got 5 characters: 'hello'", "> /exit", "bye"]
        pty.assert_restored()


def test_a_terminal_that_hangs_up_ends_it() -> None:
    with Pty() as pty:
        pty.ready()
        pty.child.ptyproc.fileobj.close()
        until(lambda: not pty.child.isalive(), promised=2)


def test_a_terminal_that_reads_nothing_holds_up_neither_the_program_nor_its_end() -> None:
    with Pty() as pty:
        pty.ready().enter("/flood 12")
        sleeping(pty.child.pid)  # not in a write: the flood of 12 MB waits, or is counted
        assert resident(pty.child.pid) < 80
        pty.child.kill(signal.SIGTERM)
        until(lambda: not pty.child.isalive(), promised=2)
        assert termios.tcgetattr(pty.child.child_fd) == pty.before


def test_a_terminal_that_reads_again_gets_the_newest_and_the_count_of_the_rest() -> None:
    with Pty(rows=10) as pty:
        pty.ready().enter("/flood 12")
        pty.emulate = False
        sleeping(pty.child.pid)
        pty.until(lambda: f"{12 * 1024 - 1:08} f".encode() in pty.sent)
        dropped = re.search(rb"\[([0-9,]+) lines are not shown here", pty.sent)
        assert dropped
        shown = re.findall(rb"([0-9]{8}) fff", pty.sent)
        assert len(shown) + int(dropped[1].replace(b",", b"")) == 12 * 1024 + 1  # and the echoed command
        assert shown == sorted(shown)


def sleeping(process: int) -> None:
    """Wait until the child waits for events, for some time on end."""
    deadline = time.monotonic() + LIMIT
    since = time.monotonic()
    while time.monotonic() - since < 0.3:
        if Path(f"/proc/{process}/wchan").read_text() not in ("do_epoll_wait", "ep_poll", "0"):
            since = time.monotonic()
        assert time.monotonic() < deadline, "it does not come to rest"
        time.sleep(0.01)


def resident(process: int) -> int:
    """Megabytes in memory."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096 // 1024**2


@needs_tmux
def test_control_z_gives_the_shell_its_terminal_and_fg_draws_again() -> None:
    with Tmux("stop") as tmux:
        tmux.keys("stty -a > /dev/null; clear", "Enter")
        tmux.keys("exec bash --norc --noprofile", "Enter")
        tmux.keys(f"PS1='shell: '; clear; stty -g; {sys.executable} {DEMO}", "Enter")
        tmux.until(lambda: "(demo) >" in tmux.text)
        tmux.keys("draft")
        tmux.until(lambda: "(demo) > draft" in tmux.text)
        tmux.keys("C-z")
        tmux.until(lambda: "Stopped" in tmux.text)
        assert "(demo)" not in tmux.text.replace(str(DEMO), "")
        assert tmux.run("display-message", "-p", "-t", "t", "#{cursor_flag} #{bracket_paste_flag} #{wrap_flag}").split()[0] == "1"
        tmux.keys("stty -g", "Enter")
        tmux.until(lambda: len(settings(tmux.text)) == 2)
        first, second = settings(tmux.text)
        assert first == second
        tmux.keys("fg", "Enter")
        tmux.until(lambda: "(demo) > draft" in tmux.text)
        tmux.keys("!", "Enter")
        tmux.until(lambda: "got 6 characters: 'draft!'" in tmux.text)


def settings(text: str) -> list[str]:
    """Lines of `stty -g`."""
    return [line for line in text.splitlines() if line.count(":") > 20]
