"""A private directory for what is made: gone afterwards, cleared away after a kill, and left alone while somebody works in it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

from plait.store.workshop import clear_workshops, workshop

WORKS = """
import sys
from pathlib import Path
from plait.store.workshop import workshop
with workshop(Path(sys.argv[1])) as place:
    (place / "half").write_text("half")
    print(place, flush=True)
    sys.stdin.readline()
"""


def test_it_is_private_and_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    with workshop(tmp_path / "plait.db") as place:
        assert place.parent == tmp_path
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        (place / "plait.db").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_two_work_side_by_side_and_what_a_kill_has_left_is_cleared_away(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WORKS, str(tmp_path / "plait.db")]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    places = []
    for child in children:
        assert child.stdout is not None
        places.append(Path(child.stdout.readline().strip()))
    clear_workshops(tmp_path)
    assert all((place / "half").exists() for place in places)
    children[0].kill()
    assert children[0].wait() == -signal.SIGKILL
    before = len(os.listdir("/proc/self/fd"))
    with workshop(tmp_path / "plait.db"):
        assert not places[0].exists()
        assert (places[1] / "half").exists()
    assert len(os.listdir("/proc/self/fd")) == before
    children[1].communicate("go\n", timeout=60)
    children[0].communicate(timeout=60)
    assert list(tmp_path.iterdir()) == []
