"""Bytes that a change of the window's size costs, in screens of columns x rows bytes."""

from __future__ import annotations

from benchmarks.figures import Figure, Plan, median
from benchmarks.programs import Program, ask, floor, plait
from benchmarks.server import LAST, Server, model

SIZES = ((100, 30), (80, 24), (120, 40), (60, 20), (200, 50), (40, 24))
SETTLED = 0.4
"""Seconds without output after which a change is over; longer than plait waits for the next one."""


def run(plan: Plan) -> list[Figure]:
    """At the prompt, below a long answer, with a text under way."""
    with Server() as server:
        programs = (plait(plan, server, model(1_000)), floor(plan, server, model(1_000)))
        screens = {program.name: median(costs(program, server, plan.times(18, 4))) for program in programs}
    return [Figure("bytes to the terminal for each change of size", screens.pop("plait"), "screens", 20, screens)]


def costs(program: Program, server: Server, count: int) -> list[float]:
    """Of so many changes, each in screens of the new size."""
    found = []
    with program.ready(*SIZES[0]) as console:
        ask(console, server)
        console.until(LAST)
        console.send(b"a text under way " * 4)
        console.quiet(SETTLED)
        for number in range(1, count + 1):
            columns, rows = SIZES[number % len(SIZES)]
            before = console.received
            console.resize(columns, rows)
            console.quiet(SETTLED)
            found.append((console.received - before) / (columns * rows))
    return found
