"""Everything that a front end can ask for, and what it is answered: frozen values that cross a socket.

`Client.submit` answers a command once its effects are durable. A reading command changes nothing. A command that cannot be carried out
is answered with `Refused`, whose text is fit to be shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from plait.core import events as e
from plait.core.messages import Attachment, SessionId, Usage
from plait.core.session import SessionState


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Open a fresh session in the project that `directory` belongs to. An empty name asks for a placeholder."""

    directory: str
    name: str = ""
    kind: e.Kind = "development"
    passing: bool = False
    """It will be completed after one turn, and so does not count towards the limit."""


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
    """The user has seen everything that this session has said so far."""

    session: SessionId


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
    | ReadHistory
    | ReadStatus
    | TrustInstructions
    | ReadModels
)


@dataclass(frozen=True, slots=True)
class Done:
    """Carried out and durable; `seq` is the session's last event."""

    session: SessionId
    seq: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Not carried out; the text says why and what to do, `error` is the class of `core.errors` that it comes from."""

    text: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of a session's durable events, oldest first; `earlier` is how many lie before them."""

    events: tuple[e.Stamped, ...]
    earlier: int


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


@dataclass(frozen=True, slots=True)
class Status:
    """The answer to `ReadStatus`. Tokens are totals of the session, `context_used` those of its last call."""

    info: SessionInfo
    model: str
    model_source: str
    """Which layer the model comes from: session, flag, environment, file, or found."""
    system: str
    instructions: tuple[str, ...]
    """Paths of the instruction files that the model is given."""
    instructions_asked: tuple[str, ...]
    """Paths of the project's own ones that wait for the user's answer; `instructions_digest` is what that answer is pinned to."""
    instructions_digest: str
    instructions_problems: tuple[str, ...]
    """Sentences about instruction files that were left out or cut."""
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    usage: Usage
    context_used: int
    context_window: int | None
    cost: float
    """US dollars of the calls whose price was known; `unpriced` counts the calls whose price was not."""
    unpriced: int
    queued: int
    calls_running: int
    calls_queued: int
    calls_max: int
    trouble: str
    """What is wrong with the store, if anything."""


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model, or a provider that has none to offer now. Prices are US dollars per million tokens, None where not known."""

    name: str
    """`provider:name`; the bare provider where nothing of it is available."""
    available: bool
    note: str = ""
    """Why it is not available and what to do; or a remark."""
    context_window: int | None = None
    input_price: float | None = None
    output_price: float | None = None


@dataclass(frozen=True, slots=True)
class ModelList:
    """The answer to `ReadModels`, available ones first."""

    models: tuple[ModelLine, ...]


Reply: TypeAlias = Done | Refused | HistoryPage | Status | ModelList
