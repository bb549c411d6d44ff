"""/debug metrics: what was counted and measured, and what of it is alarming."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from plait.core import commands as c
from plait.core.metrics_commands import Figures, ReadMetrics, Timing
from plait.repl.slash.layout import heading, pairs, paragraph
from plait.repl.slash.registry import Prompt, notice
from plait.repl.slash.wording import size

ALWAYS: Final = (
    "sessions_created_total",
    "sessions_closed_total",
    "session_switches_total",
    "messages_sent_total",
    "model_calls_total",
    "tool_executions_total",
    "session_errors_total",
    "api_failures_total",
    "database_save_failures_total",
    "session_crashes_total",
)
"""Counters that are told even where they are 0; those of one name with a kind stand in the place of the name."""


async def show_metrics(prompt: Prompt) -> None:
    """Show them."""
    figures, now = await prompt.submit(ReadMetrics()), await prompt.submit(c.ReadInternals())
    if not isinstance(figures, Figures) or not isinstance(now, c.Internals):
        return
    prompt.show(heading("metrics: what was counted and measured", prompt.look) + pairs(metric_rows(figures, now), prompt.look))
    for alert in figures.alerts:
        notice(prompt, alert, "warning")
    since = f"Since {time.strftime('%Y-%m-%d %H:%M', time.localtime(figures.since))}" if figures.since else "Nothing was counted yet"
    kept = "kept in metrics.json in the state directory" if figures.kept else "not kept"
    prompt.show(paragraph(f"{since}; {kept}. It stays on this machine: nothing is sent anywhere.", prompt.look, dim=True))


def metric_rows(figures: Figures, now: c.Internals) -> list[tuple[str, str]]:
    """Each figure's name and what is told of it."""
    rows = [(one.name, _timing(one)) for one in figures.timings]
    counted = {one.name: one.count for one in figures.counters}
    for name in ALWAYS:
        of_it = [(one, count) for one, count in counted.items() if one == name or one.startswith(f"{name}{{")]
        rows += [(one, f"{count:,}") for one, count in of_it or [(name, 0)]]
    memory = [one.ring_bytes + one.conversation_bytes + one.draft_bytes for one in now.held]
    return [
        *rows,
        ("active_sessions_count", f"{sum(one.info.state != 'Completed' for one in now.held):,} in memory, {now.stored:,} stored"),
        ("memory_usage_per_session_bytes", _spread(memory)),
        ("output_buffer_size_bytes", _spread([one.ring_bytes for one in now.held])),
        ("concurrent_api_calls", f"{now.gate.running} of at most {now.gate.limit}, {now.gate.queued:,} waiting"),
    ]


def _timing(one: Timing) -> str:
    if not one.count:
        return "none yet"
    shares = f"p50 {_ms(one.p50)}, p95 {_ms(one.p95)}, p99 {_ms(one.p99)}"
    return f"{shares}, longest {_ms(one.most)}, of {one.count:,}"


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:,.0f} ms" if milliseconds >= 10 else f"{milliseconds:.2g} ms"


def _spread(amounts: Sequence[int]) -> str:
    if not amounts:
        return "none in memory"
    return f"{size(sum(amounts) // len(amounts))} on average, {size(max(amounts))} at the most, {size(sum(amounts))} together"
