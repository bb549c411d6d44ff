"""Sessions that nothing is kept of: `--ephemeral`, or `persist = false`. The same runtime over a store in memory.

Rules:
1. Nothing is written below the data and state directories, not even a lock or a log. What needs a file while it runs (the bundled model's
   socket) has it in a private temporary directory, which is gone at the end.
2. The sessions on disk are neither shown nor touched, and no other plait attaches here.

Part of the composition root; `owning` has the same for sessions that are kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

from plait.app import models_over, open_app
from plait.core.errors import ConfigError, NoOwner
from plait.program import Program
from plait.remote.client import RemoteClient
from plait.remote.ownership import Owned
from plait.store.memory import MemoryStore


class EphemeralWays:
    """See `remote.ownership.Ways`: this process owns what it has, and nobody else does."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def owner(self) -> int:
        """See `Ways`: there is none."""
        return 0

    @asynccontextmanager
    async def own(self, *, heir: bool) -> AsyncGenerator[Owned, None]:
        """See `Ways`."""
        store = MemoryStore()
        with _temporary_directory() as place:
            program = replace(self._program, paths=replace(self._program.paths, state=place))
            async with models_over(store, program) as catalog, open_app(program, store, catalog) as coordinator:
                yield Owned(coordinator, None)

    @asynccontextmanager
    async def attach(self, silence: Callable[[bool], object]) -> AsyncGenerator[RemoteClient, None]:
        """See `Ways`. Raises `NoOwner`: there is nobody to attach to."""
        raise NoOwner("Nothing is kept here, so there is nothing to attach to. Start plait without --ephemeral.")
        yield


@contextmanager
def _temporary_directory() -> Iterator[Path]:
    """A directory for this user alone, until the end. Raises `ConfigError` where there is no place for one."""
    try:
        directory = tempfile.TemporaryDirectory(prefix="plait-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ConfigError(
            f"No temporary directory can be made ({error.strerror}). Set TMPDIR to a directory that you can write to."
        ) from error
    with directory as place:
        yield Path(place)
