"""A process that writes until it is killed, and says what was acknowledged: `python -m tests.store.victim DATABASE WHAT [MIGRATIONS]`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from plait.core import events as e
from plait.core.errors import StoreError
from plait.core.messages import SessionId
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
    modes = {one.__name__: one for one in (turns, index, purge, log, checkpoints, fill, early, unsynced, careless)}
    modes[what](store)
    store.close()
    say("closed")


if __name__ == "__main__":
    main()
