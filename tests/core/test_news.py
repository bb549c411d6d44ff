"""The output buffer: a ring against a list, each thing told once whatever the user turns to when, and what is cut is counted."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, strategies as st

from plait.core import events as e
from plait.core.commands import News
from plait.core.messages import AssistantMessage, Attachment, CallId, ToolCall, ToolResult, Turn
from plait.core.news import unseen
from plait.core.session import Session
from plait.runtime.weight import OBJECTS, weight
from tests.core.histories import Player, steps
from tests.core.test_session import ASKED, CALL, ONE, OPENED, RUNNING, answer, end, played, reply

ROOMY = 10**9
CUT = re.compile(r"\n\[([\d,]+) more characters are only in /history\.\]")
SIZES = st.integers(OBJECTS, 8 * OBJECTS) | st.sampled_from([0, ROOMY])


def news(session: Session, upto: int | None = None, capacity: int = ROOMY, size: int = ROOMY) -> News:
    return unseen(session, session.seq if upto is None else upto, capacity, size, weight)


def lived(choices: list[Any]) -> Session:
    player = Player()
    player.play(OPENED)
    for choice in choices:
        player.try_play(player.event(choice))
    return player.session


@given(steps(60), st.integers(0, 6), SIZES, st.integers(0, 8))
def test_it_is_a_ring_against_a_list(choices: list[Any], capacity: int, size: int, not_durable: int) -> None:
    """Against the plainest ring: every event goes in at the end, and the oldest go until both capacities hold."""
    session = lived(choices)
    upto = max(0, session.seq - not_durable)
    fresh = [one for one in session.conversation if session.mark.upto < (one.seq or 0) <= upto]
    told = news(session, upto, capacity, size)

    assert told.skipped == len(fresh) - len(told.events)
    assert [one.seq for one in told.events] == [one.seq for one in fresh[told.skipped :]]
    assert len(told.events) <= capacity
    assert sum(map(weight, told.events)) <= size
    assert told.seq == upto
    assert told.tools == sum(isinstance(one.event, e.ToolStarted) for one in told.events)

    whole = {one.seq: one for one in fresh}
    ring: deque[e.Stamped] = deque()
    for one in fresh:
        as_kept = next((kept for kept in told.events if kept.seq == one.seq), one)
        assert as_kept == one or weight(one) > size
        ring.append(as_kept)
        while ring and (len(ring) > capacity or sum(map(weight, ring)) > size):
            ring.popleft()
    assert list(ring) == list(told.events)
    assert all(whole[kept.seq] == kept for kept in told.events) or size < ROOMY


class Viewer:
    """A front end that turns to a session now and then, prints what is new, and says how far it came."""

    def __init__(self) -> None:
        self.events: list[int | None] = []
        self.text = ""

    def visit(self, player: Player) -> None:
        session = player.session
        told = news(session)
        answers = [one.event.message.text for one in told.events if isinstance(one.event, e.AssistantSaid)]
        self.events += [one.seq for one in told.events]
        self.text += "".join((*answers, session.answer.text))[told.shown :]
        player.try_play(e.Seen(session.seq, len(session.answer.text)))


def play_as_the_runtime(player: Player, event: e.Event) -> None:
    """Nobody marks or attends anything but the viewer; a call starts after its answer; what was answered before a cut is kept.

    Nothing is taken back either: of what the viewer was told before that, no event is in the conversation any more.
    """
    session = player.session
    if isinstance(event, (e.Seen, e.Closed, e.Rewound, e.Redone)) or (isinstance(event, e.TurnEnded) and event.seen):
        return
    if isinstance(event, e.ToolStarted) and session.answer:
        return
    if isinstance(event, e.TurnEnded) and session.answer and session.running == event.turn:
        player.play(e.AssistantSaid(event.turn, AssistantMessage(session.answer.text), "other", complete=False))
    player.try_play(event)


@given(st.lists(st.tuples(steps(6), st.booleans()), max_size=12))
def test_whenever_the_user_looks_everything_is_told_once_and_in_order(parts: list[tuple[list[Any], bool]]) -> None:
    player, viewer = Player(), Viewer()
    player.play(OPENED)
    for choices, look in parts:
        for choice in choices:
            play_as_the_runtime(player, player.event(choice))
        if look:
            viewer.visit(player)
    viewer.visit(player)
    session = player.session
    said = [one.event.message.text for one in session.conversation if isinstance(one.event, e.AssistantSaid)]
    assert viewer.text == "".join((*said, session.answer.text))
    assert viewer.events == [one.seq for one in session.conversation]


@given(steps(60))
def test_of_what_is_taken_back_nothing_is_news(choices: list[Any]) -> None:
    session = lived(choices)
    told = {one.seq for one in session.conversation}
    assert {one.seq for one in news(session).events} <= told
    assert set(session.unread) <= told
    assert not session.unseen or session.ended in told


def test_nothing_is_told_twice_and_an_end_that_was_seen_is_seen() -> None:
    assert news(lived([])).events == ()
    player = Player()
    player.play(*RUNNING, answer(ONE), end(seen=True))
    told = news(player.session)
    assert (told.events, told.lines, told.skipped, told.since) == ((), 0, 0, 0.0)


def test_lines_tools_and_the_time_are_those_of_what_is_new() -> None:
    player = Player()
    player.play(*ASKED)
    told = news(player.session)
    assert (told.lines, told.tools, told.since) == (2, 1, 1_001.0)  # the answer and the question; since the message
    player.play(e.Seen(4), reply(), answer(ONE, text="one\n\ntwo\n"), e.Noted("three"), end(ending="failed"))
    told = news(player.session)
    kinds = [e.ToolStarted, e.QuestionAsked, e.QuestionAnswered, e.AssistantSaid, e.Noted, e.TurnEnded]
    assert [type(one.event) for one in told.events] == kinds
    assert (told.lines, told.tools, told.since) == (1 + 3 + 1, 1, told.events[0].at)


def test_an_answer_in_progress_counts_and_only_what_was_not_shown() -> None:
    player = Player()
    player.play(*RUNNING, e.AnswerDelta(ONE, "one\ntwo\n"), e.Seen(3, len("one\n")))
    told = news(player.session)
    assert (told.events, told.lines, told.shown) == ((), 1, 4)
    assert told.since == player.session.last_at
    player.play(e.AnswerDelta(ONE, "three\n"), answer(ONE, text="one\ntwo\nthree\n"), e.AnswerDelta(ONE, "four\nfive"))
    told = news(player.session)
    assert (len(told.events), told.lines, told.shown) == (1, 4, 4)


def test_lines_that_were_shown_are_not_counted_as_skipped() -> None:
    player = Player()
    player.play(*RUNNING, e.AnswerDelta(ONE, "one\ntwo"), e.Seen(3, 4), answer(ONE, text="one\ntwo\nthree"), answer(ONE, text="four"))
    told = news(player.session, capacity=1)
    assert (told.skipped, told.skipped_lines, told.lines, told.shown) == (1, 2, 1, 0)


def test_what_was_shown_of_an_answer_that_a_crash_took_hides_nothing_of_the_next() -> None:
    player = Player()
    player.play(*RUNNING, e.AnswerDelta(ONE, "shown and lost"), e.Seen(3, 14), end(ending="interrupted"), e.RetryAsked())
    retried = Turn(player.session.seq)
    player.play(e.TurnStarted(retried), e.AnswerDelta(retried, "once more"))
    assert news(player.session).shown == 0
    player.play(answer(retried, text="once more, all of it"))
    assert news(player.session).shown == 0


LONG = "x" * 5_000
SMALL = 1_000
"""Bytes of a buffer that `LONG` does not fit in."""


WRITES = ToolCall(CallId("z"), "write", LONG)


@pytest.mark.parametrize(
    ("way", "event"),
    [
        (RUNNING, answer(ONE, text=LONG)),
        (RUNNING, e.AssistantSaid(ONE, AssistantMessage("short", LONG, provider_state="{}"), "end")),
        (RUNNING, answer(ONE, WRITES, text="")),
        (RUNNING, e.Noted(LONG)),
        (RUNNING, e.UserSaid("look", (Attachment("a.py", LONG),))),
        (RUNNING, e.TurnEnded(ONE, "failed", seen=False, detail=LONG)),
        ((*RUNNING, answer(ONE, WRITES)), e.ToolStarted(ONE, WRITES)),
        (ASKED[:5], e.QuestionAsked(ONE, CALL.id, LONG, ("yes", "no"))),
        (ASKED[:5], e.ToolReturned(ONE, ToolResult(CALL.id, "read", LONG))),
        (ASKED, e.QuestionAnswered(ONE, ToolResult(CALL.id, "read", LONG))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_larger_than_the_buffer_is_cut_and_the_mark_says_how_much(way: tuple[e.Event, ...], event: e.Event) -> None:
    """Nothing that can be long gets around it; what is left and what the mark tells make the whole."""
    player = Player()
    player.play(*way, e.Seen(len(way)), event)
    (whole,) = news(player.session).events
    assert whole.event == event
    told = news(player.session, size=SMALL)
    (kept,) = told.events
    assert (told.skipped, kept.seq) == (0, whole.seq)
    assert weight(kept) <= SMALL
    (mark,) = [found for text in texts(kept.event) if (found := CUT.search(text))]
    assert weight(kept) - len(mark[0]) + int(mark[1].replace(",", "")) == weight(whole)
    if not isinstance(event, (e.AssistantSaid, e.UserSaid)) or event == answer(ONE, text=LONG):
        assert any(text.startswith("xxx") for text in texts(kept.event))


def test_what_is_cut_of_an_answer_is_its_end_and_not_what_was_shown() -> None:
    player = Player()
    player.play(*RUNNING, e.AnswerDelta(ONE, LONG), e.Seen(3, len(LONG)), answer(ONE, text=LONG + "the end"))
    told = news(player.session, size=SMALL)
    (kept,) = told.events
    assert isinstance(kept.event, e.AssistantSaid)
    assert (kept.event.message.text[told.shown :], told.lines) == ("the end", 1)
    player.play(answer(ONE, text="a second one"))
    assert news(player.session, size=SMALL).shown == 0


def test_what_cannot_be_made_to_fit_is_left_out_and_counted() -> None:
    player = Player()
    player.play(*RUNNING, e.Seen(3), answer(ONE, text=LONG), e.Noted("short"))
    told = news(player.session, size=OBJECTS + 10)
    assert [type(one.event) for one in told.events] == [e.Noted]
    assert (told.skipped, told.skipped_lines) == (1, 1)
    assert news(player.session, capacity=0).skipped == 2


def texts(value: object) -> list[str]:
    """Every text in a value of ours."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for one in value for text in texts(one)]
    if is_dataclass(value):
        return [text for one in fields(value) for text in texts(getattr(value, one.name))]
    return []


