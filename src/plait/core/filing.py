"""How a session is filed: tags, pin, archive and trash. It says nothing about what happens in the session, and is legal in every state.

`core.events` names these events with all others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Tagged:
    """The session has these tags now, in order, each once."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pinned:
    """A pinned session stands first in lists, and no clean-up takes it."""

    pinned: bool


@dataclass(frozen=True, slots=True)
class Archived:
    """An archived session is shown only where archived ones are asked for."""

    archived: bool


@dataclass(frozen=True, slots=True)
class Trashed:
    """A completed session lies in the trash, or was taken out of it. Only a purge, which the user must ask for, deletes it."""

    trashed: bool


@dataclass(frozen=True, slots=True)
class DirectoryChanged:
    """The session works in another directory; it stays in its project."""

    directory: str


EARLIEST = 1.0
"""What counts as the time of a session that was put into the trash while the clock stood at 1970 or before."""
Filed: TypeAlias = Tagged | Pinned | Archived | Trashed


@dataclass(frozen=True, slots=True)
class Filing:
    """Where a session lies. `trashed_at` is in seconds since 1970, and 0 for one that is not in the trash."""

    tags: tuple[str, ...] = ()
    pinned: bool = False
    archived: bool = False
    trashed_at: float = 0.0

    def after(self, event: Filed, at: float) -> Filing:
        """The filing after an event."""
        match event:
            case Tagged(tags=tags):
                return replace(self, tags=tags)
            case Pinned(pinned=pinned):
                return replace(self, pinned=pinned)
            case Archived(archived=archived):
                return replace(self, archived=archived)
            case Trashed(trashed=trashed):
                return replace(self, trashed_at=max(at, EARLIEST) if trashed else 0.0)
