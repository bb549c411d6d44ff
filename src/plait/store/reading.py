"""Reading a database beside the process that owns it: for commands that only look.

The connection can neither write nor checkpoint, and everything is read as it was at one moment, whatever the owner does meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.core.commands import Draft, SessionInfo
from plait.core.errors import StoreError
from plait.core.events import Stamped
from plait.core.messages import SessionId
from plait.core.ports import Project
from plait.core.searching import Places, Query
from plait.store import engine, files, purging, schema, statements
from plait.store.faults import comes_from_the_disk, translated
from plait.store.rows import stamped_events
from plait.store.search import find

_USAGE = """
SELECT coalesce(json_extract(events.data, '$.model'), '') AS model, sessions.project,
    coalesce(date(events.at, 'unixepoch', 'localtime'), '') AS day, count(*),
    sum(json_extract(events.data, '$.usage.input')), sum(json_extract(events.data, '$.usage.output')),
    sum(json_extract(events.data, '$.usage.cached')), total(json_extract(events.data, '$.cost')),
    sum(json_type(events.data, '$.cost') IS 'null')
FROM events JOIN sessions ON sessions.id = events.session
WHERE events.type IN ('AssistantSaid', 'Compacted') AND json_valid(events.data) AND json_type(events.data, '$.usage') = 'object'
GROUP BY 1, 2, 3
ORDER BY 3, 1, 2
"""


@dataclass(frozen=True, slots=True)
class Used:
    """What the calls of one model took in one project on one day (of the user's own time zone, as 2026-01-31).

    `cost` is in US dollars, of the calls whose price was known; `unpriced` counts the others.
    """

    model: str
    project: str
    day: str
    calls: int
    input: int
    output: int
    cached: int
    cost: float
    unpriced: int


class Reader:
    """What lies in a database, as it was when the reader first looked. Made by `reading`."""

    def __init__(self, connection: engine.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    def __repr__(self) -> str:
        return f"<Reader {self.path}>"

    def sessions(self) -> list[SessionInfo]:
        """See `Store.sessions`."""
        return [statements.session_info(row) for row in self._select(statements.READ_SESSIONS)]

    def events(self, session: SessionId) -> list[Stamped]:
        """All durable events of a session, in order."""
        return stamped_events(session, self._select(statements.READ_EVENTS, (session, 0, statements.LAST_SEQ)))

    def drafts(self) -> dict[SessionId, Draft]:
        """See `Store.drafts`."""
        return {SessionId(row[0]): Draft(*row) for row in self._select(statements.READ_DRAFTS)}

    def projects(self) -> list[Project]:
        """See `Store.projects`."""
        return [Project(*row) for row in self._select(statements.READ_PROJECTS)]

    def sizes(self, sessions: Sequence[SessionId]) -> dict[SessionId, int]:
        """See `Store.sizes`."""
        return purging.sizes(self._connection, sessions)

    def search(self, query: Query) -> Places:
        """See `Store.search`."""
        return find(self._connection, query)

    def usage(self) -> list[Used]:
        """What model calls took, by day, model and project; calls of which the provider reported nothing are not counted."""
        return [Used(*row) for row in self._select(_USAGE)]

    def _select(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()


@contextmanager
def reading(path: Path) -> Iterator[Reader | None]:
    """A reader of the database at `path`; None where there is none yet. Changes nothing.

    Raises `StoreError`, also for a database that an earlier plait left and that was not brought up to date since.
    """
    with looking(path) as connection:
        if connection is None:
            yield None
            return
        applied = schema.applied_migrations(connection, path)
        if not applied:
            yield None
            return
        if pending(applied):
            raise StoreError(f"The database {path} is as an earlier plait left it. Start plait once, which brings it up to date.")
        yield Reader(connection, path)


@contextmanager
def looking(path: Path) -> Iterator[engine.Connection | None]:
    """A connection that sees the database at `path` as it was at its first look; None where there is no file. Raises `StoreError`."""
    with translated(path):
        if not path.exists():
            yield None
            return
        with closing(_reader(path)) as connection:
            connection.execute("BEGIN")
            yield connection


def _reader(path: Path) -> engine.Connection:
    """Where the disk has no room for what SQLite keeps beside a database, one without a log can be read all the same."""
    connection = engine.connect(path, writing=False)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except engine.Error as error:
        connection.close()
        log = files.wal_path(path)
        if not comes_from_the_disk(error) or (log.exists() and log.stat().st_size):
            raise
        return engine.connect(path, writing=False, still=True)
    return connection


def pending(applied: Sequence[str]) -> list[str]:
    """Names of the migrations that a database with the `applied` ones has not had."""
    return [name for name in schema.shipped_migrations(schema.migrations_directory()) if name not in applied]
