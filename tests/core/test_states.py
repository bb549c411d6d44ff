"""The table of states: every pair of state and trigger, every step, and what a session waits for."""

from __future__ import annotations

import pytest

from plait.core import events as e
from plait.core.errors import IllegalTransition
from plait.core.messages import SessionId, Turn
from plait.core.session import TRANSITIONS, Session, SessionState, Trigger, trigger_of
from tests.core.histories import Player
from tests.core.test_session import (
    ASKED,
    CALL,
    CALLING,
    ONE,
    OPENED,
    OTHER,
    RUNNING,
    UNSEEN,
    answer,
    end,
    played,
    reply,
    returned,
    snapshot,
)

S, T = SessionState, Trigger

# product.md's table of states, cell by cell: from -> what is reachable, apart from staying.
REACHABLE = {
    S.ACTIVE: {S.PROCESSING, S.PAUSED, S.COMPLETED},
    S.WAITING: {S.ACTIVE, S.PROCESSING, S.PAUSED, S.COMPLETED},
    S.PROCESSING: {S.ACTIVE, S.WAITING, S.PAUSED, S.COMPLETED},
    S.PAUSED: {S.ACTIVE, S.WAITING, S.PROCESSING, S.COMPLETED},
    S.COMPLETED: {S.ACTIVE},
}
# The one step beside it: the end was recorded as seen, and the front end turned away before it was shown.
TURNED_AWAY = (S.ACTIVE, S.WAITING)

# Every pair of state and trigger; None is illegal.
TABLE: dict[Trigger, tuple[SessionState | None, ...]] = {
    #             Active         WaitingForInput  Processing     Paused       Completed
    T.SAID: (S.PROCESSING, S.PROCESSING, S.PROCESSING, S.PAUSED, None),
    T.STARTED: (None, None, S.PROCESSING, None, None),
    T.WORKED: (None, S.WAITING, S.PROCESSING, S.PAUSED, None),
    T.ASKED: (None, None, S.WAITING, S.PAUSED, None),
    T.ANSWERED: (None, S.PROCESSING, None, S.PAUSED, None),
    T.ENDED_SEEN: (None, S.ACTIVE, S.ACTIVE, S.PAUSED, None),
    T.ENDED_UNSEEN: (None, S.WAITING, S.WAITING, S.PAUSED, None),
    T.SEEN: (S.ACTIVE, S.ACTIVE, S.PROCESSING, S.PAUSED, None),
    T.PAUSED: (S.PAUSED, S.PAUSED, S.PAUSED, None, None),
    T.UNPAUSED: (None, None, None, S.ACTIVE, None),
    T.CHANGED: (S.ACTIVE, S.WAITING, S.PROCESSING, S.PAUSED, None),
    T.FILED: (S.ACTIVE, S.WAITING, S.PROCESSING, S.PAUSED, S.COMPLETED),
    T.CLOSED: (S.COMPLETED, S.COMPLETED, S.COMPLETED, S.COMPLETED, None),
    T.REOPENED: (None, None, None, None, S.ACTIVE),
}

# Ways into each state, the shortest first.
WAYS: dict[SessionState, tuple[tuple[e.Event, ...], ...]] = {
    S.ACTIVE: ((OPENED,), (*RUNNING, end(seen=True)), (*ASKED, e.Closed(), e.Reopened())),
    S.WAITING: (UNSEEN, (*RUNNING, end(ending="failed")), ASKED, (*ASKED, e.UserSaid("meanwhile"))),
    S.PROCESSING: (
        RUNNING,
        (OPENED, e.UserSaid("hi")),
        (*RUNNING, e.UserSaid("two")),
        CALLING,
        (*ASKED, reply()),
        (*UNSEEN, e.RetryAsked()),
        (*RUNNING, e.UserSaid("two"), end()),
    ),
    S.PAUSED: (
        (OPENED, e.Paused()),
        (*RUNNING, e.Paused()),
        (*CALLING, e.Paused()),
        (*ASKED, e.Paused()),
        (*UNSEEN, e.Paused()),
        (OPENED, e.Paused(), e.UserSaid("later")),
    ),
    S.COMPLETED: ((OPENED, e.Closed()), (*UNSEEN, e.Closed()), (*ASKED, e.Closed())),
}


