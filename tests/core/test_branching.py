"""Going back, going forth again, branching off and telling shorter: nothing is lost, and what the model is told stays valid."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, strategies as st

from plait.core import events as e
from plait.core.branching import copied, messages_told, start_of, taken_back, turn_of
from plait.core.history import SUMMARY, provider_view, repair
from plait.core.messages import AssistantMessage, SessionId, Turn, UserMessage
from plait.core.session import Session
from plait.store.verify import history_faults
from tests.core.histories import Player, steps
from tests.core.test_session import OPENED


def talk(*words: str) -> Player:
    """A session in which each word was said and answered with itself in capitals."""
    player = Player()
    player.play(OPENED)
    for word in words:
        player.play(e.UserSaid(word))
        turn = Turn(player.session.seq)
        player.play(e.TurnStarted(turn), e.AssistantSaid(turn, AssistantMessage(word.upper()), "end"), e.TurnEnded(turn, "done", True))
    return player


def at_rest(lives: list[object]) -> Player:
    """A session with a talk, then anything, then a last exchange; it is open and does nothing."""
    player = talk("a", "b")
    for step in lives:
        player.try_play(player.event(step))  # type: ignore[arg-type]  # a choice
    session = player.session
    for event in (e.Reopened(), e.Unpaused()):
        player.try_play(event)
    while session.running is not None or session.queue:
        player.play(e.TurnEnded(session.running if session.running is not None else session.queue[0], "interrupted", seen=True))
    player.play(e.UserSaid("last"))
    turn = Turn(session.seq)
    player.play(e.TurnStarted(turn), e.AssistantSaid(turn, AssistantMessage("LAST"), "end"), e.TurnEnded(turn, "done", True))
    return player


def texts(session: Session) -> list[str]:
    """What the model would be told."""
    view = provider_view(session.conversation)
    return [message.text for message in view if isinstance(message, (UserMessage, AssistantMessage))]


def unfinished(conversation: Sequence[e.Stamped]) -> set[Turn]:
    """Turns that have started and not ended: one runs, or the session was closed in its middle."""
    ended = {one.event.turn for one in conversation if isinstance(one.event, e.TurnEnded)}
    return {one.event.turn for one in conversation if isinstance(one.event, e.TurnStarted)} - ended


def test_a_rewind_goes_back_to_before_a_message_and_can_be_taken_back() -> None:
    player = talk("a", "b", "c")
    before = texts(player.session)
    second = messages_told(player.session.conversation)[1]
    player.play(e.Rewound(Turn(second.seq or 0)))
    assert texts(player.session) == ["a", "A"]
    player.play(e.Noted("something"), e.Redone())
    assert texts(player.session) == before == ["a", "A", "b", "B", "c", "C"]
    assert not player.try_play(e.Redone())


def test_what_was_taken_back_twice_comes_back_in_two_steps() -> None:
    player = talk("a", "b", "c")
    for _ in range(2):
        player.play(e.Rewound(Turn(messages_told(player.session.conversation)[-1].seq or 0)))
    assert texts(player.session) == ["a", "A"]
    player.play(e.Redone())
    assert texts(player.session) == ["a", "A", "b", "B"]
    player.play(e.Redone())
    assert texts(player.session) == ["a", "A", "b", "B", "c", "C"]


def test_whatever_is_said_next_ends_the_going_forth() -> None:
    player = talk("a", "b")
    player.play(e.Rewound(Turn(messages_told(player.session.conversation)[-1].seq or 0)), e.UserSaid("other"))
    assert not player.session.taken_back
    assert not player.try_play(e.Redone())


def test_a_message_that_was_typed_while_another_turn_ran_is_taken_back_alone() -> None:
    player = Player()
    player.play(OPENED, e.UserSaid("a"), e.TurnStarted(Turn(2)), e.UserSaid("b"))
    for turn, word in ((Turn(2), "A"), (Turn(4), "B")):
        if turn == 4:
            player.play(e.TurnStarted(turn))
        player.play(e.AssistantSaid(turn, AssistantMessage(word), "end"), e.TurnEnded(turn, "done", True))
    player.play(e.Rewound(Turn(4)))
    assert texts(player.session) == ["a", "A"]


def test_a_turn_that_runs_or_a_message_that_never_began_cannot_be_taken_back() -> None:
    player = talk("a")
    assert not player.try_play(e.Rewound(Turn(99)))
    player.play(e.UserSaid("b"))
    assert not player.try_play(e.Rewound(Turn(2)))


def test_a_summary_stands_for_what_was_before_it_and_goes_with_the_turn_that_made_it() -> None:
    player = talk("a", "b", "c")
    third = messages_told(player.session.conversation)[2].seq or 0
    player.play(e.CompactionAsked("names"))
    turn = Turn(player.session.seq)
    player.play(e.TurnStarted(turn), e.Compacted(turn, third - 1, "a and b", told=7, asked=True), e.TurnEnded(turn, "done", True))
    assert texts(player.session) == [f"{SUMMARY.format('a and b')}\n\nc", "C"]
    assert player.session.context_used == 7
    player.play(e.Rewound(Turn(third)))
    assert texts(player.session) == ["a", "A", "b", "B"]


def test_a_window_is_cut_before_a_message_of_the_user() -> None:
    session = talk("a", "b", "c").session
    for window, kept in ((0, "aAbBcC"), (6, "aAbBcC"), (5, "bBcC"), (4, "bBcC"), (3, "cC"), (2, "cC"), (1, "cC")):
        view = provider_view(session.conversation, window)
        assert "".join(message.text for message in view if isinstance(message, (UserMessage, AssistantMessage))) == kept


@given(steps(), st.integers(0, 5))
def test_a_copy_tells_the_model_the_same(lives: list[object], number: int) -> None:
    """Of any life: the copy is legal, its turns are over, and without an end it tells what the original tells of finished turns."""
    player = talk("a", "b")
    for step in lives:
        player.try_play(player.event(step))  # type: ignore[arg-type]
    conversation = player.session.conversation
    said = messages_told(conversation)
    upto = Turn(said[number % len(said)].seq or 0) if said and number else None
    fork = Player(Session(SessionId("s-2")))
    fork.play(OPENED)
    copy = copied(conversation, fork.session.seq, upto)
    fork.play(*(event for _, event in copy))
    assert fork.session.running is None
    assert not fork.session.queue
    assert (fork.session.usage, fork.session.cost, fork.session.unread) == (type(fork.session.usage)(), 0.0, [])
    view = provider_view(fork.session.conversation)
    assert not list(history_faults(view))
    if upto is None and not unfinished(conversation):
        assert view == provider_view(conversation)


@given(steps(), st.integers(0, 9))
def test_going_back_and_forth_changes_nothing(lives: list[object], number: int) -> None:
    player = at_rest(lives)
    session = player.session
    said = [stamped.seq or 0 for stamped in messages_told(session.conversation)]
    before, conversation = provider_view(session.conversation), list(session.conversation)
    turn = Turn(said[number % len(said)])
    assert start_of(session.conversation, turn) is not None
    player.play(e.Rewound(turn))
    view = provider_view(session.conversation)
    assert repair(view) == view
    assert not list(history_faults(view))
    player.play(e.Redone())
    assert session.conversation == conversation
    assert provider_view(session.conversation) == before


@given(steps(), st.integers(0, 30))
def test_which_turns_are_taken_back_can_be_told_from_the_last_events_alone(lives: list[object], begin: int) -> None:
    player = Player()
    player.play(OPENED)
    for step in lives:
        player.try_play(player.event(step))  # type: ignore[arg-type]
    told = {turn_of(one) for one in player.session.conversation}
    started = {one.event.turn for one in player.durable if isinstance(one.event, e.TurnStarted)}
    assert taken_back(player.durable) == started - told
    late = player.durable[begin:]
    begun = {one.event.turn for one in late if isinstance(one.event, e.TurnStarted)}
    assert taken_back(late) & begun == (started - told) & begun
