"""Commands about how sessions are filed: tags, pin, archive, trash. `core.commands` joins them to all others.

Nothing but `PurgeTrash` erases anything, and that only what it names and what lies in the trash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from plait.core.info import SessionInfo
from plait.core.messages import SessionId


@dataclass(frozen=True, slots=True)
class TagSession:
    """Give a session the tags `add`, and take `remove` from it. Refused whole where one of them cannot be."""

    session: SessionId
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PinSession:
    """A pinned session stands first in lists; its number stays what it was."""

    session: SessionId
    pinned: bool = True


@dataclass(frozen=True, slots=True)
class ArchiveSession:
    """Put a session into the archive, completed first like by `CloseSession`; or out of it, where it stays completed."""

    session: SessionId
    archived: bool = True


@dataclass(frozen=True, slots=True)
class DeleteSession:
    """Put a session into the trash, completed first like by `CloseSession`. Nothing is erased."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class RestoreSession:
    """Take a session out of the trash; it stays completed. `ReopenSession` takes it out and opens it."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class PurgeTrash:
    """Erase these sessions, which lie in the trash, for good: all or none of them. Answered with `Purged`."""

    sessions: tuple[SessionId, ...]


@dataclass(frozen=True, slots=True)
class ReadTrash:
    """What lies in the trash. Answered with `Trash`."""


@dataclass(frozen=True, slots=True)
class InTrash:
    """A session in the trash, and about how many bytes its events take on the disk."""

    info: SessionInfo
    size: int


@dataclass(frozen=True, slots=True)
class Trash:
    """The answer to `ReadTrash`: what was put there last comes first."""

    sessions: tuple[InTrash, ...]


@dataclass(frozen=True, slots=True)
class Purged:
    """The answer to `PurgeTrash`: how much there is no more."""

    sessions: int
    messages: int
    events: int


FilingCommand: TypeAlias = TagSession | PinSession | ArchiveSession | DeleteSession | RestoreSession | PurgeTrash
FilingReply: TypeAlias = Trash | Purged
