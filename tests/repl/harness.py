"""A program on a real pseudo-terminal, read by a terminal emulator; and one in tmux, which reflows.

Nothing here sleeps for a fixed time to let something happen: each wait is for a condition, with a limit.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import pexpect  # type: ignore[import-untyped]  # it ships no types
import pyte
import pytest

from tests.timing import LIMIT, within

DEMO = Path(__file__).with_name("demo.py")
FAST_KEYS = 0.03  # seconds between keys that are meant to be typed by a person: more than a burst

_KEY = re.compile("\x1b(?:\\[[0-9;]*[A-Za-z~]|O?.)?|.", re.DOTALL)
_NUMBER_OF_PTY = 0x80045430  # TIOCGPTN of Linux
_NUMBERS = itertools.count()  # a server's name is not used twice: the old one may still be leaving

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Pty:
    """A child on a pty of its own. `screen` is what its user sees; `sent` is every byte that it wrote."""

    def __init__(self, command: Sequence[str] = (), columns: int = 80, rows: int = 24, **environment: str) -> None:
        base = {name: value for name, value in os.environ.items() if name not in ("TMUX", "STY", "VISUAL", "EDITOR", "SSH_CONNECTION")}
        arguments = list(command) or [sys.executable, str(DEMO)]
        self.child = pexpect.spawn(
            arguments[0],
            arguments[1:],
            dimensions=(rows, columns),
            env={**base, "TERM": "xterm-256color", **environment},
            timeout=LIMIT,
            echo=True,
        )
        self.child.delaybeforesend = None
        self.before = _fresh_terminal()
        self.screen = pyte.HistoryScreen(columns, rows, history=20_000)
        self.stream = pyte.ByteStream(self.screen)
        self.sent = b""
        self.emulate = True  # off for floods: the emulator takes about a second per megabyte

    def __enter__(self) -> Pty:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.child.close(force=True)

    def send(self, data: str | bytes) -> None:
        """Write to the terminal's input as one burst, reading meanwhile so that neither side blocks."""
        rest = data.encode() if isinstance(data, str) else data
        fd = self.child.child_fd
        os.set_blocking(fd, False)
        deadline = time.monotonic() + LIMIT
        while rest and time.monotonic() < deadline:
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError:
                self.read(0.001)
        assert not rest, "the program does not read its input"

    def type(self, text: str) -> None:
        """Keys one after the other, at a pace that a person could have; what a key sends comes in one piece."""
        for key in _KEY.findall(text):
            self.send(key)
            self.pause()

    def enter(self, text: str) -> None:
        """A line, and Enter when it is on the screen."""
        self.send(text)
        self.until(lambda: text[-10:] in self.text)
        self.pause()
        self.send("\r")
        self.pause()

    def pause(self, seconds: float = FAST_KEYS) -> None:
        """Let this time pass for the program, as a person does between keys, and read meanwhile. It begins when the keys have been read."""
        self._read_for(seconds)
        given_up = time.monotonic() + 1.0  # who reads no keys at all is not waited for
        if self._keys_wait():
            while self._keys_wait() and time.monotonic() < given_up:
                self.read(0.005)
            self._read_for(seconds)

    def _read_for(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.read(left)

    def _keys_wait(self) -> bool:
        """Whether keys lie in the terminal that the program has not read, where the system tells."""
        if sys.platform != "linux":
            return False
        number = struct.unpack("i", fcntl.ioctl(self.child.child_fd, _NUMBER_OF_PTY, bytes(4)))[0]
        try:
            terminal = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)
        except OSError:
            return False
        try:
            return bool(struct.unpack("i", fcntl.ioctl(terminal, termios.FIONREAD, bytes(4)))[0])
        except OSError:
            return False
        finally:
            os.close(terminal)

    def read(self, seconds: float) -> bool:
        """Take what the program writes within this time; False at its end."""
        try:
            data = self.child.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.sent += data
        if self.emulate:
            self.stream.feed(data)
        return True

    def until(self, condition: Callable[[], bool], promised: float = LIMIT) -> None:
        """Read until the condition holds; fails with the screen when it never does, and is too slow after the time that is promised."""
        deadline = time.monotonic() + LIMIT
        with within(promised):
            while not (condition() and self._drawn):
                alive = self.read(0.02)
                if time.monotonic() > deadline or not (alive or condition()):
                    pytest.fail("waited in vain; the screen:\n" + self.text)
                if not alive:
                    break

    @property
    def _drawn(self) -> bool:
        """Whether the last frame has come whole."""
        return self.sent.rfind(b"\x1b[?2026h") <= self.sent.rfind(b"\x1b[?2026l")

    def ready(self) -> Pty:
        """Wait for the prompt."""
        self.until(lambda: "(demo) >" in self.text)
        return self

    def wait(self) -> int:
        """Read to the end; the exit status as a shell would give it."""
        deadline = time.monotonic() + LIMIT
        while self.read(0.02):
            assert time.monotonic() < deadline, "the program does not end:\n" + self.text
        self.child.wait()
        return int(self.child.exitstatus) if self.child.exitstatus is not None else 128 + int(self.child.signalstatus or 0)

    @property
    def text(self) -> str:
        """The visible rows, without blanks at their ends."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def everything(self) -> str:
        """Scrollback and screen, one row per line."""
        above = ["".join(line[x].data for x in range(self.screen.columns)).rstrip() for line in self.screen.history.top]
        return "\n".join([*above, self.text])

    @property
    def input_row(self) -> str:
        """The row with the prompt."""
        return next((line for line in reversed(self.text.splitlines()) if line.startswith("(demo) >")), "")

    def resize(self, columns: int, rows: int) -> None:
        """Change the window; pyte does not reflow."""
        self.child.setwinsize(rows, columns)
        self.screen.resize(rows, columns)

    def assert_restored(self) -> None:
        """The terminal's attributes are those from the start, and each mode that was switched on is off."""
        assert termios.tcgetattr(self.child.child_fd) == self.before
        for on, off in ((b"\x1b[?2004h", b"\x1b[?2004l"), (b"\x1b[?7l", b"\x1b[?7h"), (b"\x1b[?25l", b"\x1b[?25h")):
            assert self.sent.rfind(on) < self.sent.rfind(off), on
        assert self.sent.count(b"\x1b[?2026h") <= self.sent.count(b"\x1b[?2026l")
        assert b"\x1b[?1049h" not in self.sent
        assert b"\x1b[6n" not in self.sent
        assert "toolbar:" not in self.text