def examples(trigger: Trigger, session: Session) -> tuple[e.Event, ...]:
    """Events of one trigger, whose turns and calls are the session's as far as it has any."""
    turn = session.running or ONE
    ends = [end(one, "failed", seen=trigger is T.ENDED_SEEN) for one in (turn, *session.queue)]
    working = (
        e.Compacted(turn, 1, "short"),
        e.AnswerDelta(turn, "y"),
        e.AnswerProgress(turn, "y"),
        answer(turn),
        e.ToolStarted(turn, OTHER),
        returned(),
    )
    found: dict[Trigger, tuple[e.Event, ...]] = {
        T.SAID: (e.UserSaid("more"), e.RetryAsked(), e.CompactionAsked()),
        T.STARTED: (e.TurnStarted(session.queue[0] if session.queue else ONE),),
        T.WORKED: working,
        T.ASKED: (e.QuestionAsked(turn, CALL.id, "Why?"),),
        T.ANSWERED: (reply(),),
        T.ENDED_SEEN: tuple(ends),
        T.ENDED_UNSEEN: tuple(ends),
        T.SEEN: (e.Seen(session.seq), e.Seen(0), e.Seen(1, 2)),
        T.PAUSED: (e.Paused(),),
        T.UNPAUSED: (e.Unpaused(),),
        T.CHANGED: (
            e.Renamed("auth-fix", True),
            e.KindChanged("debug"),
            e.Titled("The way in"),
            e.SettingChanged("model", "a:b"),
            e.Noted("something"),
            e.Forked(SessionId("s-0"), 3),
            e.Rewound(ONE),
            e.Redone(),
        ),
        T.FILED: (e.Tagged(("api",)), e.Pinned(True), e.Archived(True), e.Trashed(False), e.DirectoryChanged("/srv")),
        T.CLOSED: (e.Closed(),),
        T.REOPENED: (e.Reopened(),),
    }
    return found[trigger]


def test_the_table_is_the_one_of_the_product() -> None:
    assert set(TABLE) == set(Trigger)
    for trigger, row in TABLE.items():
        for state, target in zip(SessionState, row, strict=True):
            assert TRANSITIONS[state].get(trigger) is target, (state, trigger)


def test_every_step_of_the_product_is_there_and_no_other() -> None:
    """Steps that a session really takes, `_settle` included, from every way into a state, are those of the product's table."""
    taken: dict[SessionState, set[SessionState]] = {state: set() for state in SessionState}
    back: set[tuple[SessionState, SessionState]] = set()
    for state, ways in WAYS.items():
        for way in ways:
            for trigger in Trigger:
                for event in examples(trigger, played(*way)):
                    session = played(*way)
                    mark = session.mark.upto
                    if not Player(session).try_play(event) or session.state is state:
                        continue
                    if isinstance(event, e.Seen) and event.upto < mark:
                        back.add((state, session.state))
                    else:
                        taken[state].add(session.state)
    assert taken == REACHABLE
    assert back == {TURNED_AWAY}


@pytest.mark.parametrize("trigger", list(Trigger))
@pytest.mark.parametrize("state", list(SessionState))
def test_a_step_is_taken_or_refused_as_the_table_says(state: SessionState, trigger: Trigger) -> None:
    """From every way into the state; where it is legal, at least one event of the trigger is taken, and leads where it says."""
    target = TABLE[trigger][list(SessionState).index(state)]
    taken = False
    for way in WAYS[state]:
        for event in examples(trigger, played(*way)):
            session = played(*way)
            assert session.state is state
            assert trigger_of(event) is trigger
            before = snapshot(session)
            try:
                Player(session).play(event)
            except IllegalTransition:
                assert snapshot(session) == before
            else:
                assert target is not None, event
                assert session.state is settled(session, target), event
                taken = True
    assert taken == (target is not None)


def settled(session: Session, target: SessionState) -> SessionState:
    """Where a step ends that the table leads to `target`: what is asked comes before work, and work before what is not seen."""
    if target in (S.PAUSED, S.COMPLETED):
        return target
    if session.question:
        return S.WAITING
    if session.queue or session.running:
        return S.PROCESSING
    return S.WAITING if session.unseen else S.ACTIVE


