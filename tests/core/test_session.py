"""The laws of a session's fold: what is refused, what is rebuilt, what is unread. `test_states` has the table."""

from __future__ import annotations

import copy
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, strategies as st

from plait.core import events as e
from plait.core.answer import Answer
from plait.core.errors import IllegalTransition
from plait.core.messages import AssistantMessage, CallId, ProjectId, SessionId, ToolCall, ToolResult, Turn, Usage
from plait.core.session import Session, SessionState
from tests.core.histories import Player, steps

S = SessionState

ONE = Turn(2)
OPENED = e.SessionOpened("default", "development", ProjectId("shop-a7b3c2d1"), "/shop")
CALL, OTHER = ToolCall(CallId("c1"), "ask_user", "{}"), ToolCall(CallId("c2"), "read", "{}")


def answer(turn: Turn, *calls: ToolCall, text: str = "yes", complete: bool = True) -> e.AssistantSaid:
    return e.AssistantSaid(turn, AssistantMessage(text, calls=calls), "end", complete=complete)


def end(turn: Turn = ONE, ending: e.Ending = "done", *, seen: bool = False) -> e.TurnEnded:
    return e.TurnEnded(turn, ending, seen)


def reply(call: ToolCall = CALL, turn: Turn = ONE) -> e.QuestionAnswered:
    return e.QuestionAnswered(turn, ToolResult(call.id, call.name, "the second"))


def returned(call: ToolCall = CALL) -> e.ToolReturned:
    return e.ToolReturned(ONE, ToolResult(call.id, call.name, "x", "interrupted"))


RUNNING = (OPENED, e.UserSaid("hi"), e.TurnStarted(ONE))
UNSEEN = (*RUNNING, end())
CALLING = (*RUNNING, answer(ONE, CALL, OTHER), e.ToolStarted(ONE, CALL))
ASKED = (*CALLING, e.QuestionAsked(ONE, CALL.id, "Which one?", ("the first", "the second")))


def played(*events: e.Event) -> Session:
    player = Player()
    for event in events:
        player.play(event)
    return player.session


def snapshot(session: Session) -> dict[str, Any]:
    """Everything that a session holds, what is not yet saved of its answer included."""
    return {one.name: copy.deepcopy(getattr(session, one.name)) for one in fields(Session)} | {"unsaved": session.answer.unsaved}


