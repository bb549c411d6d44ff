"""Erasing what lies in the trash, for good: the rows of a session, and its words in the index.

Rules:
1. A session's words leave the index first, step by step from its last event on, and its mark goes back with them. So nobody who wants to
   append waits for more than a step, and what a kill leaves is a session whose end is to be taken in again.
2. Then all rows of all sessions go in one transaction.
3. The index holds no texts, so a document leaves it by being cut into the same words once more (`core.searching`).
"""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.codec import decode_event, without_surrogates
from plait.core.messages import SessionId
from plait.core.searching import documents, words
from plait.core.states import SessionState
from plait.store import engine
from plait.store.crashpoints import crash_point
from plait.store.rows import not_in_trash

STEP_EVENTS = 400
"""Events that leave the index in one step."""
STEP_CHARACTERS = 100_000
"""Characters after which a step ends: about 20 ms of work."""

_ERASABLE = "SELECT 1 FROM sessions WHERE id = ? AND trashed_at > 0 AND state = ?"
_SIZE = "SELECT sum(length(CAST(data AS BLOB))) FROM events WHERE session = ?"
_LAST = "SELECT DISTINCT seq FROM search_documents WHERE session = ? ORDER BY seq DESC LIMIT ?"
_DOCUMENTS = "SELECT role, id FROM search_documents WHERE session = ? AND seq = ?"
_EVENT = "SELECT type, data FROM events WHERE session = ? AND seq = ?"
_FORGET_DOCUMENTS = "DELETE FROM search_documents WHERE session = ? AND seq >= ?"
_MOVE_MARK_BACK = "UPDATE search_marks SET upto = min(upto, ?) WHERE session = ?"
_WITHOUT_WORDS = "INSERT INTO search_words (search_words, rowid, said, output) VALUES ('delete', ?, ?, ?)"
# What refers to a session goes before it.
_ERASE = (
    *(f"DELETE FROM {table} WHERE session = ?" for table in ("search_documents", "search_marks", "drafts", "events", "threads")),
    "DELETE FROM sessions WHERE id = ?",
)


def sizes(connection: engine.Connection, sessions: Sequence[SessionId]) -> dict[SessionId, int]:
    """See `Store.sizes`."""
    found = ((session, connection.execute(_SIZE, (without_surrogates(session),)).fetchone()[0]) for session in sessions)
    return {session: size for session, size in found if size is not None}


def require_trash(connection: engine.Connection, sessions: Sequence[SessionId]) -> None:
    """Raises `StoreError` where one of them is not completed and in the trash."""
    for session in sessions:
        if connection.execute(_ERASABLE, (without_surrogates(session), SessionState.COMPLETED)).fetchone() is None:
            raise not_in_trash()


def take_out(writer: engine.Connection, session: SessionId) -> bool:
    """One step, in the caller's transaction: the last events of a session leave the index. False where none is in it any more."""
    characters, lowest = STEP_CHARACTERS, 0
    for (seq,) in writer.execute(_LAST, (session, STEP_EVENTS)).fetchall():
        name, data = writer.execute(_EVENT, (session, seq)).fetchone() or ("", "{}")
        numbers = dict(writer.execute(_DOCUMENTS, (session, seq)).fetchall())
        for one in documents(decode_event(name, data)):
            if one.role in numbers:
                text = " ".join(words(one.text))
                writer.execute(_WITHOUT_WORDS, (numbers[one.role], *(("", text) if one.is_output else (text, ""))))
        lowest, characters = seq, characters - len(data)
        if characters <= 0:
            break
    if lowest:
        writer.execute(_FORGET_DOCUMENTS, (session, lowest))
        writer.execute(_MOVE_MARK_BACK, (lowest - 1, session))
    crash_point("purge.step")
    return bool(lowest)


def erase(writer: engine.Connection, sessions: Sequence[SessionId]) -> None:
    """Erase the rows of these sessions, which are in no index any more. Raises `StoreError` where one is not in the trash."""
    require_trash(writer, sessions)
    writer.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten with zeros in the file
    for session in dict.fromkeys(sessions):
        for statement in _ERASE:
            writer.execute(statement, (session,))
    crash_point("purge.erased")
