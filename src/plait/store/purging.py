"""Erasing what lies in the trash, for good: the rows of a session, and its words in the index. All of it in the caller's transaction.

The index holds no texts, so a document leaves it by being cut into the same words once more (`core.searching`).
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

_ERASABLE = "SELECT 1 FROM sessions WHERE id = ? AND trashed_at > 0 AND state = ?"
_SIZE = "SELECT sum(length(CAST(data AS BLOB))) FROM events WHERE session = ?"
_DOCUMENTS = """
SELECT search_documents.id, search_documents.role, events.type, events.data
FROM search_documents JOIN events ON events.session = search_documents.session AND events.seq = search_documents.seq
WHERE search_documents.session = ?
"""
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


def erase(writer: engine.Connection, sessions: Sequence[SessionId]) -> None:
    """Erase these sessions. Raises `StoreError` where one of them is not in the trash; the caller rolls back then."""
    writer.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten with zeros in the file
    for session in dict.fromkeys(sessions):
        if writer.execute(_ERASABLE, (session, SessionState.COMPLETED)).fetchone() is None:
            raise not_in_trash()
        _take_out_of_index(writer, session)
        for statement in _ERASE:
            writer.execute(statement, (session,))
    crash_point("purge.erased")


def _take_out_of_index(writer: engine.Connection, session: SessionId) -> None:
    for number, role, name, data in writer.execute(_DOCUMENTS, (session,)).fetchall():
        for one in documents(decode_event(name, data)):
            if one.role == role:
                text = " ".join(words(one.text))
                writer.execute(_WITHOUT_WORDS, (number, *(("", text) if one.is_output else (text, ""))))
