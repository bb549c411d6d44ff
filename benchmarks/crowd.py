"""A hundred sessions at one prompt: at rest, and with fifty of them streaming at once, the shown one among them.

What was lost is counted to the character: each answer in the database, and that of the shown session on the screen, against what the
server sent. The screen is what a terminal of its own kind (pyte) makes of every byte that came.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

import pyte

from benchmarks.console import Console, NeverCame
from benchmarks.echo import echoes
from benchmarks.figures import Figure, Plan, percentile
from benchmarks.process import cpu_seconds, wake_ups
from benchmarks.programs import Program, floor, many
from benchmarks.seeding import Seed, answers, seed
from benchmarks.server import FIRST, Server, model, words

SESSIONS, STREAMS, RATE = 100, 50, 50
EXCHANGES = 20
"""Messages of the past of each session."""


def run(plan: Plan) -> list[Figure]:
    """At rest first, then streaming."""
    sessions, streams = plan.times(SESSIONS, 12), plan.times(STREAMS, 5)
    tokens = RATE * plan.times(40, 4)
    with Server() as server:
        program = many(plan, server, model(2), "crowd", max_sessions=500, max_concurrent_calls=100)
        seed(program, [Seed(name(number), EXCHANGES, model(tokens, RATE, 0, mark(number))) for number in range(sessions)])
        idle = at_rest(plan, program, floor(plan, server, model(2)), sessions)
        return idle + streaming(plan, program, server, sessions, streams, tokens)


def name(number: int) -> str:
    """Of a session."""
    return f"s{number:03}"


def mark(number: int) -> str:
    """What the answers of one session hold, and no other's."""
    return f"zz{number}zz"


def at_rest(plan: Plan, program: Program, beside: Program, sessions: int) -> list[Figure]:
    """CPU and wake-ups with nothing to do."""
    seconds = plan.times(20, 1)
    cpu, woken = {}, {}
    with ExitStack() as stack:
        consoles = {one.name: stack.enter_context(one.ready()) for one in (program, beside)}
        for console in consoles.values():
            console.watch(2)
        before = {one: (cpu_seconds(console.pid), wake_ups(console.pid)) for one, console in consoles.items()}
        consoles[program.name].watch(seconds)
        for one, console in consoles.items():
            cpu[one] = (cpu_seconds(console.pid) - before[one][0]) / seconds * 100
            woken[one] = (wake_ups(console.pid) - before[one][1]) / seconds
    return [
        Figure(f"CPU with {sessions} open sessions at rest, over {seconds} s", cpu.pop("plait"), "%", 0.1, cpu),
        Figure(f"wake-ups a second with {sessions} open sessions at rest", woken.pop("plait"), "", None, woken),
    ]


def streaming(plan: Plan, program: Program, server: Server, sessions: int, streams: int, tokens: int) -> list[Figure]:
    """Echo, CPU and losses while many stream."""
    with program.ready() as console:
        console.kept = bytearray()
        begin(console, server, streams)
        before, started = cpu_seconds(console.pid), time.monotonic()
        times = echoes(console, plan.times(200, 5))
        cpu = (cpu_seconds(console.pid) - before) / (time.monotonic() - started) * 100
        ended: list[float] = []
        deadline = time.monotonic() + 2 * tokens / RATE + 30
        while len(ended) < streams:
            console.watch(0.2)
            ended += server.ends()
            if time.monotonic() > deadline:
                raise NeverCame(f"{streams - len(ended)} of {streams} answers did not end.")
        console.quiet(1)
        screen = on_screen(console)
    stored = answers(program)
    sent = {number: "".join(words(tokens, mark(number))) for number in range(streams)}
    lost: dict[str, float] = {
        "in the store": sum(missing(text, stored.get(name(number), "")) for number, text in sent.items()),
        "on the screen": missing(bare(sent[0]), bare(screen[screen.find(FIRST.decode() + mark(0)) :])),
    }
    what = f"{sessions} sessions, {streams} streaming at {RATE} tokens/s"
    return [
        Figure(f"key echo, {what}, p50", 1000 * percentile(times, 50), "ms"),
        Figure(f"key echo, {what}, p99", 1000 * percentile(times, 99), "ms", 30),
        Figure(f"CPU, {what}", cpu, "%", 100),
        Figure(f"lost characters of {sum(map(len, sent.values())):,}, {what}", sum(lost.values()), "", 0, lost),
    ]


def begin(console: Console, server: Server, streams: int) -> None:
    """Let other sessions answer, and last the shown one: what is told of the others would stand in the middle of its answer."""
    for number in (*range(1, streams), 0):
        console.send(b"tell me more" if not number else f"/say {name(number)} tell me more".encode())
        console.watch(0.05)
        console.send(b"\r")
        server.times()
        console.watch(0.03)


def on_screen(console: Console) -> str:
    """Everything that the terminal shows and has scrolled away."""
    screen = pyte.HistoryScreen(console.columns, console.rows, history=1_000_000, ratio=0.5)
    pyte.ByteStream(screen).feed(bytes(console.kept or b""))
    above = ["".join(line[column].data for column in range(console.columns)) for line in screen.history.top]
    return "\n".join([*above, *screen.display])


def bare(text: str) -> str:
    """Without blanks and line ends, which wrapping changes."""
    return "".join(text.split())


def missing(sent: str, found: str) -> int:
    """Characters of `sent` from where `found` first differs from it."""
    same = next((place for place, (one, other) in enumerate(zip(sent, found, strict=False)) if one != other), min(len(sent), len(found)))
    return len(sent) - same
