"""What an event must fit in its session, beyond what a table of five states can hold: which turn, which call, which place. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core import events as e
from plait.core.branching import start_of
from plait.core.states import SessionState

if TYPE_CHECKING:
    from plait.core.session import Session


def fits(session: Session, event: e.Event) -> bool:
    """Whether the turn, the call or the event that `event` speaks of is there, and is due."""
    match event:
        case e.TurnStarted(turn=turn):
            return session.running is None and bool(session.queue) and session.queue[0] == turn
        case e.AnswerProgress(turn=turn) | e.AnswerDelta(turn=turn) | e.AssistantSaid(turn=turn) | e.HandedOver(turn=turn):
            return session.running == turn and not session.open_calls
        case e.ToolStarted(turn=turn, call=call):
            return session.running == turn and call.id in session.asked_calls
        case e.ToolReturned(turn=turn, result=result):
            return session.running == turn and (result.call in session.open_calls or result.call in session.asked_calls)
        case e.QuestionAsked(turn=turn, call=asking):
            return session.running == turn and asking in session.open_calls and session.question is None
        case e.QuestionAnswered(turn=turn, result=result):
            return session.running == turn and session.question is not None and session.question.call == result.call
        case e.TurnEnded(turn=turn):
            return session.running == turn or turn in session.queue
        case e.Compacted(turn=turn, upto=upto):
            return session.running == turn and not session.open_calls and 0 <= upto <= session.seq
        case e.Rewound(turn=turn):
            return not session.running and not session.queue and start_of(session.conversation, turn) is not None
        case e.Redone():
            return not session.running and not session.queue and bool(session.taken_back)
        case e.Trashed(trashed=trashed):
            return session.state is SessionState.COMPLETED or not trashed
        case e.Seen(upto=upto, shown=shown):
            return 0 <= upto <= session.seq and shown >= 0
        case _:
            return True
