"""kill -9 at every named place: nothing acknowledged is lost, nothing else is half there, and the next start goes on by itself."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plait.core.messages import SessionId
from plait.store import engine, schema
from plait.store.crashpoints import LABELS
from plait.store.salvage import MovedAside
from plait.store.sqlite import Finding, open_store
from plait.store.verify import verify
from tests.store.test_schema import SECOND
from tests.store.writing import Author, open_at

AT_START = [label for label in LABELS if label.startswith(("create", "migrate", "epoch", "append", "close"))]
IN_MIGRATION = [label for label in LABELS if label.startswith(("backup", "migrate"))]
IN_FLIGHT = 3
"""Events of the largest commit that the victim makes."""


def run_victim(path: Path, what: str, crash_at: str, *migrations: Path) -> dict[SessionId, int]:
    """Run a process that is killed at `crash_at`; what it acknowledged, by session. Fails if it was not killed there."""
    command = [sys.executable, "-m", "tests.store.victim", str(path), what, *map(str, migrations)]
    environ = os.environ | {"PLAIT_CRASH_AT": crash_at}
    run = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[2])
    assert run.returncode == -signal.SIGKILL, f"{crash_at} was not reached: {run.stdout[-500:]}{run.stderr[-1500:]}"
    acked = [line.split() for line in run.stdout.splitlines() if line.startswith("acked")]
    return {SessionId(session): int(seq) for _, session, seq in acked}


def check_and_go_on(path: Path, acked: dict[SessionId, int]) -> None:
    """Before the next start and after it the database is sound; all that was acknowledged is there, and one more turn runs."""
    if path.exists() and path.stat().st_size:
        connection = engine.connect(path, writing=False)
        applied = schema.applied_migrations(connection, path)
        connection.close()
        if applied == schema.shipped_migrations(schema.migrations_directory()):
            assert verify(path) == []
    findings: list[Finding] = []
    store = open_at(path, findings)
    assert [one for one in findings if isinstance(one, MovedAside)] == []
    for session, seq in acked.items():
        assert seq <= len(store.read(session)) <= seq + IN_FLIGHT
    for name in ("s-1", "s-2"):
        Author(store, name).turn()
    store.close()
    assert verify(path) == []


def _tables(path: Path) -> set[str]:
    connection = engine.connect(path, writing=False)
    try:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()


@pytest.mark.parametrize("label", AT_START)
def test_killed_while_a_fresh_database_is_made_and_written(tmp_path: Path, label: str) -> None:
    path = tmp_path / "data" / "plait.db"
    check_and_go_on(path, run_victim(path, "turns", label))


@pytest.mark.parametrize("label", [label for label in LABELS if label.startswith("append")])
@pytest.mark.parametrize("time", [4, 9, 17])
def test_killed_in_an_append(tmp_path: Path, label: str, time: int) -> None:
    path = tmp_path / "data" / "plait.db"
    acked = run_victim(path, "turns", f"{label}:{time}")
    assert acked, "nothing was acknowledged: the run says nothing"
    check_and_go_on(path, acked)


def test_the_harness_catches_a_store_that_acknowledges_before_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "data" / "plait.db"
    acked = run_victim(path, "early", "append.inserted:6")
    with pytest.raises(AssertionError):
        check_and_go_on(path, acked)


@pytest.mark.parametrize("label", ["checkpoint.before", "checkpoint.after"])
@pytest.mark.parametrize("time", [1, 2])
def test_killed_around_a_checkpoint(tmp_path: Path, label: str, time: int) -> None:
    path = tmp_path / "data" / "plait.db"
    acked = run_victim(path, "log", f"{label}:{time}")
    assert acked[SessionId("s-1")] > 4 * time
    check_and_go_on(path, acked)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of today, with rows, and the migrations of a later plait beside it."""
    directory = tmp_path_factory.mktemp("old")
    store = open_at(directory / "data" / "plait.db")
    for name in ("s-1", "s-2"):
        Author(store, name).turn()
    store.close()
    shutil.copytree(schema.migrations_directory(), directory / "later")
    (directory / "later" / "m9001_notes.py").write_text(SECOND % "")
    (directory / "later" / "m9002_more.py").write_text((SECOND % "").replace("m9001", "m9002").replace("notes", "more"))
    return directory


@pytest.mark.parametrize("label", IN_MIGRATION)
def test_killed_in_a_migration(tmp_path: Path, old: Path, label: str) -> None:
    shutil.copytree(old, tmp_path, dirs_exist_ok=True, copy_function=shutil.copy2)
    path, later = tmp_path / "data" / "plait.db", tmp_path / "later"
    before = _rows(path)
    run_victim(path, "turns", label, later)
    assert verify(path) == []
    assert {table: count for table, count in _rows(path).items() if table in before} == before
    backups = list((path.parent / "backups").glob("*.db"))
    assert [_rows(backup) for backup in backups] == [before] * len(backups)
    assert len(backups) == (label not in ("backup.before", "backup.copied"))
    store = open_store(path, now=2.0, report=print, migrations=later)
    Author(store).turn()
    assert {"notes", "more"} <= _tables(path)
    assert {one.suffix for one in (path.parent / "backups").iterdir()} == {".db"}, "what the kill left half made is gone"
    store.close()
    assert verify(path) == []


def _rows(path: Path) -> dict[str, int]:
    connection = engine.connect(path, writing=False)
    try:
        tables = [table for table in _tables(path) if not table.startswith(("_", "sqlite")) and table != "owner"]
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    finally:
        connection.close()


@pytest.mark.parametrize("label", ["aside.before", "salvage.read", "salvage.done", "aside.moved", "aside.moved:2", "aside.after"])
def test_killed_while_a_damaged_database_is_moved_aside(tmp_path: Path, label: str) -> None:
    path = tmp_path / "data" / "plait.db"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"damaged")
    path.with_name("plait.db-wal").write_bytes(b"its log")
    run_victim(path, "turns", label)
    findings: list[Finding] = []
    open_at(path, findings).close()
    kept = {file.read_bytes() for file in path.parent.glob("plait.db.corrupt-*")}
    assert kept == {b"damaged", b"its log"}
    assert len(findings) == (label in ("aside.before", "aside.moved", "salvage.read", "salvage.done"))
