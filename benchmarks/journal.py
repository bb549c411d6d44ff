"""What it costs until a message is safe: the journal over the store, beside plain SQL on the same disk, taking turns.

The plain SQL uses the same SQLite, the same journal mode and FULL syncs, and inserts the same bytes into one table.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio

from benchmarks.figures import Figure, Plan, median, percentile
from plait.core import events as e
from plait.core.codec import encode
from plait.core.commands import SessionInfo
from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Project
from plait.core.session import SessionState
from plait.runtime.journal import Journal
from plait.store import engine
from plait.store.sqlite import open_store

SESSION = SessionId("bench")
PROJECT = Project(ProjectId("bench-00000000"), "bench", "/bench", 1.0)
TEXT = "What a message of a person is like, more or less: a line or two of text, and not much more than that. " * 2
SIZES = (20, 500)
"""Events at once: what a busy moment brings, and what fills a commit of the journal."""
ROW = SessionInfo(SESSION, "bench", "development", SessionState.ACTIVE, PROJECT.id, PROJECT.directory, 1, 1.0, 1.0, 0)


class Plain:
    """One table, one connection, one commit for each group."""

    def __init__(self, path: Path) -> None:
        path.touch(0o600)
        self.connection = engine.connect(path, writing=True)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute(
            "CREATE TABLE events (session TEXT, seq INTEGER, at REAL, type TEXT, data TEXT, PRIMARY KEY (session, seq)) STRICT"
        )
        self.seq = 0

    def write(self, count: int) -> None:
        """So many events, in one commit."""
        data = encode(e.UserSaid(TEXT))
        self.connection.execute("BEGIN IMMEDIATE")
        for _ in range(count):
            self.seq += 1
            self.connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", (SESSION, self.seq, 1.0, "UserSaid", data))
        self.connection.execute("COMMIT")


class Ours:
    """The journal, as the coordinator uses it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.seq = 0

    def made(self, count: int) -> list[tuple[SessionInfo, e.Stamped]]:
        """So many events, each with its session's row after it."""
        made = []
        for _ in range(count):
            self.seq += 1
            event: e.Event = e.UserSaid(TEXT) if self.seq > 1 else e.SessionOpened("bench", "development", PROJECT.id, PROJECT.directory)
            made.append((replace(ROW, seq=self.seq), e.Stamped(SESSION, self.seq, 1.0, event)))
        return made

    async def write(self, made: list[tuple[SessionInfo, e.Stamped]]) -> None:
        """Record them, then wait at the barrier."""
        for row, stamped in made:
            self.journal.record(row, stamped)
        await self.journal.durable(SESSION, self.seq)


@asynccontextmanager
async def our_journal(path: Path) -> AsyncGenerator[Ours, None]:
    """The journal over a fresh store."""
    store = open_store(path, now=1.0, report=lambda finding: None)
    store.project(PROJECT)
    journal = Journal(store, lambda session, seq: None, lambda session, text: None)
    journal.start()
    journal.opened(SESSION, 0)
    yield Ours(journal)
    await journal.aclose()
    store.close()


async def acknowledgements(ours: Ours, plain: Plain, count: int) -> dict[str, list[float]]:
    """Milliseconds until one event is safe."""
    found: dict[str, list[float]] = {"plait": [], "raw SQLite": []}
    for _ in range(count):
        made = ours.made(1)
        started = time.perf_counter()
        await ours.write(made)
        between = time.perf_counter()
        plain.write(1)
        found["plait"].append((between - started) * 1000)
        found["raw SQLite"].append((time.perf_counter() - between) * 1000)
    return found


async def rates(ours: Ours, plain: Plain, size: int, count: int) -> dict[str, float]:
    """Events a second, so many at once and so many times; the median."""
    found: dict[str, list[float]] = {"plait": [], "raw SQLite": []}
    for _ in range(count):
        made = ours.made(size)
        started = time.perf_counter()
        await ours.write(made)
        between = time.perf_counter()
        plain.write(size)
        found["plait"].append(size / (between - started))
        found["raw SQLite"].append(size / (time.perf_counter() - between))
    return {name: median(values) for name, values in found.items()}


async def measure(plan: Plan) -> list[Figure]:
    """Acknowledgements one by one, then groups; ours and plain in turns."""
    directory = plan.home / "journal"
    directory.mkdir()
    plain = Plain(directory / "plain.db")
    async with our_journal(directory / "plait.db") as ours:
        await ours.write(ours.made(1))
        acknowledged = await acknowledgements(ours, plain, plan.times(1_000, 20))
        grouped = {size: await rates(ours, plain, size, plan.times(300, 5)) for size in SIZES}
    plain.connection.close()
    figures = []
    for percent in (50, 99):
        beside = {name: percentile(values, percent) for name, values in acknowledged.items()}
        figures.append(Figure(f"journal: acknowledgement, p{percent}", beside.pop("plait"), "ms", beside=beside, target_ratio=1.5))
    for size, beside in grouped.items():
        name = f"journal: events a second, {size} at once"
        figures.append(Figure(name, beside.pop("plait"), "events/s", beside=beside, at_least=True, target_ratio=1 / 1.5))
    return figures


def run(plan: Plan) -> list[Figure]:
    """Acknowledgements and groups, beside plain SQL."""
    return anyio.run(measure, plan)
