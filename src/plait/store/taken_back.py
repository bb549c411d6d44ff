"""What of the found is told to the model no more: asked once for each session that was found in, and only of what comes after the hit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from plait.core import events as e
from plait.core.branching import taken_back, turn_of
from plait.core.codec import decode_event
from plait.core.messages import SessionId, Turn
from plait.core.searching import Place
from plait.store import engine

_REWOUND = "SELECT 1 FROM events WHERE session = ? AND seq > ? AND type = 'Rewound' LIMIT 1"
_ASKING = ("UserSaid", "RetryAsked", "CompactionAsked")
_TURNING = ("TurnStarted", "Rewound", "Redone")
_TURNS = f"""
SELECT seq, type, CASE WHEN type IN ({", ".join(f"'{name}'" for name in _TURNING)}) THEN data END FROM events
WHERE session = ? AND type IN ({", ".join(f"'{name}'" for name in (*_ASKING, *_TURNING))}) ORDER BY seq
"""
_EVENT = "SELECT type, data FROM events WHERE session = ? AND seq = ?"


def marked(connection: engine.Connection, found: Sequence[Place]) -> tuple[Place, ...]:
    """The places, each with whether it was taken back."""
    first = {session: min(one.seq for one in places) for session, places in _by_session(found)}
    gone = {session: _gone(connection, session, seq) for session, seq in first.items()}
    return tuple(
        replace(one, taken_back=True) if (there := gone[one.session]) and _turn(connection, one) in there else one for one in found
    )


def _by_session(found: Sequence[Place]) -> Iterable[tuple[SessionId, Iterable[Place]]]:
    return groupby(sorted(found, key=lambda one: one.session), key=lambda one: one.session)


def _gone(connection: engine.Connection, session: SessionId, after: int) -> set[Turn]:
    """The turns of a session that are taken back; none where nothing was after that event, which is nearly always so."""
    if connection.execute(_REWOUND, (session, after)).fetchone() is None:
        return set()
    rows = connection.execute(_TURNS, (session,)).fetchall()
    # What was asked is of no interest here, only that it was: a long message need not be read.
    events = (e.Stamped(session, seq, 0.0, decode_event(name, data) if data else e.RetryAsked()) for seq, name, data in rows)
    return taken_back(events)


def _turn(connection: engine.Connection, place: Place) -> Turn | None:
    name, data = connection.execute(_EVENT, (place.session, place.seq)).fetchone()
    return turn_of(e.Stamped(place.session, place.seq, place.at, decode_event(name, data)))


def marked_among(found: Sequence[Place], events_of: Callable[[SessionId], Sequence[e.Stamped]]) -> tuple[Place, ...]:
    """The same, where all events of a session are at hand."""
    marked: list[Place] = []
    for one in found:
        events = events_of(one.session)
        turn = turn_of(events[one.seq - 1])
        marked.append(replace(one, taken_back=turn in taken_back(events)))
    return tuple(marked)
