"""Write-behind with a barrier: one writer thread commits what was recorded, in groups, with fsync (promise P1).

Rules:
1. `record` never waits. `await durable(session, seq)` is the barrier that stands before every acknowledgement and every tool start.
2. What could not be written keeps its order and is tried again until it can be; that is told at once, and told when it is over.
3. One session's refusal holds up no other: where a group fails, each session's part is tried by itself (promise P4).
4. When nothing waits, the thread goes on with the index for searching, a few milliseconds at a time: never between a message and its
   acknowledgement.
5. What waits is bounded: `full` is true at the cap, and whoever records asks before taking new input (promise P6).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio
import anyio.to_thread

from plait.core.commands import SessionInfo
from plait.core.errors import PlaitError, StoreError
from plait.core.events import Stamped
from plait.core.messages import SessionId
from plait.core.ports import Store, Write
from plait.runtime.weight import weight

log = logging.getLogger(__name__)

GROUP = 512
"""Events in one commit at the most; 20 a commit reached 5,400 events/s, more gains little."""
CAP = 20_000
"""Events that may wait for a failing disk before no new input is taken."""
CAP_BYTES = 64 * 1024 * 1024
"""Likewise their text; four of the longest messages."""
FIRST_RETRY, LONGEST_RETRY = 0.1, 1.0
"""Seconds between attempts on a failing store."""
QUIET = 0.25
"""Seconds without a commit after which the index is gone on with, so that nobody who saves something has to wait for it."""
OVERDUE = 2.0
"""Seconds after which it is gone on with in any case, at a moment when nothing waits: many sessions at work are never quiet."""
SHARE = 0.25
"""Of the time while an index is behind, spent on it; the rest is the user's."""
INDEX_RETRY, LONGEST_INDEX_RETRY = 5.0, 600.0
"""Seconds until the index is tried again after a fault; saving goes on, and tells what is wrong with the disk."""
LAST_INDEXING = 0.1
"""Seconds that the end spends on it."""
CLOSING = 1.5
"""Seconds that closing waits for the last commit; leaving takes 2 s in all."""


@dataclass(frozen=True, slots=True)
class _Recorded:
    row: SessionInfo
    events: tuple[Stamped, ...]
    """Written together or not at all."""

    @property
    def weight(self) -> int:
        return sum(map(weight, self.events))


