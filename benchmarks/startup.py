"""From the start of the process to a prompt that takes keys: drawn, and a key typed is echoed."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.figures import Figure, Plan, median
from benchmarks.programs import Program, floor, llm, plait
from benchmarks.server import Server, model

KEY = "é".encode()
"""Typed as soon as the prompt is there; nothing else writes it."""


def usable(program: Program) -> float:
    """Seconds to the echo of a key that was typed when the prompt was drawn."""
    with program.open() as console:
        console.until(program.prompt)
        console.send(KEY)
        return console.until(KEY) - console.started


def importing() -> float:
    """Seconds that Python takes to start and import prompt_toolkit."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import prompt_toolkit"], check=True)
    return time.monotonic() - started


def run(plan: Plan) -> list[Figure]:
    """Start to usable prompt, the programs taking turns. The first start of each is not counted: it makes files."""
    measured: dict[str, list[float]] = {}
    with Server() as server:
        programs = [plait(plan, server, model(2)), floor(plan, server, model(2))]
        if (peer := llm(plan, server, model(2))) is not None:
            programs.append(peer)
        for program in programs:
            usable(program)
        for _ in range(plan.times(20, 2)):
            measured.setdefault("import prompt_toolkit", []).append(importing() * 1000)
            for program in programs:
                measured.setdefault(program.name, []).append(usable(program) * 1000)
    medians = {name: median(values) for name, values in measured.items()}
    value = medians.pop("plait")
    return [Figure("start to usable prompt", value, "ms", target_ratio=1.5, beside=medians)]
