"""Which SQLite it is, and that connections are what the store believes them to be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plait.core.errors import StoreError
from plait.store import engine

BLOCKED = "import sys; sys.modules['pysqlite3'] = None\n"
OF_OTHER_PROCESSES = (
    "test_crash_model.py",
    "test_crashes.py",
    "test_disks.py",
    "test_labels.py",
    "test_owner.py",
    "test_power_loss.py",
    "test_search_kills.py",
    "test_syncs.py",
)


@pytest.mark.parametrize(
    ("version", "faulty"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 44, 9), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
        ((4, 0, 0), False),
    ],
)
def test_the_versions_with_the_wal_reset_fault(version: tuple[int, ...], faulty: bool) -> None:
    assert engine.has_wal_reset_fault(version) is faulty


def test_an_sqlite_that_is_too_old_is_a_sentence() -> None:
    with pytest.raises(StoreError, match=r"SQLite 3\.36\.0, and plait needs 3\.37"):
        engine.require_modern((3, 36, 0))
    engine.require_modern((3, 37, 0))
    engine.require_modern()


def test_the_library_is_the_one_that_sqlite_utils_uses() -> None:
    code = "from sqlite_utils.utils import sqlite3; from plait.store import engine; assert issubclass(engine.Error, sqlite3.Error)"
    for block in ("", BLOCKED):
        subprocess.run([sys.executable, "-c", block + code], check=True, timeout=60)


def test_importing_the_store_does_not_import_sqlite_utils() -> None:
    code = "import sys, plait.store.sqlite; assert 'sqlite_utils' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_opening_a_database_that_is_up_to_date_does_not_either(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from plait.store.sqlite import open_store\n"
        "open_store(Path(sys.argv[1]), now=time.time(), report=print).close()\n"
        "sys.exit('sqlite_utils' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "plait.db")]
    assert subprocess.run(command, check=False, timeout=60).returncode == 1
    assert subprocess.run(command, check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("name", ["plain.db", "with space?.db", "per%20cent#.db", "ünïcode\U0001f600.db", b"not-utf8-\xff.db"])
def test_any_file_name_is_opened(tmp_path: Path, name: str | bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.touch()
    writer = engine.connect(path, writing=True)
    writer.execute("CREATE TABLE t (a)")
    writer.close()
    assert path.stat().st_size > 0
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_no_connection_makes_a_file(tmp_path: Path) -> None:
    for writing in (True, False):
        with pytest.raises(engine.OperationalError):
            engine.connect(tmp_path / "none.db", writing=writing).execute("SELECT 1 FROM sqlite_master")
    assert list(tmp_path.iterdir()) == []


def test_a_reading_connection_can_neither_write_nor_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "plait.db"
    path.touch()
    writer = engine.connect(path, writing=True)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (a)")
    reader = engine.connect(path, writing=False)
    with pytest.raises(engine.OperationalError):
        reader.execute("INSERT INTO t VALUES (1)")
    size = path.stat().st_size
    with pytest.raises(engine.OperationalError):
        reader.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert path.stat().st_size == size
    reader.close()
    writer.close()


@pytest.mark.timeout(300)
def test_the_suite_passes_on_the_standard_library_alone(tmp_path: Path) -> None:
    """What is tested here again, without pysqlite3; in one process, the only one that is without it.

    Left out is what other processes do, for they have pysqlite3 again: those that are killed, that own, or that run out of disk.
    """
    if engine.OperationalError.__module__.startswith("sqlite3"):
        pytest.skip("this is that run")
    here = Path(__file__)
    suites = [str(path) for path in here.parent.glob("test_*.py") if path != here and path.name not in OF_OTHER_PROCESSES]
    arguments = ["-q", "-x", "-n", "0", "-k", "not killed", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "base"), *suites]
    code = f"{BLOCKED}import pytest; sys.exit(pytest.main({arguments!r}))"
    command = [sys.executable, "-c", code]
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}  # of the run around this one
    run = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, cwd=here.parents[2], env=environ)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]
