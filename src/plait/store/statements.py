"""The SQL of the hot path, each statement in a function on a connection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from plait.core.codec import without_surrogates
from plait.core.commands import SessionInfo
from plait.core.errors import StoreError
from plait.core.session import SessionState
from plait.store import engine
from plait.store.rows import PROGRESS, SUPERSEDING, EventRow

_FIELDS = tuple(one.name for one in fields(SessionInfo))
_stored_fields = attrgetter(*_FIELDS[:-1])  # a draft has its own table
_STATE, _TAGS = _FIELDS.index("state"), _FIELDS.index("tags")
_FLAGS = tuple(map(_FIELDS.index, ("named_by_hand", "muted", "pinned", "archived", "draft")))
_STATES = {state.value: state for state in SessionState}

LAST_SEQ = 2**63 - 1
"""SQLite's largest integer: no upper end."""

READ_EVENTS = "SELECT seq, thread, at, type, data FROM events WHERE session = ? AND seq > ? AND seq <= ? ORDER BY seq"
READ_SETTLED = f"""
SELECT seq, thread, at, type, data FROM events
WHERE session = ? AND seq > ? AND (type <> '{PROGRESS}' OR seq > coalesce((
    SELECT seq FROM events WHERE session = ? AND type IN {SUPERSEDING} ORDER BY seq DESC LIMIT 1
), 0))
ORDER BY seq LIMIT ?
"""
_SESSIONS = """
SELECT id, name, kind, state, project, directory, messages, created_at, last_at, seq, title, named_by_hand, waiting_for, waiting_since,
    unread, ended, ending, queued, used_at, muted, notify, first, tags, pinned, archived, trashed_at, forked_from,
    EXISTS (SELECT 1 FROM drafts WHERE drafts.session = sessions.id)
FROM sessions
"""
_LAST_FIRST = "ORDER BY last_at DESC, created_at DESC, id"
READ_SESSIONS = f"{_SESSIONS} {_LAST_FIRST}"
READ_OPEN_SESSIONS = f"{_SESSIONS} WHERE state <> '{SessionState.COMPLETED}' {_LAST_FIRST}"
READ_PROJECTS = "SELECT id, name, directory, created_at FROM projects ORDER BY created_at, id"
FIND_PROJECT = "SELECT id, name, directory, created_at FROM projects WHERE directory = ?"
ADD_PROJECT = "INSERT INTO projects (id, name, directory, created_at) VALUES (?, ?, ?, ?)"
READ_TRUST = "SELECT digest, allowed FROM trust WHERE project = ?"
KEEP_TRUST = """
INSERT INTO trust (project, digest, allowed, at) VALUES (?, ?, ?, ?)
ON CONFLICT (project) DO UPDATE SET digest = excluded.digest, allowed = excluded.allowed, at = excluded.at
"""
READ_DRAFTS = "SELECT session, text, cursor FROM drafts ORDER BY session"
KEEP_DRAFT = """
INSERT INTO drafts (session, text, cursor, at) VALUES (?, ?, ?, ?)
ON CONFLICT (session) DO UPDATE SET text = excluded.text, cursor = excluded.cursor, at = excluded.at
"""
FORGET_DRAFT = "DELETE FROM drafts WHERE session = ?"
_UPSERT_SESSION = """
INSERT INTO sessions (id, name, kind, state, project, directory, messages, created_at, last_at, seq, title, named_by_hand, waiting_for,
    waiting_since, unread, ended, ending, queued, used_at, muted, notify, first, tags, pinned, archived, trashed_at, forked_from)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, state = excluded.state, project = excluded.project,
    directory = excluded.directory, messages = excluded.messages, created_at = excluded.created_at, last_at = excluded.last_at,
    seq = excluded.seq, title = excluded.title, named_by_hand = excluded.named_by_hand, waiting_for = excluded.waiting_for,
    waiting_since = excluded.waiting_since, unread = excluded.unread, ended = excluded.ended, ending = excluded.ending,
    queued = excluded.queued, used_at = excluded.used_at, muted = excluded.muted, notify = excluded.notify,
    first = excluded.first, tags = excluded.tags, pinned = excluded.pinned, archived = excluded.archived,
    trashed_at = excluded.trashed_at, forked_from = excluded.forked_from
"""


def insert(writer: engine.Connection, row: SessionInfo, rows: Sequence[EventRow]) -> None:
    """Add events of one session, with its row as it is after them. Surrogates, which UTF-8 does not have, are replaced in the row."""
    writer.execute(_UPSERT_SESSION, [_column(value) for value in _stored_fields(row)])
    for thread in {event.thread for event in rows}:
        writer.execute("INSERT OR IGNORE INTO threads (session, number) VALUES (?, ?)", (row.id, thread))
    writer.executemany("INSERT INTO events (session, seq, thread, at, type, data) VALUES (?, ?, ?, ?, ?, ?)", rows)


def _column(value: Any) -> Any:
    """A field of a row as its column holds it; a list is JSON."""
    if isinstance(value, tuple):
        value = json.dumps(value, ensure_ascii=False)
    return without_surrogates(value) if isinstance(value, str) else value


def holds(writer: engine.Connection, rows: Sequence[EventRow]) -> bool:
    """Whether exactly these events are in the database already."""
    found = writer.execute(READ_EVENTS, (rows[0].session, rows[0].seq - 1, rows[-1].seq)).fetchall()
    return found == [row[1:] for row in rows]


def session_info(row: tuple[Any, ...]) -> SessionInfo:
    """A row of `READ_SESSIONS`, whose columns are in the order of the fields. Raises `StoreError` for a state that is not known here."""
    values = list(row)
    state = _STATES.get(values[_STATE])
    if state is None:
        raise StoreError(f"The database holds a session in the unknown state '{values[_STATE]}'. Use the plait that wrote it.")
    values[_STATE], values[_TAGS] = state, tuple(json.loads(values[_TAGS]))
    for place in _FLAGS:
        values[place] = bool(values[place])
    return SessionInfo(*values)