def _fresh_terminal() -> list[object]:
    """The attributes of a terminal that nobody has used; those of a child's own may be looked at too late."""
    ends = os.openpty()
    try:
        return list(termios.tcgetattr(ends[0]))
    finally:
        for end in ends:
            os.close(end)


class Tmux:
    """A shell in a tmux server of its own."""

    def __init__(self, name: str, columns: int = 80, rows: int = 24) -> None:
        self._base = ["tmux", "-L", f"plait-{os.getpid()}-{next(_NUMBERS)}-{name}", "-f", os.devnull]
        self.run("new-session", "-d", "-s", "t", "-x", str(columns), "-y", str(rows), "sh")
        self.run("set", "-g", "history-limit", "20000")  # for windows from now on
        self.run("new-window", "-t", "t", "env PS1='$ ' sh")
        self.run("set", "-t", "t", "window-size", "manual")
        self.resize(columns, rows)

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.run("kill-server")

    def run(self, *arguments: str) -> str:
        """One tmux command; its output."""
        return subprocess.run([*self._base, *arguments], capture_output=True, text=True, timeout=LIMIT, check=False).stdout

    def keys(self, *keys: str) -> None:
        """Send keys, by tmux's names."""
        self.run("send-keys", "-t", "t", *keys)

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size."""
        self.run("resize-window", "-t", "t", "-x", str(columns), "-y", str(rows))

    @property
    def everything(self) -> str:
        """History and screen; rows that tmux broke are joined."""
        return self.run("capture-pane", "-p", "-J", "-t", "t", "-S", "-")

    @property
    def text(self) -> str:
        """The visible rows."""
        return self.run("capture-pane", "-p", "-t", "t")

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + LIMIT
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail("waited in vain; the screen:\n" + self.text)
            time.sleep(0.05)
