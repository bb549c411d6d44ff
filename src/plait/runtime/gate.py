"""The one gate that all model calls of all sessions pass.

Rules:
1. At most `limit` calls at once. A slot is given back while a call waits to be tried again.
2. Only the gate waits and retries, and only before the first event of an answer (promise P3).
3. A 429 pauses its provider for everybody, for the time it names; nobody is dropped, everybody goes on by itself.
4. A provider is sent no more calls in a minute than it may be: a call leaves the queue only when its provider has room for one.
5. Cancelling a call at any point, queued or running, leaks no slot.
6. A call keeps its place in the order from its first attempt to its last.
7. A call whose session was paused while it waited stays where it is until the session is unpaused.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from plait.core.commands import GateFigures
from plait.core.errors import ModelError, RateLimited
from plait.core.messages import ModelEvent, ModelRequest, SessionId
from plait.core.ports import ModelProvider
from plait.core.schedule import Waiting, in_order, next_up

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter

log = logging.getLogger(__name__)

ATTEMPTS = 5
FIRST_DELAY, LONGEST_DELAY = 0.5, 60.0
"""Seconds. Doubling from the first, with jitter, no single wait over the longest."""

TIMER_STEP = 0.001
"""Seconds after the end of a pause at which the queue is served: a timer may fire a little before its time."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """How a call tells whoever waits for it: its place in the queue, and why and how long it is delayed."""

    place: Callable[[int], None]
    delayed: Callable[[str, float, int, int], None]


@dataclass(slots=True)
class _Queued:
    """A call in the queue: `turn` is set when it has its slot; `place` is the last one that it was told."""

    watcher: Watcher
    turn: anyio.Event
    place: int = 0


class Gate:
    """Slots, queue, pauses and retries; `attended` says whether a session is shown, `held` whether it is paused, `random` gives [0, 1).

    `requests_per_minute` is asked by provider, None being any number. `on_change` is called whenever `report` would tell something else.
    What `attended` and `held` answer may change at any time; `serve` looks again.
    """

    def __init__(
        self,
        limit: int,
        attended: Callable[[SessionId], bool],
        random: Callable[[], float],
        attempts: int = ATTEMPTS,
        requests_per_minute: Callable[[str], int | None] = lambda provider: None,
        on_change: Callable[[], None] = lambda: None,
        held: Callable[[SessionId], bool] = lambda session: False,
    ) -> None:
        self.limit = limit
        self.attempts = attempts
        self._attended = attended
        self._random = random
        self._running = 0
        self._number = 0
        self._queue: dict[Waiting, _Queued] = {}
        self._paused: dict[str, float] = {}
        self._requests_per_minute = requests_per_minute
        self._limiters: dict[str, AsyncLimiter] = {}
        self._taken_at: dict[str, float] = {}
        """When each provider was sent its last call, by the loop's clock; only of those with a limit."""
        self._room_awaited: dict[str, asyncio.TimerHandle] = {}
        self._on_change = on_change
        self._held = held
        self._told = GateFigures(0, 0, limit)

    def __repr__(self) -> str:
        return f"<Gate [{self.load}]>"

    @property
    def load(self) -> str:
        """How many calls run, of how many, and how many wait; in words."""
        return f"{self._running}/{self.limit}, {len(self._queue)} queued"

    def report(self) -> GateFigures:
        """How many calls run and wait, and which providers are held by a rate limit."""
        return GateFigures(self._running, len(self._queue), self.limit, tuple(sorted(self._paused_now())))

    def order(self) -> list[Waiting]:
        """The calls that wait, in the order in which they will be served if nobody else comes; those of paused sessions last."""
        return sorted(in_order(self._queue, self._attended), key=lambda one: self._held(one.session))

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
                delay = self.delay(error, attempt)
                if isinstance(error, RateLimited):  # though it may end this call: the others are spared it
                    self._pause(provider.name, delay)
                if started or not error.retryable or attempt == self.attempts:
                    raise
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
        loop.call_at(self._paused[provider] + TIMER_STEP, self.serve)

    def _paused_now(self) -> set[str]:
        now = asyncio.get_running_loop().time()
        self._paused = {name: until for name, until in self._paused.items() if until > now}
        return set(self._paused)

    async def _acquire(self, me: Waiting, watcher: Watcher) -> None:
        mine = self._queue[me] = _Queued(watcher, anyio.Event())
        try:
            self.serve()
            await mine.turn.wait()
        except BaseException:  # cancelled while queued, or just as the slot was given: neither may leak; always re-raised
            if self._queue.pop(me, None) is None:
                self._running -= 1
            self.serve()
            raise

    def _takes_one(self, provider: str) -> bool:
        """Count a call that the provider may be sent now; if it may not, the queue is served again when it may."""
        rate = self._requests_per_minute(provider)
        if rate is None:
            return True
        limiter = self._limiters.get(provider)
        if limiter is None:
            from aiolimiter import AsyncLimiter  # 40 ms, which only those pay who set a limit

            # Made inside the running loop; one call at a time, so that a minute's calls are spread over it.
            limiter = self._limiters[provider] = AsyncLimiter(1, 60 / rate)
        if limiter.has_capacity():
            with suppress(StopIteration):  # with capacity, its first step is its last
                limiter.acquire().send(None)
            self._taken_at[provider] = asyncio.get_running_loop().time()
            return True
        if provider not in self._room_awaited:
            room = self._taken_at[provider] + 60 / rate + TIMER_STEP
            self._room_awaited[provider] = asyncio.get_running_loop().call_at(room, self._room_comes, provider)
        return False

    def _room_comes(self, provider: str) -> None:
        del self._room_awaited[provider]
        self.serve()

    def serve(self) -> None:
        """Give free slots to whoever is next, and tell the others their places. Leaving the queue and counting the slot are one step."""
        closed = self._paused_now()
        ready = [one for one in self.order() if not self._held(one.session)]
        while self._running < self.limit and (up := next_up(ready, closed)) is not None:
            if not self._takes_one(up.provider):
                closed.add(up.provider)
                continue
            ready.remove(up)
            self._running += 1
            queued = self._queue.pop(up)
            _tell_place(queued, 0)
            queued.turn.set()
        for place, one in enumerate(self.order(), 1):
            _tell_place(self._queue[one], place)
        if (figures := self.report()) != self._told:
            self._told = figures
            self._on_change()

    def _release(self) -> None:
        self._running -= 1
        self.serve()


def _tell_place(queued: _Queued, place: int) -> None:
    if place == queued.place:
        return
    queued.place = place
    try:
        queued.watcher.place(place)
    except Exception:  # a watcher's fault boundary: whoever gives a slot back must not meet the fault of another session
        log.exception("a call that waits could not be told its place")
