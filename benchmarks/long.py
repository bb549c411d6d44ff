"""Opening a session of 10,000 messages and 50 MB: from Enter after `/switch` to its last messages and its prompt, which come at once.

Opened once in each start, for a session that was shown before is not read again. Beside it a session of 100 messages is opened in the same
way. What it costs in memory is what the process has more, once nothing moves any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from benchmarks.figures import Figure, Plan, median, percentile
from benchmarks.process import rss_megabytes
from benchmarks.programs import Program, many
from benchmarks.seeding import Seed, long_answer, seed
from benchmarks.server import Server, model

MESSAGES = {"long": 10_000, "short": 100}
CHARACTERS = 9_800
"""Of each answer; questions are a line, so that both together are 10 kB."""
PARTS = 20
"""Parts in which each answer was recorded while it came: 5 s of it."""
SETTLED = 1.5
"""Seconds after which nothing moves any more: the first key has what a message needs imported."""
STARTS = {"long": 15, "short": 5}


@dataclass(slots=True)
class Opened:
    """What opening a session took, start after start: milliseconds and MB."""

    times: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def run(plan: Plan) -> list[Figure]:
    """Time and memory."""
    messages = {name: plan.times(count, count // 100 + 10) for name, count in MESSAGES.items()}
    with Server() as server:
        program = many(plan, server, model(2), "long")
        program = replace(program, command=(*program.command, "--session", "here"))  # else the one that was opened last
        seeds = [Seed(name, count // 2) for name, count in messages.items()]
        seed(program, [Seed("here", 1), *seeds], long_answer(CHARACTERS), PARTS)
        opened = {name: Opened() for name in MESSAGES}
        for number in range(plan.times(max(STARTS.values()), 1)):
            for name, one in opened.items():
                if number < STARTS[name]:
                    open_once(program, name, one)
    long, short = opened["long"], opened["short"]
    beside = f"{messages['short']} messages"
    what = f"opening a session of {messages['long']:,} messages, {messages['long'] // 2 * (CHARACTERS + 80) / 1e6:,.0f} MB"
    return [
        Figure(f"{what}, p95", percentile(long.times, 95), "ms", 300, {beside: percentile(short.times, 95)}),
        Figure(f"{what}, p50", percentile(long.times, 50), "ms", None, {beside: percentile(short.times, 50)}),
        Figure(f"{what}: memory", median(long.memory), "MB", 60, {beside: median(short.memory)}),
    ]


def open_once(program: Program, name: str, opened: Opened) -> None:
    """Start the program, and open one session."""
    with program.ready() as console:
        console.send(f"/switch {name}".encode())
        console.watch(SETTLED)
        console.forget()
        before = rss_megabytes(console.pid)
        sent = console.send(b"\r")
        console.until(f"\u2500\u2500 {name}".encode())
        opened.times.append((console.until(f"({name}) >".encode()) - sent) * 1000)
        console.quiet(1)
        opened.memory.append(max(0.0, rss_megabytes(console.pid) - before))
