"""Another program writes into the same database all the time: each append waits for its turn, and none fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from plait.core import events as e
from plait.core.errors import StoreError
from plait.store import engine
from plait.store.verify import verify
from tests.store.writing import Author, open_at

APPENDS = 40
NEIGHBOUR = """
import sys, time
from plait.store import engine
database = engine.connect(sys.argv[1], writing=True)
for line in sys.stdin:
    database.execute("BEGIN IMMEDIATE")
    database.execute("UPDATE projects SET name = ?", (line,))
    print("held", flush=True)
    time.sleep(0.005)
    database.execute("COMMIT")
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
def neighbour(path: Path) -> Iterator[Callable[[], None]]:
    """Another program; when it is called it takes the lock, and gives it back soon after."""
    command = [sys.executable, "-c", NEIGHBOUR, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as child:

        def hold() -> None:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write("go\n")
            assert child.stdout.readline() == "held\n"

        yield hold


def refused(path: Path, *, mutant: bool) -> int:
    """How many of the appends failed."""
    failed = 0
    with closing(open_at(path)) as store:
        author = Author(store)
        author.turn()
        assert store._writer is not None
        if mutant:
            store._writer = Deferred(store._writer)  # type: ignore[assignment]  # that is the mutant
        with neighbour(path) as hold:
            for number in range(APPENDS):
                before = author.session.seq
                hold()
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
