"""The events that change what the model is told of a conversation. Nothing is erased by them: what was said stays, and is found.

`core.events` names them all; `core.history` and `core.branching` say what they do to the conversation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from plait.core.messages import Turn, Usage


@dataclass(frozen=True, slots=True)
class Rewound:
    """The conversation goes on from before the message of this turn: that turn, and all that started after it, are told no more.

    `text` is the beginning of that message, in one line, and `messages` how many were taken back with it, answers included.
    """

    turn: Turn
    text: str = ""
    messages: int = 0
    replaced: bool = False
    """A message that was recorded with it stands in its place."""


@dataclass(frozen=True, slots=True)
class Redone:
    """What the last `Rewound` took back is told again; `text` and `messages` are as there."""

    text: str = ""
    messages: int = 0


@dataclass(frozen=True, slots=True)
class CompactionAsked:
    """The conversation shall be told shorter; its sequence number names the turn in which that is done.

    `keep` is what the user wants to be kept in any case.
    """

    keep: str = ""


@dataclass(frozen=True, slots=True)
class Compacted:
    """All that stands at event `upto` and before is told to the model as `summary`, by `model` (`provider:name`; empty if plait made it).

    `messages` is how many messages were replaced by it, and `replaced` about how many tokens; `told` is about how many tokens the model is
    told from here on, `cost` in US dollars.
    """

    turn: Turn
    upto: int
    summary: str
    model: str = ""
    messages: int = 0
    told: int = 0
    usage: Usage | None = None
    cost: float | None = None
    asked: bool = False
    """The user asked for it; otherwise the context window was nearly full."""
    replaced: int = 0


Revision: TypeAlias = Rewound | Redone | CompactionAsked | Compacted
