"""Putting another database in the place of the present one, which is kept: all of it or nothing, whenever the process is killed.

The new one, whole and synced, first gets a name beside the database that also says where the present one goes. From then on it is decided:
whoever next owns the database finishes it, before anything else. The caller owns the database and has it not open.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plait.store import files
from plait.store.crashpoints import crash_point
from plait.store.owner import take_ownership
from plait.store.workshop import clear_workshops

_WAITING = ".next-"


@contextmanager
def owned(database: Path) -> Iterator[None]:
    """Own the database meanwhile. Raises `StoreBusy` if another process does."""
    lock = take_ownership(database)
    try:
        yield
    finally:
        lock.release()


def corrupt_name(database: Path, now: float) -> Path:
    """An unused name beside the database for a damaged one; `now` is in seconds since 1970."""
    return files.unused(database.with_name(f"{database.name}.corrupt-{files.utc_stamp(now)}"))


def replaced_name(database: Path, now: float) -> Path:
    """An unused name for a database that gives its place to another one: among the backups, or beside it."""
    return files.unused(_place_of_replaced(database) / f"{database.stem}-replaced-{files.utc_stamp(now)}.db")


def _place_of_replaced(database: Path) -> Path:
    """Among the backups, but for those on another disk, where a rename does not lead."""
    backups = files.backups_of(database)
    is_near = not backups.exists() or backups.stat().st_dev == database.parent.stat().st_dev
    return backups if is_near else database.parent


def replace(database: Path, new: Path, kept: Path) -> None:
    """Put `new` into the database's place. The present one, with its log, is `kept`, one of the two names above. Raises `OSError`."""
    files.sync_file(new)
    waiting = database.with_name(f"{database.name}{_WAITING}{kept.name}")
    crash_point("replace.before")
    new.rename(waiting)
    files.sync_directory(database.parent)
    crash_point("replace.decided")
    _finish(database, waiting, kept)


def finish(database: Path) -> None:
    """Finish what a kill has interrupted, and clear what was half made then. Raises `OSError`."""
    for path in sorted(database.parent.glob(f"{database.name}{_WAITING}*")):
        kept = path.name.removeprefix(f"{database.name}{_WAITING}")
        place = database.parent if kept.startswith(f"{database.name}.corrupt-") else _place_of_replaced(database)
        _finish(database, path, place / kept)
    clear_workshops(database.parent)
    clear_workshops(files.backups_of(database))


def _finish(database: Path, waiting: Path, kept: Path) -> None:
    files.make_private_directory(kept.parent)
    move_with_log(database, kept)
    crash_point("replace.moved")
    waiting.rename(database)
    files.sync_directory(database.parent)
    crash_point("replace.after")


def move_with_log(database: Path, kept: Path) -> None:
    """Rename the database and what SQLite keeps beside it.

    The log goes last: left behind by a kill it is an orphan, which `files.damage` finds. The -shm is worthless alone, and is kept all
    the same. A journal must not stay beside another database, which it would be taken to belong to.
    """
    files.close_to_others(database)
    for source, target in (
        (database, kept),
        (files.shm_path(database), files.shm_path(kept)),
        (files.journal_path(database), files.journal_path(kept)),
        (files.wal_path(database), files.wal_path(kept)),
    ):
        if source.exists():
            source.rename(files.unused(target))
            crash_point("aside.moved")
    files.sync_directory(kept.parent)
    files.sync_directory(database.parent)
