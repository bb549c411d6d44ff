"""A program on a pseudo-terminal of its own, driven from outside: bytes in, bytes out, and when they came.

All times are `time.monotonic()`, in seconds; on Linux and macOS that clock is one for all processes, so that the server's times fit.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

LIMIT = 60.0
"""Seconds after which something that should have come is given up."""


_WHERE = b"\x1b[6n"
"""Where is the cursor? prompt_toolkit's own renderer asks this."""


class NeverCame(Exception):
    """The program did not write what was waited for."""


class Console:
    """Starts `command` on a terminal of `columns` x `rows`. `started` is when."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], directory: str, columns: int = 100, rows: int = 30, typed: bytes = b""
    ) -> None:
        self.command = command
        self.columns, self.rows = columns, rows
        self.received = 0
        self.output = b""
        """What came since the last `forget`."""
        self.kept: bytearray | None = None
        """All that comes, where somebody wants it."""
        master, slave = pty.openpty()
        self.fd = master
        self._size(slave)
        self.started = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(slave, directory, environ)
        os.close(slave)
        os.set_blocking(master, False)
        if typed:
            self.send(typed)

    def _become(self, slave: int, directory: str, environ: Mapping[str, str]) -> None:
        """In the child: the program, with the terminal as its controlling one."""
        try:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # who runs us may ignore it
            os.login_tty(slave)
            os.chdir(directory)
            os.execvpe(self.command[0], list(self.command), dict(environ))
        finally:
            os._exit(127)

    def __enter__(self) -> Console:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the program: asked first, then forced."""
        for number in (signal.SIGHUP, signal.SIGKILL):
            os.kill(self.pid, number)
            until = time.monotonic() + 3.0
            while time.monotonic() < until:
                self.read(0.02)
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    os.close(self.fd)
                    return
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def send(self, data: bytes) -> float:
        """Type this; returns when it was on its way."""
        at = time.monotonic()
        while data:
            try:
                data = data[os.write(self.fd, data) :]
            except BlockingIOError:
                self.read(0.01)
        return at

    def read(self, seconds: float) -> bool:
        """Take what came, waiting so long for the first byte; says whether something came."""
        if not select.select([self.fd], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # EIO: the program has closed its end
            time.sleep(0.01)
            return False
        self.received += len(data)
        self.output += data
        if self.kept is not None:
            self.kept += data
        if _WHERE in data:
            self.send(f"\x1b[{self.rows};1R".encode())  # what any terminal answers: on its last row
        return bool(data)

    def until(self, wanted: bytes, limit: float = LIMIT, after: int = 0) -> float:
        """When these bytes had come, at the place `after` of the output or later. Raises `NeverCame`."""
        start, deadline = after, time.monotonic() + limit
        while True:
            if self.output.find(wanted, start) >= 0:
                return time.monotonic()
            start = max(after, len(self.output) - len(wanted))
            if time.monotonic() > deadline:
                raise NeverCame(f"{wanted!r} did not come within {limit:.0f} s. The last that came: {self.output[-300:]!r}")
            self.read(deadline - time.monotonic())

    def quiet(self, seconds: float = 0.1, limit: float = LIMIT) -> None:
        """Until nothing has come for so long."""
        deadline = time.monotonic() + limit
        while self.read(seconds):
            if time.monotonic() > deadline:
                raise NeverCame(f"The output did not end within {limit:.0f} s.")

    def watch(self, seconds: float) -> None:
        """Read for so long, whatever comes."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.read(left)

    def forget(self) -> None:
        """Begin to look anew."""
        self.output = b""

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size; the program is told by the kernel."""
        self.columns, self.rows = columns, rows
        self._size(self.fd)

    def _size(self, fd: int) -> None:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))
