"""Opening and closing sessions a thousand times at the prompt: what stays behind in memory, files, threads and tasks."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import anyio

from benchmarks.console import Console
from benchmarks.figures import Figure, Plan
from benchmarks.process import pss_megabytes
from benchmarks.programs import many
from benchmarks.seeding import Seed, seed
from benchmarks.server import Server, model
from plait.app import open_app
from plait.builders import catalog_of
from plait.core import commands as c
from plait.paths import Paths
from plait.program import Program
from plait.settings import Settings
from plait.store.sqlite import open_store

WARM = 250
"""Times before it is counted: by then everything that is loaded once is loaded, and SQLite has its caches."""


def run(plan: Plan) -> list[Figure]:
    """Memory, files and threads after, less those before."""
    times, warm = plan.times(1_000, 5), plan.times(WARM, 3)
    with Server() as server:
        program = many(plan, server, model(2), "churn")
        seed(program, [Seed("amber", 3)])
        with program.ready() as console:
            for _ in range(warm):
                open_and_close(console)
            before = held(console)
            for _ in range(times):
                open_and_close(console)
            after = held(console)
    memory, files, threads = (max(0.0, late - early) for late, early in zip(after, before, strict=True))
    tasks = anyio.run(tasks_left, plan.home, times)
    what = f"{times:,} sessions opened and closed"
    return [
        Figure(f"PSS more after {what}", memory, "MB", 1),
        Figure(f"files and threads left by {what}", files + threads, "", 0),
        Figure(f"tasks left by {what}, in a coordinator without a prompt", tasks, "", 0),
    ]


async def tasks_left(home: Path, times: int) -> int:
    """From outside nobody can count tasks: the same with the coordinator in this process."""
    directory = home / "tasks"
    directory.mkdir()
    store = open_store(directory / "plait.db", now=time.time(), report=lambda finding: None)
    settings = Settings()
    paths = Paths(directory, directory, directory, directory)
    async with open_app(Program(settings, paths, {}, str(directory)), store, catalog_of(settings, paths, {})) as coordinator:
        before = -1
        for number in range(times + 1):
            opened = await coordinator.submit(c.OpenSession(str(directory)))
            if isinstance(opened, c.Done):
                await coordinator.submit(c.CloseSession(opened.session))
            if not number:
                before = await _tasks()
        left = await _tasks() - before
    store.close()
    return left


async def _tasks() -> int:
    await anyio.wait_all_tasks_blocked()
    return len(asyncio.all_tasks())


def open_and_close(console: Console) -> None:
    """`/new`, then `/close`, which leads back to the first session."""
    for command, done in ((b"/new", b"Opened '"), (b"/close", "\u2500\u2500 amber".encode())):
        console.send(command)
        console.watch(0.012)
        console.forget()
        console.send(b"\r")
        console.until(done)


def held(console: Console) -> tuple[float, int, int]:
    """MB, open files, threads."""
    console.quiet(1)
    files, threads = (len(os.listdir(f"/proc/{console.pid}/{kind}")) for kind in ("fd", "task"))
    return pss_megabytes(console.pid), files, threads
