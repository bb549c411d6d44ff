"""Everything that a front end can ask for, and what it is answered: frozen values that cross a socket.

`Client.submit` answers a command once its effects are durable. A reading command changes nothing. A command that cannot be carried out
is answered with `Refused`, whose text is fit to be shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from plait.core import events as e
from plait.core.context_commands import ContextCommand
from plait.core.draft_commands import KeepDraft, ReadDraft
from plait.core.filing_commands import FilingCommand, ReadTrash
from plait.core.messages import Attachment, CallId, SessionId
from plait.core.metrics_commands import Measured, ReadMetrics
from plait.core.replies import (
    Done,
    Draft,
    Fleet,
    Found,
    GateFigures,
    Heavy,
    Held,
    HistoryPage,
    Hit,
    Internals,
    ModelLine,
    ModelList,
    News,
    Refused,
    Reply,
    SessionInfo,
    Status,
    info_of,
    waiting_text,
)
from plait.core.revision_commands import RevisionCommand
from plait.core.searching import Role

__all__ = [
    "AnswerQuestion",
    "ChangeSetting",
    "CloseSession",
    "Command",
    "Done",
    "Draft",
    "EnterProject",
    "Fleet",
    "Found",
    "GateFigures",
    "Heavy",
    "Held",
    "HistoryPage",
    "Hit",
    "Internals",
    "Interrupt",
    "KeepDraft",
    "MarkSeen",
    "ModelLine",
    "ModelList",
    "News",
    "OpenSession",
    "PauseSession",
    "ReadDraft",
    "ReadFleet",
    "ReadHistory",
    "ReadInternals",
    "ReadModels",
    "ReadNews",
    "ReadStatus",
    "Refused",
    "RenameSession",
    "ReopenSession",
    "Reply",
    "Retry",
    "Say",
    "Search",
    "SessionInfo",
    "Status",
    "TrustInstructions",
    "UnpauseSession",
    "info_of",
    "waiting_text",
]


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Open a fresh session in the project that `directory` belongs to. An empty name asks for a placeholder."""

    directory: str
    name: str = ""
    kind: e.Kind | None = None
    """None lets the messages tell."""
    passing: bool = False
    """It will be completed after one turn, and so does not count towards the limit."""
    id: SessionId = SessionId("")
    """12 hex digits, chosen by who asks: asked again with the same, it opens no second one. Empty lets the coordinator choose."""


@dataclass(frozen=True, slots=True)
class EnterProject:
    """Go on where the project that `directory` belongs to was left: its open session used last, else a fresh one. Answered with `Done`."""

    directory: str


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Complete a session; a running turn is interrupted first. Nothing is deleted."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class ReopenSession:
    """Open a completed session again."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class Say:
    """Queue a message; it is durable before the answer comes."""

    session: SessionId
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """Repeat the last model call, never a tool."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop the running turn, or take the next queued one out of the queue; what was answered so far is kept."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class ChangeSetting:
    """Set `key` for this session alone; None takes it back."""

    session: SessionId
    key: str
    value: e.SettingValue


@dataclass(frozen=True, slots=True)
class MarkSeen:
    """The user was shown all durable events up to `upto` (None: all there are), and `shown` characters of the answer after it."""

    session: SessionId
    upto: int | None = None
    shown: int = 0
    leaving: bool = False
    """The user leaves plait in this session: that counts as its use, even where there is nothing new."""


@dataclass(frozen=True, slots=True)
class PauseSession:
    """Start no new model call in this session; a running one completes."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class UnpauseSession:
    """Go on with what waits in this session."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class RenameSession:
    """Give the session a name; plait never changes it again."""

    session: SessionId
    name: str


@dataclass(frozen=True, slots=True)
class AnswerQuestion:
    """Answer the question of `call`; refused where another one waits by now, so that no answer reaches a question it was not meant for."""

    session: SessionId
    call: CallId
    text: str


@dataclass(frozen=True, slots=True)
class ReadNews:
    """What this session has said and no front end has shown. Answered with `News`."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class ReadFleet:
    """The open sessions and the gate. Answered with `Fleet`."""


@dataclass(frozen=True, slots=True)
class ReadInternals:
    """What the runtime holds in memory, and what its gate does. Answered with `Internals`."""


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """The durable events before `before` (None: from the end), at most `limit`, oldest first."""

    session: SessionId
    before: int | None = None
    limit: int = 200


@dataclass(frozen=True, slots=True)
class ReadStatus:
    """What a session is doing and with what."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class TrustInstructions:
    """The user's answer about a project's own instruction files: pinned to the digest of what they hold now."""

    session: SessionId
    digest: str
    allowed: bool


@dataclass(frozen=True, slots=True)
class ReadModels:
    """Which models there are, and why the rest is not to be had."""


@dataclass(frozen=True, slots=True)
class Search:
    """Messages that hold all of these words, in all sessions; the rest narrows it, see `core.searching.Query`. Answered with `Found`."""

    words: str
    project: str = ""
    session: str = ""
    role: Role | None = None
    since: float | None = None
    until: float | None = None
    kind: e.Kind | None = None
    tools: bool = False
    limit: int = 20
    offset: int = 0
    tags: tuple[str, ...] = ()
    trashed: bool = False


Command: TypeAlias = (
    OpenSession
    | EnterProject
    | CloseSession
    | ReopenSession
    | Say
    | Retry
    | Interrupt
    | ChangeSetting
    | MarkSeen
    | PauseSession
    | UnpauseSession
    | RenameSession
    | AnswerQuestion
    | KeepDraft
    | ReadDraft
    | ReadNews
    | ReadFleet
    | ReadInternals
    | ReadHistory
    | ReadStatus
    | TrustInstructions
    | ReadModels
    | Search
    | ContextCommand
    | RevisionCommand
    | FilingCommand
    | ReadTrash
    | Measured
    | ReadMetrics
)
