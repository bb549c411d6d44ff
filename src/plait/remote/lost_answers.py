"""What becomes of a command whose answer was lost with its owner: was it carried out, and if that is not known, may it be repeated?

Rules:
1. What reads, and what makes the same of it a second time, is sent again. What makes a session names it, so that it makes one.
2. What records one event is looked for among the events that came after it was sent; only if it is not there, it is sent again.
3. Of all else the user is told that nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import anyio

from plait.core import commands as c, events as e
from plait.core.codec import cleaned
from plait.core.context_commands import Compact, ReadContext
from plait.core.filing_commands import ArchiveSession, DeleteSession, PinSession, PurgeTrash, ReadTrash, RestoreSession, TagSession
from plait.core.messages import SessionId
from plait.core.metrics_commands import Measured, ReadMetrics
from plait.core.ports import Client
from plait.core.revision_commands import ChangeDirectory, ContinueLast, EditMessage, ForkSession, ReadTurns, Redo, Rewind

REPEATABLE: tuple[type[c.Command], ...] = (
    c.OpenSession,
    c.EnterProject,
    c.ChangeSetting,
    c.MarkSeen,
    c.RenameSession,
    c.KeepDraft,
    c.TrustInstructions,
    c.ReadDraft,
    c.ReadNews,
    c.ReadFleet,
    c.ReadInternals,
    c.ReadHistory,
    c.ReadStatus,
    c.ReadModels,
    c.Search,
    ContinueLast,
    ChangeDirectory,
    ForkSession,
    PinSession,
    ReadTurns,
    ReadContext,
    ReadTrash,
    Measured,
    ReadMetrics,
)
UNSURE: tuple[type[c.Command], ...] = (PurgeTrash,)
"""Nothing in the session that they name tells whether they were carried out."""
PAGE = 200
SETTLING, POLL = 2.0, 0.01
"""Seconds that a disk may take to have what was said, and between two looks."""
SLACK = 1.0
"""Seconds that two processes of one machine may differ in what they take for now."""
UNKNOWN = (
    "The plait that owned the sessions left while it did this, and nobody knows whether it was done. Look, and do it again if it was not."
)

Trace: TypeAlias = Callable[[e.Event], bool]


@dataclass(frozen=True, slots=True)
class Sent:
    """A command, the last event of its session that was known when it was sent (None: nothing was known), and when that was."""

    command: c.Command
    after: int | None
    at: float


def session_of(command: c.Command) -> SessionId | None:
    """The session that a command is about; None for one that is about none."""
    return getattr(command, "session", None)


def trace_of(command: c.Command) -> Trace | None:
    """What an event looks like that says that this was carried out; None where there is no such event."""
    match cleaned(command):
        case c.Say(text=text, attachments=attachments):
            return lambda event: event == e.UserSaid(text, attachments)
        case EditMessage(text=text):
            return lambda event: isinstance(event, e.UserSaid) and event.text == text
        case c.Retry():
            return lambda event: isinstance(event, e.RetryAsked)
        case c.Interrupt():  # once more it would stop what was queued behind that turn
            return lambda event: isinstance(event, e.TurnEnded) and event.ending == "interrupted"
        case Compact():
            return lambda event: isinstance(event, e.CompactionAsked)
        case Rewind():
            return lambda event: isinstance(event, e.Rewound)
        case Redo():
            return lambda event: isinstance(event, e.Redone)
        case TagSession(add=add, remove=remove):  # once more it would be told that the session has no such tag
            return lambda event: isinstance(event, e.Tagged) and set(add) <= set(event.tags) and set(remove).isdisjoint(event.tags)
        case ArchiveSession(archived=archived):
            return lambda event: event == e.Archived(archived)
        case DeleteSession():
            return lambda event: event == e.Trashed(True)
        case RestoreSession():
            return lambda event: event == e.Trashed(False)
        case c.PauseSession():
            return lambda event: isinstance(event, e.Paused)
        case c.UnpauseSession():
            return lambda event: isinstance(event, e.Unpaused)
        case c.CloseSession():
            return lambda event: isinstance(event, e.Closed)
        case c.ReopenSession():
            return lambda event: isinstance(event, e.Reopened)
        case c.AnswerQuestion(call=call):
            return lambda event: isinstance(event, e.QuestionAnswered) and event.result.call == call
        case _:
            return None


async def found(client: Client, sent: Sent, trace: Trace, taken: Callable[[SessionId, int], bool]) -> c.Done | None:
    """The answer that a command would have been given, if its event is there and is no other command's (`taken`)."""
    session = session_of(sent.command)
    if session is not None:
        await _settled(client, session)
    before: int | None = None
    matches: list[int] = []
    while session is not None:
        page = await client.submit(c.ReadHistory(session, before, PAGE))
        if not isinstance(page, c.HistoryPage) or not page.events:
            break
        since = [one for one in page.events if _is_since(one, sent)]
        matches += [one.seq for one in since if one.seq and trace(one.event) and not taken(session, one.seq)]
        if len(since) < len(page.events) or not page.earlier:
            break
        before = page.earlier + 1
    return c.Done(session, min(matches)) if session is not None and matches else None


async def _settled(client: Client, session: SessionId) -> None:
    """Return once all that was recorded so far is in the history: an owner that is still there may be writing it just now."""
    status = await client.submit(c.ReadStatus(session))
    with anyio.move_on_after(SETTLING):
        while isinstance(status, c.Status):
            page = await client.submit(c.ReadHistory(session, None, 1))
            if not isinstance(page, c.HistoryPage) or (page.events and (page.events[-1].seq or 0) >= status.info.seq):
                return
            await anyio.sleep(POLL)


def _is_since(stamped: e.Stamped, sent: Sent) -> bool:
    if sent.after is not None:
        return (stamped.seq or 0) > sent.after
    return stamped.at >= sent.at - SLACK
