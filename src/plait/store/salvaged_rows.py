"""What the pages of a damaged database hold, sorted: events by session and number, and the little that is not made of events.

It lies in a database of its own on the disk, for a damaged one may be larger than the memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Project
from plait.store import engine, files, statements
from plait.store.damaged_pages import Value, rows
from plait.store.rows import EventRow

_TABLES = (
    "CREATE TABLE events (session, seq, thread, at, type, data, PRIMARY KEY (session, seq)) WITHOUT ROWID",
    "CREATE TABLE sessions (id PRIMARY KEY, seq)",
    "CREATE TABLE projects (id PRIMARY KEY, name, directory, created_at)",
    "CREATE TABLE drafts (session PRIMARY KEY, text, cursor, at)",
)


class SalvagedRows:
    """Made by `salvaged_rows`."""

    def __init__(self, connection: engine.Connection) -> None:
        self._connection = connection

    def sessions(self) -> list[SessionId]:
        """The sessions of which the first event was found, the oldest first."""
        return [SessionId(row[0]) for row in self._connection.execute("SELECT session FROM events WHERE seq = 1 ORDER BY at, session")]

    def events(self, session: SessionId) -> list[EventRow]:
        """What was found of a session, in order; there may be gaps."""
        found = self._connection.execute(statements.READ_EVENTS, (session, 0, statements.LAST_SEQ))
        return [EventRow(session, *row) for row in found]

    def expected(self, session: SessionId) -> int:
        """The number of its last event, as its row says; 0 where that is gone."""
        row = self._connection.execute("SELECT seq FROM sessions WHERE id = ?", (session,)).fetchone()
        return int(row[0]) if row else 0

    def count(self, session: SessionId | None = None) -> int:
        """Events that were found, of one session or of all."""
        of_one, values = ("", ()) if session is None else ("WHERE session = ?", (session,))
        return int(self._connection.execute(f"SELECT count(*) FROM events {of_one}", values).fetchone()[0])

    def project(self, identity: str) -> Project | None:
        """A project whose row was found."""
        row = self._connection.execute("SELECT * FROM projects WHERE id = ?", (identity,)).fetchone()
        return Project(ProjectId(row[0]), *row[1:]) if row else None

    def draft(self, session: SessionId) -> Sequence[Value] | None:
        """What was typed in a session and not sent, as `statements.KEEP_DRAFT` takes it."""
        row: Sequence[Value] | None = self._connection.execute("SELECT * FROM drafts WHERE session = ?", (session,)).fetchone()
        return row


@contextmanager
def salvaged_rows(database: Path, scratch: Path) -> Iterator[SalvagedRows]:
    """Sort what can be read of `database` into `scratch`, a file that is not there yet. Raises `OSError`, `engine.Error`."""
    files.make_private_file(scratch)
    with closing(engine.connect(scratch, writing=True)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # nobody will want it after a crash
        connection.execute("PRAGMA synchronous = OFF")
        for table in _TABLES:
            connection.execute(table)
        connection.execute("BEGIN")
        for row in rows(database):
            _take(connection, row)
        connection.execute("COMMIT")
        yield SalvagedRows(connection)


def _take(connection: engine.Connection, row: tuple[Value, ...]) -> None:
    """Keep a row that has the form of one of ours; others, and those of the index, are left.

    In a session's row the number of its last event has been the tenth column since the first schema; later ones follow it.
    """
    match row:
        case (str(), int(seq), int(), int() | float(), str(), str(data)) if seq > 0 and _is_object(data):
            connection.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?)", row)
        case (str(identity), str(), str(), str(), str(), str(), int(), int() | float(), int() | float(), int(seq), *_):
            connection.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?)", (identity, seq))
        case (str(), str(), str(directory), int() | float()) if directory.startswith("/"):
            connection.execute("INSERT OR IGNORE INTO projects VALUES (?, ?, ?, ?)", row)
        case (str(), str(), int(), int() | float()):
            connection.execute(f"{statements.KEEP_DRAFT} WHERE excluded.at >= drafts.at", row)
        case _:
            pass


def _is_object(data: str) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False
