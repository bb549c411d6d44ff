"""Counters and histograms of how plait does: what is counted, how it is merged, and when it is alarming. Pure.

Nothing of what is said in a session is in them, and nothing is sent anywhere.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from plait.core import events as e
from plait.core.errors import ModelError

Timed: TypeAlias = Literal["session_switch_duration_ms", "session_create_duration_ms", "command_execution_duration_ms"]
TIMED: Final[tuple[Timed, ...]] = get_args(Timed)

BOUNDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000)
"""Upper ends of the histograms' buckets in milliseconds; one more bucket has what took longer."""
MOST_NAMES = 100
"""Counters that are kept; names come from types of errors, which are few."""
HOUR = 3600.0
MOST_RECENT = 200
"""Times of one kind that are remembered: more than any alert asks for."""

COUNTED: Final[Mapping[type[e.Event], str]] = {
    e.SessionOpened: "sessions_created_total",
    e.Closed: "sessions_closed_total",
    e.UserSaid: "messages_sent_total",
    e.ToolStarted: "tool_executions_total",
    e.AssistantSaid: "model_calls_total",
}
"""Events that are counted as they are; a failed turn is looked into (`Metrics.saw`)."""
SWITCHES, CRASHES, SAVES = "session_switches_total", "session_crashes_total", "database_save_failures_total"
ERRORS, API = "session_errors_total", "api_failures_total"
REMEMBERED: Final = (CRASHES, SAVES, ERRORS)
"""Of these the times of the last hour are known."""
API_ERRORS: Final = frozenset({ModelError.__name__, *(kind.__name__ for kind in ModelError.__subclasses__())})
_LOOKED_AT: Final = frozenset({*COUNTED, e.TurnEnded, e.CallDelayed})


def is_counted(event: e.Event) -> bool:
    """Whether `Metrics.saw` looks at such an event; asked of each delta of each answer."""
    return type(event) in _LOOKED_AT


@dataclass(slots=True)
class Histogram:
    """How often something took how long. `counts` are by the buckets of `BOUNDS`; `most` is the longest, in milliseconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0
    most: float = 0.0

    def observe(self, milliseconds: float) -> None:
        """Take one more."""
        self.counts[bisect_left(BOUNDS, milliseconds)] += 1
        self.total += milliseconds
        self.most = max(self.most, milliseconds)

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    def percentile(self, share: float) -> float:
        """What that share took at the most: the upper end of its bucket, or the longest of all; 0 if there was none."""
        wanted = math.ceil(share * self.count)
        for bound, count in zip(BOUNDS, self.counts, strict=False):
            wanted -= count
            if wanted <= 0:
                return min(float(bound), self.most)
        return self.most

    def merge(self, other: Histogram) -> None:
        """Take all of another in."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total
        self.most = max(self.most, other.most)


@dataclass(slots=True)
class Metrics:
    """All of it, since `since` (seconds since 1970; 0 while there is nothing)."""

    since: float = 0.0
    counters: dict[str, int] = field(default_factory=dict)
    timings: dict[str, Histogram] = field(default_factory=lambda: {name: Histogram() for name in TIMED})
    recent: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in REMEMBERED})

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not self.counters and not any(timing.count for timing in self.timings.values())

    def count(self, name: str, at: float, *, kind: str = "", by: int = 1) -> None:
        """Count something that happened; `kind` tells counters of one name apart."""
        self.since = self.since or at
        if name in self.recent:
            self.recent[name] = [*self.recent[name], *([at] * by)][-MOST_RECENT:]
        label = f"{name}{{{kind}}}" if kind else name
        if label in self.counters or len(self.counters) < MOST_NAMES:
            self.counters[label] = self.counters.get(label, 0) + by

    def observe(self, name: Timed, milliseconds: float, at: float) -> None:
        """Take how long something took; what no clock can have measured is left out."""
        if math.isfinite(milliseconds) and milliseconds >= 0:
            self.since = self.since or at
            self.timings[name].observe(milliseconds)

    def saw(self, event: e.Event, at: float) -> None:
        """Count an event that `is_counted`."""
        match event:
            case e.TurnEnded(ending="failed", error=error):
                self.count(ERRORS, at, kind=error[:40] or "unknown")
                if error in API_ERRORS:
                    self.count(API, at, kind=error)
            case e.CallDelayed():
                self.count(API, at, kind="tried again")
            case _ if type(event) in COUNTED:
                self.count(COUNTED[type(event)], at)
            case _:
                pass

    def merge(self, other: Metrics) -> None:
        """Take all of another in."""
        self.since = min(one for one in (self.since, other.since) if one) if self.since or other.since else 0.0
        for name, count in other.counters.items():
            if name in self.counters or len(self.counters) < MOST_NAMES:
                self.counters[name] = self.counters.get(name, 0) + count
        for name in TIMED:
            self.timings[name].merge(other.timings[name])
        for name in REMEMBERED:
            self.recent[name] = sorted((*self.recent[name], *other.recent[name]))[-MOST_RECENT:]

    def in_last_hour(self, name: str, now: float) -> int:
        """How often one of `REMEMBERED` happened in the last hour."""
        return sum(now - HOUR < at <= now for at in self.recent[name])


