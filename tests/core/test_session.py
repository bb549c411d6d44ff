"""The session's state machine: the table as `product.md` has it, and the laws of the fold."""

from __future__ import annotations

import copy
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core import events as e
from plait.core.answer import Answer
from plait.core.errors import IllegalTransition
from plait.core.messages import AssistantMessage, CallId, ProjectId, SessionId, ToolCall, ToolResult, Turn, Usage
from plait.core.session import TRANSITIONS, Session, SessionState, Trigger, trigger_of
from tests.core.histories import Player, steps

S, T = SessionState, Trigger

# product.md's table of states, cell by cell: from -> what is reachable, apart from staying.
REACHABLE = {
    S.ACTIVE: {S.PROCESSING, S.PAUSED, S.COMPLETED},
    S.WAITING: {S.ACTIVE, S.PROCESSING, S.PAUSED, S.COMPLETED},
    S.PROCESSING: {S.ACTIVE, S.WAITING, S.PAUSED, S.COMPLETED},
    S.PAUSED: {S.ACTIVE, S.WAITING, S.PROCESSING, S.COMPLETED},
    S.COMPLETED: {S.ACTIVE},
}

# Every pair of state and trigger; None is illegal.
TABLE: dict[Trigger, tuple[SessionState | None, ...]] = {
    #             Active         WaitingForInput  Processing     Paused       Completed
    T.SAID: (S.PROCESSING, S.PROCESSING, S.PROCESSING, S.PAUSED, None),
    T.STARTED: (None, None, S.PROCESSING, None, None),
    T.WORKED: (None, None, S.PROCESSING, S.PAUSED, None),
    T.ENDED_SEEN: (None, None, S.ACTIVE, S.PAUSED, None),
    T.ENDED_UNSEEN: (None, None, S.WAITING, S.PAUSED, None),
    T.SEEN: (S.ACTIVE, S.ACTIVE, S.PROCESSING, S.PAUSED, None),
    T.PAUSED: (S.PAUSED, S.PAUSED, S.PAUSED, None, None),
    T.UNPAUSED: (None, None, None, S.ACTIVE, None),
    T.CHANGED: (S.ACTIVE, S.WAITING, S.PROCESSING, S.PAUSED, None),
    T.CLOSED: (S.COMPLETED, S.COMPLETED, S.COMPLETED, S.COMPLETED, None),
    T.REOPENED: (None, None, None, None, S.ACTIVE),
}

ONE = Turn(2)
OPENED = e.SessionOpened("default", "development", ProjectId("shop-a7b3c2d1"), "/shop")
CALL = ToolCall(CallId("c1"), "read", "{}")


def answer(turn: Turn, *calls: ToolCall, text: str = "yes", complete: bool = True) -> e.AssistantSaid:
    return e.AssistantSaid(turn, AssistantMessage(text, calls=calls), "end", complete=complete)


# The shortest way into each state.
WAYS: dict[SessionState, tuple[e.Event, ...]] = {
    S.ACTIVE: (OPENED,),
    S.WAITING: (OPENED, e.UserSaid("hi"), e.TurnStarted(ONE), e.TurnEnded(ONE, "done", seen=False)),
    S.PROCESSING: (OPENED, e.UserSaid("hi"), e.TurnStarted(ONE)),
    S.PAUSED: (OPENED, e.UserSaid("hi"), e.TurnStarted(ONE), e.Paused()),
    S.COMPLETED: (OPENED, e.Closed()),
}

# One event for each trigger, legal as far as turns and calls go wherever the state has a running turn.
EXAMPLES: dict[Trigger, tuple[e.Event, ...]] = {
    T.SAID: (e.UserSaid("more"), e.RetryAsked()),
    T.STARTED: (e.TurnStarted(Turn(4)),),
    T.WORKED: (e.AnswerDelta(ONE, "y"), e.AnswerProgress(ONE, "y"), answer(ONE)),
    T.ENDED_SEEN: (e.TurnEnded(ONE, "done", seen=True),),
    T.ENDED_UNSEEN: (e.TurnEnded(ONE, "failed", seen=False, detail="no"),),
    T.SEEN: (e.Seen(),),
    T.PAUSED: (e.Paused(),),
    T.UNPAUSED: (e.Unpaused(),),
    T.CHANGED: (e.Renamed("auth-fix", True), e.SettingChanged("model", "a:b"), e.Noted("something")),
    T.CLOSED: (e.Closed(),),
    T.REOPENED: (e.Reopened(),),
}


