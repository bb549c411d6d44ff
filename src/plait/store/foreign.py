"""Another program's SQLite database, read and never written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plait.core.errors import StoreError
from plait.store import engine


class ForeignDatabase:
    """One open database of another program. Every method may raise `StoreError`."""

    def __init__(self, path: Path, connection: engine.Connection) -> None:
        self._path = path
        self._connection = connection

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns; empty where there is no such table. `table` is a name of ours, never one from a file."""
        return frozenset(row[1] for row in self.rows(f'PRAGMA table_info("{table}")'))

    def rows(self, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, as they are asked for."""
        with _told(self._path):
            yield from self._connection.execute(sql, tuple(values))


@contextmanager
def foreign_database(path: Path) -> Iterator[ForeignDatabase]:
    """The database at `path`. Text that is not UTF-8 comes with U+FFFD in its place. Raises `StoreError`."""
    with _told(path):
        connection = engine.connect(path, writing=False)
    try:
        connection.text_factory = lambda raw: raw.decode(errors="replace")
        yield ForeignDatabase(path, connection)
    finally:
        connection.close()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except engine.Error as error:
        raise StoreError(
            f"The database {path} cannot be read ({error}). Nothing was changed in it; leave the program that uses it."
        ) from error
