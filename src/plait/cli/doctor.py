"""`plait doctor`: what there is, which versions, and whether it is sound. It looks and changes nothing, unless it is asked to repair."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from plait import __version__
from plait.cli.backup import rows_told
from plait.core.counting import counted
from plait.core.errors import StoreError
from plait.core.sanitize import sanitize
from plait.exchange.new_file import put_in_place
from plait.paths import Paths
from plait.store import engine, files, schema
from plait.store.backup import check
from plait.store.reading import looking, pending
from plait.store.repair import repair

SHOWN = 50
"""Problems that are told one by one."""
_FAULT = (
    "which can damage a database when two connections write and move its log at once (fixed in 3.51.3, 3.50.7 and 3.44.6); plait lets one "
    "connection do both, so it is safe here, but let no other program write to the database"
)


def examine(paths: Paths) -> tuple[str, bool]:
    """Everything that is known, a line each, and whether the database is sound."""
    rows = [
        ("plait", __version__),
        ("Python", f"{platform.python_version()}, {sys.executable}"),
        ("SQLite", _sqlite()),
        ("system", platform.platform()),
        ("settings", _file(paths.config_file)),
        *_database(paths),
        ("backups", _many(paths.data / "backups", "*")),
        ("put aside", _many(paths.data, f"{paths.database.name}.corrupt-*")),
        ("not saved", _many(paths.data, f"{paths.database.name}.rescue-*.jsonl")),
        ("crash reports", _many(paths.crashes, "*.txt")),
    ]
    problems = [*_old_library(), *(check(paths.database) if paths.database.exists() else ())]
    rows.append(("check", counted(len(problems), "problem") if problems else "sound"))
    lines = [f"{label:<14} {text}" for label, text in rows]
    lines += [f"  {problem}" for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        lines.append(f"  and {len(problems) - SHOWN:,} more")
    if problems:
        lines.append("Leave plait. `plait doctor --repair` then makes a copy of the database, and mends what can be mended.")
    return sanitize("\n".join(lines)), not problems


def mend(paths: Paths) -> tuple[str, bool]:
    """Repair the database, after a copy was made; what was done, and whether it is sound now. Raises `PlaitError`."""
    done = repair(paths.database, time.time(), put_in_place)
    lines = done.done or ["Nothing had to be repaired."]
    lines += [f"  {problem}" for problem in done.problems[:SHOWN]]
    if done.problems:
        lines.append(f"{counted(len(done.problems), 'problem')} could not be mended. Please report this, and keep the copy.")
    return sanitize("\n".join(lines)), not done.problems


def _sqlite() -> str:
    version = ".".join(map(str, engine.version))
    origin = "Python's own" if engine.Connection.__module__ == "sqlite3" else engine.Connection.__module__.partition(".")[0]
    return f"{version} ({origin}), {_FAULT if engine.has_wal_reset_fault() else 'without the fault that can damage a log'}"


def _old_library() -> Iterator[str]:
    try:
        engine.require_modern()
    except StoreError as error:
        yield str(error)


def _database(paths: Paths) -> Iterator[tuple[str, str]]:
    path = paths.database
    yield "database", _file(path)
    if not path.exists():
        return
    yield "its log", _file(files.wal_path(path))
    try:
        with looking(path) as connection:
            if connection is None:
                return
            applied = schema.applied_migrations(connection, path)
            shipped = schema.shipped_migrations(schema.migrations_directory())
            yield "rows", rows_told(schema.count_rows(connection))
            yield "migrations", _migrations(applied, shipped)
    except StoreError as error:
        yield "rows", f"not known: {error}"


def _migrations(applied: tuple[str, ...], shipped: tuple[str, ...]) -> str:
    had = applied[-1] if applied else "none"
    if later := [name for name in applied if name not in shipped]:
        return f"{had}; {', '.join(later)} came with a later plait, so this one can only read it"
    if due := pending(applied):
        return f"{had}; the next start of plait makes {', '.join(due)}, after a backup. Until then only SQLite's own check is made"
    return f"{had}, none is due"


def _file(path: Path) -> str:
    try:
        return f"{path}, {path.stat().st_size:,} bytes"
    except OSError:
        return f"{path}, not there"


def _many(directory: Path, pattern: str) -> str:
    sizes = []
    for path in directory.glob(pattern):
        try:
            sizes.append(path.stat().st_size)
        except OSError:
            continue  # it has gone since
    return f"{len(sizes):,} in {directory}, {sum(sizes):,} bytes" if sizes else "none"
