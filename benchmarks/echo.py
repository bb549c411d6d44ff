"""How long a key takes to its echo while an answer streams.

One stream of 500 tokens/s stands for five of 100: only one session can be on the screen, and so far a program has one.
"""

from __future__ import annotations

import random

from benchmarks.console import Console
from benchmarks.figures import Figure, Plan, percentile
from benchmarks.programs import Program, floor, plait
from benchmarks.server import FIRST, Server, model

RATE = 500
KEYS = [chr(number).encode() for number in range(0xC0, 0x100) if number not in (0xD7, 0xF7)]
"""Letters that neither an answer nor an escape sequence holds; each is typed once in a line, so that its first appearance is its echo."""
CLEAR = b"\x15"
PAUSE = (0.04, 0.12)
"""Seconds between keys, as from a quick writer; random, so that keys fall anywhere between two frames."""


def echoes(console: Console, count: int) -> list[float]:
    """Seconds to the echo of each of so many keys."""
    chance, times = random.Random(1), []
    for number in range(count):
        place = number % len(KEYS)
        if place == 0:
            console.send(CLEAR)
            console.watch(0.3)
        console.watch(chance.uniform(*PAUSE))
        console.forget()
        sent = console.send(KEYS[place])
        times.append(console.until(KEYS[place]) - sent)
    return times


def streaming(program: Program, server: Server, count: int) -> list[float]:
    """Echo times while an answer comes."""
    with program.ready() as console:
        console.send(b"tell me more\r")
        console.until(FIRST)
        server.times()
        return echoes(console, count)


def run(plan: Plan) -> list[Figure]:
    """p50 and p99 of plait and of the live loop."""
    count = plan.times(300, 10)
    with Server() as server:
        spoken = model(RATE * plan.times(60, 5), RATE)
        measured = {}
        for program in (plait(plan, server, spoken), floor(plan, server, spoken)):
            measured[program.name] = [1000 * one for one in streaming(program, server, count)]
    figures = []
    for percent, target in ((50, 5), (99, 30)):
        beside = {name: percentile(values, percent) for name, values in measured.items()}
        name = f"key echo while a stream of {RATE} tokens/s runs, p{percent}"
        figures.append(Figure(name, beside.pop("plait"), "ms", target, beside))
    return figures