@dataclass(frozen=True, slots=True)
class Alert:
    """What is alarming, from where on, and what to do then: two sentences, the first of which goes on with the figures."""

    what: str
    most: float
    way_out: str
    unit: str = ""


PER_HOUR: Final[Mapping[str, Alert]] = {
    CRASHES: Alert("turns cut off by a crash in the last hour", 10, "Leave plait, and have plait doctor check the database."),
    SAVES: Alert("failures to save in the last hour", 5, "Look at the free space of the disk."),
    ERRORS: Alert("turns that failed in the last hour", 50, "/history shows why; /model takes another model."),
}
SLOW: Final[Mapping[Timed, tuple[float, Alert]]] = {
    "session_switch_duration_ms": (
        0.99,
        Alert("99 % of switches take up to", 2_000, "/debug buffers shows which session is large; /close it.", " ms"),
    ),
    "session_create_duration_ms": (0.95, Alert("95 % of new sessions take up to", 500, "Look at what else uses the disk.", " ms")),
}


def alerts(kept: Metrics, this_run: Metrics, now: float) -> list[str]:
    """What is alarming now, each with what to do: of the last hour in all that is kept, and of this run how long things take."""
    found = []
    for name, alert in PER_HOUR.items():
        if (number := kept.in_last_hour(name, now)) > alert.most:
            found.append(f"{number:,} {alert.what}, more than {alert.most:g}. {alert.way_out}")
    for timed, (share, alert) in SLOW.items():
        took = this_run.timings[timed].percentile(share)
        if took > alert.most:
            found.append(f"{alert.what} {took:,.0f}{alert.unit} since this start, more than {alert.most:,.0f}. {alert.way_out}")
    return found


def to_plain(metrics: Metrics) -> dict[str, Any]:
    """As it is kept in a file."""
    return {
        "version": 1,
        "since": metrics.since,
        "counters": dict(sorted(metrics.counters.items())),
        "bounds": list(BOUNDS),
        "timings": {name: {"counts": one.counts, "total": one.total, "most": one.most} for name, one in metrics.timings.items()},
        "recent": metrics.recent,
    }


def from_plain(plain: Any) -> Metrics:
    """What `to_plain` made; nothing, where it is anything else: figures that cannot be read are begun anew."""
    try:
        if plain["version"] != 1 or plain["bounds"] != list(BOUNDS):
            return Metrics()
        metrics = Metrics(since=_number(plain["since"]))
        for name, count in list(plain["counters"].items())[:MOST_NAMES]:
            metrics.counters[str(name)[:100]] = int(_number(count))
        for name in TIMED:
            one = plain["timings"][name]
            counts = [int(_number(count)) for count in one["counts"]]
            if len(counts) != len(BOUNDS) + 1:
                return Metrics()
            metrics.timings[name] = Histogram(counts, _number(one["total"]), _number(one["most"]))
        for name in REMEMBERED:
            metrics.recent[name] = [_number(at) for at in plain["recent"][name]][-MOST_RECENT:]
    except (AttributeError, KeyError, TypeError, ValueError):
        return Metrics()
    return metrics


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        raise ValueError("not a number of ours")
    return value
