"""Folding a stored session, and ending what a crash cut off. Nothing is repeated: the user goes on with `/retry`."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core import events as e
from plait.core.errors import IllegalTransition, PlaitError, StoreError
from plait.core.messages import SessionId
from plait.core.ports import Store
from plait.core.session import Session
from plait.runtime.turn import cut_off

CUT_OFF = "plait stopped in the middle of this turn. Nothing was repeated; /retry asks the model again."


def fold(session: SessionId, events: Sequence[e.Stamped]) -> Session:
    """The session that these durable events make. Raises `StoreError` if they do not follow from each other."""
    folded = Session(session)
    for stamped in events:
        try:
            folded.apply(stamped)
        except IllegalTransition as error:
            raise StoreError(
                f"Session '{folded.name or session}' cannot be read past event {folded.seq}: {error} No other session is touched by this."
            ) from error
    return folded


def claimed(store: Store, session: SessionId, owner: str) -> Session:
    """Blocks: the session, folded, with its lease taken for `owner`. Raises `StoreError`, and the lease is free then."""
    if not store.claim(session, owner):
        raise StoreError("Another process works on this session. Leave it there first.")
    try:
        return fold(session, store.read(session))
    except PlaitError:
        store.release(session, owner)
        raise


def cut_off_by_crash(session: Session) -> Sequence[e.Event]:
    """What has to be recorded so that a session read from the store has no turn that nobody runs.

    Queued turns stay queued, and a turn that waits for an answer goes on waiting: nothing but the answer is missing.
    """
    if session.running is None or session.question is not None:
        return ()
    return (*cut_off(session, session.running), e.TurnEnded(session.running, "interrupted", seen=False, detail=CUT_OFF))
