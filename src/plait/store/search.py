"""The full-text index: how events get into it, and how it is asked. Words are cut by `core.searching`, so SQLite's syntax is never met.

Rules:
1. A step takes in a few events and moves the sessions' marks in the same commit (`migrations/m0003_search.py` says why).
2. A step is small: who wants to append meanwhile waits for some milliseconds.
3. Nothing is lost with the index: it can be made again from the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from plait.core.codec import decode_event, without_surrogates
from plait.core.errors import StoreError
from plait.core.messages import SessionId
from plait.core.searching import FINDABLE, MOST_MATCHES, Document, Phrase, Place, Places, Query, documents, words
from plait.core.snippets import snippet
from plait.store import engine
from plait.store.faults import translated
from plait.store.taken_back import marked

STEP_EVENTS = 400
"""Events that one step looks at; those that say nothing cost next to nothing."""
STEP_CHARACTERS = 100_000
"""Characters after which a step ends: 10 ms of work on the slowest machine in use."""

_BEHIND = """
SELECT sessions.id FROM sessions LEFT JOIN search_marks ON search_marks.session = sessions.id
WHERE coalesce(search_marks.upto, 0) < sessions.seq ORDER BY sessions.used_at
"""
_UNINDEXED = """
SELECT coalesce(sum(max(0, sessions.seq - coalesce(search_marks.upto, 0))), 0)
FROM sessions LEFT JOIN search_marks ON search_marks.session = sessions.id
"""
_MARK = "SELECT upto FROM search_marks WHERE session = ?"
_MOVE_MARK = "INSERT INTO search_marks (session, upto) VALUES (?, ?) ON CONFLICT (session) DO UPDATE SET upto = excluded.upto"
_NEXT = f"""
SELECT seq, at, type, CASE WHEN type IN ({", ".join(f"'{name}'" for name in FINDABLE)}) THEN data END FROM events
WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?
"""
_ADD_DOCUMENT = "INSERT INTO search_documents (session, seq, role, at) VALUES (?, ?, ?, ?)"
_ADD_WORDS = "INSERT INTO search_words (rowid, said, output) VALUES (?, ?, ?)"

_TABLES = "SELECT count(*) FROM sqlite_master WHERE name IN ('search_marks', 'search_documents', 'search_words')"
# CROSS JOIN: the words first, whatever SQLite thinks. What is told of a hit is joined last, to the few that are shown: weighing each match
# is most of the time already.
_MATCHES = "FROM search_words WHERE search_words MATCH ?"
_MATCHES_OF = "FROM search_words CROSS JOIN search_documents AS found ON found.id = search_words.rowid WHERE search_words MATCH ?"
# A session's documents are numbered in the order of its events, so that its first and its last are the ends of its index.
_SPAN = """
SELECT min(first), max(last) FROM (
    SELECT (SELECT id FROM search_documents WHERE session = sessions.id ORDER BY seq, role LIMIT 1) AS first,
        (SELECT id FROM search_documents WHERE session = sessions.id ORDER BY seq DESC, role DESC LIMIT 1) AS last
    FROM sessions WHERE {sessions}
)
"""
_BEST = """
WITH hits AS MATERIALIZED (
    SELECT search_words.rowid AS id, bm25(search_words) AS score {matches} ORDER BY search_words.rowid DESC LIMIT {ranked}
), last AS (
    SELECT score FROM hits ORDER BY score LIMIT 1 OFFSET ?
)
SELECT found.session, found.seq, found.at, found.role, (SELECT count(*) FROM hits)
FROM hits CROSS JOIN search_documents AS found ON found.id = hits.id
WHERE score <= coalesce((SELECT score FROM last), 0)
ORDER BY score, found.at DESC, found.session, found.seq, found.role LIMIT ? OFFSET ?
"""
_ANY_TRASH = "SELECT 1 FROM sessions WHERE trashed_at > 0 LIMIT 1"
_COUNT = "SELECT count(*) FROM (SELECT 1 {matches} LIMIT {most})"
_EVENT = "SELECT type, data FROM events WHERE session = ? AND seq = ?"
LARGEST = 2**63 - 1
"""What SQLite can count to."""


class Backlog:
    """The sessions that have something to be taken in; guarded by the writing connection's lock. The one that changed last comes first."""

    def __init__(self) -> None:
        self._sessions: dict[SessionId, None] | None = None
        """In the order of the changes; None while the database was not asked."""
        self._left_out: frozenset[SessionId] = frozenset()

    def __repr__(self) -> str:
        return f"<Backlog [{'unknown' if self._sessions is None else len(self._sessions)}]>"

    def changed(self, session: SessionId) -> None:
        """Something was appended to the session."""
        if self._sessions is not None:
            self._sessions.pop(session, None)
            self._sessions[session] = None

    def load(self, writer: engine.Connection) -> bool:
        """Know the sessions; says whether there is one."""
        if self._sessions is None:
            self._sessions = {session: None for (session,) in writer.execute(_BEHIND).fetchall() if session not in self._left_out}
        return bool(self._sessions)

    def step(self, writer: engine.Connection) -> None:
        """Take in the next events, in the caller's transaction. If that fails, call `forget`."""
        for session in take_in(writer, list(reversed(self._sessions or ()))):
            if self._sessions is not None:
                del self._sessions[session]

    def leave_out(self, sessions: Sequence[SessionId]) -> None:
        """From now on take nothing in of these, which leave the index."""
        self._left_out = frozenset(sessions)
        self.forget()

    def forget(self) -> None:
        """What was taken in is not in the database after all: ask it again."""
        self._sessions = None


