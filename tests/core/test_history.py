"""The provider's view is valid whatever happened (promise P2), and says what was said, in the order in which it was answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st

from plait.core import events as e
from plait.core.history import CUT_OFF, UNKNOWN_OUTCOME, provider_view, repair, with_unique_ids
from plait.core.messages import (
    AssistantMessage,
    Attachment,
    CallId,
    Message,
    SessionId,
    ToolCall,
    ToolMessage,
    ToolResult,
    Turn,
    UserMessage,
)
from plait.core.session import Session
from tests.core.histories import Player, steps
from tests.core.test_session import OPENED
from tests.strategies import events as any_events

IDS = st.sampled_from([CallId(one) for one in ("", "a", "b", "c")])
TEXTS = st.sampled_from(["", " ", "\n", "x", "two words"])
WORDS = st.sampled_from(["x", "two words", " y\n"])
STATES = st.sampled_from([None, "{}"])
CALLS = st.lists(st.builds(ToolCall, IDS, st.just("read"), st.just("{}")), max_size=3).map(tuple)
RESULTS = st.lists(st.builds(ToolResult, IDS, st.just("read"), TEXTS), max_size=3).map(tuple)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(UserMessage, TEXTS, st.sampled_from([(), (Attachment("a", "b"),)])),
    st.builds(AssistantMessage, TEXTS, TEXTS, CALLS, STATES),
    st.builds(ToolMessage, RESULTS),
)


def faults(messages: Sequence[Message]) -> Iterator[str]:
    """What a provider would refuse; written without a look at `repair`."""
    if messages and not isinstance(messages[0], UserMessage):
        yield "does not begin with the user"
    ids = [call.id for message in messages if isinstance(message, AssistantMessage) for call in message.calls]
    if len(set(ids)) < len(ids) or "" in ids:
        yield "an id is empty or repeated"
    for place, message in enumerate(messages):
        before = messages[place - 1] if place else None
        after = messages[place + 1] if place + 1 < len(messages) else None
        if before is not None and type(before) is type(message):
            yield f"two {type(message).__name__}s"
        match message:
            case UserMessage():
                if not message.text.strip() and not message.attachments:
                    yield "an empty user message"
            case AssistantMessage():
                if not message.text.strip() and not message.calls:
                    yield "an empty answer"
                if message.calls and not isinstance(after, ToolMessage):
                    yield "a call without a result"
            case ToolMessage():
                asked = before.calls if isinstance(before, AssistantMessage) else ()
                if not asked or [one.id for one in asked] != [one.call for one in message.results]:
                    yield "results without their calls"


@given(st.lists(MESSAGES, max_size=12))
def test_any_list_is_made_valid(messages: list[Message]) -> None:
    repaired = repair(messages)
    assert list(faults(repaired)) == []
    assert repair(repaired) == repaired


@st.composite
def valid_lists(draw: st.DrawFn) -> list[Message]:
    """Exchanges as they ought to be: a message, calls with their results, an answer; the last answer may not be there yet."""
    messages: list[Message] = []
    ids = iter(range(99))
    for _ in range(draw(st.integers(0, 4))):
        messages.append(draw(st.builds(UserMessage, WORDS, st.sampled_from([(), (Attachment("a", "b"),)]))))
        for _ in range(draw(st.integers(0, 2))):
            calls = tuple(ToolCall(CallId(f"c{next(ids)}"), "read", "{}") for _ in range(draw(st.integers(1, 3))))
            messages.append(draw(st.builds(AssistantMessage, TEXTS, TEXTS, st.just(calls), STATES)))
            messages.append(ToolMessage(tuple(ToolResult(call.id, call.name, draw(TEXTS)) for call in calls)))
        messages.append(draw(st.builds(AssistantMessage, WORDS, TEXTS, st.just(()), STATES)))
    return messages[: len(messages) - draw(st.booleans())]


@given(valid_lists())
def test_what_is_valid_is_left_alone(messages: list[Message]) -> None:
    assert list(faults(messages)) == []
    assert repair(messages) == tuple(messages)


@given(st.lists(MESSAGES, max_size=12))
def test_no_word_of_the_user_is_lost(messages: list[Message]) -> None:
    told = "\n".join(one.text for one in repair(messages) if isinstance(one, UserMessage))
    for message in messages:
        if isinstance(message, UserMessage):
            assert message.text.strip() in told


@given(steps(60))
def test_any_life_of_a_session_gives_a_valid_view(choices: list[Any]) -> None:
    player = Player()
    player.play(OPENED)
    for choice in choices:
        player.try_play(player.event(choice))
        assert list(faults(provider_view(player.session.conversation))) == []
    view = provider_view(player.session.conversation)
    assert repair(view) == view
    again = Session(player.session.id)
    for stamped in player.durable:
        again.apply(stamped)
    assert provider_view(again.conversation) == view


@given(st.lists(any_events(), max_size=20))
def test_any_events_at_all_give_a_valid_view(events: list[e.Event]) -> None:
    """Not even an impossible log, such as a faulty import would make, bricks a session."""
    log = [e.Stamped(SessionId("s"), seq, 0.0, event) for seq, event in enumerate(events, 1)]
    view = provider_view(log)
    assert list(faults(view)) == []
    assert provider_view(log) == view


def view_of(*events: e.Event) -> tuple[Message, ...]:
    """The view of events that follow `SessionOpened`, so that the first of them has number 2."""
    player = Player()
    player.play(OPENED, *events)
    return provider_view(player.session.conversation)


def said(turn: int, text: str, *calls: ToolCall, complete: bool = True) -> e.AssistantSaid:
    return e.AssistantSaid(Turn(turn), AssistantMessage(text, "hm", calls, "{}", "p"), "end", complete=complete)


CALL = ToolCall(CallId("c1"), "read", "{}")
SECOND = ToolCall(CallId("c2"), "read", "{}")
ASK = (e.UserSaid("one"), e.TurnStarted(Turn(2)))
DONE = e.TurnEnded(Turn(2), "done", True)


def test_a_queued_message_stands_after_the_answer_that_it_waited_for() -> None:
    told = view_of(*ASK, e.UserSaid("two"), e.UserSaid("three"), said(2, "first"), DONE, e.TurnStarted(Turn(4)), said(4, "second"))
    assert [message.text for message in told if not isinstance(message, ToolMessage)] == ["one", "first", "two", "second"]


def test_a_message_taken_out_of_the_queue_is_not_told() -> None:
    told = view_of(*ASK, e.UserSaid("two"), e.TurnEnded(Turn(4), "interrupted", True), said(2, "first"))
    assert told == (UserMessage("one"), AssistantMessage("first", "hm", (), "{}", "p"))


def test_a_partial_answer_is_told_as_one_and_never_calls() -> None:
    told = view_of(*ASK, said(2, "half an ans", CALL, complete=False), e.TurnEnded(Turn(2), "interrupted", True))
    assert told == (UserMessage("one"), AssistantMessage("half an ans" + CUT_OFF))


def test_an_answer_cut_off_in_its_thinking_leaves_nothing_to_tell() -> None:
    assert view_of(*ASK, said(2, "", complete=False)) == (UserMessage("one"),)


def test_two_messages_without_an_answer_between_become_one() -> None:
    told = view_of(*ASK, e.TurnEnded(Turn(2), "failed", True), e.UserSaid("two"), e.TurnStarted(Turn(5)))
    assert told == (UserMessage("one\n\ntwo"),)


def test_a_retry_takes_the_last_answer_back() -> None:
    told = view_of(*ASK, said(2, "bad"), DONE, e.RetryAsked(), e.TurnStarted(Turn(6)))
    assert told == (UserMessage("one"),)
    told = view_of(*ASK, said(2, "bad"), DONE, e.RetryAsked(), e.TurnStarted(Turn(6)), said(6, "good"))
    assert told == (UserMessage("one"), AssistantMessage("good", "hm", (), "{}", "p"))


def test_a_retry_repeats_the_model_call_and_never_a_tool() -> None:
    tool = (said(2, "look", CALL), e.ToolStarted(Turn(2), CALL), e.ToolReturned(Turn(2), ToolResult(CALL.id, "read", "42")))
    told = view_of(*ASK, *tool, said(2, "bad"), DONE, e.RetryAsked(), e.TurnStarted(Turn(9)))
    assert told == (
        UserMessage("one"),
        AssistantMessage("look", "hm", (CALL,), "{}", "p"),
        ToolMessage((ToolResult(CALL.id, "read", "42"),)),
    )


def test_a_retry_keeps_an_answer_whose_call_nobody_knows_the_outcome_of() -> None:
    told = view_of(*ASK, said(2, "look", CALL), e.TurnEnded(Turn(2), "interrupted", True), e.RetryAsked(), e.TurnStarted(Turn(6)))
    assert told[1:] == (
        AssistantMessage("look", "hm", (CALL,), "{}", "p"),
        ToolMessage((ToolResult(CALL.id, "read", UNKNOWN_OUTCOME, "interrupted"),)),
    )


def test_an_open_call_is_told_as_interrupted_and_stays_in_its_place() -> None:
    told = view_of(
        *ASK,
        said(2, "look", CALL, SECOND),
        e.ToolReturned(Turn(2), ToolResult(SECOND.id, "read", "fine")),
        e.TurnEnded(Turn(2), "interrupted", True),
        e.UserSaid("two"),
        e.TurnStarted(Turn(7)),
    )
    assert told[2] == ToolMessage(
        (ToolResult(CALL.id, "read", UNKNOWN_OUTCOME, "interrupted"), ToolResult(SECOND.id, "read", "fine")),
    )
    assert told[3] == UserMessage("two")


def test_opaque_state_is_dropped_where_the_message_is_changed() -> None:
    """It describes the message as the provider made it; changed, the two would contradict each other."""
    doubled = AssistantMessage("x", "", (CALL, CALL), "{}", "p")
    assert repair([UserMessage("u"), doubled])[1] == AssistantMessage("x", "", (CALL,), None, "p")
    merged = repair([UserMessage("u"), AssistantMessage("x", "", (), "{}", "p"), AssistantMessage("y", "", (), "{}", "p")])[1]
    assert merged == AssistantMessage("x\n\ny", "", (), None, "p")


@given(st.lists(CALLS, min_size=1, max_size=5))
def test_call_ids_are_made_unique_in_the_conversation(answers: list[tuple[ToolCall, ...]]) -> None:
    log: list[e.Stamped] = []
    for number, calls in enumerate(answers, 1):
        unique = with_unique_ids(calls, log)
        assert [(one.name, one.arguments) for one in unique] == [(one.name, one.arguments) for one in calls]
        log.append(e.Stamped(SessionId("s"), number, 0.0, e.AssistantSaid(Turn(1), AssistantMessage("x", calls=unique), "end")))
    ids = [call.id for one in log if isinstance(one.event, e.AssistantSaid) for call in one.event.message.calls]
    assert "" not in ids
    assert len(set(ids)) == len(ids)


def test_an_id_that_is_unique_already_is_kept() -> None:
    assert with_unique_ids((CALL, SECOND), []) == (CALL, SECOND)


@pytest.mark.parametrize("text", ["", "  "])
def test_a_message_of_attachments_alone_is_told(text: str) -> None:
    attached = UserMessage(text, (Attachment("a.py", "1"),))
    assert repair([attached]) == (attached,)
