"""Who gets the next slot of the shared gate: pure. First in, first out; the foreground first; nobody is ever dropped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from plait.core.messages import SessionId


@dataclass(frozen=True, slots=True)
class Waiting:
    """A model call that waits for a slot; `number` grows with each that comes."""

    number: int
    session: SessionId
    provider: str


def in_order(waiting: Collection[Waiting], attended: Callable[[SessionId], bool]) -> list[Waiting]:
    """All that wait, in the order in which they will be served if nobody else comes."""
    return sorted(waiting, key=lambda one: (not attended(one.session), one.number))


def next_up(order: Sequence[Waiting], paused: Collection[str]) -> Waiting | None:
    """The first whose provider takes calls now; one provider's pause holds up no other's calls."""
    return next((one for one in order if one.provider not in paused), None)
