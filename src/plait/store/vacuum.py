"""The database without the room that nothing uses any more: a copy is made, checked, and put in its place."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from plait.core.counting import counted
from plait.core.errors import StoreError
from plait.store import engine, files, schema
from plait.store.backup import check, counted_rows, is_current
from plait.store.crashpoints import crash_point
from plait.store.faults import translated
from plait.store.reading import looking
from plait.store.replacing import finish, owned, replace, replaced_name
from plait.store.workshop import workshop

SPARE = 1024 * 1024
"""Bytes that shall be free beside the copy."""


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """Bytes of the database and its log, before and after."""

    before: int
    after: int


def vacuum(database: Path, now: float) -> Vacuumed:
    """Make the database as small as it can be; `now` is in seconds since 1970.

    Raises `StoreBusy` where a process owns the database, `StoreError` where it is not sound or has no room; it is unchanged then.
    """
    with translated(database):
        database = files.resolved(database)
    if not database.parent.is_dir():
        raise _nothing(database)
    with owned(database), translated(database):
        finish(database)
        if not database.exists():
            raise _nothing(database)
        before = _size(database)
        _require_sound(database)
        _require_room(database, before)
        with workshop(database) as place:
            crash_point("vacuum.before")
            part = place / "plait.db"
            _write_copy(database, part)
            crash_point("vacuum.written")
            if (problems := check(part)) or counted_rows(part) != counted_rows(database):
                raise StoreError(
                    f"The copy without free room is not what the database is ({problems[:1]}). Nothing was changed; please report this."
                )
            kept = replaced_name(database, now)
            crash_point("vacuum.checked")
            replace(database, part, kept)
        crash_point("vacuum.replaced")
        for path in (kept, files.wal_path(kept), files.shm_path(kept)):
            path.unlink(missing_ok=True)  # all of it is in the new file, checked
        crash_point("vacuum.after")
        return Vacuumed(before, _size(database))


def _write_copy(database: Path, part: Path) -> None:
    files.make_private_file(part)
    with closing(engine.connect(database, writing=True)) as writer:
        schema.configure(writer, database)
        writer.execute("INSERT INTO search_words (search_words) VALUES ('optimize')")
        writer.execute("VACUUM INTO ?", (str(part),))  # an empty file may be there, with our mode
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _require_sound(database: Path) -> None:
    with looking(database) as connection:
        if connection is None or not is_current(connection, database):
            raise StoreError(f"The database {database} is not of this version of plait. Start plait once, which brings it up to date.")
    if problems := check(database):
        told = counted(len(problems), "problem")
        raise StoreError(f"The database {database} has {told}, the first: {problems[0]} Nothing was changed. See `plait doctor --repair`.")


def _require_room(database: Path, needed: int) -> None:
    free = shutil.disk_usage(database.parent).free
    if free < needed + SPARE:
        raise StoreError(
            f"The copy may take {needed:,} bytes, and {free:,} are free on the disk of {database}. Make room; nothing was changed."
        )


def _size(database: Path) -> int:
    return sum(path.stat().st_size for path in (database, files.wal_path(database)) if path.exists())


def _nothing(database: Path) -> StoreError:
    return StoreError(f"There is no database at {database} yet, so there is nothing to make smaller. Start plait, which makes it.")