def take_in(writer: engine.Connection, sessions: Sequence[SessionId]) -> list[SessionId]:
    """One step for the first of these sessions, within the caller's transaction; returns those that have nothing left."""
    done: list[SessionId] = []
    events, characters = STEP_EVENTS, STEP_CHARACTERS
    for session in sessions:
        found = writer.execute(_MARK, (session,)).fetchone()
        mark = before = found[0] if found else 0
        looked_at = 0
        for seq, at, name, data in writer.execute(_NEXT, (session, mark, events)).fetchall():
            if data is not None:
                characters -= len(data)
                _add(writer, session, seq, at, documents(decode_event(name, data)))
            mark, looked_at = seq, looked_at + 1
            if characters <= 0:
                break
        if mark > before:
            writer.execute(_MOVE_MARK, (session, mark))
        if characters <= 0 or looked_at == events:
            break  # there may be more of this one
        events -= looked_at
        done.append(session)
    return done


def _add(writer: engine.Connection, session: SessionId, seq: int, at: float, told: Sequence[Document]) -> None:
    """Put one event's documents into the index."""
    for one in told:
        text = " ".join(words(one.text))
        number = writer.execute(_ADD_DOCUMENT, (session, seq, one.role, at)).lastrowid
        writer.execute(_ADD_WORDS, (number, *(("", text) if one.is_output else (text, ""))))


def find_in(path: Path, query: Query) -> Places:
    """Ask the index of the database at `path`, beside whoever writes it. Raises `StoreError`."""
    with translated(path), closing(engine.connect(path, writing=False)) as connection:
        connection.execute("BEGIN")  # one state of the database for all that follows
        return find(connection, query)


def find(connection: engine.Connection, query: Query, ranked: int = MOST_MATCHES) -> Places:
    """Ask the index, in the caller's transaction; only the `ranked` matches that were taken in last are weighed, and no more are counted.

    Raises SQLite's errors, and `StoreError` where the database has no index yet.
    """
    if connection.execute(_TABLES).fetchone()[0] < 3:
        raise StoreError("This database has no index for searching yet. Start plait on it once; it makes one.")
    matches, values = _matches(connection, query)
    limit, offset = min(query.limit, LARGEST), min(query.offset, LARGEST)
    window = (min(limit + offset, LARGEST) - 1, limit, offset)
    rows = connection.execute(_BEST.format(matches=matches, ranked=ranked), (*values, *window)).fetchall()
    count = rows[0][4] if rows else ranked
    if count == ranked:  # there may be more; or there is none on this page
        (count,) = connection.execute(_COUNT.format(matches=matches, most=ranked + 1), values).fetchone()
    (unindexed,) = connection.execute(_UNINDEXED).fetchone()
    return Places(marked(connection, [_place(connection, row, query) for row in rows]), min(count, ranked), unindexed, count > ranked)


def _matches(connection: engine.Connection, query: Query) -> tuple[str, list[Any]]:
    """The part of a statement that yields the matches, and its values."""
    asked = " AND ".join(map(_quoted, query.phrases))
    matches, values = _MATCHES, [asked if query.tools else f"{{said}} : ({asked})"]
    hides_trash = not query.trashed and bool(connection.execute(_ANY_TRASH).fetchone())
    documents, told = _conditions(
        ("found.role = ?", query.role),
        ("found.at >= ?", query.since),
        ("found.at < ?", query.until),
        ("found.session NOT IN (SELECT id FROM sessions WHERE trashed_at > ?)", 0.0 if hides_trash else None),
    )
    sessions, known = _conditions(
        ("sessions.project IN (SELECT id FROM projects WHERE ? IN (id, name))", query.project or None),
        ("? IN (sessions.id, sessions.name)", query.session or None),
        ("sessions.kind = ?", query.kind),
        *(("EXISTS (SELECT 1 FROM json_each(sessions.tags) WHERE value = ?)", tag) for tag in query.tags),
    )
    if sessions:
        # A word that stands everywhere is looked for only where these sessions are.
        values += connection.execute(_SPAN.format(sessions=sessions), known).fetchone()
        matches = f"{_MATCHES_OF} AND search_words.rowid BETWEEN ? AND ? AND found.session IN (SELECT id FROM sessions WHERE {sessions})"
    elif documents:
        matches = _MATCHES_OF
    return f"{matches} AND {documents}" if documents else matches, [*values, *known, *told]


def _conditions(*wanted: tuple[str, Any]) -> tuple[str, list[Any]]:
    """Those conditions whose value is not None, as one, and their values."""
    given = [
        (condition, without_surrogates(value) if isinstance(value, str) else value) for condition, value in wanted if value is not None
    ]
    return " AND ".join(condition for condition, _ in given), [value for _, value in given]


def _quoted(phrase: Phrase) -> str:
    """The phrase in FTS5's syntax. Words have no quotes in them, and within quotes nothing else has a meaning."""
    return f'"{" ".join(phrase.words)}"{" *" if phrase.begins else ""}'


def _place(connection: engine.Connection, row: tuple[Any, ...], query: Query) -> Place:
    session, seq, at, role, _ = row
    name, data = connection.execute(_EVENT, (session, seq)).fetchone() or ("", "{}")
    text = next((one.text for one in documents(decode_event(name, data)) if one.role == role), "")
    return Place(session, seq, at, role, *snippet(text, query.phrases))
