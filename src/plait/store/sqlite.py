"""The store on SQLite.

How it is reached, and when a commit is acknowledged, is in `store.connections`. A text with a lone surrogate, which SQLite cannot keep, is
kept with U+FFFD in its place, as the codec does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from plait.core.codec import without_surrogates
from plait.core.commands import Draft, SessionInfo
from plait.core.errors import StoreError
from plait.core.events import Stamped
from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Project, Write
from plait.core.searching import Places, Query
from plait.store import engine, files, purging, schema, statements
from plait.store.connections import CHECKPOINT_DUE as CHECKPOINT_DUE, CHECKPOINT_OVERDUE as CHECKPOINT_OVERDUE, PAGE, Connections
from plait.store.crashpoints import crash_point
from plait.store.faults import is_damage, translated
from plait.store.leases import Leases
from plait.store.owner import OwnerLock, take_ownership
from plait.store.rescue import Rescued
from plait.store.rows import closed, event_rows, require_epoch, require_place, stamped_events
from plait.store.salvage import MovedAside, put_aside, recover
from plait.store.schema import Migrated
from plait.store.search import Backlog, find_in

BREATH = 0.001
"""Seconds between two steps of a purge, in which others come to write."""

Finding = Migrated | MovedAside | Rescued
"""What opening may have to tell the user; its `text` says it."""


def open_store(path: Path, *, now: float, report: Callable[[Finding], None], migrations: Path | None = None) -> SqliteStore:
    """Own and open the database at `path`; it and its directory are made where they are missing. `now` is in seconds since 1970.

    A damaged file is put aside, and what can be read of it goes into a fresh one; an older one is migrated after a backup: both are
    reported. One that a later plait wrote is opened read-only, with `read_only_reason`. Raises `StoreBusy` if another process owns it,
    `StoreError` otherwise.
    """
    migrations = migrations or schema.migrations_directory()
    with translated(path):
        path = files.resolved(path)
        files.make_private_directory(path.parent)
        lock = take_ownership(path)
        try:
            recover(path, now, migrations, report)
            try:
                return _open(path, lock, migrations, now, report)
            except engine.DatabaseError as error:
                if not is_damage(error):
                    raise
                report(put_aside(path, now, str(error), migrations))
                return _open(path, lock, migrations, now, report)
        except BaseException:
            lock.release()
            raise


def _open(path: Path, lock: OwnerLock, migrations: Path, now: float, report: Callable[[Finding], None]) -> SqliteStore:
    if not path.exists():
        files.make_private_file(path)
        crash_point("create.made")
    files.close_to_others(path)
    shipped = schema.shipped_migrations(migrations)
    with ExitStack() as opened:
        # The reader looks first: it cannot change what a later plait, another program or a fault has left.
        reader = engine.connect(path, writing=False)
        opened.callback(reader.close)
        applied = schema.applied_migrations(reader, path)
        if later := [name for name in applied if name not in shipped]:
            reason = f"The database {path} was written by a later plait ({later[-1]}). Use that one; this one can only read it."
            return _opened(SqliteStore(path, lock, None, reader, schema.epoch(reader), reason), opened)
        writer = engine.connect(path, writing=True)
        opened.callback(writer.close)
        schema.configure(writer, path)
        if due := [name for name in shipped if name not in applied]:
            schema.migrate(writer, path, due, directory=migrations, now=now, report=report)
        crash_point("epoch.before")
        epoch = schema.next_epoch(writer)
        crash_point("epoch.after")
        return _opened(SqliteStore(path, lock, writer, reader, epoch, None), opened)


def _opened(store: SqliteStore, connections: ExitStack) -> SqliteStore:
    """The store closes its connections from here on."""
    connections.pop_all()
    return store


class SqliteStore(Connections):
    """A `Store` on one SQLite database, owned by this process. Any thread may call; made by `open_store`."""

    def __init__(
        self,
        path: Path,
        lock: OwnerLock,
        writer: engine.Connection | None,
        reader: engine.Connection,
        epoch: int,
        read_only_reason: str | None,
    ) -> None:
        super().__init__(path, lock, writer, reader, epoch, read_only_reason)
        self._leases = Leases()
        self._backlog = Backlog()

    def append(self, writes: Sequence[Write]) -> None:
        """See `Store.append`."""
        batches = [(write, event_rows(write)) for write in writes]
        with self._transaction() as writer:
            crash_point("append.begin")
            for write, rows in batches:
                require_epoch(write.epoch, self.epoch)
                if self._in_doubt and statements.holds(writer, rows):
                    continue  # the last attempt was committed, but not acknowledged
                (last,) = writer.execute("SELECT coalesce(max(seq), 0) FROM events WHERE session = ?", (write.row.id,)).fetchone()
                require_place(write, last)
                crash_point("append.checked")
                statements.insert(writer, write.row, rows)
                self._log_bytes += 2 * PAGE + sum(len(row.data) for row in rows)
                self._backlog.changed(rows[0].session)
            crash_point("append.inserted")
        self._in_doubt = False
        if self._log_bytes > CHECKPOINT_OVERDUE:
            self.tidy()

    def read(self, session: SessionId, after: int = 0, upto: int | None = None) -> Sequence[Stamped]:
        """See `Store.read`."""
        bounds = (min(after, statements.LAST_SEQ), statements.LAST_SEQ if upto is None else min(upto, statements.LAST_SEQ))
        rows = self._select(statements.READ_EVENTS, (without_surrogates(session), *bounds))
        return stamped_events(session, rows)

    def settled(self, session: SessionId, after: int, most: int) -> Sequence[Stamped]:
        """See `Store.settled`."""
        known = without_surrogates(session)
        return stamped_events(session, self._select(statements.READ_SETTLED, (known, after, known, most)))

    def sessions(self, *, open_only: bool = False) -> Sequence[SessionInfo]:
        """See `Store.sessions`."""
        rows = self._select(statements.READ_OPEN_SESSIONS if open_only else statements.READ_SESSIONS)
        return [statements.session_info(row) for row in rows]

    def project(self, new: Project) -> Project:
        """See `Store.project`. Raises `StoreError` if the id belongs to another directory."""
        name, directory = without_surrogates(new.name), without_surrogates(new.directory)
        if found := self._select(statements.FIND_PROJECT, (directory,)):
            return Project(*found[0])
        with self._transaction() as writer:
            found = writer.execute(statements.FIND_PROJECT, (directory,)).fetchall()
            if not found:
                row = (new.id, name, directory, new.created_at)
                try:
                    writer.execute(statements.ADD_PROJECT, row)
                except engine.IntegrityError as error:
                    raise StoreError(f"The project id '{new.id}' is taken by another directory. Try again with another id.") from error
                found = [row]
        return Project(*found[0])

    def projects(self) -> Sequence[Project]:
        """See `Store.projects`."""
        return [Project(*row) for row in self._select(statements.READ_PROJECTS)]

    def trusted(self, project: ProjectId) -> tuple[str, bool] | None:
        """See `Store.trusted`."""
        found = self._select(statements.READ_TRUST, (without_surrogates(project),))
        return (found[0][0], bool(found[0][1])) if found else None

    def trust(self, project: ProjectId, digest: str, allowed: bool, at: float) -> None:
        """See `Store.trust`. Raises `StoreError` for a project that is not registered."""
        with self._transaction() as writer:
            writer.execute(statements.KEEP_TRUST, (without_surrogates(project), without_surrogates(digest), int(allowed), at))

    def drafts(self) -> Sequence[Draft]:
        """See `Store.drafts`."""
        return [Draft(*row) for row in self._select(statements.READ_DRAFTS)]

    def keep_draft(self, draft: Draft, at: float) -> None:
        """See `Store.keep_draft`. Raises `StoreError` for a session that is not stored."""
        session = without_surrogates(draft.session)
        with self._transaction() as writer:
            if draft.text:
                writer.execute(statements.KEEP_DRAFT, (session, without_surrogates(draft.text), draft.cursor, at))
            else:
                writer.execute(statements.FORGET_DRAFT, (session,))

    def search(self, query: Query) -> Places:
        """See `Store.search`: on a connection of its own, so that nobody reads behind it."""
        if self._reader is None:
            raise closed()
        return find_in(self.path, query)

    def index(self) -> bool:
        """See `Store.index`. Its commit is synced like any other."""
        with self._writing, translated(self.path):  # held by the transaction once more
            if self._reader is None:
                raise closed()
            if self._writer is None or not self._backlog.load(self._writer):
                return False
            try:
                with self._transaction() as writer:
                    self._backlog.step(writer)
                    crash_point("index.taken")
            except BaseException:
                self._backlog.forget()
                raise
            return self._backlog.load(self._writer)

    def sizes(self, sessions: Sequence[SessionId]) -> Mapping[SessionId, int]:
        """See `Store.sizes`."""
        with self._reads() as reader:
            return purging.sizes(reader, sessions)

    def purge(self, sessions: Sequence[SessionId]) -> None:
        """See `Store.purge`: on the way, whoever wants to append waits for a step only. What is erased is overwritten in the file."""
        with self._reads() as reader:
            purging.require_trash(reader, sessions)
        with self._writing:
            self._backlog.leave_out(sessions)
        try:
            for session in dict.fromkeys(sessions):
                while self._leaves_index(session):
                    time.sleep(BREATH)
            with self._transaction() as writer:
                purging.erase(writer, sessions)
            crash_point("purge.after")
        finally:
            with self._writing:
                self._backlog.leave_out(())
                self._erased = True
                self._log_bytes += CHECKPOINT_OVERDUE  # what was erased shall not lie in the log any longer
                self.tidy()

    def _leaves_index(self, session: SessionId) -> bool:
        """One step of taking a session out of the index; whether there is another."""
        with self._transaction() as writer:
            return purging.take_out(writer, session)

    def claim(self, session: SessionId, owner: str) -> bool:
        """See `Store.claim`."""
        return self._leases.claim(session, owner)

    def renew(self, session: SessionId, owner: str) -> bool:
        """See `Store.renew`."""
        return self._leases.renew(session, owner)

    def release(self, session: SessionId, owner: str) -> None:
        """See `Store.release`."""
        self._leases.release(session, owner)
