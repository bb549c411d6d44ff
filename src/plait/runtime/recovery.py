"""Folding a stored session, and ending what a crash cut off.

Nothing is repeated, the user goes on with `/retry`; but a turn that its owner handed over in the middle of a model call goes on with that
call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from plait.core import events as e
from plait.core.errors import IllegalTransition, PlaitError, StoreError
from plait.core.messages import SessionId
from plait.core.ports import Store
from plait.core.session import Session
from plait.runtime.turn import cut_off

HEIRLESS = 60.0
"""Seconds after which a turn that was handed over does not go on by itself; an heir is there within one."""
RESUMED = "The plait that ran this turn has left. The model is asked once more."
CUT_OFF = "plait stopped in the middle of this turn. Nothing was repeated; /retry asks the model again."
PAGE = 250
"""Events that are read at once: those of a long session together would need as much memory again as what is kept of them."""


def fold(session: SessionId, events: Iterable[e.Stamped]) -> Session:
    """The session that these durable events make; of a running turn, progress of its answer may be missing.

    Raises `StoreError` if they do not follow from each other.
    """
    folded = Session(session)
    for stamped in events:
        if folded.running is not None:
            folded.seq = max(folded.seq, (stamped.seq or 0) - 1)
        try:
            folded.apply(stamped)
        except IllegalTransition as error:
            raise StoreError(
                f"Session '{folded.name or session}' cannot be read past event {folded.seq}: {error} No other session is touched by this."
            ) from error
    return folded


def settled(store: Store, session: SessionId) -> Iterator[e.Stamped]:
    """The events that a fold needs, read page by page. Raises `StoreError`."""
    seq, page = 0, store.settled(session, 0, PAGE)
    while page:
        yield from page
        seq = page[-1].seq or seq
        page = store.settled(session, seq, PAGE) if len(page) == PAGE else ()


def claimed(store: Store, session: SessionId, owner: str) -> Session:
    """Blocks: the session, folded, with its lease taken for `owner`. Raises `StoreError`, and the lease is free then."""
    if not store.claim(session, owner):
        raise StoreError("Another process works on this session. Leave it there first.")
    try:
        return fold(session, settled(store, session))
    except PlaitError:
        store.release(session, owner)
        raise


def cut_off_by_crash(session: Session, now: Callable[[], float]) -> Sequence[e.Event]:
    """What has to be recorded so that a session read from the store has no turn that nobody runs.

    Queued turns stay queued, and a turn that waits for an answer goes on waiting: nothing but the answer is missing. One that was handed
    over goes on too, once: the note says so, and after it the turn is one like any other. Where nobody took it over in time, the user may
    have long done without the answer.
    """
    if session.running is None or session.question is not None:
        return ()
    last = session.conversation[-1]
    if isinstance(last.event, e.HandedOver) and now() - last.at < HEIRLESS:
        return (e.Noted(RESUMED),)
    return (*cut_off(session, session.running), e.TurnEnded(session.running, "interrupted", seen=False, detail=CUT_OFF))
