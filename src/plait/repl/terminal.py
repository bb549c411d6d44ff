"""The terminal as a device: its modes, its size, and how it is left as it was found.

Rules:

* Standard library only, and nothing heavy of that: `prepare_terminal()` is the first act of the process, before any other import, so
  that an Enter typed meanwhile arrives as CR and is not taken for Ctrl+J.
* `restore()` may be called from anywhere, any number of times, also from a signal handler; it never blocks.
* Writing never blocks: the terminal is opened a second time for that. O_NONBLOCK belongs to the open file, which the shell shares.
"""

from __future__ import annotations

import array
import atexit
import fcntl
import os
import select
import signal
import termios
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import Any

MODES_ON = "\x1b[?2004h\x1b[?7l"  # bracketed paste; no autowrap while the live region is drawn
AUTOWRAP = "\x1b[?7h"
MODES_OFF = "\x1b[?2026l\x1b[?7h\x1b[?2004l\x1b[0m\x1b[?25h"  # end of a synchronized update, autowrap, paste, colours, cursor

_IFLAG, _LFLAG, _CC = 0, 3, 6  # places in the list of termios.tcgetattr
_RESTORE_TIME = 0.3  # seconds that the last bytes may take; leaving has to be done within 2 s


class Terminal:
    """A tty, given by the file descriptors of its input and output (they may be the same).

    `early` is the number of bytes that were typed before ICRNL was off; in those LF means Enter. Whoever reads the input counts it down.
    """

    def __init__(self, stdin: int = 0, stdout: int = 1) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.early = 0
        self._original = _attributes(stdin)
        self._writer: int | None = None
        self._modes_on = False
        self._found: dict[int, Any] = {}  # signal handlers

    def __repr__(self) -> str:
        state = "drawn on" if self._modes_on else "as found"
        return f"<Terminal [{'x'.join(map(str, self.size()))}, {state}]>"

    @property
    def is_tty(self) -> bool:
        """Whether both ends are terminals."""
        return self._original is not None and os.isatty(self.stdout)

    def size(self) -> tuple[int, int]:
        """(columns, rows), each at least 1; a terminal that reports 0 has the customary 80 x 24."""
        try:
            columns, rows = os.get_terminal_size(self.stdout)
        except OSError:
            return 80, 24
        return columns or 80, rows or 24

    def prepare(self) -> None:
        """No echo, no line buffering, CR stays CR; Ctrl+C still interrupts. Restored at exit and on SIGTERM and SIGHUP."""
        if self._original is None:
            return
        self._set(lflag=termios.ECHO | termios.ICANON, iflag=termios.ICRNL | termios.INLCR | termios.IGNCR)
        atexit.register(self.restore)
        self.guard()

    def guard(self) -> None:
        """Die of SIGTERM and SIGHUP only after the terminal is restored. For the time when no event loop handles them."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            found = signal.getsignal(number)
            if found not in (None, signal.SIG_IGN, self._die):  # ignored (nohup) stays ignored
                self._found[number] = found
                signal.signal(number, self._die)

    def _die(self, number: int, _frame: FrameType | None) -> None:
        self.restore()
        signal.signal(number, self._found.get(number, signal.SIG_DFL))
        os.kill(os.getpid(), number)

    def raw(self) -> None:
        """Every byte as it is typed, signals keys included; then the live region's modes."""
        self._set(
            lflag=termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG,
            iflag=termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON | termios.IXOFF,
        )
        self._modes_on = True

    def restore(self) -> None:
        """The modes and attributes that were found at the start."""
        if self._modes_on:
            self._modes_on = False
            self._write_last(MODES_OFF.encode())
        if self._original is not None:
            with suppress(termios.error, OSError, ValueError):  # the terminal is gone, and with it what there was to restore
                termios.tcsetattr(self.stdin, termios.TCSANOW, self._original)

    def _set(self, lflag: int, iflag: int) -> None:
        """Clear these flags. What lies unread was typed under the old ones."""
        attributes = _attributes(self.stdin)
        if attributes is None:
            return
        had_icrnl = bool(attributes[_IFLAG] & termios.ICRNL)
        attributes[_LFLAG] &= ~lflag
        attributes[_IFLAG] &= ~iflag
        attributes[_CC][termios.VMIN] = 1
        attributes[_CC][termios.VTIME] = 0
        try:
            termios.tcsetattr(self.stdin, termios.TCSANOW, attributes)
        except (termios.error, OSError):
            return
        if had_icrnl:
            self.early = _unread(self.stdin)

    def readable(self) -> bool:
        """Whether a read of the input would not block."""
        return bool(select.select([self.stdin], [], [], 0)[0])

    def writer(self) -> int:
        """A descriptor that writes to the terminal without blocking; its own open file where that is possible."""
        if self._writer is None:
            try:
                self._writer = os.open(os.ttyname(self.stdout), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                self._writer = os.dup(self.stdout)
        return self._writer

    def close(self) -> None:
        """Restore, and close what `writer` opened."""
        self.restore()
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None

    def _write_last(self, data: bytes) -> None:
        """Write with a time limit; a terminal that does not read loses what it has not read."""
        fd = self.writer()
        try:
            if not select.select([], [fd], [], _RESTORE_TIME)[1]:
                termios.tcflush(fd, termios.TCOFLUSH)
            os.write(fd, data)
        except (OSError, termios.error, ValueError):
            pass  # gone, or still stuck: there is nobody to tell


def _attributes(fd: int) -> list[Any] | None:
    """What termios.tcgetattr says, None where there is no terminal."""
    try:
        return termios.tcgetattr(fd)
    except (termios.error, OSError, ValueError):
        return None


def _unread(fd: int) -> int:
    """Bytes that wait in the terminal's input queue."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(fd, termios.FIONREAD, count)
    except OSError:
        return 0
    return count[0]


def reflows(environment: Mapping[str, str]) -> bool:
    """Whether a narrower window makes the terminal break its rows anew, as tmux and most terminals of today do.

    xterm, GNU screen and the Linux console cut rows off instead.
    """
    if "TMUX" in environment:
        return True
    return not ("XTERM_VERSION" in environment or "STY" in environment or environment.get("TERM", "") in ("linux", "xterm-mono"))


def settle_time(environment: Mapping[str, str]) -> float:
    """Seconds after a change of size until the next one cannot be under way unseen.

    tmux tells a pane of at most one change in 250 ms, while its own rows have changed already; over SSH a round trip lies between.
    """
    far = "TMUX" in environment or "SSH_CONNECTION" in environment or environment.get("TERM", "").startswith(("screen", "tmux"))
    return 0.35 if far else 0.12


_prepared: Terminal | None = None


def prepare_terminal() -> Terminal:
    """The terminal of this process, prepared; the same one on each call."""
    global _prepared
    if _prepared is None:
        _prepared = Terminal()
        _prepared.prepare()
    return _prepared
