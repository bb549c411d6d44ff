"""Whatever is asked of the store, and wherever it is killed: ok is there, failed is not, unknown is whole or not there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def model(*mutant: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.store.crash_model", *mutant],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        cwd=Path(__file__).parents[2],
    )


def test_every_history_of_the_store_is_one_of_the_model() -> None:
    done = model()
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes = json.loads(done.stdout)
    assert outcomes["append ok"] >= 20
    assert outcomes["append unknown"] >= 3
    assert outcomes["append failed"] >= 5
    assert outcomes["draft ok"] >= 3


@pytest.mark.parametrize("mutant", ["early", "torn"])
def test_a_store_that_breaks_its_promise_is_noticed(mutant: str) -> None:
    """It acknowledges before the commit; it commits the sessions of one call one by one."""
    done = model(mutant)
    assert done.returncode != 0
    assert "found {" in done.stderr
