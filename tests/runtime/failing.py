"""A store that can be made to fail, over the shipped one in memory."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from plait.core.errors import StoreError
from plait.core.messages import SessionId
from plait.core.ports import Write
from plait.store.memory import MemoryStore

FULL = "The disk is full. Make room."


@dataclass
class Fault:
    """What goes wrong with appending now: for every session, or for those of `only`; `error` is raised, and `held` waits."""

    error: Exception | None = None
    only: Collection[SessionId] | None = None
    held: threading.Event = field(default_factory=threading.Event)


class FailingStore(MemoryStore):
    """A `MemoryStore` whose `append` obeys `fault`; it counts the groups that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: Fault | None = None
        self.groups: list[int] = []
        self.attempts = 0
        self.tidied = 0

    def fail(self, error: Exception | None = None, only: Collection[SessionId] | None = None) -> None:
        """From now on appending fails."""
        self.fault = Fault(error or StoreError(FULL), only)

    def hold(self) -> None:
        """From now on appending waits until `recover`."""
        self.fault = Fault()

    def recover(self) -> None:
        """From now on appending works."""
        fault, self.fault = self.fault, None
        if fault is not None:
            fault.held.set()

    def append(self, writes: Sequence[Write]) -> None:
        """As the store in memory, unless there is a fault."""
        self.attempts += 1
        fault = self.fault
        if fault is not None and fault.error is None:
            fault.held.wait(60)
        elif fault is not None and fault.error is not None and (fault.only is None or any(one.row.id in fault.only for one in writes)):
            raise fault.error
        super().append(writes)
        self.groups.append(sum(len(one.events) for one in writes))

    def tidy(self) -> None:
        """Counted."""
        self.tidied += 1