def played(*events: e.Event) -> Session:
    player = Player()
    for event in events:
        player.play(event)
    return player.session


def snapshot(session: Session) -> dict[str, Any]:
    """Everything that a session holds, what is not yet saved of its answer included."""
    return {one.name: copy.deepcopy(getattr(session, one.name)) for one in fields(Session)} | {"unsaved": session.answer.unsaved}


def test_the_table_is_the_one_of_the_product() -> None:
    assert set(TABLE) == set(Trigger)
    for trigger, row in TABLE.items():
        for state, target in zip(SessionState, row, strict=True):
            assert TRANSITIONS[state].get(trigger) is target, (state, trigger)


def test_every_step_of_the_product_is_there_and_no_other() -> None:
    """Steps that a session really takes, `_settle` included, from every way into a state, are those of the product's table."""
    taken: dict[SessionState, set[SessionState]] = {state: set() for state in SessionState}
    ways = [
        *WAYS.values(),
        (*WAYS[S.WAITING], e.Paused()),
        (OPENED, e.Paused(), e.UserSaid("later")),
        (OPENED, e.Paused()),
        (*WAYS[S.PROCESSING], e.TurnEnded(ONE, "done", seen=True)),
    ]
    for way in ways:
        for examples in EXAMPLES.values():
            for event in examples:
                session = played(*way)
                before = session.state
                try:
                    Player(session).play(event)
                except IllegalTransition:
                    continue
                taken[before] |= {session.state} - {before}
    assert taken == REACHABLE


@pytest.mark.parametrize("trigger", list(Trigger))
@pytest.mark.parametrize("state", list(SessionState))
def test_a_step_is_taken_or_refused_as_the_table_says(state: SessionState, trigger: Trigger) -> None:
    for event in EXAMPLES[trigger]:
        way = WAYS[state]
        if state is S.PROCESSING and trigger is T.STARTED:
            way = (OPENED, e.UserSaid("hi"), e.UserSaid("more"), e.TurnStarted(ONE), e.TurnEnded(ONE, "done", True))
            event = e.TurnStarted(Turn(3))
        session = played(*way)
        assert session.state is state
        target = TABLE[trigger][list(SessionState).index(state)]
        assert trigger_of(event) is trigger
        if target is None:
            before = snapshot(session)
            with pytest.raises(IllegalTransition) as refused:
                Player(session).play(event)
            assert "default" in str(refused.value)
            assert snapshot(session) == before
        else:
            Player(session).play(event)
            assert session.state is (S.PROCESSING if trigger is T.UNPAUSED else target)  # the paused example has a turn running


