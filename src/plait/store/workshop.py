"""A private directory for a database that is being made, beside the place where it will go, and so on the same disk.

Who works in one holds a lock on it, which a kill gives back: what nobody works in any more is a half copy, and is cleared away by the next
one that works there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from plait.store import engine, files

_PREFIX = ".plait-making-"


@contextmanager
def workshop(beside: Path) -> Iterator[Path]:
    """A directory in the one of `beside`, mode 0700; it goes with all that is in it. Raises `OSError`."""
    clear_workshops(beside.parent)
    place, descriptor = _taken(beside.parent)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(descriptor)


@contextmanager
def whole_copy(source: engine.Connection, beside: Path) -> Iterator[Path]:
    """A copy of all that the connection sees, in a workshop: one private file, synced, whole without a log beside it.

    Raises `engine.Error`, `OSError`.
    """
    with workshop(beside) as place:
        part = place / "plait.db"
        files.make_private_file(part)
        with closing(engine.connect(part, writing=True)) as copied:
            source.backup(copied)
            copied.execute("PRAGMA journal_mode = DELETE")
        files.sync_file(part)
        yield part


def clear_workshops(directory: Path) -> None:
    """Remove what a killed process has left half made."""
    for place in directory.glob(f"{_PREFIX}*"):
        try:
            descriptor = _locked(place)
        except OSError:
            continue  # somebody works in it
        shutil.rmtree(place, ignore_errors=True)
        os.close(descriptor)


def _taken(directory: Path) -> tuple[Path, int]:
    while True:
        place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=directory))
        try:
            descriptor = _locked(place)
        except (BlockingIOError, FileNotFoundError):
            continue  # somebody cleared it away before it was locked
        if place.exists():
            return place, descriptor
        os.close(descriptor)


def _locked(place: Path) -> int:
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
