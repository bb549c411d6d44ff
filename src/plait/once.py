"""`plait run`: the parts put together for one turn without a prompt.

A signal ends it in order: the turn's end is recorded, the journal flushed, the exit code is 128 and the signal's number.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial

import anyio

from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.fault_log import start_log
from plait.headless import Headless, RunRequest
from plait.owning import apply_settings, session_client
from plait.program import Program, fetch_if_chosen, tell, unkept
from plait.store.rescue import Rescued
from plait.store.salvage import MovedAside
from plait.store.sqlite import Finding

BUSY_PATIENCE = 60.0
"""Seconds that `plait run` waits for another process that has the database and shares it with nobody."""
DRAIN = 10.0
"""Seconds that the model calls of others may take to end, where this process has come to own the sessions: to cut them costs them money."""
SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def run_once(program: Program, request: RunRequest) -> int:
    """One turn; returns the exit code. Raises `PlaitError`."""
    fetch_if_chosen(program)
    with unkept(program):
        return anyio.run(_run_once, program, request)


async def _run_once(program: Program, request: RunRequest) -> int:
    start_log(program.paths if program.settings.persist else None)
    code = 0
    async with anyio.create_task_group() as tasks:

        async def leave(number: int) -> None:
            nonlocal code
            code = 128 + number
            tasks.cancel_scope.cancel()

        tasks.start_soon(_listen, leave)
        losses: list[str] = []
        drain = partial(_drain, lambda: code)
        async with session_client(program, partial(_report, losses), tell, BUSY_PATIENCE, drain, quiet=True) as client:
            prepare = partial(_apply_settings, client, program) if client.attached_to else None
            code = await Headless(client, sys.stdout, sys.stderr).run(request, prepare)
        tasks.cancel_scope.cancel()
    return code or int(bool(losses))  # a loss, and the exit code says so (promise P12)


def _drain(code: Callable[[], int]) -> float:
    """A signal ends it at once."""
    return 0.0 if code() > 128 else DRAIN


def _report(losses: list[str], finding: Finding) -> None:
    """What opening the database has to tell; what it lost goes to `losses`."""
    tell(finding.text)
    if isinstance(finding, MovedAside) or (isinstance(finding, Rescued) and finding.left):
        losses.append(finding.text)


async def _apply_settings(client: Client, program: Program, session: SessionId) -> None:
    if text := await apply_settings(client, program, session, script=True):
        tell(text)


async def _listen(leave: Callable[[int], Awaitable[None]]) -> None:
    """Call `leave` with the number of the first signal that asks to end."""
    with anyio.open_signal_receiver(*SIGNALS) as numbers:
        async for number in numbers:
            await leave(number)
