"""Starting with 10,000 sessions stored, 500 of them open: to a prompt that takes keys, and to the session's name in it.

Beside it, in turns, the same with nothing stored but the session that is shown. That name comes once the database is open and the session
read: here it shows what the other 9,999 cost.
"""

from __future__ import annotations

from benchmarks.figures import Figure, Plan, median
from benchmarks.programs import Program, many
from benchmarks.seeding import Seed, seed
from benchmarks.server import Server, model
from benchmarks.startup import KEY

STORED = 10_000
OPEN = 500
STARTS = 25
MORE = 20.0
"""Milliseconds that the others may cost."""
SHOWN = "work-00000"


def run(plan: Plan) -> list[Figure]:
    """Both starts, with many sessions and with one."""
    stored, opened = plan.times(STORED, 50), plan.times(OPEN, 10)
    with Server() as server:
        programs = {
            label: many(plan, server, model(2), label.replace(" ", "-"), max_sessions=OPEN) for label in ("many stored", "one stored")
        }
        seed(programs["many stored"], [Seed(f"work-{number:05}", 1, completed=number >= opened) for number in range(stored)])
        seed(programs["one stored"], [Seed(SHOWN, 1)])
        usable: dict[str, list[float]] = {label: [] for label in programs}
        shown: dict[str, list[float]] = {label: [] for label in programs}
        for number in range(plan.times(STARTS, 1) + 1):
            for label, program in programs.items():
                to_prompt, to_session = started(program)
                if number:  # the first start of each makes files
                    usable[label].append(to_prompt)
                    shown[label].append(to_session)
    figures = []
    for what, times in (("usable prompt", usable), ("the session in it", shown)):
        beside = {label: median(values) for label, values in times.items()}
        name = f"start to {what}, {stored:,} sessions stored, {opened} open"
        figures.append(Figure(name, beside.pop("many stored"), "ms", beside["one stored"] + MORE, beside))
    return figures


def started(program: Program) -> tuple[float, float]:
    """Milliseconds to the echo of a key, and to the name of the session."""
    with program.open() as console:
        console.until(program.prompt)
        console.send(KEY)
        to_prompt = console.until(KEY) - console.started
        return to_prompt * 1000, (console.until(SHOWN.encode()) - console.started) * 1000