TWO = e.UserSaid("two")
QUEUED = Turn(8)
"""The turn of a message after `ASKED`, as `TWO` is there."""


@pytest.mark.parametrize(
    ("way", "state", "awaited"),
    [
        # What nobody saw waits until it is seen, all of it.
        (UNSEEN, S.WAITING, "answer"),
        ((*RUNNING, end(ending="failed")), S.WAITING, "failed"),
        ((*RUNNING, end(ending="interrupted")), S.WAITING, "interrupted"),
        ((*RUNNING, end(ending="limit")), S.WAITING, "limit"),
        ((*RUNNING, end(ending="failed", seen=True)), S.ACTIVE, ""),
        ((*UNSEEN, e.Seen(3)), S.WAITING, "answer"),
        ((*UNSEEN, e.Seen(3, 99)), S.WAITING, "answer"),
        ((*RUNNING, end(seen=True), e.Seen(4)), S.ACTIVE, ""),
        ((*RUNNING, end(seen=True), e.Seen(3)), S.WAITING, "answer"),
        ((*UNSEEN, e.Seen(4)), S.ACTIVE, ""),
        ((*UNSEEN, e.RetryAsked()), S.PROCESSING, ""),
        ((*UNSEEN, e.Paused()), S.PAUSED, ""),
        ((*UNSEEN, e.Paused(), e.Unpaused()), S.WAITING, "answer"),
        ((*UNSEEN, e.Paused(), e.Seen(4), e.Unpaused()), S.ACTIVE, ""),
        ((*RUNNING, e.Paused(), end(), e.Unpaused()), S.WAITING, "answer"),
        ((*RUNNING, TWO, end()), S.PROCESSING, ""),
        ((OPENED, TWO, end(ending="interrupted")), S.WAITING, "interrupted"),
        # A question waits for its answer, whatever else is seen, queued or taken out of the queue.
        (ASKED, S.WAITING, "question"),
        ((*ASKED, e.Seen(6)), S.WAITING, "question"),
        ((*ASKED, TWO), S.WAITING, "question"),
        ((*ASKED, e.Noted("x"), TWO, end(QUEUED, "interrupted", seen=True)), S.WAITING, "question"),
        ((*ASKED, e.Noted("x"), TWO, end(QUEUED, "interrupted")), S.WAITING, "question"),
        ((*ASKED, e.ToolStarted(ONE, OTHER), returned(OTHER)), S.WAITING, "question"),
        ((*ASKED, reply()), S.PROCESSING, ""),
        ((*ASKED, TWO, reply()), S.PROCESSING, ""),
        ((*ASKED, reply(), returned(OTHER), answer(ONE), end()), S.WAITING, "answer"),
        ((*ASKED, e.Paused()), S.PAUSED, ""),
        ((*ASKED, e.Paused(), e.Unpaused()), S.WAITING, "question"),
        ((*ASKED, e.Paused(), reply()), S.PAUSED, ""),
        ((*ASKED, e.Paused(), reply(), e.Unpaused()), S.PROCESSING, ""),
        ((*CALLING, e.Paused(), e.QuestionAsked(ONE, CALL.id, "Why?"), e.Unpaused()), S.WAITING, "question"),
        # Stopping the turn takes its question away.
        ((*ASKED, returned()), S.PROCESSING, ""),
        ((*ASKED, returned(), returned(OTHER), end(ending="interrupted", seen=True)), S.ACTIVE, ""),
        ((*ASKED, end(ending="interrupted")), S.WAITING, "interrupted"),
        ((*ASKED, TWO, end(ending="interrupted")), S.PROCESSING, ""),
        ((*ASKED, e.Paused(), end(ending="interrupted"), e.Unpaused()), S.WAITING, "interrupted"),
        ((*ASKED, e.Closed()), S.COMPLETED, ""),
        ((*ASKED, TWO, e.Closed(), e.Reopened()), S.ACTIVE, ""),
        ((*UNSEEN, e.Closed(), e.Reopened()), S.ACTIVE, ""),
    ],
)
def test_what_a_session_waits_for(way: tuple[e.Event, ...], state: SessionState, awaited: str) -> None:
    session = played(*way)
    assert (session.state, session.waiting_for) == (state, awaited)
