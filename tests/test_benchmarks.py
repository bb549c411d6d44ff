"""The benchmarks run, say what they measured, and do not pass off nothing as a figure."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.crowd import missing
from benchmarks.figures import Figure, NothingMeasured, median, percentile, table
from benchmarks.programs import Program
from benchmarks.seeding import ANSWER, PER_EXCHANGE, Seed, answers, database, seed
from plait.core.session import SessionState
from plait.store.sqlite import open_store

ROOT = Path(__file__).parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=100)


def test_the_short_run_of_a_benchmark_reports_its_figures() -> None:
    ran = run("--smoke", "journal", "startup", "indicator")
    assert ran.returncode == 0, ran.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in ran.stdout.splitlines() if line.startswith("|")]
    assert rows[0] == ["figure", "plait", "target", "", "beside it, same run", "ratio"]
    figures = {row[0]: row for row in rows[2:]}
    assert {"start to usable prompt", "journal: acknowledgement, p50"} <= figures.keys()
    for name, row in figures.items():
        assert re.match(r"[\d,.]*[1-9]", row[1]), "a number that was measured"
        if not name.startswith("end of an answer"):
            assert re.search(r"[1-9]", row[5]), "and its ratio to what stands beside it"
    assert sum(name.startswith("end of an answer") for name in figures) == 2


def test_an_unknown_benchmark_is_refused() -> None:
    ran = run("nonsense")
    assert ran.returncode == 2
    assert "There are: startup," in ran.stderr


def test_ratio_and_target_of_a_figure() -> None:
    slow = Figure("start", 300.0, "ms", target_ratio=1.5, beside={"floor": 100.0, "other": 1.0})
    assert slow.ratio == 3.0
    assert slow.reached is False
    assert Figure("rate", 30_000.0, "/s", 20_000, at_least=True).reached is True
    assert Figure("rate", 10_000.0, "/s", 20_000, at_least=True).reached is False
    assert Figure("bytes", 12.0, "bytes", 40).reached is True
    assert Figure("grouped", 3.0, "/s", at_least=True, target_ratio=0.5, beside={"raw": 4.0}).reached is True
    assert Figure("wake-ups", 3.0, "").reached is None
    assert "| NO | floor 100, other 1.00 | 3.00" in table([slow])


def test_what_was_not_measured_is_no_figure() -> None:
    for value in (float("nan"), float("inf"), -1.0):
        with pytest.raises(NothingMeasured):
            Figure("start", value, "ms").checked()
    with pytest.raises(NothingMeasured):
        median([])
    with pytest.raises(NothingMeasured):
        percentile([], 99)


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [50.0, 99.0, 100.0]
    assert percentile([7.0], 50) == 7.0


def test_seeded_sessions_are_what_used_ones_are(tmp_path: Path) -> None:
    program = Program("plait", (), {"PLAIT_HOME": str(tmp_path)}, str(tmp_path))
    seed(program, [Seed("amber", 3), Seed("birch", 1, "bench-2-0-0-", completed=True)])
    assert answers(program) == {"amber": ANSWER, "birch": ANSWER}
    store = open_store(database(program), now=2.0, report=lambda finding: None)
    amber, birch = sorted(store.sessions(), key=lambda row: row.name)
    assert (amber.state, amber.messages, amber.unread, amber.seq) == (SessionState.ACTIVE, 6, 0, 3 * PER_EXCHANGE + 2)
    assert birch.state is SessionState.COMPLETED
    assert amber.used_at > birch.used_at, "the first is shown at the start"
    store.close()


def test_lost_characters_are_counted_from_the_first_difference() -> None:
    assert missing("abcdef", "abcdef and more") == 0
    assert missing("abcdef", "abcxef") == 3
    assert missing("abcdef", "abcd") == 2
    assert missing("abcdef", "") == 6
