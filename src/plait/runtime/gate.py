"""The one gate that all model calls of all sessions pass.

Rules:
1. At most `limit` calls at once. A slot is given back while a call waits to be tried again.
2. Only the gate waits and retries, and only before the first event of an answer (promise P3).
3. A 429 pauses its provider for everybody, for the time it names; nobody is dropped, everybody goes on by itself.
4. Cancelling a call at any point, queued or running, leaks no slot.
5. A call keeps its place in the order from its first attempt to its last.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import anyio

from plait.core.errors import ModelError, RateLimited
from plait.core.messages import ModelEvent, ModelRequest, SessionId
from plait.core.ports import ModelProvider
from plait.core.schedule import Waiting, in_order, next_up

ATTEMPTS = 5
FIRST_DELAY, LONGEST_DELAY = 0.5, 60.0
"""Seconds. Doubling from the first, with jitter, no single wait over the longest (`contract.md` F36)."""

TIMER_STEP = 0.001
"""Seconds after the end of a pause at which the queue is served: a timer may fire a little before its time."""


@dataclass(frozen=True, slots=True)
class GateReport:
    """What the gate does now."""

    running: int
    queued: int
    limit: int


@dataclass(frozen=True, slots=True)
class Watcher:
    """How a call tells whoever waits for it: its place in the queue, and why and how long it is delayed."""

    place: Callable[[int], None]
    delayed: Callable[[str, float, int, int], None]


class Gate:
    """Slots, queue, pauses and retries; `attended` says whether a session is shown, `random` gives [0, 1)."""

    def __init__(
        self,
        limit: int,
        attended: Callable[[SessionId], bool],
        random: Callable[[], float],
        attempts: int = ATTEMPTS,
    ) -> None:
        self.limit = limit
        self.attempts = attempts
        self._attended = attended
        self._random = random
        self._running = 0
        self._number = 0
        self._waiting: dict[Waiting, anyio.Event] = {}
        self._watchers: dict[Waiting, Watcher] = {}
        self._paused: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<Gate [{self._running}/{self.limit}, {len(self._waiting)} queued]>"

    def report(self) -> GateReport:
        """How many calls run and wait."""
        return GateReport(self._running, len(self._waiting), self.limit)

    async def stream(
        self, session: SessionId, provider: ModelProvider, request: ModelRequest, watcher: Watcher
    ) -> AsyncGenerator[ModelEvent, None]:
        """One model call through the gate, with its retries. Raises the last attempt's `ModelError`."""
        self._number += 1
        me = Waiting(self._number, session, provider.name)
        for attempt in range(1, self.attempts + 1):
            started = False
            await self._acquire(me, watcher)
            try:
                async with aclosing(provider.stream(request)) as events:
                    async for event in events:
                        started = True
                        yield event
                return
            except ModelError as error:
                if started or not error.retryable or attempt == self.attempts:
                    raise
                delay = self.delay(error, attempt)
                if isinstance(error, RateLimited):
                    self._pause(provider.name, delay)
                reason = str(error)
            finally:
                self._release()
            watcher.delayed(reason, delay, attempt + 1, self.attempts)
            await anyio.sleep(delay)

    def delay(self, error: ModelError, attempt: int) -> float:
        """Seconds until the next attempt: what the provider named where that can be believed, else doubling, with jitter."""
        delay = min(LONGEST_DELAY, FIRST_DELAY * float(2 ** (attempt - 1))) * (0.5 + self._random() / 2)
        named = error.retry_after if isinstance(error, RateLimited) else None
        if named is not None and math.isfinite(named) and named >= 0:
            delay = min(LONGEST_DELAY, named + delay / 4)
        return delay

    def _pause(self, provider: str, seconds: float) -> None:
        """Hold the provider's calls. The end of the pause serves whoever waits then: the call that caused it may be gone by that time."""
        loop = asyncio.get_running_loop()
        self._paused[provider] = max(self._paused.get(provider, 0.0), loop.time() + seconds)
        loop.call_at(self._paused[provider] + TIMER_STEP, self._serve)

    def _paused_now(self) -> set[str]:
        now = asyncio.get_running_loop().time()
        self._paused = {name: until for name, until in self._paused.items() if until > now}
        return set(self._paused)

    async def _acquire(self, me: Waiting, watcher: Watcher) -> None:
        turn = anyio.Event()
        self._waiting[me], self._watchers[me] = turn, watcher
        try:
            self._serve()
            await turn.wait()
        except BaseException:  # cancelled while queued, or just as the slot was given: neither may leak; always re-raised
            if self._waiting.pop(me, None) is None:
                self._release()
            raise
        finally:
            self._watchers.pop(me, None)

    def _serve(self) -> None:
        """Give free slots to whoever is next, and tell the others their places. Leaving the queue and counting the slot are one step."""
        paused = self._paused_now()
        order = in_order(self._waiting, self._attended)
        while self._running < self.limit and (up := next_up(order, paused)) is not None:
            order.remove(up)
            self._running += 1
            self._waiting.pop(up).set()
        for place, one in enumerate(order, 1):
            self._watchers[one].place(place)

    def _release(self) -> None:
        self._running -= 1
        self._serve()
