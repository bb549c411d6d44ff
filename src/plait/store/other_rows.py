"""Rows of a damaged database that are not made of events, such as answers about trust: taken where SQLite can still read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from plait.store import engine

_TAKEN_ELSEWHERE = ("events", "sessions", "threads", "projects", "drafts", "owner", "_sqlite_migrations")


def copy_other_rows(database: Path, writer: engine.Connection) -> None:
    """Copy what fits into the tables of `writer`; the index is made anew, and what refers to a session that is gone stays out."""
    for table, columns in list(_tables(writer)):
        names = ", ".join(f'"{name}"' for name in columns)
        places = ", ".join("?" for _ in columns)
        with suppress(engine.Error), closing(engine.connect(database, writing=False)) as reader:
            for row in reader.execute(f'SELECT {names} FROM "{table}"'):
                with suppress(engine.Error):
                    writer.execute(f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({places})', row)


def _tables(writer: engine.Connection) -> Iterator[tuple[str, list[str]]]:
    for (table,) in writer.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        if table not in _TAKEN_ELSEWHERE and not table.startswith(("search_", "sqlite_")):
            yield table, [row[1] for row in writer.execute(f'PRAGMA table_info("{table}")')]
