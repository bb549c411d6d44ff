"""From the key that switches to the other session's text on the terminal: ten sessions of 10,000 events, four of them streaming.

The text of a session that streams is the heading and then the answer in progress; of one in which nothing is new, its heading. Beside it
tmux switches between ten windows of a chat each, four of them streaming: from its key to a word that only that window shows.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.console import Console
from benchmarks.figures import Figure, NothingMeasured, Plan, median, percentile
from benchmarks.programs import many
from benchmarks.seeding import PER_EXCHANGE, Seed, seed
from benchmarks.server import LAST, Server, model
from benchmarks.tmux import PREFIX, Tmux, installed

NAMES = ("amber", "birch", "cedar", "dahlia", "elder", "fern", "grove", "hazel", "iris", "juniper")
STREAMING = (1, 3, 5, 7)
"""Places of the sessions that stream."""
RATE = 100
EVENTS = 10_000
SECONDS = 400
"""How long an answer streams: longer than the benchmark takes."""
SETTLED = 0.08
"""Seconds between a switch and the next one."""


def run(plan: Plan) -> list[Figure]:
    """First switches after a start, then switches by command and by key; tmux beside it."""
    names = NAMES[: plan.times(len(NAMES), 4)]
    with Server() as server:
        program = many(plan, server, model(2), "switching", max_sessions=20)
        seed(program, [Seed(name, plan.times(EVENTS // PER_EXCHANGE, 20), spoken(number)) for number, name in enumerate(names)])
        first: list[float] = []
        for _ in range(plan.times(3, 1) - 1):
            with program.ready() as console:
                first += first_switches(console, len(names))
        with program.ready() as console:
            first += first_switches(console, len(names))
            stream(console, server, len(names))
            count = plan.times(200, 6)
            command = switches(console, others(count, len(names)), by_command)
            key = switches(console, others(count, len(names)), by_key)
        peer = {"tmux": in_tmux(plan, server, others(count, len(names)), len(names))} if installed(program) else {}
    streaming = sum(place < len(names) for place in STREAMING)
    events = f"{len(names)} sessions of {plan.times(EVENTS, 160):,} events, {streaming} streaming"
    figures = [Figure(f"first switch to a session after the start, {events}, median", median(first), "ms")]
    figures.append(Figure("the same, slowest", max(first), "ms"))
    for percent, target in ((50, None), (95, 20), (99, 50)):
        beside = {"with Alt+digit": percentile(key, percent)} | {name: percentile(values, percent) for name, values in peer.items()}
        figures.append(
            Figure(f"switch, Enter to the session's text, {events}, p{percent}", percentile(command, percent), "ms", target, beside)
        )
    return figures


def mark(place: int) -> str:
    """What the answers of one session hold, and no other's."""
    return f"zz{place}zz"


def spoken(place: int) -> str:
    """The model of one session."""
    return model(RATE * SECONDS if place in STREAMING else 40, RATE if place in STREAMING else 0, 0, mark(place))


def first_switches(console: Console, sessions: int) -> list[float]:
    """Milliseconds to each session that was not shown since the start. It ends at the first session again."""
    times = [switched(console, by_command(console, place), place, frozenset()) for place in range(1, sessions)]
    switched(console, by_command(console, 0), 0, frozenset())
    return times


def stream(console: Console, server: Server, sessions: int) -> None:
    """Let four sessions answer."""
    for place in (one for one in STREAMING if one < sessions):
        console.send(f"/say {NAMES[place]} tell me more".encode())
        console.watch(0.1)
        console.send(b"\r")
        server.times()
        console.watch(0.3)


def by_command(console: Console, place: int) -> float:
    """`/switch 3` and Enter; returns when Enter was sent."""
    console.send(f"/switch {place + 1}".encode())
    console.watch(SETTLED)
    console.forget()
    return console.send(b"\r")


def by_key(console: Console, place: int) -> float:
    """Alt and a digit."""
    console.watch(SETTLED)
    console.forget()
    return console.send(f"\x1b{(place + 1) % 10}".encode())


def switched(console: Console, sent: float, place: int, streaming: frozenset[int]) -> float:
    """Milliseconds to the session's text."""
    heading = f"\u2500\u2500 {NAMES[place]}".encode()
    at = console.until(heading)
    if place in streaming:
        text = f"  {mark(place)} ".encode()  # the model's name, in the toolbar, has no blanks before it
        at = max(at, console.until(text, after=console.output.index(heading)))
    return (at - sent) * 1000


def others(count: int, sessions: int) -> list[int]:
    """Places to switch to, each another than the one before."""
    chance, found = random.Random(1), [0]
    while len(found) <= count:
        found.append(chance.choice([place for place in range(sessions) if place != found[-1]]))
    return found[1:]


def switches(console: Console, places: list[int], switch: Callable[[Console, int], float]) -> list[float]:
    """Milliseconds of switches to these places, each having been shown before; from the first session and back to it."""
    times = [switched(console, switch(console, place), place, frozenset(STREAMING)) for place in places]
    if places[-1]:
        switched(console, switch(console, 0), 0, frozenset(STREAMING))
    return times


def in_tmux(plan: Plan, server: Server, places: list[int], windows: int) -> list[float]:
    """Milliseconds from tmux's key to a word that only the window shows."""
    times = []
    with Tmux(plan, server, [spoken(place) for place in range(windows)]) as tmux:
        console = tmux.console
        for place in range(windows):
            tmux.type(place, "tell me more")
            server.times()
        console.watch(1)
        for place in places:
            console.watch(SETTLED)
            console.forget()
            sent = console.send(PREFIX + str(place).encode())
            wanted = mark(place).encode() if place in STREAMING else LAST + mark(place).encode()
            times.append((console.until(wanted) - sent) * 1000)
    if not times:
        raise NothingMeasured("no switches in tmux")
    return times
