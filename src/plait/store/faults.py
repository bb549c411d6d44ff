"""What SQLite and the operating system raise, as `StoreError`s that say what happened and what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from plait.core.errors import StoreError
from plait.store import engine

# Primary result codes of https://sqlite.org/rescode.html; an extended code carries its primary one in the lowest byte.
_BUSY, _LOCKED, _NO_MEMORY, _READ_ONLY, _IO, _CORRUPT, _FULL, _CANNOT_OPEN, _TOO_BIG, _CONSTRAINT, _NOT_A_DATABASE = (
    5,
    6,
    7,
    8,
    10,
    11,
    13,
    14,
    18,
    19,
    26,
)

_TEXTS = {
    _BUSY: "Another program holds the database {path} locked. Close that program; what waits is written as soon as it lets go.",
    _LOCKED: "Another program holds the database {path} locked. Close that program; what waits is written as soon as it lets go.",
    _NO_MEMORY: "There is no memory left to use the database {path}. Close other programs.",
    _READ_ONLY: "The database {path} may not be written. Give its file, its directory and its disk write permission.",
    _IO: "The disk did not read or write the database {path} as asked ({reason}). Look at its free space, its quota and its limits.",
    _CORRUPT: "The database {path} is damaged ({reason}). Leave plait; `plait doctor --repair` salvages what can be read.",
    _FULL: "The disk is full, so the database {path} cannot grow. Make room; what waits is written then.",
    _CANNOT_OPEN: "The database {path}, or its log beside it, cannot be opened. Look at the permissions and the free space there.",
    _TOO_BIG: "Something is too large for the database {path} ({reason}). Split it into smaller parts.",
    _CONSTRAINT: "The database {path} refused what does not fit the rest of it ({reason}). Nothing was written; please report this.",
    _NOT_A_DATABASE: "The file {path} is not a database. Move it away, or name another one.",
}
_OTHER = "The database {path} could not do what was asked ({reason}). Nothing was written; please report this."

_SYSTEM_TEXTS = {
    errno.ENOSPC: "The disk is full, so {path} cannot be written. Make room and try again.",
    errno.EDQUOT: "Your disk quota is used up, so {path} cannot be written. Make room and try again.",
    errno.EROFS: "The disk that holds {path} is read-only. Make it writable, or set PLAIT_HOME to a directory on another one.",
    errno.EACCES: "There is no permission to use {path}. Give yourself access, or set PLAIT_HOME to a directory of your own.",
    errno.EPERM: "There is no permission to use {path}. Give yourself access, or set PLAIT_HOME to a directory of your own.",
    errno.EISDIR: "{path} is a directory, where the database should be. Move it away, or set PLAIT_HOME to another directory.",
    errno.ENOTDIR: "A part of {path} is a file, where a directory should be. Move that file away, or set PLAIT_HOME to another directory.",
    errno.ELOOP: "{path} is a symbolic link that leads nowhere. Remove the link, or make what it points to.",
}
_SYSTEM_OTHER = "{path} cannot be used ({reason}). Make it usable, or set PLAIT_HOME to another directory."


_CODES_BY_TEXT = {
    "database is locked": _BUSY,
    "attempt to write a readonly database": _READ_ONLY,
    "disk I/O error": _IO,
    "database disk image is malformed": _CORRUPT,
    "database or disk is full": _FULL,
    "unable to open database file": _CANNOT_OPEN,
    "file is not a database": _NOT_A_DATABASE,
}
"""Python's `Connection.backup` raises errors without a code, but with SQLite's text."""


def primary_code(error: engine.Error) -> int:
    """SQLite's primary result code; 1, the general error, where the error has none."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else _CODES_BY_TEXT.get(str(error), 1)


def is_damage(error: engine.Error) -> bool:
    """Whether the error says that the file's content cannot be a database."""
    return primary_code(error) in (_CORRUPT, _NOT_A_DATABASE)


def comes_from_the_disk(error: engine.Error) -> bool:
    """Whether the disk is full, read-only or broken, so that SQLite cannot make what it keeps beside a database."""
    return primary_code(error) in (_READ_ONLY, _IO, _FULL, _CANNOT_OPEN)


def comes_from_outside(error: engine.Error) -> bool:
    """Whether the disk, the memory or another program is the reason, and not what was asked."""
    return primary_code(error) in (_BUSY, _LOCKED, _NO_MEMORY, _READ_ONLY, _IO, _CORRUPT, _FULL, _CANNOT_OPEN)


def store_error(error: engine.Error | OSError, path: str | os.PathLike[str]) -> StoreError:
    """The `StoreError` for a foreign error met while using `path`."""
    shown = os.fsencode(path).decode("utf-8", "replace")
    if isinstance(error, OSError):
        text = _SYSTEM_TEXTS.get(error.errno or 0, _SYSTEM_OTHER)
        return StoreError(text.format(path=shown, reason=error.strerror or error))
    return StoreError(_TEXTS.get(primary_code(error), _OTHER).format(path=shown, reason=error))


@contextmanager
def translated(path: str | os.PathLike[str]) -> Iterator[None]:
    """Errors of SQLite and of the operating system inside become `StoreError`s."""
    try:
        yield
    except (engine.Error, OSError) as error:
        raise store_error(error, path) from error
