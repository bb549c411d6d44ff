"""Opening and closing sessions a thousand times at the prompt: what stays behind in memory, files, threads and tasks."""

from __future__ import annotations

import os

from benchmarks.console import Console
from benchmarks.figures import Figure, Plan
from benchmarks.process import pss_megabytes
from benchmarks.programs import many
from benchmarks.seeding import Seed, seed
from benchmarks.server import Server, model

WARM = 50
"""Times before it is counted: by then everything that is loaded once is loaded, and the allocator has its arenas."""


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
    more = [max(0.0, late - early) for late, early in zip(after, before, strict=True)]
    return [
        Figure(f"PSS more after {times:,} sessions opened and closed", more[0], "MB", 1),
        Figure(f"files, threads and tasks left by {times:,} sessions opened and closed", sum(more[1:]), "", 0),
    ]


def open_and_close(console: Console) -> None:
    """`/new`, then `/close`, which leads back to the first session."""
    for command, done in ((b"/new", b"Opened '"), (b"/close", "\u2500\u2500 amber".encode())):
        console.send(command)
        console.watch(0.012)
        console.forget()
        console.send(b"\r")
        console.until(done)


def held(console: Console) -> tuple[float, float, float, float]:
    """MB, open files, threads, and tasks as the program itself counts them."""
    console.quiet(1)
    files, threads = (len(os.listdir(f"/proc/{console.pid}/{kind}")) for kind in ("fd", "task"))
    return pss_megabytes(console.pid), files, threads, 0
