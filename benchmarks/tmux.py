"""The peer: ten chats in ten windows of tmux, on a server of its own; each is the plain loop, as short a chat as there can be."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence

from benchmarks.console import LIMIT, Console, NeverCame
from benchmarks.figures import Plan
from benchmarks.programs import Program, floor
from benchmarks.server import Server

PREFIX = b"\x02"


class Tmux:
    """Windows with the plain loop, one for each of `models`; `console` is the client's terminal. Use as a context manager."""

    def __init__(self, plan: Plan, server: Server, models: Sequence[str]) -> None:
        self._programs = [floor(plan, server, model, "plain", "tmux") for model in models]
        self._name = f"benchmark-{os.getpid()}"
        self._environ = self._programs[0].environ | {"TMUX_TMPDIR": str(plan.home), "SHELL": "/bin/sh"}

    def __enter__(self) -> Tmux:
        command = ["tmux", "-L", self._name, "-f", "/dev/null"]
        for number, program in enumerate(self._programs):
            made = ["new-session"] if not number else [";", "new-window", "-d"]
            command += [*made, "-n", f"w{number}", *program.command]
        self.console = Console(command, self._environ, self._programs[0].directory)
        try:
            self._await_prompts()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _await_prompts(self) -> None:
        deadline = time.monotonic() + LIMIT
        while not all(">" in self._tell("capture-pane", "-p", "-t", f":{number}") for number in range(len(self._programs))):
            self.console.watch(0.2)
            if time.monotonic() > deadline:
                raise NeverCame("The prompts in the windows of tmux did not come.")

    def __exit__(self, *_: object) -> None:
        try:
            self._tell("kill-server")
        finally:
            self.console.close()

    def _tell(self, *words: str) -> str:
        ran = subprocess.run(["tmux", "-L", self._name, *words], env=self._environ, capture_output=True, text=True)
        return ran.stdout  # empty where the server or the window is not there yet

    def type(self, window: int, text: str) -> None:
        """Type a line in a window."""
        self._tell("send-keys", "-t", f":{window}", text, "Enter")


def installed(program: Program) -> bool:
    """Whether there is a tmux where the program looks for it."""
    return shutil.which("tmux", path=program.environ["PATH"]) is not None
