"""A process that writes until it is killed, and says what was acknowledged: `python -m tests.store.victim DATABASE WHAT [MIGRATIONS]`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from plait.core import events as e
from plait.core.commands import Draft
from plait.core.errors import StoreError
from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Project
from plait.store.sqlite import CHECKPOINT_DUE, SqliteStore, open_store
from tests.store.writing import PROJECT, Author


def say(*words: object) -> None:
    """A line that is out before anything else happens."""
    print(*words, flush=True)  # noqa: T201  # the harness reads it


def turns(store: SqliteStore) -> None:
    """Three turns of two sessions, each commit told."""
    for number in range(3):
        for name in ("s-1", "s-2"):
            author = Told(store, name)
            author.turn(number)


def index(store: SqliteStore) -> None:
    """As `turns`, and everything goes into the index; then once more."""
    for _ in range(2):
        turns(store)
        while store.index():
            pass


def purge(store: SqliteStore) -> None:
    """As `turns`, everything goes into the index, and one session into the trash and out of it for good."""
    turns(store)
    while store.index():
        pass
    Told(store, "s-1").append(e.Closed(), e.Trashed(True))
    store.purge([SessionId("s-1")])
    say("purged")


def log(store: SqliteStore) -> None:
    """Enough for two checkpoints."""
    author = Told(store, "s-1")
    author.turn()
    for _ in range(12):
        author.append(e.Noted("x" * 1_000_000))
        store.tidy()


def fill(store: SqliteStore) -> None:
    """Until the disk refuses; then, when the harness says so, go on with the same store."""
    author = Told(store, "s-1")
    author.turn()
    trouble = ""
    while not trouble:
        before = author.session.seq, len(author.events)
        try:
            author.append(e.Noted("x" * 50_000))
        except StoreError as error:
            trouble = str(error)
            author.session.seq = before[0]
    say("trouble", trouble)
    assert list(store.read(author.session.id)) == author.events
    sys.stdin.readline()
    author.turn()
    say("again", author.session.seq)


def squeeze(store: SqliteStore) -> None:
    """Everything that a store does, while the disk is full and again when it is not; full more than once."""
    author = Told(store, "s-1")
    author.turn()
    filler = store.path.parent.parent / "filler"
    for number in range(3):
        assert store._writer is not None
        store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else the log has room from before
        fill_up(filler)
        refused = []
        for name, act in _acts(store, author, number).items():
            try:
                act()
            except StoreError as error:
                refused.append(name if "disk is full" in str(error) or "free space" in str(error) else repr(error))
        assert list(store.read(author.session.id)) == author.events
        say("refused", *refused)
        filler.unlink()
        for act in _acts(store, author, number).values():
            act()
        say("again", author.session.seq)


def _acts(store: SqliteStore, author: Author, number: int) -> dict[str, Callable[[], object]]:
    def append() -> None:
        before = author.session.seq
        try:
            author.append(e.Noted("x" * 50_000))  # the log has to grow
        except StoreError:
            author.session.seq = before
            raise

    def checkpoint() -> None:
        store._log_bytes = CHECKPOINT_DUE
        store.tidy()

    def index() -> None:
        while store.index():
            pass

    draft = Draft(author.session.id, f"draft {number} " + "y" * 20_000, 3)
    other = Project(ProjectId(f"p-{number:08}"), "other", f"/other/{number}" + "z" * 9_000, 1.0)
    return {
        "append": append,
        "checkpoint": checkpoint,
        "index": index,
        "draft": lambda: store.keep_draft(draft, 1.0),
        "project": lambda: store.project(other),
        "trust": lambda: store.trust(PROJECT.id, f"{number}" * 9_000, True, 1.0),
    }


def fill_up(filler: Path) -> None:
    """Take all the room that the disk has left."""
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            with suppress(OSError):
                while file.write(b"\0" * size):
                    pass


def unsynced(store: SqliteStore) -> None:
    """A mutant: as `turns`, by a store that leaves syncing to the system."""
    assert store._writer is not None
    store._writer.execute("PRAGMA synchronous = NORMAL")
    turns(store)


def careless(store: SqliteStore) -> None:
    """A mutant: as `checkpoints`, by a store that never syncs."""
    assert store._writer is not None
    store._writer.execute("PRAGMA synchronous = OFF")
    checkpoints(store)


def checkpoints(store: SqliteStore) -> None:
    """As `turns`, with a checkpoint after each turn."""
    for number in range(4):
        for name in ("s-1", "s-2"):
            Told(store, name).turn(number)
            store._log_bytes = CHECKPOINT_DUE
            store.tidy()


def early(store: SqliteStore) -> None:
    """A mutant: it acknowledges before the commit."""
    for number in range(3):
        Early(store, "s-1").turn(number)


class Early(Author):
    """An author that says what is acknowledged before it is."""

    def append(self, *events: e.Event) -> None:
        """Say so, then append."""
        say("acked", self.session.id, self.session.seq + len(events))
        super().append(*events)


class Told(Author):
    """An author that says what is acknowledged."""

    def append(self, *events: e.Event) -> None:
        """Append, then say so."""
        super().append(*events)
        say("acked", self.session.id, self.session.seq)


def main() -> None:
    """Open, do what was asked, close."""
    path, what, *migrations = sys.argv[1:]
    store = open_store(
        Path(path), now=time.time(), report=lambda finding: say("told", finding.text), migrations=Path(*migrations) if migrations else None
    )
    store.project(PROJECT)
    say("opened")
    modes = {one.__name__: one for one in (turns, index, purge, log, checkpoints, fill, early, squeeze, unsynced, careless)}
    modes[what](store)
    store.close()
    say("closed")


if __name__ == "__main__":
    main()
