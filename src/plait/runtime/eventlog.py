"""The fan-out of one session: a ring of its latest events, and a cursor per reader.

Rules:
1. Appending never waits and knows no reader; a slow reader costs nothing.
2. A reader is given a durable event only once it is committed; what comes after it waits behind it, so that order is kept.
3. What has left the ring comes from the store. What is not committed never leaves the ring.
4. A reader that starts, or fell behind the ring, is brought up to date in one step: the durable events it lacks, then `InProgress` with the
   whole text of the item in progress, or what its call waits for, taken in the same step as its new position; then the ring.
5. News of the store itself stand beside the ring: they overtake what waits for its commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import anyio
import anyio.lowlevel
import anyio.to_thread

from plait.core import events as e
from plait.core.defaults import BUFFER_BYTES, BUFFER_EVENTS
from plait.core.session import Session
from plait.runtime.weight import weight

CROWDED = 8
"""So many times its capacity the ring may hold while commits are awaited; then whoever streams into it has to wait for them."""
PAGE = 1_000
"""Events that are read from the store at once for a reader that catches up."""


@dataclass(frozen=True, slots=True)
class _CatchUp:
    """What brings a reader up to date: durable events up to `upto`, then `progress`, then the ring from `position`."""

    position: int
    upto: int
    progress: e.Stamped | None


class EventLog:
    """The ring of `session`. `read(after, upto)` blocks and returns durable events.

    All events that there are count as `committed`, unless it is said up to which.
    """

    def __init__(
        self,
        session: Session,
        read: Callable[[int, int], Sequence[e.Stamped]],
        capacity: int = BUFFER_EVENTS,
        capacity_bytes: int = BUFFER_BYTES,
        committed: int | None = None,
    ) -> None:
        self._session = session
        self._read = read
        self._capacity, self._capacity_bytes = capacity, capacity_bytes
        self._ring: deque[e.Stamped] = deque()
        self._first = 0
        self._committed_seq = session.seq if committed is None else committed
        self._readable = 0
        self._bytes = 0
        self._awaited: e.Stamped | None = None
        """What the running call waits for, until something comes of it."""
        self._news: e.Stamped | None = None
        self._news_number = 0
        self._changed = anyio.Event()
        self.readers = 0

    def __repr__(self) -> str:
        return f"<EventLog '{self._session.name}' [{len(self._ring)} events, {self._bytes} bytes, {self.readers} readers]>"

    @property
    def held_bytes(self) -> int:
        """About what the ring holds."""
        return self._bytes

    @property
    def held_events(self) -> int:
        """How many events the ring holds."""
        return len(self._ring)

    @property
    def attended(self) -> bool:
        """Whether some front end shows this session now."""
        return self.readers > 0

    @property
    def crowded(self) -> bool:
        """Whether so much waits for its commit that whoever adds to it should wait too (promise P6)."""
        return len(self._ring) > CROWDED * self._capacity or self._bytes > CROWDED * self._capacity_bytes

    def append(self, stamped: e.Stamped) -> None:
        """Put an event at the end; the oldest committed ones make room."""
        self._ring.append(stamped)
        self._bytes += weight(stamped)
        match stamped.event:
            case e.SlotAwaited(place=0):
                self._awaited = None
            case e.CallDelayed() | e.SlotAwaited() | e.Compacting():
                self._awaited = stamped
            case e.AnswerDelta() | e.AssistantSaid() | e.Compacted() | e.TurnEnded():
                self._awaited = None
        self._advance()

    def tell(self, news: e.Stamped) -> None:
        """Tell readers at once, ahead of what waits for its commit: `StoreTrouble` and `StoreRecovered`. Only the latest is kept."""
        self._news = news
        self._news_number += 1
        self._wake()

    def commit(self, seq: int) -> None:
        """All durable events up to `seq` are on disk now."""
        self._committed_seq = max(seq, self._committed_seq)
        self._advance()

    def _advance(self) -> None:
        end = self._first + len(self._ring)
        while self._readable < end:
            seq = self._ring[self._readable - self._first].seq
            if seq is not None and seq > self._committed_seq:
                break
            self._readable += 1
        while self._first < self._readable and (len(self._ring) > self._capacity or self._bytes > self._capacity_bytes):
            self._bytes -= weight(self._ring.popleft())
            self._first += 1
        self._wake()

    def _wake(self) -> None:
        if self._changed.statistics().tasks_waiting:
            self._changed.set()
            self._changed = anyio.Event()

    async def follow(self, after: e.Cursor | None) -> AsyncGenerator[e.Stamped, None]:
        """Events after the cursor, then as they come, for ever; None means from now on. A cursor beyond the end means the end."""
        seq = self._committed_seq if after is None else min(max(0, after.seq), self._session.seq)
        told = self._news_number - isinstance(self._news and self._news.event, e.StoreTrouble)
        goal: _CatchUp | None = None
        position = -1
        self.readers += 1
        try:
            while True:
                if told < self._news_number and self._news is not None:
                    told = self._news_number
                    yield self._news
                elif goal is None and position < self._first:
                    goal = self._catch_up()
                elif goal is not None and seq < min(goal.upto, self._committed_seq):
                    upto = min(goal.upto, self._committed_seq, seq + PAGE)
                    for stamped in await anyio.to_thread.run_sync(self._read, seq, upto):
                        yield stamped
                    seq = upto
                elif goal is not None and seq >= goal.upto:
                    position, progress, goal = goal.position, goal.progress, None
                    if progress is not None:
                        yield progress
                elif goal is None and (batch := list(islice(self._ring, position - self._first, self._readable - self._first))):
                    position += len(batch)
                    for stamped in batch:
                        seq = stamped.seq or seq
                        yield stamped
                    await anyio.lowlevel.checkpoint()
                else:
                    await self._changed.wait()
        finally:
            self.readers -= 1

    def _catch_up(self) -> _CatchUp:
        """In one step: the ring's end, the last recorded event, and the text in progress as of now."""
        session = self._session
        progress = self._awaited
        if session.running is not None and session.answer:
            event = e.InProgress(session.running, session.answer.text, session.answer.thinking)
            progress = e.Stamped(session.id, None, session.last_at, event)
        return _CatchUp(self._first + len(self._ring), session.seq, progress)
