"""The five states of a session and the table of what is legal in each: data only, from which the documentation is made too."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

from plait.core import events as e


class SessionState(StrEnum):
    """The five states of `product.md`."""

    ACTIVE = "Active"
    WAITING = "WaitingForInput"
    PROCESSING = "Processing"
    PAUSED = "Paused"
    COMPLETED = "Completed"


_Open: TypeAlias = Literal[SessionState.ACTIVE, SessionState.WAITING, SessionState.PROCESSING, SessionState.PAUSED]
Awaited: TypeAlias = Literal["", "answer", "question", "failed", "interrupted", "limit"]
"""What a session that is WaitingForInput has for its user: a finished answer, a question, or the kind of end that nobody saw."""


class Trigger(StrEnum):
    """What an event means to the state machine; the value is the words of the diagram."""

    SAID = "a message or a retry is queued"
    STARTED = "its turn starts"
    WORKED = "the model or a tool gets on"
    ASKED = "a question is asked"
    ANSWERED = "the question is answered"
    ENDED_SEEN = "the turn ends while attended"
    ENDED_UNSEEN = "the turn ends unattended"
    SEEN = "the user has seen everything"
    PAUSED = "paused"
    UNPAUSED = "unpaused"
    CHANGED = "renamed, changed, rewound, or something noted"
    FILED = "tagged, pinned, archived, trashed or moved"
    CLOSED = "closed"
    REOPENED = "reopened"


_S, _T = SessionState, Trigger

TRANSITIONS: dict[SessionState, dict[Trigger, SessionState]] = {
    _S.ACTIVE: {
        _T.SAID: _S.PROCESSING,
        _T.SEEN: _S.ACTIVE,
        _T.PAUSED: _S.PAUSED,
        _T.CHANGED: _S.ACTIVE,
        _T.FILED: _S.ACTIVE,
        _T.CLOSED: _S.COMPLETED,
    },
    _S.WAITING: {
        _T.SAID: _S.PROCESSING,
        _T.WORKED: _S.WAITING,
        _T.ANSWERED: _S.PROCESSING,
        _T.ENDED_SEEN: _S.ACTIVE,
        _T.ENDED_UNSEEN: _S.WAITING,
        _T.SEEN: _S.ACTIVE,
        _T.PAUSED: _S.PAUSED,
        _T.CHANGED: _S.WAITING,
        _T.FILED: _S.WAITING,
        _T.CLOSED: _S.COMPLETED,
    },
    _S.PROCESSING: {
        _T.SAID: _S.PROCESSING,
        _T.STARTED: _S.PROCESSING,
        _T.WORKED: _S.PROCESSING,
        _T.ASKED: _S.WAITING,
        _T.ENDED_SEEN: _S.ACTIVE,
        _T.ENDED_UNSEEN: _S.WAITING,
        _T.SEEN: _S.PROCESSING,
        _T.PAUSED: _S.PAUSED,
        _T.CHANGED: _S.PROCESSING,
        _T.FILED: _S.PROCESSING,
        _T.CLOSED: _S.COMPLETED,
    },
    _S.PAUSED: {
        _T.SAID: _S.PAUSED,
        _T.WORKED: _S.PAUSED,
        _T.ASKED: _S.PAUSED,
        _T.ANSWERED: _S.PAUSED,
        _T.ENDED_SEEN: _S.PAUSED,
        _T.ENDED_UNSEEN: _S.PAUSED,
        _T.SEEN: _S.PAUSED,
        _T.UNPAUSED: _S.ACTIVE,
        _T.CHANGED: _S.PAUSED,
        _T.FILED: _S.PAUSED,
        _T.CLOSED: _S.COMPLETED,
    },
    _S.COMPLETED: {
        _T.FILED: _S.COMPLETED,
        _T.REOPENED: _S.ACTIVE,
    },
}

_TRIGGERS: dict[type[e.Event], Trigger] = {
    e.UserSaid: _T.SAID,
    e.RetryAsked: _T.SAID,
    e.CompactionAsked: _T.SAID,
    e.TurnStarted: _T.STARTED,
    e.AnswerProgress: _T.WORKED,
    e.AnswerDelta: _T.WORKED,
    e.AssistantSaid: _T.WORKED,
    e.Compacted: _T.WORKED,
    e.HandedOver: _T.WORKED,
    e.ToolStarted: _T.WORKED,
    e.ToolReturned: _T.WORKED,
    e.QuestionAsked: _T.ASKED,
    e.QuestionAnswered: _T.ANSWERED,
    e.Seen: _T.SEEN,
    e.Paused: _T.PAUSED,
    e.Unpaused: _T.UNPAUSED,
    e.Renamed: _T.CHANGED,
    e.KindChanged: _T.CHANGED,
    e.Titled: _T.CHANGED,
    e.SettingChanged: _T.CHANGED,
    e.Noted: _T.CHANGED,
    e.Imported: _T.CHANGED,
    e.Rewound: _T.CHANGED,
    e.Redone: _T.CHANGED,
    e.Forked: _T.CHANGED,
    e.Tagged: _T.FILED,
    e.Pinned: _T.FILED,
    e.Archived: _T.FILED,
    e.Trashed: _T.FILED,
    e.DirectoryChanged: _T.FILED,
    e.Closed: _T.CLOSED,
    e.Reopened: _T.REOPENED,
}


def trigger_of(event: e.Event) -> Trigger | None:
    """What `event` means to the state machine; None for the first event and for those that pass through."""
    if isinstance(event, e.TurnEnded):
        return Trigger.ENDED_SEEN if event.seen else Trigger.ENDED_UNSEEN
    return _TRIGGERS.get(type(event))


def refusal(name: str, state: SessionState, event: e.Event) -> str:
    """What is said where `event` is not legal for the session of that name in `state`, with what its user can do."""
    if state is SessionState.COMPLETED:  # anybody's next step, where another terminal closed it
        return f"'{name}' is closed, so nothing can be done in it. /reopen {name} opens it again."
    return f"Session '{name}' is {state} and cannot take {type(event).__name__}. {_way_out(state)}"


def _way_out(state: _Open) -> str:
    match state:
        case SessionState.PAUSED:
            return "Unpause it first."
        case SessionState.PROCESSING:
            return "Wait for its turn to end, or interrupt it."
        case SessionState.ACTIVE | SessionState.WAITING:
            return "Send it a message first."
