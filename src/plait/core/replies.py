"""What commands are answered with: frozen values that cross a socket. `core.commands` names them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from plait.core import events as e
from plait.core.context_commands import ContextReply
from plait.core.filing_commands import FilingReply
from plait.core.info import SessionInfo as SessionInfo, info_of as info_of, waiting_text as waiting_text
from plait.core.messages import SessionId, Turn, Usage
from plait.core.metrics_commands import Figures
from plait.core.revision_commands import RevisionReply
from plait.core.searching import Role


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
    calls_running: int
    calls_queued: int
    calls_max: int
    trouble: str
    """What is wrong with the store, if anything."""
    question: e.QuestionAsked | None = None
    """The question that waits for its answer."""
    running: Turn | None = None
    waiting: tuple[e.Stamped, ...] = ()
    """The messages whose turns have not started."""
    compact_at: int = 0
    window_messages: int = 0


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


@dataclass(frozen=True, slots=True)
class Draft:
    """The answer to `ReadDraft`; `cursor` counts characters from the start."""

    session: SessionId
    text: str
    cursor: int


@dataclass(frozen=True, slots=True)
class News:
    """The answer to `ReadNews`: what no front end has shown, oldest first, as far as the output buffer reaches."""

    session: SessionId
    events: tuple[e.Stamped, ...]
    shown: int
    """Characters of the first answer that were shown already."""
    lines: int
    """Lines of answers, notices and failures, with those of the answer in progress."""
    tools: int
    """Calls that were started."""
    since: float
    """When the first of it came, in seconds since 1970; 0 if there is nothing."""
    skipped: int
    """Events before them that are only in the history; `skipped_lines` are their lines."""
    skipped_lines: int
    seq: int
    """Follow from here."""
    begun: tuple[e.Stamped, ...] = ()
    """Messages that were said before all this and whose turns began, or were given up, in it: they stand where that is told."""


@dataclass(frozen=True, slots=True)
class GateFigures:
    """What the gate does. `paused` are providers that hold their calls."""

    running: int
    queued: int
    limit: int
    paused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heavy:
    """A session that holds much memory: about so many bytes."""

    session: SessionId
    held: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """The answer to `ReadFleet`: the open sessions in the order of their numbers (the projects' order is the front end's), and the gate."""

    sessions: tuple[SessionInfo, ...]
    gate: GateFigures
    texts: tuple[tuple[SessionId, str], ...] = ()
    """Of the sessions that wait: the question, why it failed, or how the answer begins, in one line; not of those out of memory."""
    heavy: tuple[Heavy, ...] = ()
    """Sessions that hold more memory than is usual."""
    completing: tuple[SessionId, ...] = ()
    """Sessions that are paused while an answer still comes in them."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one loaded session holds; sizes are about bytes."""

    info: SessionInfo
    ring_events: int
    ring_bytes: int
    conversation_events: int
    conversation_bytes: int
    draft_bytes: int
    readers: int
    """Front ends that show it now."""


@dataclass(frozen=True, slots=True)
class Internals:
    """The answer to `ReadInternals`."""

    text: str
    """The coordinator in one line."""
    held: tuple[Held, ...]
    gate: GateFigures
    waiting: tuple[tuple[SessionId, str], ...]
    """Calls that wait for a slot, in the order in which they will get one: session and provider."""
    stored: int
    """Sessions in the store, completed ones too."""
    unsaved: int
    """Events that are not on disk yet."""
    trouble: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that a search has found, and its session as it is now. `marks` are (start, end) of what was found in `snippet`."""

    info: SessionInfo
    seq: int
    at: float
    role: Role
    snippet: str
    marks: tuple[tuple[int, int], ...]
    taken_back: bool = False
    """The model is told of it no more."""


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to `Search`: best first. There may be `more` than `total`; `unindexed` are events that no search finds yet."""

    hits: tuple[Hit, ...]
    total: int
    unindexed: int
    more: bool = False


Reply: TypeAlias = (
    Done
    | Refused
    | HistoryPage
    | Status
    | ModelList
    | Draft
    | News
    | Fleet
    | Internals
    | Found
    | ContextReply
    | RevisionReply
    | FilingReply
    | Figures
)
