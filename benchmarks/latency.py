"""How much later than the server sent it the first token is on the screen: right after the start, and later."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.figures import Figure, Plan, median
from benchmarks.programs import Program, ask, floor, llm, plait
from benchmarks.server import FIRST, LAST, Server, model

WAIT = 200
"""Milliseconds that the server takes for its first token, as a near one would."""
TOKENS = 40


def at_start(program: Program, server: Server, mark: str) -> float:
    """Seconds from the start, the message typed at once, to the first token, less the server's own time."""
    with program.open(typed=b"tell me more\r") as console:
        seen = console.until(FIRST + mark.encode())
        received, first = server.times()
        seconds = seen - console.started - (first - received)
        console.until(LAST + mark.encode())
        console.quiet(0.1)
    return seconds


def later(program: Program, server: Server, count: int) -> list[float]:
    """The overheads of so many messages, in seconds, each sent when the answer before is over."""
    overheads = []
    with program.ready() as console:
        for number in range(count + 1):
            overhead = ask(console, server)[1]
            if number:  # the first one loads what a message needs
                overheads.append(overhead)
            console.until(LAST)
            console.quiet(0.2)
    return overheads


def starts(plan: Plan, server: Server) -> dict[str, list[float]]:
    """Milliseconds of all starts; each has a mark of its own, since a start shows the end of the conversation before it."""
    kinds: list[Callable[[str], Program | None]] = [
        lambda spoken: plait(plan, server, spoken),
        lambda spoken: floor(plan, server, spoken),
        lambda spoken: floor(plan, server, spoken, "plain"),
        lambda spoken: llm(plan, server, spoken),
    ]
    measured: dict[str, list[float]] = {}
    for number in range(plan.times(10, 1) + 1):
        mark = f"q{number}q"
        for kind in kinds:
            program = kind(model(TOKENS, 100, WAIT, mark))
            if program is not None:
                seconds = at_start(program, server, mark)
                if number:  # the first one makes files
                    measured.setdefault(program.name, []).append(seconds * 1000)
    return measured


def messages(plan: Plan, server: Server) -> dict[str, list[float]]:
    """Milliseconds of the overheads of later messages."""
    spoken = model(TOKENS, 100, WAIT)
    programs = [plait(plan, server, spoken), floor(plan, server, spoken), floor(plan, server, spoken, "plain"), llm(plan, server, spoken)]
    measured: dict[str, list[float]] = {}
    for _ in range(plan.times(3, 1)):
        for program in programs:
            if program is not None:
                measured.setdefault(program.name, []).extend(1000 * one for one in later(program, server, plan.times(10, 1)))
    return measured


def run(plan: Plan) -> list[Figure]:
    """Both figures; the programs take turns."""
    with Server() as server:
        first = {name: median(values) for name, values in starts(plan, server).items()}
        after = {name: median(values) for name, values in messages(plan, server).items()}
    return [
        Figure("start, message typed at once, first token, less the server's time", first.pop("plait"), "ms", 300, first),
        Figure("first token over the server's own, later messages", after.pop("plait"), "ms", 15, after),
    ]
