"""What a streamed token costs: processor, bytes to the terminal; and how many a second there can be.

The programs stream at the same time, so that all of them meet the same machine; what is counted is their own CPU time.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

from benchmarks.console import Console
from benchmarks.figures import Figure, NothingMeasured, Plan, median
from benchmarks.process import cpu_seconds
from benchmarks.programs import Program, ask, floor, plait
from benchmarks.server import FIRST, LAST, Server, model

RATE = 100


def run(plan: Plan) -> list[Figure]:
    """CPU seconds and bytes at 100 tokens/s, tokens/s flat out."""
    with Server() as server:
        return [*at_rate(plan, server), flat_out(plan, server)]


def at_rate(plan: Plan, server: Server) -> list[Figure]:
    """From the message to the end of the answer, whole program: CPU seconds, told for 10,000 tokens; bytes per token."""
    count = plan.times(4_000, 200)
    spoken = model(count, RATE)
    programs = [plait(plan, server, spoken), floor(plan, server, spoken), floor(plan, server, spoken, "plain")]
    cpu, size = {}, {}
    with ExitStack() as stack:
        consoles = {program.name: stack.enter_context(program.ready()) for program in programs}
        for console in consoles.values():
            ask(console, server)  # imports, the first connection
            console.forget()
        _finish(consoles, count / RATE)
        before = {name: (cpu_seconds(console.pid), console.received) for name, console in consoles.items()}
        for console in consoles.values():
            console.forget()
            console.send(b"tell me more\r")
            server.times()
        _finish(consoles, count / RATE)
        for name, console in consoles.items():
            cpu[name] = (cpu_seconds(console.pid) - before[name][0]) * 10_000 / count
            size[name] = (console.received - before[name][1]) / count
    return [
        Figure(f"CPU for 10,000 tokens at {RATE} tokens/s, whole program", cpu.pop("plait"), "s", 5, cpu),
        Figure(f"bytes to the terminal for each token at {RATE} tokens/s", size.pop("plait"), "bytes", 40, size),
    ]


def _finish(consoles: dict[str, Console], seconds: float) -> None:
    """Read all of them until each has had its last token. Raises `NothingMeasured` if one has not."""
    deadline, left = time.monotonic() + seconds + 30, dict(consoles)
    while left:
        for name, console in tuple(left.items()):
            console.read(0.005)
            console.output = console.output[-65536:]
            if LAST in console.output:
                console.quiet(0.2)
                del left[name]
        if time.monotonic() > deadline:
            raise NothingMeasured(f"the answer in {', '.join(left)} did not end")


def flat_out(plan: Plan, server: Server) -> Figure:
    """Tokens a second from the first on the screen to the last, the server sending as fast as it is read."""
    count = plan.times(40_000, 2_000)
    rates: dict[str, list[float]] = {}
    programs = [plait(plan, server, model(count)), floor(plan, server, model(count)), floor(plan, server, model(count), "plain")]
    for _ in range(plan.times(3, 1)):
        for program in programs:
            rates.setdefault(program.name, []).append(count / _seconds(program, server))
    medians = {name: median(values) for name, values in rates.items()}
    return Figure("tokens a second, flat out", medians.pop("plait"), "tokens/s", 20_000, medians, at_least=True)


def _seconds(program: Program, server: Server) -> float:
    """From the server's first token to the last on the screen."""
    with program.ready() as console:
        ask(console, server)
        console.until(LAST)
        console.quiet(0.3)
        console.forget()
        console.send(b"tell me more\r")
        console.until(FIRST)
        first = server.times()[1]
        return console.until(LAST) - first