@given(steps(60), st.integers(0, 6))
def test_a_message_is_there_where_its_turn_begins_or_is_given_up(choices: list[Any], capacity: int) -> None:
    """Whoever is told that a turn begins has its message: among the news, or beside them; nobody has it twice."""
    session = lived(choices)
    told = news(session, capacity=capacity)
    said = {one.seq for one in session.conversation if isinstance(one.event, e.UserSaid)}
    started = {one.event.turn: one.seq or 0 for one in session.conversation if isinstance(one.event, e.TurnStarted)}
    wanted = [
        one.event.turn
        for one in told.events
        if isinstance(one.event, e.TurnStarted) or (isinstance(one.event, e.TurnEnded) and one.event.turn not in started)
    ]
    assert [one.seq for one in told.begun] == sorted({turn for turn in wanted if turn in said and turn <= session.mark.upto})


def test_a_message_that_was_queued_when_one_looked_is_told_with_its_turn() -> None:
    first, second = Turn(2), Turn(3)
    queued = (OPENED, e.UserSaid("one"), e.UserSaid("two"), e.TurnStarted(first), e.Seen(4))
    done = news(played(*queued, e.TurnEnded(first, "done", False), e.TurnStarted(second)))
    assert [one.event for one in done.begun] == [e.UserSaid("two")]
    given_up = news(played(*queued, e.TurnEnded(second, "interrupted", False), e.TurnEnded(first, "done", False)))
    assert [one.event for one in given_up.begun] == [e.UserSaid("two")]
