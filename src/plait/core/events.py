"""Everything that can happen in a session: frozen values, append-only; all else is computed from them.

A durable event takes a sequence number, dense from 1 in its session, and is on disk before anybody is told. An ephemeral one takes
none: it is for whoever watches now, and whatever it carries is in a later durable event or can be computed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from plait.core.ephemeral import (
    AnswerDelta as AnswerDelta,
    CallDelayed as CallDelayed,
    Compacting as Compacting,
    InProgress as InProgress,
    SessionsChanged as SessionsChanged,
    SlotAwaited as SlotAwaited,
    StoreRecovered as StoreRecovered,
    StoreTrouble as StoreTrouble,
)
from plait.core.filing import (
    Archived as Archived,
    DirectoryChanged as DirectoryChanged,
    Filed,
    Pinned as Pinned,
    Tagged as Tagged,
    Trashed as Trashed,
)
from plait.core.messages import (
    AssistantMessage,
    Attachment,
    CallId,
    ProjectId,
    SessionId,
    StopReason,
    ToolCall,
    ToolResult,
    Turn,
    Usage,
)
from plait.core.origins import Forked as Forked, Imported as Imported, Origin
from plait.core.revisions import Compacted as Compacted, CompactionAsked as CompactionAsked, Redone as Redone, Revision, Rewound as Rewound

MAIN_THREAD = 1
"""Threads are numbered in their session; the first is the main line of conversation."""

Kind: TypeAlias = Literal["debug", "planning", "development", "code-review"]
Ending: TypeAlias = Literal["done", "failed", "interrupted", "limit"]
SettingValue: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The first event of every session."""

    name: str
    kind: Kind
    project: ProjectId
    directory: str
    named_by_hand: bool = False
    kind_by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Renamed:
    """The session has another name; one given by hand is never changed by plait."""

    name: str
    by_hand: bool


@dataclass(frozen=True, slots=True)
class KindChanged:
    """What the session's messages are about turned out to be something else; a kind given by hand is never changed by plait."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Titled:
    """The session has a title: free text, beside its name."""

    title: str


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """A setting of this session alone; None takes it back to what the layers above say."""

    key: str
    value: SettingValue


@dataclass(frozen=True, slots=True)
class UserSaid:
    """A message, queued for its turn; its sequence number names that turn."""

    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """The last model call shall be repeated, never a tool; its sequence number names the new turn."""


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A queued turn has left the queue and runs."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class AnswerProgress:
    """What is new in the answer since the last one of these; `AssistantSaid` supersedes all of them."""

    turn: Turn
    text: str
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class AssistantSaid:
    """One model call's whole answer, by `model` (`provider:name`). `complete` is false where it was cut off, by whom the turn's end tells.

    `cost` is in US dollars; None where the model's price was not known.
    """

    turn: Turn
    message: AssistantMessage
    stop: StopReason
    model: str = ""
    usage: Usage | None = None
    cost: float | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """Durable before the tool runs, so that it runs at most once."""

    turn: Turn
    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """The one end of a tool call, run or refused."""

    turn: Turn
    result: ToolResult


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A started call ended in a question to the user: its result will be their answer, and until then the session waits.

    `choices` is empty where any text is an answer.
    """

    turn: Turn
    call: CallId
    question: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """The user's answer, which is the one end of the call that asked."""

    turn: Turn
    result: ToolResult


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn is over, or was taken out of the queue. `seen` is whether a front end showed the session at that moment.

    `detail` is a text for the user; `error` the class of `core.errors` where the turn failed.
    """

    turn: Turn
    ending: Ending
    seen: bool
    detail: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The owner left in the middle of the turn's model call: what came of its answer is told no more, and the next owner calls again."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Seen:
    """A front end has shown every durable event up to `upto`, and `shown` characters of the answer in progress after it."""

    upto: int
    shown: int = 0


@dataclass(frozen=True, slots=True)
class Paused:
    """No new model call starts; a running one completes."""


@dataclass(frozen=True, slots=True)
class Unpaused:
    """Work goes on, what was queued first."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The session is completed; nothing is deleted."""


@dataclass(frozen=True, slots=True)
class Reopened:
    """A completed session is open again."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A loss, a repair or a refusal that the user must be able to see (promise P12)."""

    text: str


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event of a type that this version does not know: kept as it is, shown as such, changes nothing."""

    name: str
    data: str
    """The event's own JSON."""


Durable: TypeAlias = (
    SessionOpened
    | Renamed
    | KindChanged
    | Titled
    | SettingChanged
    | UserSaid
    | RetryAsked
    | TurnStarted
    | AnswerProgress
    | AssistantSaid
    | ToolStarted
    | ToolReturned
    | QuestionAsked
    | QuestionAnswered
    | TurnEnded
    | HandedOver
    | Seen
    | Paused
    | Unpaused
    | Closed
    | Reopened
    | Revision
    | Filed
    | DirectoryChanged
    | Noted
    | Origin
    | UnknownEvent
)
Ephemeral: TypeAlias = AnswerDelta | InProgress | CallDelayed | SlotAwaited | Compacting | SessionsChanged | StoreTrouble | StoreRecovered
Event: TypeAlias = Durable | Ephemeral

EPHEMERAL_TYPES: tuple[type[Ephemeral], ...] = get_args(Ephemeral)


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event in its place. `seq` is None for an ephemeral one; `at` is seconds since 1970, for display only: order is by `seq`."""

    session: SessionId
    seq: int | None
    at: float
    event: Event
    thread: int = MAIN_THREAD


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has come: the last durable event, and characters shown of the item in progress after it.

    `epoch` is the owner's: a client of a dead owner resynchronises from the store.
    """

    epoch: int
    seq: int
    shown: int = 0
