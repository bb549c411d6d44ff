"""How good the names are that sessions get, on conversations that nothing was tuned on (`tests/names/heldout.toml`)."""

from __future__ import annotations

import time

from benchmarks.figures import Figure, Plan, median
from plait.names import named
from tests.names.conversations import conversations, figures


def run(plan: Plan) -> list[Figure]:
    """Shares of the held-out conversations, and what a name takes."""
    held_out = conversations("heldout.toml")
    measured = figures(held_out)
    times = []
    for one in held_out:
        started = time.perf_counter()
        named(one.messages)
        times.append(1000 * (time.perf_counter() - started))
    what = f"{len(held_out)} held-out conversations"
    return [
        Figure(f"names: right type, {what}", 100 * measured.kind, "%", 80, at_least=True),
        Figure(f"names: a keyword of a person's title in the name, {what}", 100 * measured.name, "%", 70, at_least=True),
        Figure("names: time for one, median", median(times), "ms"),
    ]
