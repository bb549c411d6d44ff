"""Another program writes into the same database all the time: each append waits for its turn, and none fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from plait.core import events as e
from plait.core.errors import StoreError
from plait.store import engine
from plait.store.verify import verify
from tests.store.writing import Author, open_at

APPENDS = 60
NEIGHBOUR = """
import sys, time
from plait.store import engine
database = engine.connect(sys.argv[1], writing=True)
print("ready", flush=True)
for number in range(100_000):
    database.execute("BEGIN IMMEDIATE")
    database.execute("UPDATE projects SET name = ?", (str(number),))
    time.sleep(0.003)
    database.execute("COMMIT")
    time.sleep(0.003)
"""


class Deferred:
    """A mutant: its transactions take the lock when they write, and not when they begin."""

    def __init__(self, connection: engine.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *values: Any) -> Any:
        """As the connection, but for the beginning."""
        return self._connection.execute(sql.replace("BEGIN IMMEDIATE", "BEGIN"), *values)


@contextmanager
def neighbour(path: Path) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", NEIGHBOUR, str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            child.kill()


def refused(path: Path, *, mutant: bool) -> int:
    """How many of the appends failed."""
    failed = 0
    with closing(open_at(path)) as store:
        author = Author(store)
        author.turn()
        assert store._writer is not None
        if mutant:
            store._writer = Deferred(store._writer)  # type: ignore[assignment]  # that is the mutant
        with neighbour(path):
            for number in range(APPENDS):
                before = author.session.seq
                try:
                    author.append(e.Noted(f"note {number}"))
                except StoreError:
                    author.session.seq = before
                    failed += 1
        assert list(store.read(author.session.id)) == author.events
    assert verify(path) == []
    return failed


def test_every_append_waits_for_its_turn(tmp_path: Path) -> None:
    assert refused(tmp_path / "data" / "plait.db", mutant=False) == 0


def test_a_store_that_takes_the_lock_late_is_noticed(tmp_path: Path) -> None:
    assert refused(tmp_path / "data" / "plait.db", mutant=True) > 0
