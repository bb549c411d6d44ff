"""The program with one promise broken, for the harness to notice: `python tests/kill/broken.py MUTANT [ARGUMENTS OF PLAIT]`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from plait.cli import main
from plait.core.ports import Write
from plait.store.sqlite import SqliteStore

_append = SqliteStore.append
_held: list[Sequence[Write]] = []


def early(store: SqliteStore, writes: Sequence[Write]) -> None:
    """It tells that a group is written, and writes it when some more have come."""
    _held.append(writes)
    while len(_held) > 4:
        _append(store, _held.pop(0))


MUTANTS: dict[str, Callable[[SqliteStore, Sequence[Write]], None]] = {"early": early}

if __name__ == "__main__":
    SqliteStore.append = MUTANTS[sys.argv.pop(1)]  # type: ignore[assignment, method-assign]  # that is the mutant
    main()
