"""Acknowledged means on disk: between two acknowledgements the log is synced, as the kernel saw it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def acknowledged_and_synced(path: Path, what: str) -> tuple[int, int]:
    """How many acknowledgements a writer gave, and before how many of them the log was synced anew."""
    trace = path.with_suffix(".trace")
    command = [
        "strace",
        "-f",
        "-y",
        "-o",
        str(trace),
        "-e",
        "trace=fsync,fdatasync,write",
        sys.executable,
        "-m",
        "tests.store.victim",
        str(path),
        what,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60, cwd=ROOT)
    acknowledged = synced = 0
    fresh = False
    for line in trace.read_text(errors="replace").splitlines():
        if re.search(r"f(data)?sync\(\d+<.*-wal>\) += 0", line):
            fresh = True
        elif "acked" in line:
            acknowledged += 1
            synced += fresh
            fresh = False
    return acknowledged, synced


def test_every_acknowledgement_comes_after_a_sync(tmp_path: Path) -> None:
    acknowledged, synced = acknowledged_and_synced(tmp_path / "plait.db", "turns")
    assert acknowledged >= 20
    assert synced == acknowledged


def test_the_harness_would_see_a_store_that_does_not_sync(tmp_path: Path) -> None:
    acknowledged, synced = acknowledged_and_synced(tmp_path / "plait.db", "unsynced")
    assert acknowledged >= 20
    assert synced < acknowledged / 2
