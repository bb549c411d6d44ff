"""The small log of everything but the shown session: who follows it learns that something changed, and asks what holds.

Nothing is queued: however much has changed since a follower looked, it is told once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import anyio

from plait.core import events as e
from plait.core.commands import SessionInfo
from plait.core.ports import FLEET


def telling(row: SessionInfo) -> tuple[object, ...]:
    """What of a session's row is worth telling: not its last event's number and time, which change all the time."""
    return (
        row.name,
        row.title,
        row.kind,
        row.state,
        row.messages,
        row.waiting_for,
        row.unread,
        row.ended,
        row.ending,
        row.queued,
        row.muted,
        row.notify,
        row.draft,
        row.tags,
        row.pinned,
    )


class FleetLog:
    """Counts changes."""

    def __init__(self) -> None:
        self._number = 1
        self._changed = anyio.Event()

    def __repr__(self) -> str:
        return f"<FleetLog [{self._number} changes]>"

    def change(self) -> None:
        """Something changed that the open sessions' list or the gate's figures show."""
        self._number += 1
        if self._changed.statistics().tasks_waiting:
            self._changed.set()
            self._changed = anyio.Event()

    async def follow(self, now: Callable[[], float]) -> AsyncGenerator[e.Stamped, None]:
        """`SessionsChanged`, at once and then after changes, for ever; stamped with the time `now`."""
        told = 0
        while True:
            if told == self._number:
                await self._changed.wait()
            told = self._number
            yield e.Stamped(FLEET, None, now(), e.SessionsChanged())
