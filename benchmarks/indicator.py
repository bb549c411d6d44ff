"""How soon the line above the prompt says that another session waits.

Measured is more than the change of state: from when the server began to send the end of the answer, to the session's name on the terminal.
In between plait reads the end, records it, the session becomes one that waits, the prompt looks at all sessions and draws.
"""

from __future__ import annotations

from benchmarks.figures import Figure, NothingMeasured, Plan, percentile
from benchmarks.programs import many
from benchmarks.seeding import Seed, seed
from benchmarks.server import Server, model

WAIT = 250
"""Milliseconds before the answer: until then the line is gone that the answer before had left."""


def run(plan: Plan) -> list[Figure]:
    """p50 and p95."""
    times: list[float] = []
    with Server() as server:
        program = many(plan, server, model(3, 0, WAIT), "indicator")
        seed(program, [Seed("amber", 3), Seed("birch", 3), Seed("cedar", 3)])
        with program.ready() as console:
            for number in range(plan.times(60, 2) + 1):
                console.send(b"/say birch tell me more")
                console.watch(0.05)
                console.send(b"\r")
                console.watch(0.15)
                console.forget()
                seen = console.until(b"[birch]")
                server.times()
                console.watch(0.05)
                ended = server.ends()
                if len(ended) != 1:
                    raise NothingMeasured(f"{len(ended)} answers ended, and one was asked for")
                if number:  # the first one loads what a message needs
                    times.append(1000 * (seen - ended[0]))
    name = "end of an answer sent, to the name of its session in the line of those that wait"
    return [Figure(f"{name}, p50", percentile(times, 50), "ms"), Figure(f"{name}, p95", percentile(times, 95), "ms", 16)]