class Journal:
    """The writer thread of one store.

    In the event loop, `committed(session, seq)` is called after each commit, and `trouble(session, text)` when that session's events
    cannot be written (an empty text: they are on disk now).
    """

    def __init__(self, store: Store, committed: Callable[[SessionId, int], None], trouble: Callable[[SessionId, str], None]) -> None:
        self._store = store
        self._on_committed = committed
        self._on_trouble = trouble
        self._queue: queue.SimpleQueue[_Recorded | None] = queue.SimpleQueue()
        self._pending: dict[SessionId, list[_Recorded]] = {}
        """Taken from the queue and not on disk, in order; the writer's own, as are the next three."""
        self._durable: dict[SessionId, int] = {}
        self._recorded: dict[SessionId, int] = {}
        self._bytes = 0
        self._waiters: dict[SessionId, list[tuple[int, anyio.Event]]] = {}
        self._troubles: dict[SessionId, str] = {}
        self._failing: set[SessionId] = set()
        self._retry_at, self._delay = 0.0, FIRST_RETRY
        self._index_at, self._index_by = math.inf, math.inf
        """When the index is due, if it is quiet until then, and when in any case; infinite while it lacks nothing."""
        self._index_not_before, self._index_delay = 0.0, INDEX_RETRY
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._write, name="plait-journal", daemon=True)

    def __repr__(self) -> str:
        return f"<Journal [{self.waiting} waiting{', failing' if self.trouble else ''}]>"

    @property
    def waiting(self) -> int:
        """Events recorded and not yet on disk."""
        return sum(seq - self._durable.get(session, 0) for session, seq in self._recorded.items())

    @property
    def trouble(self) -> str:
        """Why something cannot be written now; empty if all is well."""
        return next(iter(self._troubles.values()), "")

    @property
    def full(self) -> bool:
        """Whether so much waits for a failing store that no new input may be taken."""
        return bool(self._troubles) and (self.waiting >= CAP or self._bytes >= CAP_BYTES)

    def trouble_of(self, session: SessionId) -> str:
        """Why this session's events cannot be written now; empty if they can."""
        return self._troubles.get(session, "")

    def durable_seq(self, session: SessionId) -> int:
        """The session's last event that is on disk."""
        return self._durable.get(session, 0)

    def start(self) -> None:
        """Start the writer; call it in the event loop that will record."""
        self._loop = asyncio.get_running_loop()
        self._index_is_behind()
        self._thread.start()

    def opened(self, session: SessionId, seq: int) -> None:
        """A session that was read from the store: all up to `seq` is durable."""
        self._durable[session] = self._recorded[session] = seq

    def record(self, row: SessionInfo, *events: Stamped) -> None:
        """Take durable events of one session, which no crash parts; `row` is the session as it is after them."""
        self._recorded[row.id] = row.seq
        recorded = _Recorded(row, events)
        self._bytes += recorded.weight
        self._queue.put(recorded)

    async def durable(self, session: SessionId, seq: int) -> None:
        """Return once all of the session's events up to `seq` are on disk. Raises `StoreError` if the journal was closed before."""
        if self._durable.get(session, 0) < seq and not self._closed:
            event = anyio.Event()
            self._waiters.setdefault(session, []).append((seq, event))
            await event.wait()
        if self._durable.get(session, 0) < seq:
            raise StoreError(f"This could not be saved before plait was left. {self.trouble or 'Start plait and say it again.'}")

    async def aclose(self) -> int:
        """Commit what waits, for `CLOSING` seconds at the most, and end the thread. Returns how many events could not be written."""
        if self._thread.is_alive():
            self._queue.put(None)
            with anyio.CancelScope(shield=True):
                # What the thread told the loop before it ended comes before this call's own end in the loop's queue.
                await anyio.to_thread.run_sync(self._thread.join, CLOSING)
        self._closed = True
        for waiters in self._waiters.values():
            for _, event in waiters:
                event.set()
        self._waiters.clear()
        return self.waiting

    def left(self) -> list[Stamped]:
        """After `aclose`: the events that could not be written, each session's in order."""
        recorded = [one for waiting in list(self._pending.values()) for one in waiting]
        with contextlib.suppress(queue.Empty):
            while True:
                if (one := self._queue.get_nowait()) is not None:
                    recorded.append(one)
        return [stamped for one in recorded for stamped in one.events]

    # What follows runs in the writer's thread, but for the two that it calls in the loop.

    def _write(self) -> None:
        ending = False
        while not ending:
            ending = self._take()
            due = ending or time.monotonic() >= self._retry_at
            self._commit([session for session in self._pending if due or session not in self._failing])
            if due and self._failing:
                self._retry_at = time.monotonic() + self._delay
                self._delay = min(LONGEST_RETRY, self._delay * 2)
            elif not self._failing:
                self._delay = FIRST_RETRY
            if not self._failing and self._queue.empty():
                with contextlib.suppress(StoreError):  # the next commit meets the same fault, and tells it
                    self._store.tidy()
                self._index(ending)

    def _take(self) -> bool:
        """Put what was recorded with what is pending; waits for it, or until something else is due. True when it is time to end."""
        due = self._retry_at if self._failing else self._index_at
        wait = max(0.0, due - time.monotonic()) if due < math.inf else None
        for _ in range(GROUP):
            try:
                one = self._queue.get(timeout=wait)
            except queue.Empty:
                return False
            if one is None:
                return True
            self._pending.setdefault(one.row.id, []).append(one)
            wait = 0.0
        return False

    def _commit(self, sessions: Sequence[SessionId]) -> None:
        """Append what is pending of these sessions, in one commit if that can be."""
        if len(sessions) > 1 and self._append(sessions, alone=False):
            return
        for session in sessions:
            self._append([session], alone=True)

    def _index(self, ending: bool) -> None:
        """Go on with the index if that is due; nothing waits to be written now. At the end what was just said gets in, if it is little."""
        started = time.monotonic()
        if not ending and started < min(self._index_at, self._index_by):
            return
        if ending and self._index_at == math.inf:
            return
        try:
            more = self._store.index()
            while ending and more and time.monotonic() - started < LAST_INDEXING:
                more = self._store.index()
        except Exception:  # the index's fault boundary: a search tells what it lacks, and saving goes on without it
            log.exception("the index for searching could not be gone on with")
            self._index_at = self._index_not_before = started + self._index_delay
            self._index_by = math.inf
            self._index_delay = min(LONGEST_INDEX_RETRY, self._index_delay * 2)
            return
        self._index_delay = INDEX_RETRY
        now = time.monotonic()
        self._index_at = now + (now - started) * (1 - SHARE) / SHARE if more else math.inf
        self._index_by = now + OVERDUE if more else math.inf

    def _index_is_behind(self) -> None:
        """Something was written that nobody finds yet."""
        now = time.monotonic()
        self._index_at = max(self._index_not_before, now + QUIET)
        self._index_by = max(self._index_not_before, min(self._index_by, now + OVERDUE))

    def _append(self, sessions: Sequence[SessionId], alone: bool) -> bool:
        try:
            self._store.append([_write_of(self._pending[session], self._store.epoch) for session in sessions])
        except PlaitError as error:
            text = str(error)
        except Exception as error:  # the writer's fault boundary: it must outlive any fault of a store, and say so
            log.exception("the journal met an unexpected fault")
            text = f"plait failed to write this session ({type(error).__name__}). What was said is kept and tried again; the log has more."
        else:
            self._written(sessions)
            return True
        if alone:
            self._failing.update(sessions)
            self._tell(self._set_trouble, sessions[0], text)
        return False

    def _written(self, sessions: Sequence[SessionId]) -> None:
        self._index_is_behind()
        for session in sessions:
            done = self._pending.pop(session)
            self._tell(self._set_durable, session, done[-1].row.seq, sum(one.weight for one in done))
            if session in self._failing:
                self._failing.discard(session)
                self._tell(self._set_trouble, session, "")

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(function, *arguments)

    def _set_durable(self, session: SessionId, seq: int, size: int) -> None:
        self._durable[session] = seq
        self._bytes -= size
        waiters = self._waiters.pop(session, [])
        for wanted, event in waiters:
            if wanted <= seq:
                event.set()
        if left := [(wanted, event) for wanted, event in waiters if wanted > seq]:
            self._waiters[session] = left
        self._on_committed(session, seq)

    def _set_trouble(self, session: SessionId, text: str) -> None:
        if text == self._troubles.get(session, ""):
            return
        if text:
            self._troubles[session] = text
        else:
            del self._troubles[session]
        self._on_trouble(session, text)


def _write_of(pending: Sequence[_Recorded], epoch: int) -> Write:
    """One session's events in order, and its row as it is after the last of them."""
    first = pending[0].events[0].seq or 1
    return Write(pending[-1].row, first - 1, epoch, tuple(stamped for one in pending for stamped in one.events))
