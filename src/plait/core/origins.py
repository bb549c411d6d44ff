"""The events that tell where a session's conversation came from. `core.events` names them with all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from plait.core.messages import SessionId


@dataclass(frozen=True, slots=True)
class Forked:
    """The conversation before this event was copied from another session, as that was at its event `upto` and with the `name` it had."""

    parent: SessionId
    upto: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What stands before it came from another program: `source` is its format, `id` the conversation there, `version` how much of it."""

    source: str
    id: str
    version: str


Origin: TypeAlias = Forked | Imported
