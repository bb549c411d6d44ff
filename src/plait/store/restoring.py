"""A backup in the place of the database, which is kept among the backups.

Rules:
1. Nobody else owns the database meanwhile, and nothing is changed before the backup was copied and checked.
2. The backup is only read. A kill leaves the one or the other in place, whole (`store.replacing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plait.core.counting import counted
from plait.core.errors import NewerDatabase, StoreError
from plait.store import files, schema
from plait.store.backup import check, copy, counted_rows
from plait.store.crashpoints import crash_point
from plait.store.faults import translated
from plait.store.reading import looking
from plait.store.replacing import finish, owned, replace, replaced_name
from plait.store.workshop import workshop


@dataclass(frozen=True, slots=True)
class Restored:
    """The rows that are there now, by table, and where the database is that was there; None where there was none."""

    rows: Mapping[str, int]
    kept: Path | None


def restore(database: Path, backup: Path, now: float) -> Restored:
    """Put a copy of `backup` into the database's place; `now` is in seconds since 1970.

    Raises `StoreBusy` where a process owns the database, `NewerDatabase` for a backup of a later plait, `StoreError`.
    """
    with translated(database):
        database = files.resolved(database)
        files.make_private_directory(database.parent)
    with owned(database), translated(database):
        finish(database)
        _require_backup(database, backup)
        with workshop(database) as place:
            crash_point("restore.before")
            part = place / "plait.db"
            files.make_private_file(part)
            copy(backup, part, database)
            crash_point("restore.copied")
            if problems := check(part):
                more = f" {counted(len(problems) - 1, 'more problem')} after that one." if len(problems) > 1 else ""
                told = problems[0].replace(str(part), str(backup))
                raise StoreError(f"The backup {backup} is not sound: {told}{more} Nothing was changed; restore another one.")
            rows = counted_rows(part)
            there = database.exists()
            kept = replaced_name(database, now)
            crash_point("restore.checked")
            replace(database, part, kept)
        crash_point("restore.after")
    return Restored(rows, kept if there else None)


def _require_backup(database: Path, backup: Path) -> None:
    """Raises for what cannot be gone on with."""
    if not backup.is_file():
        raise StoreError(f"There is no file {backup}. `plait doctor` says where the backups are.")
    if database.exists() and backup.samefile(database):
        raise StoreError(f"{backup} is the database itself. Name a backup of it; `plait doctor` says where they are.")
    with looking(backup) as connection:
        applied = schema.applied_migrations(connection, backup) if connection is not None else ()
    shipped = schema.shipped_migrations(schema.migrations_directory())
    if later := [name for name in applied if name not in shipped]:
        raise NewerDatabase(f"The backup {backup} was written by a later plait ({later[-1]}). Restore it with that one.")
    if not applied:
        raise StoreError(f"The file {backup} holds nothing of plait. Name a backup; `plait doctor` says where they are.")
