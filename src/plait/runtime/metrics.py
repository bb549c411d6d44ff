"""Counting how plait does, and keeping it: in memory as things happen, in a file every few minutes and when plait is left.

Rules:
1. Counting is a few dictionary steps in the event loop; the file is written in a thread, and nobody waits for it.
2. What cannot be written is kept in memory and tried again; that is in the log, and no concern of any session.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

import anyio
import anyio.to_thread

from plait.core import commands as c, events as e
from plait.core.messages import SessionId
from plait.core.metrics import CRASHES, SAVES, SWITCHES, TIMED, Histogram, Metrics, alerts, is_counted
from plait.core.metrics_commands import Counter, Figures, Measured, ReadMetrics, Timing
from plait.core.ports import MetricsKeeper

log = logging.getLogger(__name__)

EVERY = 300.0
"""Seconds between two writings."""
Metering: TypeAlias = Measured | ReadMetrics


class Meter:
    """The metrics of one run. `now` is in seconds since 1970; without a keeper they end with the run."""

    def __init__(self, now: Callable[[], float] = lambda: 0.0, keeper: MetricsKeeper | None = None, every: float = EVERY) -> None:
        self._now = now
        self._keeper = keeper
        self._every = every
        self._fresh = Metrics()
        """What is not in the keeper yet."""
        self._earlier = Metrics()
        """What of this run is."""

    def __repr__(self) -> str:
        return f"<Meter [{len(self._fresh.counters)} counters to be kept]>"

    @property
    def keeps(self) -> bool:
        """Whether anything of it outlives the run."""
        return self._keeper is not None

    def saw(self, event: e.Event) -> None:
        """An event was recorded."""
        if is_counted(event):
            self._fresh.saw(event, self._now())

    def crashed(self) -> None:
        """A turn was found that a crash had cut off."""
        self._fresh.count(CRASHES, self._now())

    def save_failed(self) -> None:
        """The store refused a session's events."""
        self._fresh.count(SAVES, self._now())

    def carried_out(self, command: c.Command, seconds: float) -> None:
        """A command took so long."""
        self._fresh.observe("command_execution_duration_ms", seconds * 1000, self._now())
        if isinstance(command, c.OpenSession):
            self._fresh.observe("session_create_duration_ms", seconds * 1000, self._now())

    def measured(self, told: Measured) -> None:
        """A front end says how long something took."""
        if told.what == "session_switch_duration_ms":
            self._fresh.count(SWITCHES, self._now())
        self._fresh.observe(told.what, told.milliseconds, self._now())

    def _run(self) -> Metrics:
        """All of this run."""
        run = Metrics()
        run.merge(self._earlier)
        run.merge(self._fresh)
        return run

    async def figures(self) -> Figures:
        """What there is: all that is kept, with this run."""
        run = self._run()
        kept = await anyio.to_thread.run_sync(self._keeper.load) if self._keeper else Metrics()
        kept.merge(self._fresh if self._keeper else run)
        timings = tuple(_timing(name, kept.timings[name]) for name in TIMED)
        counters = [Counter(name, count) for name, count in sorted(kept.counters.items())]
        told = alerts(kept, run, self._now())
        return Figures(kept.since, tuple(counters), timings, tuple(told), kept=self.keeps)

    async def keep_saving(self) -> None:
        """Save every few minutes. Runs until it is cancelled."""
        while True:
            await anyio.sleep(self._every)
            await self.save()

    async def save(self) -> None:
        """Add what is new to what is kept."""
        if self._keeper is None or self._fresh.is_empty:
            return
        taken, self._fresh = self._fresh, Metrics()
        try:
            await anyio.to_thread.run_sync(_add, self._keeper, taken)
        except OSError as error:
            log.warning("metrics were not kept: %s", error)
            taken.merge(self._fresh)
            self._fresh = taken
            return
        self._earlier.merge(taken)


def _timing(name: str, one: Histogram) -> Timing:
    return Timing(name, one.count, one.percentile(0.5), one.percentile(0.95), one.percentile(0.99), one.most)


def _add(keeper: MetricsKeeper, fresh: Metrics) -> None:
    kept = keeper.load()
    kept.merge(fresh)
    keeper.save(kept)


async def metered(meter: Meter, command: Metering) -> c.Reply:
    """Carry out a command about metrics."""
    match command:
        case Measured():
            meter.measured(command)
            return c.Done(SessionId(""), 0)
        case ReadMetrics():
            return await meter.figures()
