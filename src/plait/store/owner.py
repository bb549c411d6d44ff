"""One process owns a database (promise P5): an flock on a file beside it.

Rules:
1. The lock decides, never the number in the file: a process that was killed lets go at once, and a number may have a new bearer.
2. The file stays when the owner leaves; removing it would let two processes lock two files of one name.
3. The descriptor is closed in children that start another program, so that no child keeps the lock.
4. The file also says where the owner can be asked (`announce`). That may be out of date; who listens there decides.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from pathlib import Path

from plait.core.errors import StoreBusy
from plait.store.faults import store_error

LONGEST = 4096
"""Bytes of the lock file that are read."""


def lock_path(database: Path) -> Path:
    """The lock file of `database`."""
    return database.with_name(database.name + ".lock")


class OwnerLock:
    """The ownership of one database, held until `release`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let go; a second call does nothing."""
        if self._descriptor is not None:
            # Explicitly: a child that is just being started holds the same open file until it has its own program.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None


def take_ownership(database: Path) -> OwnerLock:
    """Become the owner of `database`, whose directory exists. Raises `StoreBusy` if another process is, `StoreError` if it cannot be."""
    path = lock_path(database)
    try:
        while True:
            with ExitStack() as given_up:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                given_up.callback(os.close, descriptor)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise _busy(database, _signer(descriptor)) from None
                if _is_file_at(descriptor, path):  # else somebody removed it between opening and locking: lock the new one
                    _sign(descriptor)
                    given_up.pop_all()
                    return OwnerLock(descriptor)
    except OSError as error:
        raise store_error(error, path) from error


def announce(database: Path, place: str) -> None:
    """Say where the owner, which is this process, can be asked; an empty place: nowhere. Raises `StoreError`."""
    path = lock_path(database)
    text = f"{os.getpid()}\n{place}\n" if place else f"{os.getpid()}\n"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "wb") as file:
            file.truncate(0)
            file.write(os.fsencode(text))
    except OSError as error:
        raise store_error(error, path) from error


def announced(database: Path) -> tuple[int | None, str]:
    """The process that owned `database` last, and where it could be asked; None and nothing where that is not known."""
    try:
        with open(os.open(lock_path(database), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
            text = file.read(LONGEST)
    except OSError:
        return None, ""
    first, place, *_ = [*text.split(b"\n"), b""]
    return _number(first), os.fsdecode(place)


def _is_file_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    os.fchmod(descriptor, 0o600)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)


def _signer(descriptor: int) -> int | None:
    return _number(os.pread(descriptor, LONGEST, 0).partition(b"\n")[0])


def _number(line: bytes) -> int | None:
    """The process that a line names; of bytes, for a text has digits that are no numbers."""
    text = line.strip()
    return int(text) if text.isdigit() and len(text) < 20 else None


def _busy(database: Path, pid: int | None) -> StoreBusy:
    who = f"process {pid}" if pid else "its process is not known"
    return StoreBusy(f"Another plait ({who}) uses the database {database}. Leave that one first, or wait until it has ended.", pid)
