"""What many sessions cost in memory: ten with a past, each shown once; and one more that nobody looks at.

Beside the ten sessions stand ten plain loops, each a process of its own with one answer in it, as ten terminals or ten windows of tmux have
them; they keep no history, so theirs does not grow.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.console import Console
from benchmarks.figures import Figure, Plan
from benchmarks.process import pss_megabytes
from benchmarks.programs import ask, floor, many
from benchmarks.seeding import Seed, seed
from benchmarks.server import LAST, Server, model

TEN = 10
MESSAGES = {100: 60.0, 500: 90.0}
"""Messages of each session, each with its answer; and the MB that ten such sessions may take."""
FEW, MORE = 10, 40
"""Numbers of sessions whose difference tells what one more costs."""
PATIENCE = 0.12
"""Seconds before a switch."""


def run(plan: Plan) -> list[Figure]:
    """Ten sessions, then the cost of one that nobody looks at."""
    with Server() as server:
        sessions = plan.times(TEN, 2)
        loops = {f"{sessions} plain loops": plain_loops(plan, server, sessions)}
        figures = []
        for messages, target in tuple(MESSAGES.items())[: plan.times(2, 1)]:
            count = plan.times(messages, 5)
            value = used_sessions(plan, server, sessions, count, f"used-{target}")
            figures.append(
                Figure(f"PSS of {sessions} sessions with {count} messages and their answers, all shown once", value, "MB", target, loops)
            )
        return [*figures, *costs(plan, server)]


def plain_loops(plan: Plan, server: Server, count: int) -> float:
    """PSS of so many processes together."""
    with ExitStack() as stack:
        program = floor(plan, server, model(100), "plain")
        consoles = [stack.enter_context(program.ready()) for _ in range(count)]
        for console in consoles:
            ask(console, server)
            console.until(LAST)
        consoles[-1].quiet(0.5)
        return sum(pss_megabytes(console.pid) for console in consoles)


def used_sessions(plan: Plan, server: Server, sessions: int, messages: int, label: str) -> float:
    """PSS of one process after each session was shown, and asked something more."""
    program = many(plan, server, model(100), label)
    seed(program, names(sessions, messages))
    with program.ready() as console:
        for number in range(sessions):
            if number:
                show(console, number)
            ask(console, server)
            console.until(LAST)
            console.quiet(0.05)
        console.quiet(1)
        return pss_megabytes(console.pid)


def names(count: int, exchanges: int) -> list[Seed]:
    """So many sessions with so many messages."""
    return [Seed(f"s{number:03}", exchanges) for number in range(count)]


def show(console: Console, number: int) -> None:
    """Switch to a session, and wait until it is there."""
    console.send(f"/switch s{number:03}".encode())
    console.watch(PATIENCE)
    console.forget()
    console.send(b"\r")
    console.until(f"\u2500\u2500 s{number:03}".encode())
    console.quiet(0.02)


def costs(plan: Plan, server: Server) -> list[Figure]:
    """What one more session takes: stored and not loaded, and loaded, with 100 messages."""
    exchanges, few, more = plan.times(100, 5), plan.times(FEW, 2), plan.times(MORE, 3)
    at_start = {}
    for count in (few, more):
        program = many(plan, server, model(100), f"costs-{count}", max_sessions=500)
        seed(program, names(count, exchanges))
        with program.ready() as console:
            console.watch(plan.times(3, 1))
            at_start[count] = pss_megabytes(console.pid)
            if count == more:
                loaded = []
                for number in range(1, count):
                    show(console, number)
                    if number + 1 in (few, count):
                        console.quiet(0.5)
                        loaded.append(pss_megabytes(console.pid))
    idle = 1000 * max(0.0, at_start[more] - at_start[few]) / (more - few)
    held = 1000 * max(0.0, loaded[-1] - loaded[0]) / (more - few)
    what = f"one more session with {exchanges} messages that nobody looks at"
    return [Figure(f"PSS of {what}, not shown since the start", idle, "kB"), Figure(f"PSS of {what}, shown before", held, "kB")]
