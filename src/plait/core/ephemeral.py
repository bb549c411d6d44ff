"""The ephemeral events: for whoever watches now. They take no sequence number; whatever they carry is in a later durable event or can be
computed again. `core.events` names them all.
"""

from __future__ import annotations

from dataclasses import dataclass

from plait.core.messages import Turn


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """Ephemeral: text as it streams."""

    turn: Turn
    text: str
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class InProgress:
    """Ephemeral: the whole text of the item in progress, for a follower that comes in the middle of it."""

    turn: Turn
    text: str
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class CallDelayed:
    """Ephemeral: the model call waits `seconds` and is tried again; `attempt` counts from 2, of `attempts`."""

    turn: Turn
    reason: str
    seconds: float
    attempt: int
    attempts: int


@dataclass(frozen=True, slots=True)
class SlotAwaited:
    """Ephemeral: the model call waits for a free slot; `place` counts from 1, and is 0 once it has one."""

    turn: Turn
    place: int


@dataclass(frozen=True, slots=True)
class Compacting:
    """Ephemeral: the turn writes a summary of the conversation, in `parts` calls; this is the one with the number `part`, from 1."""

    turn: Turn
    part: int
    parts: int


@dataclass(frozen=True, slots=True)
class SessionsChanged:
    """Ephemeral, of no session: the list of open sessions or the gate's figures are not what they were. `ReadFleet` tells them."""


@dataclass(frozen=True, slots=True)
class StoreTrouble:
    """Ephemeral: nothing can be written at present; what was said is kept in memory and retried."""

    text: str


@dataclass(frozen=True, slots=True)
class StoreRecovered:
    """Ephemeral: writing works again, and everything that waited is on disk."""
