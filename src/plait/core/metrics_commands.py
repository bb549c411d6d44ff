"""Commands about metrics, and what they are answered. `core.commands` joins them to all others."""

from __future__ import annotations

from dataclasses import dataclass

from plait.core.metrics import Timed


@dataclass(frozen=True, slots=True)
class Measured:
    """A front end measured how long something took of which only it knows when it was done: a switch. Nothing waits for it."""

    what: Timed
    milliseconds: float


@dataclass(frozen=True, slots=True)
class ReadMetrics:
    """What was counted and measured. Answered with `Figures`."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took, in milliseconds: percentiles are upper ends of buckets."""

    name: str
    count: int
    p50: float
    p95: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True)
class Counter:
    """How often something happened."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The answer to `ReadMetrics`: since `since` (seconds since 1970), and what of it is alarming. `kept` is whether a file holds it."""

    since: float
    counters: tuple[Counter, ...]
    timings: tuple[Timing, ...]
    alerts: tuple[str, ...]
    kept: bool
