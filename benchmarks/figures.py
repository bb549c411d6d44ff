"""A figure, and the table of all of them.

Rules:
1. A figure is a number that was measured in this run; what stands beside it (floor or peer) was measured in the same run, alternating.
2. A figure that nobody measured is an error: `checked` raises, whatever the times were.
3. A missed target is shown, and fails nothing: the machine may be busy.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class NothingMeasured(Exception):
    """A benchmark ran and has no number to show."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: `value` and everything in `beside` are in `unit`; `target` is the most (with `at_least`: the least) that is wanted."""

    name: str
    value: float
    unit: str
    target: float | None = None
    beside: dict[str, float] = field(default_factory=dict)
    at_least: bool = False
    target_ratio: float | None = None
    """Most that the value may be, as a multiple of the first figure beside it."""

    @property
    def ratio(self) -> float | None:
        """The value over the first figure beside it."""
        first = next(iter(self.beside.values()), 0.0)
        return self.value / first if first else None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target_ratio is not None and self.ratio is not None:
            return self.ratio >= self.target_ratio if self.at_least else self.ratio <= self.target_ratio
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def checked(self) -> Figure:
        """Itself. Raises `NothingMeasured` for a number that cannot have been measured."""
        for value in (self.value, *self.beside.values()):
            if not math.isfinite(value) or value < 0:
                raise NothingMeasured(f"{self.name}: {value} {self.unit}")
        return self


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure, and where: `home` is an empty directory of this run."""

    smoke: bool
    home: Path

    def times(self, whole: int, smoke: int) -> int:
        """A count, seconds or tokens: of the whole run, or of the short one."""
        return smoke if self.smoke else whole


def median(values: Sequence[float]) -> float:
    """Raises `NothingMeasured` where there are none."""
    if not values:
        raise NothingMeasured("no samples")
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many per cent do not exceed (nearest rank). Raises `NothingMeasured` where there are none."""
    if not values:
        raise NothingMeasured("no samples")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def table(figures: Iterable[Figure]) -> str:
    """Markdown, padded so that it can be read as it is."""
    rows: list[tuple[str, ...]] = [("figure", "plait", "target", "", "beside it, same run", "ratio")]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join((lines[0], rule, *lines[1:]))


def _row(figure: Figure) -> tuple[str, ...]:
    target = ""
    if figure.target_ratio is not None:
        target = f"{figure.target_ratio:.2g} times"
    elif figure.target is not None:
        target = f"{'at least ' if figure.at_least else ''}{shown(figure.target, figure.unit)}"
    reached = {True: "yes", False: "NO", None: ""}[figure.reached]
    beside = ", ".join(f"{name} {shown(value, '')}" for name, value in figure.beside.items())
    ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else ""
    return figure.name, shown(figure.value, figure.unit), target, reached, beside, ratio


def shown(value: float, unit: str) -> str:
    """A number with three digits that mean something."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 or value == 0 else 4
    return f"{value:,.{digits}f} {unit}".strip()
