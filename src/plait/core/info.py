"""A session in the list of sessions: what a front end shows of it, and the store keeps, so that a list needs no fold."""

from __future__ import annotations

from dataclasses import dataclass

from plait.core import events as e
from plait.core.brief import in_one_line
from plait.core.context import compacted_words
from plait.core.messages import SessionId
from plait.core.session import Session
from plait.core.states import Awaited, SessionState


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A line of the list of sessions."""

    id: SessionId
    name: str
    kind: e.Kind
    state: SessionState
    project: str
    directory: str
    messages: int
    created_at: float
    last_at: float
    seq: int
    title: str = ""
    named_by_hand: bool = False
    waiting_for: Awaited = ""
    waiting_since: float = 0.0
    """Seconds since 1970; meaningful while `waiting_for` is not empty."""
    unread: int = 0
    """Answers, questions and failures that no front end has shown."""
    ended: int = 0
    """The number of the last end of a turn, and how it ended."""
    ending: e.Ending = "done"
    queued: int = 0
    """Messages whose turns have not started."""
    used_at: float = 0.0
    """When its user last did something in it."""
    muted: bool = False
    """Its notices are off; `notify` are rules of its own for them (`core.notices`), empty where it has none."""
    notify: str = ""
    first: str = ""
    """The beginning of its first message, in one line."""
    tags: tuple[str, ...] = ()
    pinned: bool = False
    archived: bool = False
    trashed_at: float = 0.0
    """When it was put in the trash, in seconds since 1970; 0 if it is not there."""
    forked_from: SessionId = SessionId("")
    """The session that its beginning was copied from."""
    draft: bool = False
    """Something was typed in it and not sent."""


def info_of(session: Session, *, draft: bool) -> SessionInfo:
    """The session's line in the list; `draft` is whether something was typed in it and not sent."""
    return SessionInfo(
        session.id,
        session.name,
        session.kind,
        session.state,
        session.project,
        session.directory,
        session.messages,
        session.created_at,
        session.last_at,
        session.seq,
        title=session.title,
        named_by_hand=session.named_by_hand,
        waiting_for=session.waiting_for,
        waiting_since=session.waiting_since,
        unread=len(session.unread),
        ended=session.ended,
        ending=session.ending,
        queued=len(session.queue),
        used_at=session.used_at,
        muted=bool(session.settings.get("mute")),
        notify=str(session.settings.get("notify") or ""),
        first=session.first,
        tags=session.filing.tags,
        pinned=session.filing.pinned,
        archived=session.filing.archived,
        trashed_at=session.filing.trashed_at,
        forked_from=session.forked_from,
        draft=draft,
    )


def waiting_text(session: Session) -> str:
    """What a session that waits has to say, in one line of at most `LINE_LENGTH` characters."""
    text = ""
    if session.waiting_for == "question" and session.question is not None:
        text = session.question.question
    elif session.waiting_for:
        for stamped in reversed(session.conversation):
            match stamped.event:
                case e.TurnEnded(detail=detail) if detail:
                    text = detail
                case e.AssistantSaid(message=message):
                    text = message.text
                case e.Compacted() as shorter:
                    text = compacted_words(shorter)
            if text or isinstance(stamped.event, e.TurnStarted):
                break
    return in_one_line(text)
