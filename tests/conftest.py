"""What every test shares: one asyncio backend, a home of its own so that no test touches the user's, another try for what was too slow."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

from tests.timing import TRIES, TooSlow

# How long an example takes says nothing on a machine that does other things as well; the limit of the whole test ends what hangs.
settings.register_profile("plait", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("plait")

AGAIN = "too slow at first"
"""The outcome of a try that is followed by another."""
_TOO_SLOW = pytest.StashKey[bool]()


@pytest.fixture
def anyio_backend() -> str:
    """plait runs on asyncio only (prompt_toolkit and aiolimiter do)."""
    return "asyncio"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh `PLAIT_HOME`, and no key of any provider in the environment."""
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / "home"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "PLAIT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


# A test that raises `TooSlow` is run again: see `tests/timing.py`.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if call.excinfo is not None and isinstance(call.excinfo.value, TooSlow):
        item.stash[_TOO_SLOW] = True
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    hooks = item.ihook
    hooks.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for number in range(1, TRIES + 1):
        item.stash[_TOO_SLOW] = False
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        again = item.stash[_TOO_SLOW] and number < TRIES
        for report in reports:
            if again and report.failed:
                report.outcome = AGAIN  # type: ignore[assignment]  # as `pytest_report_teststatus` below tells it
            if not again or report.outcome == AGAIN:
                hooks.pytest_runtest_logreport(report=report)
        if not again:
            break
    hooks.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    return (AGAIN, "t", "TOO SLOW, AGAIN") if report.outcome == AGAIN else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports(AGAIN):
        said = [line[1:].strip() for line in report.longreprtext.splitlines() if line.startswith("E ")]
        terminalreporter.write_line(f"TOO SLOW AT FIRST {report.nodeid}: {said[:1]}")
