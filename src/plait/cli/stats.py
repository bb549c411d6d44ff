"""`plait stats`: how much there is, and what it took, by model, project and day. Computed from the events each time; nothing is sent."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from plait.core.commands import SessionInfo
from plait.core.counting import counted, dollars
from plait.core.ports import Project
from plait.core.sanitize import sanitize
from plait.core.session import SessionState
from plait.store.reading import Used, reading

DAYS = 14
"""The latest days that are told to people; JSON has all."""


@dataclass(slots=True)
class Total:
    """Calls whose tokens the provider reported. `cost` is in US dollars, without the `unpriced` calls."""

    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    cost: float = 0.0
    unpriced: int = 0

    def add(self, used: Used) -> None:
        """Take one more row in."""
        for name in ("calls", "input", "cached", "output", "cost", "unpriced"):
            setattr(self, name, getattr(self, name) + (getattr(used, name) or 0))


@dataclass(slots=True)
class Figures:
    """All figures; the mappings are in the order in which they are told."""

    open: int = 0
    closed: int = 0
    messages: int = 0
    total: Total = field(default_factory=Total)
    models: dict[str, Total] = field(default_factory=dict)
    projects: dict[str, tuple[int, int, Total]] = field(default_factory=dict)
    """By its id: sessions, messages, and what they took."""
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The name and the directory of each project, by its id."""
    days: dict[str, Total] = field(default_factory=dict)


def read_figures(database: Path) -> Figures:
    """The figures of the database as it is now; all nothing where there is none. Raises `StoreError`."""
    with reading(database) as reader:
        return figures_of(reader.sessions(), reader.usage(), reader.projects()) if reader is not None else Figures()


def figures_of(rows: Sequence[SessionInfo], used: Sequence[Used], projects: Sequence[Project]) -> Figures:
    """The figures: the model that cost most first, then the largest; projects likewise; days from the first on."""
    closed = sum(row.state is SessionState.COMPLETED for row in rows)
    figures = Figures(len(rows) - closed, closed, sum(row.messages for row in rows))
    for one in used:
        figures.total.add(one)
    figures.models = dict(sorted(_by(used, lambda one: one.model).items(), key=_largest))
    figures.days = dict(sorted(_by(used, lambda one: one.day).items()))
    took = _by(used, lambda one: one.project)
    messages: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        messages[row.project].append(row.messages)
    for project, total in sorted(((one, took.get(one, Total())) for one in messages), key=_largest):
        figures.projects[project] = (len(messages[project]), sum(messages[project]), total)
    figures.places = {one.id: (one.name, one.directory) for one in projects}
    return figures


def _by(used: Iterable[Used], key: Callable[[Used], str]) -> dict[str, Total]:
    totals: dict[str, Total] = defaultdict(Total)
    for one in used:
        totals[key(one)].add(one)
    return totals


def _largest(pair: tuple[str, Total]) -> tuple[float, int, str]:
    return -pair[1].cost, -pair[1].input - pair[1].output, pair[0]


def as_json(figures: Figures) -> str:
    """One object, ASCII only; see docs/formats.md."""
    plain = {
        "sessions": {"open": figures.open, "closed": figures.closed},
        "messages": figures.messages,
        **asdict(figures.total),
        "byModel": [{"model": name, **asdict(total)} for name, total in figures.models.items()],
        "byProject": [
            {"project": one, **_place(figures, one), "sessions": sessions, "messages": messages, **asdict(total)}
            for one, (sessions, messages, total) in figures.projects.items()
        ],
        "byDay": [{"day": name, **asdict(total)} for name, total in figures.days.items()],
    }
    return json.dumps(plain)


def _place(figures: Figures, project: str) -> dict[str, str]:
    name, directory = figures.places[project]
    return {"name": name, "directory": directory}


def _named(figures: Figures, project: str) -> str:
    """What a project is called, with its directory where another one is called the same."""
    name, directory = figures.places[project]
    alike = sum(figures.places[one][0] == name for one in figures.projects)
    return f"{name} ({directory})" if alike > 1 else name


def as_text(figures: Figures) -> str:
    """For people: totals, then a table for each question."""
    lines = [
        f"{counted(figures.open + figures.closed, 'session')} ({figures.open:,} open, {figures.closed:,} closed), "
        f"{counted(figures.messages, 'message')}",
        ", ".join(_cells(figures.total)),
    ]
    projects = [
        ((_named(figures, one), counted(sessions, "session"), counted(messages, "message")), total)
        for one, (sessions, messages, total) in figures.projects.items()
    ]
    lines += _table("By model", [((name or "not known",), total) for name, total in figures.models.items()])
    lines += _table("By project", projects)
    lines += _table(
        f"By day, the last {DAYS}" if len(figures.days) > DAYS else "By day",
        [((name or "not known",), total) for name, total in list(figures.days.items())[-DAYS:]],
    )
    return sanitize("\n".join(lines))


def _table(title: str, rows: Sequence[tuple[tuple[str, ...], Total]]) -> list[str]:
    """Rows in columns: the first to the left, figures to the right."""
    if not rows:
        return []
    cells = [(*names, *_cells(total)) for names, total in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = []
    for name, *figures in cells:
        right = "  ".join(f"{text:>{width}}" for text, width in zip(figures[:-1], widths[1:-1], strict=True))
        lines.append(f"  {name:<{widths[0]}}  {right}  {figures[-1]}")
    return ["", title, *lines]


def _cells(total: Total) -> tuple[str, ...]:
    return (
        counted(total.calls, "call"),
        f"{total.input:,} tokens in",
        f"{total.output:,} out",
        _money(total),
    )


def _money(total: Total) -> str:
    amount = dollars(total.cost)
    if not total.unpriced:
        return amount
    calls = f"{counted(total.unpriced, 'call')} of unknown price"
    return f"{amount} without {calls}" if total.cost else calls
