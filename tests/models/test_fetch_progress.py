"""The bar of a fetch stays on its line, and the plain form is short."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, strategies as st

from plait.models.bundle import Phase, Progress
from plait.models.fetch_progress import FetchProgress

TOTAL = 92_871_040


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = io.StringIO()
    report = FetchProgress(out, bar=True)
    report(Progress("downloading", TOTAL // 2 + 1, TOTAL))
    half = out.getvalue()
    report(Progress("downloading", TOTAL // 2 + 2, TOTAL))
    assert out.getvalue() == half, "the same percentage is drawn once"
    assert half.startswith("\rFetching the offline model [####")
    assert half.endswith("....]  50 % 46 MB of 93 MB\x1b[K")
    report(Progress("done", TOTAL, TOTAL))
    assert out.getvalue().endswith("\r\x1b[KThe offline model is here (93 MB).\n")


def test_a_pipe_gets_a_line_for_each_quarter() -> None:
    out = io.StringIO()
    report = FetchProgress(out)
    for percent in range(101):
        report(Progress("downloading", TOTAL * percent // 100 + 1, TOTAL))
    lines = out.getvalue().splitlines()
    assert lines == [f"Fetching the offline model: {step} % of 93 MB" for step in (0, 25, 50, 75, 100)]


def test_waiting_is_said_once_and_clears_the_bar() -> None:
    out = io.StringIO()
    report = FetchProgress(out, bar=True)
    for _ in range(3):
        report(Progress("waiting", 0, TOTAL))
    assert out.getvalue() == "Another plait is fetching the offline model. Waiting for it.\n"
    report(Progress("unpacking", 1, TOTAL))
    report.close()
    report.close()
    assert out.getvalue().count("\r\x1b[K") == 1


@given(st.integers(10, 300), st.integers(0, TOTAL), st.sampled_from(["downloading", "unpacking"]))
def test_the_bar_never_reaches_the_last_column(columns: int, done: int, phase: Phase) -> None:
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COLUMNS", str(columns))
        FetchProgress(out, bar=True)(Progress(phase, done, TOTAL))
    assert len(out.getvalue().removeprefix("\r").removesuffix("\x1b[K")) < columns
