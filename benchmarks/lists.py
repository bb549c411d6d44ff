"""Choosing among a thousand sessions: from the key that brings the menu to the menu, and from Enter to the last row of the list.

The menu comes by itself: the key is the blank after `/switch`.
"""

from __future__ import annotations

from benchmarks.console import Console
from benchmarks.figures import Figure, Plan, median
from benchmarks.programs import Program, many
from benchmarks.seeding import Seed, seed
from benchmarks.server import Server, model

STORED = 1_000
OPEN = {"all open": 1_000, "100 open": 100}


def run(plan: Plan) -> list[Figure]:
    """With all of them open, and with most of them completed."""
    stored = plan.times(STORED, 120)
    menus: dict[str, float] = {}
    rows: dict[str, float] = {}
    with Server() as server:
        for label, count in OPEN.items():
            program = many(plan, server, model(2), label.replace(" ", "-"), max_sessions=500)
            opened = min(count, stored)
            seed(program, [Seed(f"work-{number:04}", 1, completed=number >= opened) for number in range(stored)])
            menus[label], rows[label] = measure(program, opened, plan.times(15, 1))
    what = f"{stored:,} sessions stored, all open"
    return [
        Figure(f"completion, the blank after /switch to the menu, {what}", menus.pop("all open"), "ms", 10, menus),
        Figure(f"/sessions, to its last row, {what}", rows.pop("all open"), "ms", 50, rows),
    ]


def measure(program: Program, opened: int, count: int) -> tuple[float, float]:
    """Milliseconds, the medians of both."""
    with program.ready() as console:
        console.watch(1)
        menus = [menu(console) for _ in range(count)]
        rows = [listed(console, f"work-{opened - 1:04}") for _ in range(count)]
    return median(menus), median(rows)


def menu(console: Console) -> float:
    """From the blank to the second choice."""
    console.send(b"/switch")
    console.watch(0.2)
    console.forget()
    sent = console.send(b" ")
    took = console.until(b"work-0001") - sent
    console.send(b"\x1b")
    console.watch(0.7)
    console.send(b"\x15")
    console.watch(0.1)
    return took * 1000


def listed(console: Console, last: str) -> float:
    """From Enter to the name in the last row."""
    console.send(b"/sessions")
    console.watch(0.2)
    console.forget()
    sent = console.send(b"\r")
    took = console.until(last.encode()) - sent
    console.quiet(0.2)
    return took * 1000
