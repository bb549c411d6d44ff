"""Disks that are full, too small or read-only, for real: a mount of its own in a namespace of its own."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plait.store.verify import verify
from tests.store.writing import open_at

ROOT = Path(__file__).parents[2]
VICTIM = f"{sys.executable} -m tests.store.victim"


def _can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = "mount -t tmpfs -o size=1m tmpfs /mnt"
    return subprocess.run(["unshare", "-Urm", "sh", "-c", probe], capture_output=True, timeout=30, check=False).returncode == 0


mounts = pytest.mark.skipif(not _can_mount(), reason="this machine allows no mounts in a user namespace")


def mounted(options: str, script: str, directory: Path, said: str = "") -> str:
    """What `script` says, run in `directory` on a tmpfs of its own with these options; the disk goes with it."""
    directory.mkdir(exist_ok=True)
    whole = f"set -e; mount -t tmpfs -o mode=0700,{options} tmpfs {directory}; cd {ROOT}; {script}"
    command = ["unshare", "-Urm", "sh", "-c", whole]
    run = subprocess.run(command, input=said, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout[-1000:] + run.stderr[-2000:]
    return run.stdout


@mounts
def test_a_full_disk_is_told_nothing_acknowledged_is_lost_and_the_same_store_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    script = f"""
        mkfifo -m 600 {disk}/../go
        {VICTIM} {disk}/plait.db fill < {disk}/../go > {tmp_path}/said &
        exec 3> {disk}/../go
        while ! grep -q trouble {tmp_path}/said; do kill -0 $!; done
        mount -o remount,size=8m {disk}
        echo go >&3
        wait $!
        cat {tmp_path}/said
        {sys.executable} -c 'from pathlib import Path; from plait.store.verify import verify; print(verify(Path("{disk}/plait.db")))'
    """
    said = mounted("size=2m", script, disk).splitlines()
    trouble = next(line for line in said if line.startswith("trouble"))
    assert "disk is full" in trouble
    assert any(line.startswith("again") for line in said)
    assert said[-2:] == ["closed", "[]"]


@mounts
def test_whatever_a_store_does_on_a_full_disk_is_refused_whole_and_done_once_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    script = f"""
        {VICTIM} {disk}/data/plait.db squeeze
        {sys.executable} -c 'from pathlib import Path; from plait.store.verify import verify; print(verify(Path("{disk}/data/plait.db")))'
    """
    said = mounted("size=2m", script, disk).splitlines()
    refused = [line for line in said if line.startswith("refused")]
    assert len(refused) == 3
    assert all("append" in line and "draft" in line for line in refused)
    assert len([line for line in said if line.startswith("again")]) == 3
    assert said[-2:] == ["closed", "[]"]


@mounts
def test_what_only_looks_works_on_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    plait = f"PLAIT_HOME={disk} {sys.executable} -m plait"
    script = f"""
        {VICTIM} {disk}/data/plait.db index
        cat /dev/zero > {disk}/filler || true
        {plait} doctor && {plait} sessions && {plait} search question
        {plait} backup {tmp_path}/copy.db
        for command in backup vacuum "doctor --repair" "restore {tmp_path}/copy.db"; do
            {plait} $command 2>&1 && echo code 0 || echo code $?
        done
        rm {disk}/filler
        {plait} restore {tmp_path}/copy.db && {plait} vacuum
        {plait} doctor
    """
    said = mounted("size=2m", script, disk)
    before, _, after = said.partition("The copy was checked and is sound.")
    assert "check          sound" in before
    assert "Hits 1 to 10 of 12." in before
    assert [line for line in after.splitlines() if line.startswith("code")] == ["code 1", "code 1", "code 0", "code 1"]
    assert after.count("The disk is full") + after.count("Make room; nothing was changed") == 3
    assert "please report" not in after
    assert after.splitlines()[-1] == "check          sound"


@mounts
@pytest.mark.parametrize("options", ["size=4k", "size=12k", "size=60k", "nr_inodes=1", "nr_inodes=2", "nr_inodes=3", "nr_inodes=4"])
def test_a_disk_that_is_too_small_from_the_start_is_a_sentence(tmp_path: Path, options: str) -> None:
    script = f"{sys.executable} -c '{_OPEN}' {tmp_path}/disk/plait.db"
    said = mounted(options, script, tmp_path / "disk")
    assert re.match(r"StoreError The .*\. .*(room|free space).*\.\n", said)


@mounts
def test_a_read_only_disk_is_a_sentence(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    for first in ("true", f"{sys.executable} -c '{_OPEN}' {disk}/plait.db"):
        script = f"{first}; mount -o remount,ro {disk}; {sys.executable} -c '{_OPEN}' {disk}/plait.db"
        assert "StoreError The disk that holds" in mounted("size=1m", script, disk)


_OPEN = """
import sys
from pathlib import Path
from plait.core.errors import StoreError
from tests.store.writing import open_at
try:
    open_at(Path(sys.argv[1])).close()
except StoreError as error:
    print("StoreError", error)
"""


def test_a_limit_on_the_size_of_files_is_told_and_the_same_store_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "data" / "plait.db"
    child = subprocess.Popen(
        [*VICTIM.split(), str(path), "fill"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY)),
    )
    assert child.stdout is not None
    trouble = next(line for line in child.stdout if line.startswith("trouble"))
    assert "limits" in trouble
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    rest, _ = child.communicate("go\n", timeout=60)
    assert "again" in rest
    assert child.returncode == 0
    assert verify(path) == []
    open_at(path).close()


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="/dev/full is there on Linux only")
def test_a_device_is_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "plait.db").symlink_to("/dev/full")
    with pytest.raises(Exception, match=r"not an ordinary file.*\. .*\."):
        open_at(tmp_path / "plait.db")
