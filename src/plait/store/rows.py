"""What both stores keep of a write, and the checks that both make before they keep it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from plait.core.codec import CodecError, decode_event, encode_event, without_surrogates
from plait.core.errors import SequenceConflict, StoreError
from plait.core.events import EPHEMERAL_TYPES, Stamped
from plait.core.messages import SessionId
from plait.core.ports import Write

PROGRESS = "AnswerProgress"
SUPERSEDING = ("AssistantSaid", "TurnStarted")
"""Events before which no progress matters: the answer is whole, or another turn began."""


class EventRow(NamedTuple):
    """One durable event as a store keeps it; `data` is its JSON."""

    session: SessionId
    seq: int
    thread: int
    at: float
    type: str
    data: str


def event_rows(write: Write) -> list[EventRow]:
    """The write's events as rows. Raises `SequenceConflict` if they do not follow `expected_seq` one by one, or the row is not theirs."""
    rows = []
    session = SessionId(without_surrogates(write.row.id))
    for seq, stamped in enumerate(write.events, write.expected_seq + 1):
        if stamped.seq != seq or stamped.session != write.row.id or isinstance(stamped.event, EPHEMERAL_TYPES):
            raise SequenceConflict(
                f"Event {stamped.seq} of session '{write.row.id}' came where event {seq} belongs. Nothing was written; please report this."
            )
        try:
            kept = encode_event(stamped.event)
        except CodecError as error:
            raise StoreError(
                f"Event {seq} of session '{session}' cannot be kept: {error} Nothing was written; please report this."
            ) from error
        rows.append(EventRow(session, seq, stamped.thread, float(stamped.at), *kept))
    if not rows or write.row.seq != rows[-1].seq:
        raise SequenceConflict(
            f"The row of session '{write.row.id}' is not as its events leave it. Nothing was written; please report this."
        )
    return rows


def require_epoch(ours: int, epoch: int) -> None:
    """Raises `SequenceConflict` for whoever writes as another owner than the latest one of the database, whose number is `epoch`."""
    if ours != epoch:
        raise SequenceConflict(
            f"Another plait has taken the database over (ownership {epoch}; this one was {ours}). Leave this one and start it again."
        )


def require_place(write: Write, last: int) -> None:
    """Raises `SequenceConflict` unless the session's last event is the one that the writer expects."""
    if write.expected_seq != last:
        raise SequenceConflict(
            f"Session '{write.row.name}' is at event {last} on disk, not at {write.expected_seq}. Leave plait and start it again."
        )


def stamped_events(session: SessionId, rows: Iterable[tuple[int, int, float, str, str]]) -> list[Stamped]:
    """Rows (seq, thread, at, type, data) as events; one that cannot be read is kept as `UnknownEvent`."""
    return [Stamped(session, seq, at, decode_event(name, data), thread) for seq, thread, at, name, data in rows]


def not_in_trash() -> StoreError:
    """For a purge of something else than what lies in the trash."""
    return StoreError("Only what lies in the trash can be erased, and this does not. Nothing was erased; plait trash lists what does.")


def closed() -> StoreError:
    """For a call after `close`."""
    return StoreError("The database is closed. Start plait again.")
