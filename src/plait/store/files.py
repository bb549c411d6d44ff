"""The database's files: private whatever the umask, recognised when they are replaced or damaged; never deleted.

No function here may open the database, its -wal or its -shm while a connection of this process has it open: closing any descriptor of a
file drops all of the process's POSIX locks on it (https://sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

from plait.core.errors import StoreError

PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700
_MAGIC = b"SQLite format 3\0"
"""The first 16 bytes of every database (https://sqlite.org/fileformat.html)."""


def wal_path(database: Path) -> Path:
    """SQLite's write-ahead log of `database`: newer commits are there and nowhere else."""
    return database.with_name(database.name + "-wal")


def shm_path(database: Path) -> Path:
    """SQLite's index of the write-ahead log; it can be made again from it."""
    return database.with_name(database.name + "-shm")


def journal_path(database: Path) -> Path:
    """What SQLite undoes an interrupted change with, while the database has no write-ahead log yet."""
    return database.with_name(database.name + "-journal")


def backups_of(database: Path) -> Path:
    """Where copies of the database are."""
    return database.parent / "backups"


def unused(path: Path) -> Path:
    """`path`, or one like it, where neither a database nor its log lies."""
    number, free = 1, path
    while free.exists() or wal_path(free).exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}" if path.suffix == ".db" else f"{path.name}-{number}")
    return free


def resolved(path: Path) -> Path:
    """`path` without symbolic links, so that one file has one lock. Raises `StoreError` for what cannot become a database."""
    real = Path(os.path.realpath(path))
    try:
        mode = real.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise StoreError(f"{path} is a symbolic link that leads nowhere. Remove the link, or make what it points to.") from None
        return real
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory", str(real))
    if not stat.S_ISREG(mode):
        raise StoreError(f"{real} is not an ordinary file, where the database should be. Move it away, or set PLAIT_HOME elsewhere.")
    return real


def make_private_directory(directory: Path) -> None:
    """Make `directory` and what is missing above it, for this user alone; those that exist stay as they are."""
    if directory.is_dir():
        return
    make_private_directory(directory.parent)
    try:
        directory.mkdir(PRIVATE_DIRECTORY)
    except FileExistsError:
        if not directory.is_dir():
            raise
    else:
        directory.chmod(PRIVATE_DIRECTORY)
        sync_directory(directory.parent)


def make_private_file(path: Path) -> None:
    """Make an empty file for this user alone, before SQLite would with the umask's mode. Its -wal and -shm take its mode."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        os.fchmod(descriptor, PRIVATE_FILE)
    finally:
        os.close(descriptor)
    sync_directory(path.parent)


def close_to_others(database: Path) -> None:
    """Take all access by others from the files of a database that exists already."""
    for path in (database, wal_path(database), shm_path(database), journal_path(database)):
        try:
            if stat.S_IMODE(path.stat().st_mode) != PRIVATE_FILE:
                path.chmod(PRIVATE_FILE)
        except FileNotFoundError:
            continue


def sync_directory(directory: Path) -> None:
    """Have the directory's entries on disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Have the file's content on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def damage(database: Path) -> str | None:
    """Why what lies at `database`, not open in this process, cannot be opened; None for a database or for nothing yet.

    A log without its database holds commits that SQLite would throw away when it begins a fresh file beside it.
    """
    try:
        with database.open("rb") as file:
            head = file.read(len(_MAGIC))
    except FileNotFoundError:
        head = b""
    if head == _MAGIC:
        return None
    if head:
        return "it does not begin as a database does"
    try:
        orphan = wal_path(database).stat().st_size > 0
    except FileNotFoundError:
        orphan = False
    return "it is empty or gone, but its write-ahead log is there" if orphan else None


def utc_stamp(now: float) -> str:
    """`now`, in seconds since 1970, as it stands in file names."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


class Identity:
    """Which files the store has open, to be compared with what lies under their names.

    Writing into a file that was unlinked succeeds, and is lost: nothing is acknowledged without looking.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._wal = wal_path(database)
        self._known = (_device_and_inode(os.stat(database)), _device_and_inode(os.stat(self._wal)))
        self._size = os.stat(database).st_size

    def check(self) -> None:
        """Raises `StoreError` if the database or its log was deleted, replaced or cut short."""
        try:
            database, wal = os.stat(self._database), os.stat(self._wal)
        except FileNotFoundError as error:
            raise self._lost("deleted or moved away") from error
        if (_device_and_inode(database), _device_and_inode(wal)) != self._known:
            raise self._lost("replaced by another file")
        if database.st_size < self._size:  # it never shrinks: nothing vacuums it
            raise self._lost("cut short")
        self._size = database.st_size

    def _lost(self, what: str) -> StoreError:
        return StoreError(
            f"The database {self._database} or its log was {what} while plait was using it. "
            "What is said now is not on disk. Put the file back, or leave plait, which keeps what is not saved, and start it again."
        )


def _device_and_inode(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
