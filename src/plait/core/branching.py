"""Going back and branching off: what a rewind takes out of a conversation, and the events of a copy. Pure.

A turn begins with what asked for it (`UserSaid`, `RetryAsked`, `CompactionAsked`), whose sequence number is its name; it may have been
asked for while another turn still ran. So a conversation is cut by turns, not at an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from plait.core import events as e
from plait.core.messages import Turn, Usage

Asking: TypeAlias = e.UserSaid | e.RetryAsked | e.CompactionAsked
"""The events that queue a turn."""


def messages_told(conversation: Sequence[e.Stamped]) -> list[e.Stamped]:
    """The user's messages whose turns have started, in the order in which they did; the number of one is its place, from 1."""
    said = {stamped.seq: stamped for stamped in conversation if isinstance(stamped.event, e.UserSaid)}
    started = (stamped.event.turn for stamped in conversation if isinstance(stamped.event, e.TurnStarted))
    return [said[turn] for turn in started if turn in said]


def start_of(conversation: Sequence[e.Stamped], turn: Turn) -> int | None:
    """Where in `conversation` the turn starts; None if it does not, or if no message asked for it."""
    for place in range(len(conversation) - 1, -1, -1):
        event = conversation[place].event
        if isinstance(event, e.TurnStarted) and event.turn == turn:
            asked = any(one.seq == turn and isinstance(one.event, e.UserSaid) for one in conversation[:place])
            return place if asked else None
    return None


def rewound(conversation: Sequence[e.Stamped], turn: Turn) -> tuple[list[e.Stamped], list[e.Stamped]]:
    """What remains of `conversation` before `turn`, and what is taken back: that turn, all that started later, and what asked for them.

    A notice stays, whenever it was given.
    """
    place = start_of(conversation, turn)
    if place is None:
        return list(conversation), []
    turns = {stamped.event.turn for stamped in conversation[place:] if isinstance(stamped.event, e.TurnStarted)}
    kept: list[e.Stamped] = []
    taken: list[e.Stamped] = []
    for at, stamped in enumerate(conversation):
        goes = stamped.seq in turns or (at >= place and not isinstance(stamped.event, e.Noted))
        (taken if goes else kept).append(stamped)
    return kept, taken


def taken_back(events: Iterable[e.Stamped]) -> set[Turn]:
    """The turns that are told no more at the end of `events`, which follow each other and may begin anywhere in a session's life."""
    told: list[Turn] = []
    can_come_back: list[list[Turn]] = []
    gone: set[Turn] = set()
    for stamped in events:
        match stamped.event:
            case e.UserSaid() | e.RetryAsked() | e.CompactionAsked():
                gone.update(turn for turns in can_come_back for turn in turns)
                can_come_back.clear()
            case e.TurnStarted(turn=turn):
                told.append(turn)
            case e.Rewound(turn=turn):
                place = told.index(turn) if turn in told else 0  # one that began before `events` takes all of these with it
                can_come_back.append(told[place:])
                del told[place:]
            case e.Redone() if can_come_back:
                told += can_come_back.pop()
            case _:
                pass
    return gone.union(*can_come_back)


def turn_of(stamped: e.Stamped) -> Turn | None:
    """The turn that an event belongs to; None for one that belongs to none."""
    if isinstance(stamped.event, Asking):
        return Turn(stamped.seq or 0)
    return None if isinstance(stamped.event, e.Rewound) else getattr(stamped.event, "turn", None)


def count_messages(events: Iterable[e.Stamped]) -> int:
    """How many messages of the user and of the model these are."""
    return sum(isinstance(stamped.event, (e.UserSaid, e.AssistantSaid)) for stamped in events)


def copied(conversation: Sequence[e.Stamped], after: int, upto: Turn | None = None) -> list[tuple[float, e.Durable]]:
    """The events, each with its time, that tell `conversation` in another session whose last event is `after`.

    Only turns that are over are copied, up to that of the message `upto` with what was retried of it (None: all). The copy was seen, and
    cost nothing: what the original took is counted there.
    """
    asked = {stamped.seq: stamped for stamped in conversation if isinstance(stamped.event, Asking)}
    over = {stamped.event.turn for stamped in conversation if isinstance(stamped.event, e.TurnEnded)}
    copy: list[tuple[float, e.Durable]] = []
    turns: dict[Turn, Turn] = {}
    places = {0: 0}
    last_message = False
    for stamped in conversation:
        event = stamped.event
        if isinstance(event, e.TurnStarted):
            asking = asked.get(event.turn)
            if asking is None or event.turn not in over or (last_message and isinstance(asking.event, e.UserSaid)):
                break
            last_message = event.turn == upto or last_message
            copy.append((asking.at, asking.event))  # type: ignore[arg-type]  # what asks for a turn is durable
            turns[event.turn] = Turn(after + len(copy))
        told = _told(event, turns, places)
        if told is not None:
            copy.append((stamped.at, told))
            places[stamped.seq or 0] = after + len(copy)
    return copy


def _told(event: e.Event, turns: dict[Turn, Turn], places: dict[int, int]) -> e.Durable | None:
    """`event` of the copy; None if it does not belong to a copied turn."""
    match event:
        case e.Noted():
            return event
        case e.UserSaid() | e.RetryAsked() | e.CompactionAsked():
            return None
        case e.AssistantSaid(turn=turn) if turn in turns:
            return replace(event, turn=turns[turn], usage=None, cost=None)
        case e.Compacted(turn=turn, upto=upto) if turn in turns:
            copied_upto = places[max(place for place in places if place <= upto)]
            return replace(event, turn=turns[turn], upto=copied_upto, usage=None, cost=None)
        case e.TurnEnded(turn=turn) if turn in turns:
            return replace(event, turn=turns[turn], seen=True)
        case (
            e.TurnStarted(turn=turn)
            | e.ToolStarted(turn=turn)
            | e.ToolReturned(turn=turn)
            | e.QuestionAsked(turn=turn)
            | e.QuestionAnswered(turn=turn)
        ) if turn in turns:
            return replace(event, turn=turns[turn])
        case _:
            return None


def last_used(conversation: Sequence[e.Stamped]) -> int:
    """Tokens that the model was told last, as the last call or compaction says."""
    for stamped in reversed(conversation):
        match stamped.event:
            case e.AssistantSaid(usage=Usage() as usage):
                return usage.input + usage.output
            case e.Compacted(told=told):
                return told
    return 0
