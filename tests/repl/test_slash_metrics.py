"""/debug metrics: every figure has a row, what is alarming is said, at any width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plait.core.commands import Internals, ReadInternals
from plait.core.metrics_commands import Counter, Figures, Measured, Timing
from plait.models.scripted import Reply
from plait.repl.slash.metrics import ALWAYS, metric_rows
from tests.repl.prompting import prompt_over

pytestmark = pytest.mark.anyio
FAILS = Reply(match="fail", error="RequestRefused", message="No.")


async def test_every_figure_is_told(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [FAILS]) as prompt:
        await prompt.say("hello")
        await prompt.say("fail")
        await prompt.client.submit(Measured("session_switch_duration_ms", 2_600))
        shown = await prompt.told("/debug metrics")
        for name in ALWAYS:
            assert name in shown
        assert "messages_sent_total 2" in shown
        assert "session_errors_total{RequestRefused} 1" in shown
        assert "session_switch_duration_ms p50 2,600 ms, p95 2,600 ms, p99 2,600 ms, longest 2,600 ms, of 1" in shown
        assert "session_create_duration_ms p50 " in shown
        assert "concurrent_api_calls 0 of at most 5, 0 waiting" in shown
        assert "99 % of switches take up to 2,600 ms since this start, more than 2,000." in shown
        assert "; not kept. It stays on this machine: nothing is sent anywhere." in shown


@pytest.mark.parametrize("width", [24, 60, 200])
@pytest.mark.parametrize("plain", [False, True])
async def test_it_fits_every_width(width: int, plain: bool, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        prompt.look = type(prompt.look)(colour=False, plain=plain, width=width)
        assert max(map(len, (await prompt.type("/debug metrics")).splitlines())) <= width


async def test_before_anything_happened(tmp_path: Path) -> None:
    figures = Figures(0.0, (Counter("messages_sent_total", 0),), (Timing("session_switch_duration_ms", 0, 0, 0, 0, 0),), (), kept=True)
    async with prompt_over(tmp_path) as prompt:
        now = await prompt.client.submit(ReadInternals())
        assert isinstance(now, Internals)
        rows = dict(metric_rows(figures, replace(now, held=())))
        assert (rows["session_switch_duration_ms"], rows["memory_usage_per_session_bytes"]) == ("none yet", "none in memory")
