"""The tables' versions: which migrations a database has had, which are due, and how they are run.

Rules:
1. A start costs one SELECT: the names that were applied against the names of the files. sqlite-utils is imported only when one is due.
2. The caller owns the database (`store.owner`), so that no two processes migrate it.
3. Before a migration touches rows, a whole copy lies in `backups/`. Each migration is one transaction: a kill leaves before or after. One
   that leaves fewer rows in a table than there were is rolled back and refused.
4. A database with a migration that we do not know was written by a later plait, and is not written by us.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plait.core.counting import counted
from plait.core.errors import StoreError
from plait.store import engine, files
from plait.store.crashpoints import crash_point
from plait.store.faults import comes_from_outside, translated
from plait.store.workshop import whole_copy

MIGRATION_SET = "plait"
"""The name of the set in sqlite-utils' own table of applied migrations."""

# `fullfsync` makes macOS do what fsync does elsewhere. `wal_autocheckpoint`: a checkpoint inside an append costs 9 ms at p99.9,
# so the store does it apart. `trusted_schema`: a database file from elsewhere shall not run functions of its choice.
# `cache_size` is in KiB: appends touch few pages, and SQLite's own 2 MB fill up over a thousand sessions.
_PRAGMAS = (
    *("synchronous = FULL", "fullfsync = ON", "foreign_keys = ON", "wal_autocheckpoint = 0", "trusted_schema = OFF"),
    "cache_size = -512",
)


@dataclass(frozen=True, slots=True)
class Migrated:
    """A database with rows was brought up to date. `before` and `after` are the last migrations' names; the counts are rows by table."""

    before: str
    after: str
    rows_before: Mapping[str, int]
    rows_after: Mapping[str, int]
    backup: Path

    @property
    def text(self) -> str:
        """For the user: nothing may seem to have gone."""
        rows = ", ".join(counted(self.rows_after.get(f"{noun}s", 0), noun) for noun in ("session", "event"))
        return f"The database was migrated {version(self.before)} to {version(self.after)}: {rows}; backup {self.backup}."


def version(migration: str) -> str:
    """The number in a migration's name, as people say it: "3" of "m0003_search"; the name itself where there is none."""
    number = migration.partition("_")[0].lstrip("m0")
    return number if number.isdecimal() else migration


def migrations_directory() -> Path:
    """Where the migrations are: in the installed package, or at the top of the repository for an editable install."""
    package = Path(__file__).parents[1]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


def shipped_migrations(directory: Path) -> tuple[str, ...]:
    """Names of the migrations in `directory`, in order. Raises `StoreError` if there are none."""
    try:
        names = sorted(name[:-3] for name in os.listdir(directory) if name.startswith("m") and name.endswith(".py"))
    except FileNotFoundError:
        names = []
    if not names:
        raise StoreError("This installation of plait lacks its migrations. Install plait again.")
    return tuple(names)


def applied_migrations(connection: engine.Connection, path: Path) -> tuple[str, ...]:
    """Names of the migrations that the database has had, in order; empty for a fresh one.

    Raises `StoreError` for a database of another program.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "_sqlite_migrations" not in tables:
        if tables:
            raise StoreError(f"The database {path} belongs to another program. Move it away, or set PLAIT_HOME to another directory.")
        return ()
    found = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (MIGRATION_SET,))
    return tuple(name for (name,) in found)


def configure(connection: engine.Connection, path: Path) -> None:
    """Make a connection fit for writing: write-ahead log, full sync, foreign keys. Raises `StoreError` where that cannot be."""
    engine.require_modern()
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreError(f"The disk of {path} cannot share memory between programs. Set PLAIT_HOME to a directory on a local disk.")
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def next_epoch(connection: engine.Connection) -> int:
    """Begin a new ownership, synced to disk; writes of any earlier one are refused from now on. Returns its number."""
    connection.execute("BEGIN IMMEDIATE")
    (epoch,) = connection.execute("UPDATE owner SET epoch = epoch + 1 RETURNING epoch").fetchone()
    connection.execute("COMMIT")
    return int(epoch)


def epoch(connection: engine.Connection) -> int:
    """The number of the latest ownership; 0 where a later plait keeps it elsewhere."""
    try:
        found = connection.execute("SELECT epoch FROM owner").fetchone()
    except engine.OperationalError:
        return 0
    return int(found[0]) if found else 0


def migrate(
    connection: engine.Connection, path: Path, due: Sequence[str], *, directory: Path, now: float, report: Callable[[Migrated], None]
) -> None:
    """Run the `due` migrations of `directory` on the database at `path`, which the caller owns.

    Reports what was done where there were rows. Raises `StoreError`; the database is then as it was before the failing one.
    """
    with translated(path):
        before = applied_migrations(connection, path)
        rows_before = count_rows(connection)
        backup = None
        if any(rows_before.values()):
            backup = _back_up(connection, path, f"{_number(before)}-{_number(due)}", now)
        _run(connection, due, directory, backup)
    if backup is not None:
        report(Migrated(before[-1] if before else "0", due[-1], rows_before, count_rows(connection), backup))


def _run(connection: engine.Connection, due: Sequence[str], directory: Path, backup: Path | None) -> None:
    # 57 ms and 3 ms, and due only once for each new version.
    import runpy

    from sqlite_utils import Database

    # No plugins of other programs, and no pragma of another's choice.
    database = Database(connection, execute_plugins=False, recursive_triggers=False)
    crash_point("migrate.before")
    for name in due:
        reason = ""
        migrations = runpy.run_path(str(directory / f"{name}.py"))["migrations"]  # run, not imported: no compiled copy is left there
        try:
            with database.atomic():
                before = count_rows(connection)
                migrations.apply(database)
                reason = "; ".join(_lost(before, count_rows(connection)))
                crash_point("migrate.applied")
                if reason:
                    raise _LostRows
        except (engine.Error, _LostRows) as error:
            if isinstance(error, engine.Error) and comes_from_outside(error):
                raise
            copy = f" A copy of it is {backup}." if backup else ""
            raise StoreError(
                f"The database could not be brought to {name} ({reason or error}). It is unchanged; go on with the plait that you had, "
                f"and please report this.{copy}"
            ) from error
        crash_point("migrate.step")
    crash_point("migrate.after")


class _LostRows(Exception):
    """Rolls a migration back."""


def _lost(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[str]:
    """What a migration would lose, table by table."""
    for table, count in before.items():
        if after.get(table, 0) < count:
            yield f"rows of {table}: {count:,} before, {after.get(table, 0):,} after"


def count_rows(connection: engine.Connection) -> dict[str, int]:
    """Rows by table, but for SQLite's own tables, the migrations' and the index; what a fresh database holds counts as nothing."""
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'search_*' "
        "AND name NOT IN ('_sqlite_migrations', 'owner')"
    )
    tables = [name for (name,) in found]
    return {table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables}


def _back_up(connection: engine.Connection, path: Path, versions: str, now: float) -> Path:
    """A whole, synced copy in `backups/` beside the database; what a kill leaves half made there goes at the next start."""
    directory = files.backups_of(path)
    files.make_private_directory(directory)
    target = files.unused(directory / f"{path.stem}-{versions}-{files.utc_stamp(now)}.db")
    crash_point("backup.before")
    with whole_copy(connection, target) as part:
        crash_point("backup.copied")
        part.rename(target)
    files.sync_directory(directory)
    crash_point("backup.after")
    return target


def _number(names: Sequence[str]) -> str:
    return names[-1].partition("_")[0] if names else "m0000"
