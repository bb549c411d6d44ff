"""`plait run`: the parts put together for one turn without a prompt.

A signal ends it in order: the turn's end is recorded, the journal flushed, the exit code is 128 and the signal's number.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from plait.app import models_over, open_app, open_database
from plait.core.errors import StoreBusy
from plait.fault_log import start_log
from plait.headless import Headless, RunRequest
from plait.program import Program, fetch_if_chosen, tell
from plait.store.salvage import MovedAside
from plait.store.sqlite import Finding, SqliteStore

BUSY_PATIENCE = 60.0
"""Seconds that `plait run` waits for another process to leave the database."""
BUSY_POLL = 0.05
SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def run_once(program: Program, request: RunRequest) -> int:
    """One turn; returns the exit code. Raises `PlaitError`."""
    fetch_if_chosen(program)
    return anyio.run(_run_once, program, request)


async def _run_once(program: Program, request: RunRequest) -> int:
    start_log(program.paths)
    code = 0
    async with anyio.create_task_group() as tasks:

        async def leave(number: int) -> None:
            nonlocal code
            code = 128 + number
            tasks.cancel_scope.cancel()

        tasks.start_soon(_listen, leave)
        losses: list[str] = []
        store = await _own_store(program, losses)
        async with models_over(store, program) as catalog, open_app(program, store, catalog) as client:
            code = await Headless(client, sys.stdout, sys.stderr).run(request)
        tasks.cancel_scope.cancel()
    return code or int(bool(losses))  # what was moved aside is a loss, and the exit code says so (promise P12)


async def _own_store(program: Program, losses: list[str]) -> SqliteStore:
    """The database, waiting for another process to leave it for `BUSY_PATIENCE` seconds; what it lost goes to `losses`.

    Raises `StoreBusy`.
    """

    def report(finding: Finding) -> None:
        tell(finding.text)
        if isinstance(finding, MovedAside):
            losses.append(finding.text)

    told, until = False, anyio.current_time() + BUSY_PATIENCE
    while True:
        try:
            return await anyio.to_thread.run_sync(open_database, program, report)
        except StoreBusy as error:
            if anyio.current_time() >= until:
                raise
            if not told:
                tell(f"{error} Waiting up to {BUSY_PATIENCE:.0f} s.")
                told = True
            await anyio.sleep(BUSY_POLL)


async def _listen(leave: Callable[[int], Awaitable[None]]) -> None:
    """Call `leave` with the number of the first signal that asks to end."""
    with anyio.open_signal_receiver(*SIGNALS) as numbers:
        async for number in numbers:
            await leave(number)
