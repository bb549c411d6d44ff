"""The README's first command, run as a newcomer would: in a copy of the checkout, on a terminal, up to the first answer.

Usage: python3 .ci/newcomer.py CHECKOUT COMMAND. Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time

LONGEST = 480.0
"""Seconds for the installation and the download of 93 MB."""
ANSWER = 120.0
"""Seconds for one answer; on a busy machine the bundled model writes some ten words a second."""
MARKS = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()=>][0B]?|\x1b\][^\x07]*\x07")


class Terminal:
    """A child on a terminal of 100 columns, and everything it has shown."""

    def __init__(self, directory: str, command: str) -> None:
        self.deadline = time.monotonic() + LONGEST
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.environ.update(TERM="xterm-256color", COLUMNS="100", LINES="30")
            os.execvp("bash", ["bash", "-c", command])

    def wait_for(self, pattern: bytes, after: int = 0) -> int:
        """Wait until `pattern` is shown behind position `after`; returns where it ends."""
        while not (found := re.search(pattern, MARKS.sub(b"", self.shown)[after:])):
            left = self.deadline - time.monotonic()
            ready, _, _ = select.select([self.fd], [], [], max(0.0, left))
            try:
                data = os.read(self.fd, 65536) if ready else b""
            except OSError:
                data = b""
            if not data:
                sys.stdout.write(MARKS.sub(b"", self.shown).decode(errors="replace")[-4000:])
                sys.exit(f"\nThe first command did not show {pattern!r}.")
            self.shown += data
        return after + found.end()

    def send(self, keys: bytes) -> None:
        """Type."""
        os.write(self.fd, keys)


def main() -> None:
    """Install, reach the prompt, ask, read the answer, leave."""
    directory, command = sys.argv[1:]
    print(command)
    terminal = Terminal(directory, command)
    prompt = terminal.wait_for(rb"\(default\) >")
    print("prompt reached")
    terminal.deadline = time.monotonic() + ANSWER
    terminal.send(b"Say hello.\r")
    answering = terminal.wait_for(rb"answering \d", prompt)
    # The toolbar tells how full the context is once an answer is whole.
    answered = terminal.wait_for(rb"context \d", answering)
    words = re.findall(rb"[A-Za-z]{2,}", MARKS.sub(b"", terminal.shown)[answering:answered].replace(b"answering", b""))
    if len(words) < 5:
        sys.exit("The first message was not answered.")
    print("answered")
    terminal.send(b"\x04")
    deadline = time.monotonic() + 20
    while True:
        pid, status = os.waitpid(terminal.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            os.kill(terminal.pid, signal.SIGKILL)
            sys.exit("The first command did not leave on Ctrl+D.")
        select.select([terminal.fd], [], [], 0.05)
        try:
            os.read(terminal.fd, 65536)
        except OSError:
            time.sleep(0.05)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"The first command left with {os.waitstatus_to_exitcode(status)}.")
    print("left with 0")


main()
