"""A whole copy of a database that another process may own and write, and the check of what lies on the disk.

Rules:
1. The copy is made by SQLite, of one moment; it becomes a single file, without a log beside it.
2. It is made and checked in a private directory beside its place, and gets its name last: no half copy ever has it.
3. Nothing here writes to the database or moves its log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from plait.core.errors import StoreError
from plait.store import engine, files, schema
from plait.store.crashpoints import crash_point
from plait.store.faults import is_damage, translated
from plait.store.reading import looking
from plait.store.verify import verify
from plait.store.workshop import workshop


@dataclass(frozen=True, slots=True)
class Backup:
    """What lies in a copy: rows by table, its bytes, and everything that is wrong with it, a sentence each."""

    path: Path
    rows: Mapping[str, int]
    size: int
    problems: tuple[str, ...]


def back_up(database: Path, target: Path, put_in_place: Callable[[Path, Path], None]) -> Backup:
    """Copy the database to `target`, a new file; `put_in_place` gives the finished copy its name.

    A damaged database is copied as it is, with its problems told. Raises `StoreError`, and what `put_in_place` raises.
    """
    with ExitStack() as made:
        with translated(target):
            part = made.enter_context(workshop(target)) / "plait.db"
            files.make_private_file(part)
        copy(database, part, target)
        problems = [problem.replace(str(part), str(target)) for problem in check(part)]
        rows = counted_rows(part)
        crash_point("copy.checked")
        with translated(target):
            files.sync_file(part)
            size = part.stat().st_size
        crash_point("copy.synced")
        put_in_place(part, target)
        crash_point("copy.named")
        return Backup(target, rows, size, tuple(problems))


def copy(database: Path, part: Path, target: Path) -> None:
    """Copy what lies at `database` into `part`, an empty file; `target` is named where that one cannot be written. Raises `StoreError`."""
    crash_point("copy.before")
    with looking(database) as source:
        if source is None:
            raise StoreError(f"There is no database at {database} yet. Start plait, which makes it.")
        source.execute("PRAGMA schema_version").fetchone()  # one that is none says so here, with its own name
        with translated(target), closing(engine.connect(part, writing=True)) as copied:
            source.backup(copied)
            crash_point("copy.made")
            try:
                copied.execute("PRAGMA journal_mode = DELETE")
            except engine.DatabaseError as error:
                if not is_damage(error):  # of a damaged one every page was copied all the same
                    raise


def counted_rows(path: Path) -> dict[str, int]:
    """Rows by table; empty where the copy is too damaged to be counted, which the check tells."""
    try:
        with looking(path) as connection:
            return schema.count_rows(connection) if connection is not None else {}
    except StoreError:
        return {}


def check(path: Path) -> list[str]:
    """Everything that is wrong with the database at `path`, a sentence each.

    Of one that another version of plait left, only what SQLite itself can tell.
    """
    try:
        with looking(path) as connection:
            if connection is None:
                return [f"There is no database at {path}."]
            if is_current(connection, path):
                connection.execute("COMMIT")
                return verify(path)
            return [f"quick_check: {text}." for (text,) in connection.execute("PRAGMA quick_check") if text != "ok"]
    except StoreError as error:
        return [str(error)]


def is_current(connection: engine.Connection, path: Path) -> bool:
    """Whether the database has exactly the migrations of this plait. Raises `StoreError` for a database of another program."""
    return schema.applied_migrations(connection, path) == schema.shipped_migrations(schema.migrations_directory())
