"""Commands of the user's own that notices run: in the background, bounded, and never in anybody's way.

Rules:
1. A command has no terminal, its output is thrown away, and it gets no key of a provider.
2. It is a process group of its own, which is ended after `LONGEST` seconds, and when plait leaves.
3. `MOST_AT_ONCE` run at once and `MOST_WAITING` wait; what comes beyond is dropped.
4. The first failure of a run of plait is told, and no other: a wrong command would say the same at every notice.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import Process

from plait.repl.shell import child_environment, shell_of

LONGEST: Final = 10.0
MOST_AT_ONCE: Final = 4
MOST_WAITING: Final = 32


class Hooks:
    """Runs commands while `serve` runs. `report` is given the sentence of the first failure.

    `secret` names variables, beyond the known keys, that commands are not given. `longest` is in seconds.
    """

    def __init__(
        self, environ: Mapping[str, str], report: Callable[[str], None], secret: Collection[str] = (), longest: float = LONGEST
    ) -> None:
        self._environ = child_environment(environ, secret)
        self._report = report
        self._longest = longest
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._came = anyio.Event()
        self._running = 0
        self._told = False

    def __repr__(self) -> str:
        return f"<Hooks [{self._running} running, {len(self._waiting)} waiting]>"

    def run(self, command: str, data: bytes) -> None:
        """Have the user's shell run `command` with `data` as its input. Returns at once."""
        if len(self._waiting) >= MOST_WAITING:
            self._tell(f"Notices come faster than their command ends, so some did not run it. Make notify_command shorter: {command[:80]}")
            return
        self._waiting.append((command, data))
        self._came.set()
        self._came = anyio.Event()

    async def serve(self) -> None:
        """Run what is asked for, until cancelled; what still runs then is ended."""
        async with anyio.create_task_group() as group:
            for _ in range(MOST_AT_ONCE):
                group.start_soon(self._work)

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                await self._came.wait()
            command, data = self._waiting.popleft()
            self._running += 1
            try:
                problem = await self._run(command, data)
            finally:
                self._running -= 1
            if problem:
                self._tell(f"The command of a notice {problem}. Correct notify_command: {command[:80]}")

    def _tell(self, sentence: str) -> None:
        if not self._told:
            self._told = True
            self._report(sentence)

    async def _run(self, command: str, data: bytes) -> str:
        """What went wrong, in a few words; empty if nothing did."""
        try:
            with anyio.CancelScope(shield=True):  # cut off in its middle, the shell would be left without anybody who ends its group
                process = await anyio.open_process(
                    [shell_of(self._environ), "-c", command],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=self._environ,
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            return f"could not be started ({getattr(error, 'strerror', None) or error})"
        try:
            with anyio.move_on_after(self._longest) as limit:
                await _feed(process, data)
                await process.wait()
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)
        return f"was ended after {self._longest:g} seconds" if limit.cancelled_caught else _ending(process.returncode or 0)


async def _feed(process: Process, data: bytes) -> None:
    """Write the input and close it; a command need not read it."""
    assert process.stdin is not None
    with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        await process.stdin.send(data)
    with suppress(OSError, anyio.BrokenResourceError):
        await process.stdin.aclose()


async def _end(process: Process) -> None:
    """End the group of a command that still runs. What one that has ended left in the background is the user's, as in any shell."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    with suppress(OSError, anyio.BrokenResourceError):
        await process.aclose()


def _ending(status: int) -> str:
    if status == 127:
        return "was not found by the shell (status 127)"
    if status < 0:
        return f"was ended by signal {-status}"
    return f"failed with status {status}" if status else ""