@pytest.mark.parametrize(
    ("way", "event"),
    [
        ((), e.UserSaid("before it is open")),
        ((), e.SlotAwaited(ONE, 1)),
        ((OPENED,), OPENED),
        ((OPENED, e.UserSaid("hi")), e.TurnStarted(Turn(1))),
        ((OPENED, e.UserSaid("hi"), e.UserSaid("two")), e.TurnStarted(Turn(3))),
        ((*RUNNING, e.UserSaid("two")), e.TurnStarted(Turn(4))),
        (RUNNING, e.TurnStarted(ONE)),
        (RUNNING, e.AnswerDelta(Turn(9), "late")),
        (RUNNING, e.TurnEnded(Turn(9), "done", True)),
        (RUNNING, e.ToolStarted(ONE, CALL)),
        (RUNNING, e.ToolReturned(ONE, ToolResult(CALL.id, "read", "x"))),
        ((*RUNNING, answer(ONE, CALL, complete=False)), e.ToolStarted(ONE, CALL)),
        ((*RUNNING, answer(ONE, CALL), e.ToolStarted(ONE, CALL)), e.ToolStarted(ONE, CALL)),
        ((*RUNNING, answer(ONE, CALL), e.ToolStarted(ONE, CALL)), answer(ONE)),
        (
            (*RUNNING, answer(ONE, CALL), e.ToolStarted(ONE, CALL), e.ToolReturned(ONE, ToolResult(CALL.id, "read", "x"))),
            e.ToolStarted(ONE, CALL),
        ),
        (
            (*RUNNING, answer(ONE, CALL), e.ToolReturned(ONE, ToolResult(CALL.id, "read", "no such tool", "error"))),
            e.ToolReturned(ONE, ToolResult(CALL.id, "read", "twice")),
        ),
        ((*RUNNING, answer(ONE, CALL)), e.QuestionAsked(ONE, CALL.id, "before its call was started")),
        (CALLING, e.QuestionAsked(ONE, OTHER.id, "of another call")),
        (CALLING, e.QuestionAsked(Turn(9), CALL.id, "of another turn")),
        (CALLING, reply()),
        ((*CALLING, returned()), e.QuestionAsked(ONE, CALL.id, "too late")),
        (ASKED, e.QuestionAsked(ONE, CALL.id, "again")),
        ((*ASKED, e.ToolStarted(ONE, OTHER)), e.QuestionAsked(ONE, OTHER.id, "two at once")),
        (ASKED, reply(OTHER)),
        (ASKED, reply(turn=Turn(9))),
        (ASKED, answer(ONE)),
        ((*ASKED, reply()), reply()),
        ((*ASKED, reply()), returned()),
        ((*ASKED, returned()), reply()),
        ((*ASKED, end()), reply()),
        ((*ASKED, e.Closed(), e.Reopened()), reply()),
        (RUNNING, e.Seen(4)),
        (RUNNING, e.Seen(-1)),
        (RUNNING, e.Seen(3, -1)),
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
    session = played(*RUNNING, e.UserSaid("two"), e.TurnEnded(ONE, "done", seen=False))
    assert session.queue == [Turn(4)]
    Player(session).play(e.TurnStarted(Turn(4)), e.TurnEnded(Turn(4), "done", seen=True))
    assert session.state is S.ACTIVE


def test_a_queued_turn_taken_out_unseen_waits_for_the_user_too() -> None:
    session = played(OPENED, e.UserSaid("hi"), e.TurnEnded(ONE, "interrupted", seen=False))
    assert (session.state, session.queue) == (S.WAITING, [])


def test_unpausing_goes_on_with_what_was_left() -> None:
    assert played(*UNSEEN, e.Paused(), e.Unpaused()).state is S.WAITING
    assert played(OPENED, e.Paused(), e.UserSaid("later"), e.Unpaused()).state is S.PROCESSING
    assert played(OPENED, e.Paused(), e.Unpaused()).state is S.ACTIVE


def test_closing_in_the_middle_leaves_no_turn_behind() -> None:
    session = played(*RUNNING, e.UserSaid("two"), answer(ONE, CALL), e.ToolStarted(ONE, CALL), e.Closed())
    assert (session.running, session.queue, session.open_calls, session.asked_calls) == (None, [], {}, {})
    Player(session).play(e.Reopened())
    assert session.state is S.ACTIVE


def test_tokens_and_money_are_added_up() -> None:
    first = e.AssistantSaid(ONE, AssistantMessage("a"), "end", "p:m", Usage(10, 5, 2), 0.25)
    second = e.AssistantSaid(ONE, AssistantMessage("b"), "end", "p:m", Usage(20, 7), None)
    session = played(*RUNNING, first, second)
    assert (session.usage, session.cost, session.unpriced, session.context_used) == (Usage(30, 12, 2), 0.25, 1, 27)
    assert session.messages == 3


def test_a_setting_taken_back_is_gone() -> None:
    session = played(OPENED, e.SettingChanged("model", "a:b"), e.SettingChanged("system", "s"), e.SettingChanged("model", None))
    assert session.settings == {"system": "s"}


@given(steps())
def test_any_events_in_any_order_keep_the_session_sound(choices: list[Any]) -> None:
    """Refusals change nothing; work means Processing or Paused, or waiting for an answer; a question hangs on a started call."""
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
        asks = session.question is not None
        assert not busy or session.state in (S.WAITING if asks else S.PROCESSING, S.PAUSED)
        assert busy or session.state is not S.PROCESSING
        assert session.question is None or session.question.call in session.open_calls
        if session.running is None:
            assert not session.answer
            assert not session.open_calls
            assert not session.asked_calls
            assert not asks
        assert bool(session.waiting_for) == (session.state is S.WAITING)
        if session.state in (S.WAITING, S.ACTIVE) and not asks:
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


def noteworthy(event: e.Event) -> bool:
    """Whether it counts as unread until it is seen."""
    return isinstance(event, (e.AssistantSaid, e.QuestionAsked)) or (isinstance(event, e.TurnEnded) and event.ending != "done")


@given(steps(60))
def test_what_is_after_the_mark_is_unread(choices: list[Any]) -> None:
    player = Player()
    player.play(OPENED)
    session = player.session
    for choice in choices:
        event, mark, since, state = player.event(choice), session.mark, session.waiting_since, session.state
        if not player.try_play(event):
            continue
        assert 0 <= session.mark.upto <= session.seq
        news = [one.seq for one in session.conversation if one.seq and one.seq > session.mark.upto and noteworthy(one.event)]
        assert session.unread == news  # what was taken back is none
        match event:
            case e.Seen(upto=upto):
                assert session.mark == event
                assert session.unseen == (session.ended > upto)
            case e.TurnEnded(seen=True) | e.Closed():
                assert (session.unread, session.unseen, session.mark.upto) == ([], False, session.seq)
            case e.TurnEnded():
                assert (session.ended, session.ending) == (session.seq, event.ending)
            case _:
                assert session.mark == mark
        entered = session.state is S.WAITING and state is not S.WAITING
        assert session.waiting_since == (player.durable[-1].at if entered else since)


@given(steps(60))
def test_a_call_starts_asks_and_ends_once(choices: list[Any]) -> None:
    player = Player()
    player.play(OPENED)
    for choice in choices:
        player.try_play(player.event(choice))
    seen: set[tuple[str, CallId]] = set()
    for one in player.durable:
        match one.event:
            case e.ToolStarted(call=call):
                step = "started", call.id
            case e.QuestionAsked(call=asking):
                step = "asked", asking
            case e.ToolReturned(result=result) | e.QuestionAnswered(result=result):
                step = "ended", result.call
            case _:
                continue
        assert step not in seen or step[1] == "dup"  # the id of misfits, which answers may repeat
        seen.add(step)


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


def test_what_is_given_by_hand_is_told_apart() -> None:
    session = played(OPENED, e.Renamed("auth-fix", by_hand=False), e.KindChanged("debug"), e.Titled("The way in"))
    assert (session.name, session.kind, session.title, session.named_by_hand, session.kind_by_hand) == (
        "auth-fix",
        "debug",
        "The way in",
        False,
        False,
    )
    Player(session).play(e.Renamed("login", by_hand=True))
    assert (session.name, session.named_by_hand) == ("login", True)
    opened = played(e.SessionOpened("mine", "debug", OPENED.project, "/shop", named_by_hand=True, kind_by_hand=True))
    assert (opened.named_by_hand, opened.kind_by_hand) == (True, True)


def test_sessions_have_readable_errors() -> None:
    with pytest.raises(IllegalTransition, match="is closed, so nothing can be done in it"):
        played(OPENED, e.Closed(), e.UserSaid("hello?"))


def test_an_unknown_event_is_kept_and_changes_nothing_but_the_place() -> None:
    session = played(OPENED)
    before = snapshot(session)
    Player(session).play(e.UnknownEvent("Teleported", "{}"))
    after = snapshot(session)
    assert {name for name in after if after[name] != before[name]} == {"seq", "last_at"}
    assert session.id == SessionId("s-1")
