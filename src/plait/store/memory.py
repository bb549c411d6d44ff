"""The store in memory: the same behaviour as SQLite's, nothing on disk. For tests, demonstrations and `--ephemeral` use.

Events are kept encoded, so that what comes back went through the same codec as on disk.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from plait.core.codec import cleaned, without_surrogates
from plait.core.commands import Draft, SessionInfo
from plait.core.errors import StoreError
from plait.core.events import Stamped
from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Project, Write
from plait.core.searching import MOST_MATCHES, Place, Places, Query
from plait.core.states import SessionState
from plait.store.leases import Leases
from plait.store.rows import PROGRESS, SUPERSEDING, EventRow, closed, event_rows, not_in_trash, require_epoch, require_place, stamped_events
from plait.store.scan import matches
from plait.store.taken_back import marked_among


class MemoryStore:
    """A `Store` without a disk. `epoch` stands for how often it was opened."""

    def __init__(self, epoch: int = 1) -> None:
        self.epoch = epoch
        self._lock = threading.RLock()
        self._events: dict[SessionId, list[EventRow]] = {}
        self._sessions: dict[SessionId, SessionInfo] = {}
        self._projects: dict[ProjectId, Project] = {}
        self._trust: dict[ProjectId, tuple[str, bool]] = {}
        self._drafts: dict[SessionId, Draft] = {}
        self._leases = Leases()
        self._closed = False

    def __repr__(self) -> str:
        return f"<MemoryStore [epoch {self.epoch}, {len(self._sessions)} sessions]>"

    def append(self, writes: Sequence[Write]) -> None:
        """See `Store.append`."""
        with self._lock:
            self._require_open()
            ends: dict[SessionId, int] = {}
            batch = []
            for write in writes:
                rows = event_rows(write)
                require_epoch(write.epoch, self.epoch)
                require_place(write, ends.get(write.row.id, len(self._events.get(write.row.id, ()))))
                if write.row.project not in self._projects:
                    raise StoreError(f"The project '{write.row.project}' is not registered. Nothing was written; please report this.")
                ends[write.row.id] = rows[-1].seq
                batch.append((write.row, rows))
            for row, rows in batch:
                self._events.setdefault(row.id, []).extend(rows)
                self._sessions[row.id] = cleaned(row)

    def read(self, session: SessionId, after: int = 0, upto: int | None = None) -> Sequence[Stamped]:
        """See `Store.read`."""
        with self._lock:
            self._require_open()
            rows = self._events.get(session, [])[max(0, after) : upto if upto is None else max(0, upto)]
        return stamped_events(session, (row[1:] for row in rows))

    def settled(self, session: SessionId, after: int, most: int) -> Sequence[Stamped]:
        """See `Store.settled`."""
        with self._lock:
            self._require_open()
            rows = self._events.get(session, [])
            over = max((row.seq for row in rows if row.type in SUPERSEDING), default=0)
            needed = [row[1:] for row in rows if row.seq > after and (row.type != PROGRESS or row.seq > over)]
        return stamped_events(session, needed[:most])

    def sessions(self, *, open_only: bool = False) -> Sequence[SessionInfo]:
        """See `Store.sessions`."""
        with self._lock:
            self._require_open()
            rows = [replace(row, draft=row.id in self._drafts) for row in self._sessions.values()]
            rows = [row for row in rows if row.state is not SessionState.COMPLETED or not open_only]
            return sorted(rows, key=lambda one: (-one.last_at, -one.created_at, one.id))

    def project(self, new: Project) -> Project:
        """See `Store.project`. Raises `StoreError` if the id belongs to another directory."""
        new = replace(new, name=without_surrogates(new.name), directory=without_surrogates(new.directory))
        with self._lock:
            self._require_open()
            for known in self._projects.values():
                if known.directory == new.directory:
                    return known
            if new.id in self._projects:
                raise StoreError(f"The project id '{new.id}' is taken by another directory. Try again with another id.")
            self._projects[new.id] = new
            return new

    def projects(self) -> Sequence[Project]:
        """See `Store.projects`."""
        with self._lock:
            self._require_open()
            return sorted(self._projects.values(), key=lambda one: (one.created_at, one.id))

    def trusted(self, project: ProjectId) -> tuple[str, bool] | None:
        """See `Store.trusted`."""
        with self._lock:
            self._require_open()
            return self._trust.get(project)

    def trust(self, project: ProjectId, digest: str, allowed: bool, at: float) -> None:
        """See `Store.trust`. Raises `StoreError` for a project that is not registered."""
        with self._lock:
            self._require_open()
            if project not in self._projects:
                raise StoreError(f"The project '{project}' is not registered. Nothing was written; please report this.")
            self._trust[project] = (without_surrogates(digest), allowed)

    def drafts(self) -> Sequence[Draft]:
        """See `Store.drafts`."""
        with self._lock:
            self._require_open()
            return sorted(self._drafts.values(), key=lambda one: one.session)

    def keep_draft(self, draft: Draft, at: float) -> None:
        """See `Store.keep_draft`. Raises `StoreError` for a session that is not stored."""
        with self._lock:
            self._require_open()
            if not draft.text:
                self._drafts.pop(draft.session, None)
                return
            if draft.session not in self._sessions:
                raise StoreError(f"The session '{draft.session}' is not stored. Nothing was written; please report this.")
            self._drafts[draft.session] = replace(draft, text=without_surrogates(draft.text))

    def search(self, query: Query) -> Places:
        """See `Store.search`: every event is looked at."""
        found: list[tuple[float, Place]] = []
        with self._lock:
            self._require_open()
            projects = {one.id for one in self._projects.values() if query.project in (one.id, one.name)}
            for row in self._sessions.values():
                if query.session not in ("", row.id, row.name) or query.kind not in (None, row.kind):
                    continue
                if (row.trashed_at and not query.trashed) or not set(query.tags) <= set(row.tags):
                    continue
                if not query.project or row.project in projects:
                    found += [one for event in self._events[row.id] for one in matches(event, query)]
        found.sort(key=lambda one: (-one[0], -one[1].at, one[1].session, one[1].seq, one[1].role))
        shown = marked_among([place for _, place in found[query.offset : query.offset + query.limit]], self.read)
        return Places(shown, min(len(found), MOST_MATCHES), 0, len(found) > MOST_MATCHES)

    def index(self) -> bool:
        """See `Store.index`: there is nothing to do."""
        return False

    def sizes(self, sessions: Sequence[SessionId]) -> Mapping[SessionId, int]:
        """See `Store.sizes`."""
        with self._lock:
            self._require_open()
            return {
                session: sum(len(row.data.encode()) for row in self._events[session]) for session in sessions if session in self._events
            }

    def purge(self, sessions: Sequence[SessionId]) -> None:
        """See `Store.purge`."""
        with self._lock:
            self._require_open()
            for session in sessions:
                row = self._sessions.get(session)
                if row is None or not row.trashed_at or row.state is not SessionState.COMPLETED:
                    raise not_in_trash()
            for session in set(sessions):
                del self._events[session], self._sessions[session]
                self._drafts.pop(session, None)

    def claim(self, session: SessionId, owner: str) -> bool:
        """See `Store.claim`."""
        return self._leases.claim(session, owner)

    def renew(self, session: SessionId, owner: str) -> bool:
        """See `Store.renew`."""
        return self._leases.renew(session, owner)

    def release(self, session: SessionId, owner: str) -> None:
        """See `Store.release`."""
        self._leases.release(session, owner)

    def tidy(self) -> None:
        """See `Store.tidy`: there is nothing to do."""

    def close(self) -> None:
        """See `Store.close`. What was kept is gone."""
        with self._lock:
            self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise closed()
