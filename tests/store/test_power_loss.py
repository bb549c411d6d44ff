"""The power is cut: whatever the disk had got to, everything acknowledged is there, in order, and the next start goes on."""

from __future__ import annotations

import os
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from plait.cli.backup import make_backup
from plait.core.messages import SessionId
from plait.paths import find_paths
from plait.store import engine, files
from plait.store.salvage import MovedAside
from plait.store.sqlite import Finding
from plait.store.verify import verify
from tests.store.old_databases import names, unpack
from tests.store.power import Disk, Step, python, recorded
from tests.store.test_crashes import IN_FLIGHT
from tests.store.writing import Author, open_at

IMAGES = int(os.environ.get("PLAIT_IMAGES", "60"))
"""Cuts of the power that each test tries; a nightly run takes 500."""

pytestmark = [
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
    pytest.mark.timeout(120 + IMAGES),
]


class Cut(AssertionError):
    """What was promised is not on this image."""


def acknowledged(disk: Disk) -> dict[SessionId, int]:
    lines = [line.split() for line in b"".join(disk.said).decode().split("\n")[:-1] if line.startswith("acked")]
    return {SessionId(session): int(seq) for _, session, seq in lines}


def lay_out(image: dict[str, bytes], root: Path, place: Path) -> Path:
    """The image as files; where its database is, or would be."""
    shutil.rmtree(place, ignore_errors=True)
    for path, content in image.items():
        file = place / Path(path).relative_to(root)
        for directory in (place, *reversed(file.relative_to(place).parents[:-1])):
            (place / directory).mkdir(exist_ok=True, mode=0o700)
        file.write_bytes(content)
        file.chmod(0o600)
    place.mkdir(exist_ok=True, mode=0o700)
    (place / "data").mkdir(exist_ok=True, mode=0o700)
    return place / "data" / "plait.db"


def look(image: dict[str, bytes], root: Path, place: Path, promised: dict[SessionId, int]) -> None:
    """Lay the image out, and check it before and after the next start. Raises `Cut`."""
    database = lay_out(image, root, place)
    findings: list[Finding] = []
    with closing(open_at(database, findings)) as store:
        if any(isinstance(one, MovedAside) for one in findings):
            raise Cut(f"the database was damaged: {findings}")
        for session, seq in promised.items():
            found = len(store.read(session))
            if not seq <= found <= seq + IN_FLIGHT:
                raise Cut(f"{session} has {found} events, and {seq} were acknowledged")
        for name in ("s-1", "s-2"):
            Author(store, name).turn()
    if problems := verify(database):
        raise Cut(str(problems))


def cut(steps: list[Step], root: Path, place: Path, old: Path | None = None) -> int:
    """Cut the power at moments all over the run; how many of them had something acknowledged that was new."""
    choice = random.Random(1)
    moments = sorted(choice.choices(range(len(steps) + 1), k=IMAGES))
    disk, done, telling = Disk({str(old): old.read_bytes()} if old else {}), 0, set()
    kept = rows(old) if old else {}
    for moment in moments:
        for step in steps[done:moment]:
            disk.take(step)
        done = moment
        promised = kept | acknowledged(disk)
        telling.add(tuple(sorted(promised.items())))
        look(disk.after_the_cut(choice), root, place, promised)
    return len(telling)


def rows(path: Path) -> dict[SessionId, int]:
    with closing(engine.connect(path, writing=False)) as reader:
        return {SessionId(session): seq for session, seq in reader.execute("SELECT id, seq FROM sessions")}


def written(what: str, tmp_path: Path) -> tuple[list[Step], Path]:
    root = tmp_path / "run"
    steps = recorded(python("tests.store.victim", str(root / "data" / "plait.db"), what), tmp_path / "trace", root)
    assert sum(step.call == "said" and step.data.startswith(b"acked") for step in steps) >= 20
    return steps, root


@pytest.mark.parametrize("what", ["turns", "checkpoints", "index"])
def test_what_was_acknowledged_outlives_the_power(tmp_path: Path, what: str) -> None:
    steps, root = written(what, tmp_path)
    assert cut(steps, root, tmp_path / "image") >= min(10, IMAGES / 5)


@pytest.mark.parametrize("mutant", ["unsynced", "careless"])
def test_a_store_that_does_not_sync_is_noticed(tmp_path: Path, mutant: str) -> None:
    steps, root = written(mutant, tmp_path)
    with pytest.raises(Cut):
        cut(steps, root, tmp_path / "image")


def test_the_power_is_cut_in_a_migration(tmp_path: Path) -> None:
    """The backup and the database: one of them has all, whatever the disk had got to."""
    root = tmp_path / "run"
    path = root / "data" / "plait.db"
    unpack(names()[1], path)
    old = shutil.copy(path, tmp_path / "old.db")
    steps = recorded(python("tests.store.victim", str(path), "turns"), tmp_path / "trace", root)
    assert any(step.call == "rename" and "backups" in step.other for step in steps)
    files.wal_path(path).unlink(missing_ok=True)
    shutil.copy(old, path)
    cut(steps, root, tmp_path / "image", path)


def test_the_power_is_cut_while_a_backup_is_restored(tmp_path: Path, home: Path) -> None:
    """The one or the other is in place, and the one that was there is kept."""
    path, backup = home / "data" / "plait.db", tmp_path / "backup.db"
    with closing(open_at(path)) as store:
        Author(store).turn()
    make_backup(find_paths(os.environ), str(backup))
    with closing(open_at(path)) as store:
        Author(store).turn()
    then, now = rows(backup), rows(path)
    assert then != now
    disk = Disk({str(path): path.read_bytes()})
    choice, seen = random.Random(1), set()
    steps = recorded(python("plait", "restore", str(backup)), tmp_path / "trace", home)
    each = max(1, IMAGES // len(steps))
    for step in steps:
        disk.take(step)
        for _ in range(each):
            database = lay_out(disk.after_the_cut(choice), home, tmp_path / "image")
            open_at(database).close()
            kept = [rows(one) for one in (database.parent / "backups").glob("plait-replaced-*.db")]
            assert (rows(database), kept) in ((now, []), (then, [now]))
            assert verify(database) == []
            seen.add(len(kept))
    assert seen == {0, 1}
