"""Which SQLite it is: the one module that knows. Every connection and every exception class comes from here.

`pysqlite3` where it is installed (SQLite 3.53), else the standard library's; the same choice as sqlite-utils makes, so that both speak to
one library. The exception classes of the two are not the same, which is why nothing else may import either.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from plait.core.errors import StoreError

if TYPE_CHECKING:
    import sqlite3 as _sqlite  # noqa: TID251
else:
    try:
        import pysqlite3.dbapi2 as _sqlite
    except ImportError:
        import sqlite3 as _sqlite  # noqa: TID251

Connection = _sqlite.Connection
Error = _sqlite.Error
"""Base of everything that SQLite raises; it carries `sqlite_errorcode`."""
DatabaseError = _sqlite.DatabaseError
OperationalError = _sqlite.OperationalError
IntegrityError = _sqlite.IntegrityError

version: tuple[int, ...] = tuple(int(part) for part in _sqlite.sqlite_version.split("."))
"""Of the SQLite library, such as (3, 53, 4)."""

OLDEST = (3, 37)
"""The first SQLite with STRICT tables."""

BUSY_TIMEOUT = 1.0
"""Seconds to wait for another program's lock. No longer: the journal says what is wrong within a second, and then tries again."""

_HARMLESS = frozenset(b"/-_.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")


def require_modern(library: tuple[int, ...] = version) -> None:
    """Raises `StoreError` for an SQLite without what the tables need."""
    if library < OLDEST:
        found, oldest = (".".join(map(str, one)) for one in (library, OLDEST))
        raise StoreError(f"This Python has SQLite {found}, and plait needs {oldest} or later. Install pysqlite3, or a newer Python.")


def has_wal_reset_fault(library: tuple[int, ...] = version) -> bool:
    """Whether this SQLite can corrupt a WAL database when two connections write and checkpoint at once.

    Versions 3.7.0 to 3.51.2 can; the fix of 3.51.3 was carried back to 3.50.7 and 3.44.6.
    """
    fixed = library >= (3, 51, 3) or (3, 50, 7) <= library < (3, 51) or (3, 44, 6) <= library < (3, 45)
    return library >= (3, 7) and not fixed


def connect(path: str | os.PathLike[str], *, writing: bool, still: bool = False) -> Connection:
    """A connection to an existing file in autocommit mode, for any thread that holds the lock which guards it.

    Never makes a file. One that is not for writing can neither write nor checkpoint; on a disk that is full or read-only it needs to be
    told that the file is `still`: nobody writes it, and it has no log. Raises this module's `Error`.
    """
    mode = "rw" if writing else "ro&immutable=1" if still else "ro"
    # Every byte but the harmless ones as %XX (https://sqlite.org/uri.html); urllib, which could do it, costs 3 ms to import.
    quoted = "".join(chr(byte) if byte in _HARMLESS else f"%{byte:02X}" for byte in os.fsencode(path))
    name = f"file:{quoted}?mode={mode}"
    connection = _sqlite.connect(name, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    if not writing:
        connection.execute("PRAGMA query_only = ON")
    return connection