@pytest.mark.parametrize(
    ("way", "event"),
    [
        ((), e.UserSaid("before it is open")),
        ((), e.SlotAwaited(ONE, 1)),
        ((OPENED,), OPENED),
        ((OPENED, e.UserSaid("hi")), e.TurnStarted(Turn(1))),
        ((OPENED, e.UserSaid("hi"), e.UserSaid("two")), e.TurnStarted(Turn(3))),
        ((*WAYS[S.PROCESSING], e.UserSaid("two")), e.TurnStarted(Turn(4))),
        (WAYS[S.PROCESSING], e.TurnStarted(ONE)),
        (WAYS[S.PROCESSING], e.AnswerDelta(Turn(9), "late")),
        (WAYS[S.PROCESSING], e.TurnEnded(Turn(9), "done", True)),
        (WAYS[S.PROCESSING], e.ToolStarted(ONE, CALL)),
        (WAYS[S.PROCESSING], e.ToolReturned(ONE, ToolResult(CALL.id, "read", "x"))),
        ((*WAYS[S.PROCESSING], answer(ONE, CALL, complete=False)), e.ToolStarted(ONE, CALL)),
        ((*WAYS[S.PROCESSING], answer(ONE, CALL), e.ToolStarted(ONE, CALL)), e.ToolStarted(ONE, CALL)),
        ((*WAYS[S.PROCESSING], answer(ONE, CALL), e.ToolStarted(ONE, CALL)), answer(ONE)),
        (
            (*WAYS[S.PROCESSING], answer(ONE, CALL), e.ToolStarted(ONE, CALL), e.ToolReturned(ONE, ToolResult(CALL.id, "read", "x"))),
            e.ToolStarted(ONE, CALL),
        ),
        (
            (*WAYS[S.PROCESSING], answer(ONE, CALL), e.ToolReturned(ONE, ToolResult(CALL.id, "read", "no such tool", "error"))),
            e.ToolReturned(ONE, ToolResult(CALL.id, "read", "twice")),
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, tuple) else f"after-{len(value)}",
)
def test_a_late_or_repeated_event_is_refused_and_changes_nothing(way: tuple[e.Event, ...], event: e.Event) -> None:
    session = played(*way)
    before = snapshot(session)
    with pytest.raises(IllegalTransition):
        Player(session).play(event)
    assert snapshot(session) == before


@pytest.mark.parametrize(
    ("seq", "event"),
    [(2, e.UserSaid("again")), (4, e.UserSaid("too early")), (None, e.UserSaid("unnumbered")), (3, e.AnswerDelta(ONE, "x"))],
)
def test_an_event_out_of_its_place_is_refused(seq: int | None, event: e.Event) -> None:
    session = played(OPENED, e.UserSaid("hi"))
    before = snapshot(session)
    with pytest.raises(IllegalTransition):
        session.apply(e.Stamped(session.id, seq, 1.0, event))
    assert snapshot(session) == before


def test_what_a_turn_that_nobody_saw_leaves_is_seen_with_the_next_end() -> None:
    session = played(*WAYS[S.PROCESSING], e.UserSaid("two"), e.TurnEnded(ONE, "done", seen=False))
    assert session.queue == [Turn(4)]
    Player(session).play(e.TurnStarted(Turn(4)), e.TurnEnded(Turn(4), "done", seen=True))
    assert session.state is S.ACTIVE


def test_a_queued_turn_taken_out_unseen_waits_for_the_user_too() -> None:
    session = played(OPENED, e.UserSaid("hi"), e.TurnEnded(ONE, "interrupted", seen=False))
    assert (session.state, session.queue) == (S.WAITING, [])


def test_unpausing_goes_on_with_what_was_left() -> None:
    assert played(*WAYS[S.WAITING], e.Paused(), e.Unpaused()).state is S.WAITING
    assert played(OPENED, e.Paused(), e.UserSaid("later"), e.Unpaused()).state is S.PROCESSING
    assert played(OPENED, e.Paused(), e.Unpaused()).state is S.ACTIVE


def test_closing_in_the_middle_leaves_no_turn_behind() -> None:
    session = played(*WAYS[S.PROCESSING], e.UserSaid("two"), answer(ONE, CALL), e.ToolStarted(ONE, CALL), e.Closed())
    assert (session.running, session.queue, session.open_calls, session.asked_calls) == (None, [], {}, {})
    Player(session).play(e.Reopened())
    assert session.state is S.ACTIVE


def test_tokens_and_money_are_added_up() -> None:
    first = e.AssistantSaid(ONE, AssistantMessage("a"), "end", "p:m", Usage(10, 5, 2), 0.25)
    second = e.AssistantSaid(ONE, AssistantMessage("b"), "end", "p:m", Usage(20, 7), None)
    session = played(*WAYS[S.PROCESSING], first, second)
    assert (session.usage, session.cost, session.unpriced, session.context_used) == (Usage(30, 12, 2), 0.25, 1, 27)
    assert session.messages == 3


def test_a_setting_taken_back_is_gone() -> None:
    session = played(OPENED, e.SettingChanged("model", "a:b"), e.SettingChanged("system", "s"), e.SettingChanged("model", None))
    assert session.settings == {"system": "s"}


@given(steps())
def test_any_events_in_any_order_keep_the_session_sound(choices: list[Any]) -> None:
    """Refusals change nothing; a queue or a running turn means Processing or Paused; only a completed session takes nothing."""
    player = Player()
    player.play(OPENED)
    for choice in choices:
        session, event = player.session, player.event(choice)
        before = snapshot(session)
        try:
            player.play(event)
        except IllegalTransition:
            assert snapshot(session) == before
        assert session.queue == sorted(set(session.queue))
        assert session.running not in session.queue
        busy = bool(session.queue) or session.running is not None
        assert not busy or session.state in (S.PROCESSING, S.PAUSED)
        assert busy or session.state is not S.PROCESSING
        if session.running is None:
            assert not session.answer
            assert not session.open_calls
            assert not session.asked_calls
        if session.state in (S.WAITING, S.ACTIVE):
            assert session.unseen == (session.state is S.WAITING)


@given(steps())
def test_rebuilt_from_the_durable_events_it_is_the_same(choices: list[Any]) -> None:
    player = Player()
    player.play(OPENED)
    for choice in choices:
        player.try_play(player.event(choice))
    live, rebuilt = player.session, Session(player.session.id)
    for stamped in player.durable:
        rebuilt.apply(stamped)
    text, thinking = live.answer.unsaved
    assert rebuilt.answer.unsaved == ("", "")
    assert (rebuilt.answer.text + text, rebuilt.answer.thinking + thinking) == (live.answer.text, live.answer.thinking)
    for one in fields(Session):
        if one.name != "answer":
            assert getattr(rebuilt, one.name) == getattr(live, one.name), one.name


@given(steps())
def test_from_anywhere_the_user_can_get_a_fresh_answer(choices: list[Any]) -> None:
    """No dead state: by events that a runtime can always cause, every session takes one more turn to its end."""
    player = Player()
    player.play(OPENED)
    for choice in choices:
        player.try_play(player.event(choice))
    session = player.session
    if session.state is S.COMPLETED:
        player.play(e.Reopened())
    if session.state is S.PAUSED:
        player.play(e.Unpaused())
    if session.running is not None:
        player.play(e.TurnEnded(session.running, "interrupted", seen=True))
    player.play(e.UserSaid("one more"))
    mine = Turn(session.seq)
    while session.running != mine:
        player.play(e.TurnStarted(session.queue[0]))
        if session.running != mine and session.running is not None:
            player.play(e.TurnEnded(session.running, "done", seen=True))
    player.play(answer(mine), e.TurnEnded(mine, "done", seen=True))
    assert session.state is S.ACTIVE


@given(st.lists(st.tuples(st.sampled_from(["add", "save"]), st.text(max_size=5), st.text(max_size=5), st.booleans()), max_size=30))
def test_an_answer_is_a_string_with_a_mark_in_it(steps: list[tuple[str, str, str, bool]]) -> None:
    """Against two plain strings: live (what is unsaved is saved) and on replay (what was saved comes first)."""
    answer, whole, saved = Answer(), ["", ""], [0, 0]
    for action, text, thinking, all_of_it in steps:
        if action == "add":
            answer.add(text, thinking)
            whole = [whole[0] + text, whole[1] + thinking]
        elif all_of_it:
            answer.save(*answer.unsaved)
            saved = [len(whole[0]), len(whole[1])]
        elif saved == [len(whole[0]), len(whole[1])]:
            answer.save(text, thinking)
            whole = [whole[0] + text, whole[1] + thinking]
            saved = [len(whole[0]), len(whole[1])]
        assert (answer.text, answer.thinking) == tuple(whole)
        assert answer.unsaved == (whole[0][saved[0] :], whole[1][saved[1] :])
        assert bool(answer) == any(whole)


def test_sessions_have_readable_errors() -> None:
    with pytest.raises(IllegalTransition, match="Reopen it first"):
        played(OPENED, e.Closed(), e.UserSaid("hello?"))


def test_an_unknown_event_is_kept_and_changes_nothing_but_the_place() -> None:
    session = played(OPENED)
    before = snapshot(session)
    Player(session).play(e.UnknownEvent("Teleported", "{}"))
    after = snapshot(session)
    assert {name for name in after if after[name] != before[name]} == {"seq", "last_at"}
    assert session.id == SessionId("s-1")
