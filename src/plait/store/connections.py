"""The two connections of one database that this process owns, and what a commit is.

Rules:
1. One connection writes, under its lock; another reads, under its own, so that nobody reads behind a commit's fsync.
2. Every transaction begins with BEGIN IMMEDIATE and a look at whether this process is still the latest owner, is synced when it ends, and
   is acknowledged only after a look at whether the file that was written is still the one under the database's name.
3. Checkpoints are made by the writing connection alone, apart from appends (`tidy`): on an SQLite with the WAL-reset fault
   (`engine.has_wal_reset_fault`) nothing else would be safe.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from plait.core.errors import NewerDatabase
from plait.store import engine, files
from plait.store.crashpoints import crash_point
from plait.store.faults import translated
from plait.store.owner import OwnerLock
from plait.store.rows import closed, require_epoch
from plait.store.workshop import whole_copy

PAGE = 4096
"""Bytes of a page, SQLite's default."""
CHECKPOINT_DUE = 4 * 1024 * 1024
"""Bytes of log after which `tidy` makes a checkpoint: SQLite's own default of 1,000 pages."""
CHECKPOINT_OVERDUE = 4 * CHECKPOINT_DUE
"""Bytes of log after which an append makes it, if nobody called `tidy`."""


class Connections:
    """Any thread may call. Whoever inherits it adds what is written and read."""

    def __init__(
        self,
        path: Path,
        lock: OwnerLock,
        writer: engine.Connection | None,
        reader: engine.Connection,
        epoch: int,
        read_only_reason: str | None,
    ) -> None:
        self.path = path
        self.epoch = epoch
        self.read_only_reason = read_only_reason
        self._owner = lock
        self._writer, self._writing = writer, threading.RLock()
        self._reader: engine.Connection | None = reader
        self._reading = threading.Lock()
        self._identity = files.Identity(path) if writer else None
        self._log_bytes = 0
        self._in_doubt = False
        self._erased = False
        """Whether the log holds what was erased from the database."""

    def __repr__(self) -> str:
        state = "closed" if self._reader is None else "read-only" if self.read_only_reason else f"epoch {self.epoch}"
        return f"<{type(self).__name__} {self.path} [{state}]>"

    def tidy(self) -> None:
        """See `Store.tidy`: moves the log into the database once it has grown; readers and the next append go on meanwhile."""
        with self._writing:
            if self._writer is None or self._log_bytes < CHECKPOINT_DUE:
                return
            crash_point("checkpoint.before")
            # What fails here is in the log still, synced; a disk that stays broken shows at the next append.
            with suppress(engine.Error):
                how = "TRUNCATE" if self._erased else "PASSIVE"  # the one empties the log's file, and the other writes over it later
                busy, logged, moved = self._writer.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
                self._log_bytes = (logged - moved) * PAGE
                self._erased = self._erased and bool(busy)
            crash_point("checkpoint.after")

    def close(self) -> None:
        """See `Store.close`. The last of the log goes into the database; one that was taken away meanwhile comes back under its name."""
        crash_point("close.before")
        with ExitStack() as after:
            self._keep_what_was_taken_away(after)
            self._close()
        self._owner.release()
        crash_point("close.after")

    def _keep_what_was_taken_away(self, after: ExitStack) -> None:
        """Where nothing lies under the database's name, copy what is open still; the copy gets the name once all is closed."""
        if self._identity is None or self._reader is None or self.path.exists():
            return
        with suppress(engine.Error, OSError), self._reading:
            part = after.enter_context(whole_copy(self._reader, self.path))
            after.callback(self._put_back, part)

    def _put_back(self, part: Path) -> None:
        with suppress(OSError):
            os.link(part, self.path)  # unlike a rename it takes nobody's place
            files.sync_directory(self.path.parent)

    def _close(self) -> None:
        # The reader first: the connection that closes last makes the checkpoint, and only one may.
        with self._reading:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
        with self._writing:
            if self._writer is not None:
                with translated(self.path):
                    self._writer.close()
                self._writer = None

    def _select(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._reads() as reader:
            return reader.execute(sql, values).fetchall()

    @contextmanager
    def _reads(self) -> Iterator[engine.Connection]:
        """The connection that reads, for this thread alone."""
        with self._reading, translated(self.path):
            if self._reader is None:
                raise closed()
            yield self._reader

    @contextmanager
    def _transaction(self) -> Iterator[engine.Connection]:
        """One commit, acknowledged by leaving without an error; else nothing was written."""
        if self.read_only_reason:
            raise NewerDatabase(self.read_only_reason)
        with self._writing, translated(self.path):
            writer, identity = self._writer, self._identity
            if writer is None or identity is None:
                raise closed()
            identity.check()
            writer.execute("BEGIN IMMEDIATE")
            try:
                require_epoch(self.epoch, writer.execute("SELECT epoch FROM owner").fetchone()[0])
                yield writer
                self._in_doubt = True
                writer.execute("COMMIT")
            except BaseException:
                with suppress(engine.Error):  # a full disk has rolled it back already
                    if writer.in_transaction:
                        writer.execute("ROLLBACK")
                raise
            crash_point("append.committed")
            self._log_bytes += 2 * PAGE
            identity.check()
            crash_point("append.identified")
