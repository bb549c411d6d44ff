"""Keeping: how a session is filed, where it was forked from, and how its first message begins."""

import json

from sqlite_utils import Database, Migrations

migrations = Migrations("plait")


@migrations()
def m0004_filing(database: Database) -> None:
    """Widen the row of a session, and fill in how its first message begins; nothing was filed or forked before."""
    for statement in _COLUMNS:
        database.execute(statement)
    found: dict[str, str] = {}
    for session, data in database.execute(_MESSAGES):
        if not found.get(session):
            found[session] = _first(data)
    for session, first in found.items():
        database.execute("UPDATE sessions SET first = ? WHERE id = ?", (first, session))


def _first(data: str) -> str:
    """How a message begins, in one line of at most 200 characters; empty for one that cannot be read, which is refused when it is used."""
    try:
        line = " ".join(json.loads(data)["text"][:400].split())
    except (AttributeError, LookupError, TypeError, ValueError):
        return ""
    return line if len(line) <= 200 else line[:199] + "…"


# A list can be narrowed by tags and by words of the first message, and must not show what lies in the trash or the archive: it needs no
# fold for that. As all of the row but the project, these can be computed again from the events.
_COLUMNS = tuple(
    f"ALTER TABLE sessions ADD COLUMN {column}"
    for column in (
        "first TEXT NOT NULL DEFAULT ''",
        "tags TEXT NOT NULL DEFAULT '[]'",
        "pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1))",
        "archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1))",
        "trashed_at REAL NOT NULL DEFAULT 0",
        "forked_from TEXT NOT NULL DEFAULT ''",
    )
)

_MESSAGES = "SELECT session, data FROM events WHERE type = 'UserSaid' ORDER BY session, seq"
