"""Commands about going back and branching off, and what they are answered. `core.commands` joins them to all others.

Nothing is erased by any of them: what was taken back stays in the history, is found, and can be told again by `Redo` until something
new is said. While a turn runs or waits for its start, nothing is taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from plait.core.messages import Attachment, SessionId, Turn


@dataclass(frozen=True, slots=True)
class Rewind:
    """Go back to before the message of a turn (None: the last one): it and all that came after it are told to the model no more."""

    session: SessionId
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class Redo:
    """Tell again what was taken back last."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class EditMessage:
    """Go back to before a message (None: the last one) and say `text` in its place, as one step. The files that came with it stay.

    `attachments` are files that `text` names and the message did not.
    """

    session: SessionId
    text: str
    turn: Turn | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class ForkSession:
    """Open a session of its own that begins as a copy: of all turns that are over, or of those up to the message `upto` with its answer.

    An empty name takes that of the original, with a number. Answered with `Done`, for the new session.
    """

    session: SessionId
    name: str = ""
    upto: Turn | None = None
    id: SessionId = SessionId("")
    """See `OpenSession`."""


@dataclass(frozen=True, slots=True)
class ChangeDirectory:
    """Let a session, open or completed, work in another directory. It stays in its project."""

    session: SessionId
    directory: str


@dataclass(frozen=True, slots=True)
class ContinueLast:
    """Go on in the session that was used last: in the project that `directory` belongs to, else in any. A completed one is opened again.

    Answered with `Done`, or refused where nothing has been said anywhere.
    """

    directory: str


@dataclass(frozen=True, slots=True)
class ReadTurns:
    """The user's messages that are told to the model, by their numbers: at most `limit` before number `before` (None: the last ones)."""

    session: SessionId
    before: int | None = None
    limit: int = 200


@dataclass(frozen=True, slots=True)
class TurnLine:
    """A message of the user's: its `number` from 1, its turn, when it was said, and its beginning in one line."""

    number: int
    turn: Turn
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Turns:
    """The answer to `ReadTurns`, oldest first. `can_redo` is whether something that was taken back can be told again."""

    turns: tuple[TurnLine, ...]
    total: int
    can_redo: bool = False


RevisionCommand: TypeAlias = Rewind | Redo | EditMessage | ForkSession | ChangeDirectory | ContinueLast | ReadTurns
RevisionReply: TypeAlias = Turns
