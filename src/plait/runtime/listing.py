"""The list of all sessions, loaded or not, with what was typed in them and not sent: read from the store, kept as events happen.

A start takes the open ones only. Completed ones may be ten thousand, and are read when they are first asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import anyio
import anyio.to_thread

from plait.core.commands import Draft, SessionInfo, info_of
from plait.core.errors import StoreError
from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Store
from plait.core.session import Session, SessionState
from plait.runtime.fleet import telling

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A session that left the list, its draft, and whether that is not in the store."""

    row: SessionInfo
    draft: Draft | None
    is_unsaved: bool


class SessionList:
    """Rows by session; `on_change` is called when something that is worth telling has changed in one."""

    def __init__(self, store: Store, on_change: Callable[[], None]) -> None:
        self._store = store
        self._open: dict[SessionId, SessionInfo] = {}
        self._completed: dict[SessionId, SessionInfo] = {}
        self._is_whole = False
        """Whether all completed ones are in it."""
        self._filling = anyio.Lock(fast_acquire=True)
        """Held while they are read."""
        self.entering = anyio.Lock(fast_acquire=True)
        """Held by who looks for a session to go on in, and may open one: who comes at the same time goes on in that."""
        self._drafts: dict[SessionId, Draft] = {}
        """What was typed and not sent; only sessions that have something."""
        self._unsaved: set[SessionId] = set()
        """Sessions whose latest draft is not in the store."""
        self._on_change = on_change

    def __repr__(self) -> str:
        others = f"{len(self._completed)} completed" if self._is_whole else "completed ones not read"
        return f"<SessionList [{len(self._open)} open, {others}, {len(self._drafts)} drafts]>"

    def __contains__(self, session: SessionId) -> bool:
        return session in self._open or session in self._completed

    def __len__(self) -> int:
        return len(self._open) + len(self._completed)

    async def begin(self) -> None:
        """Read the open sessions, and all drafts. Raises `StoreError`."""
        self._open = {row.id: row for row in await anyio.to_thread.run_sync(partial(self._store.sessions, open_only=True))}
        self._drafts = {draft.session: draft for draft in await anyio.to_thread.run_sync(self._store.drafts)}

    async def whole(self) -> Self:
        """The list with the completed sessions in it. Raises `StoreError` where they cannot be read."""
        async with self._filling:
            if not self._is_whole:
                rows = await anyio.to_thread.run_sync(self._store.sessions)
                self._completed |= {row.id: row for row in rows if row.id not in self}  # what is here already is newer
                self._is_whole = True
        return self

    def update(self, session: Session) -> SessionInfo:
        """Take a session as it is now; returns its row."""
        row = info_of(session, draft=session.id in self._drafts)
        self._put(row)
        return row

    def keep(self, draft: Draft) -> None:
        """Take what was typed in a session; an empty text means nothing. `kept` tells that the store has it."""
        self._unsaved.add(draft.session)
        if draft.text:
            self._drafts[draft.session] = draft
        else:
            self._drafts.pop(draft.session, None)
        row = self._open.get(draft.session) or self._completed[draft.session]
        self._put(replace(row, draft=bool(draft.text)))

    def kept(self, draft: Draft) -> None:
        """The store has this draft now."""
        if draft == self.draft(draft.session):
            self._unsaved.discard(draft.session)

    def has(self, draft: Draft) -> bool:
        """Whether this is the session's latest draft and in the store."""
        return draft == self.draft(draft.session) and draft.session not in self._unsaved

    def write_drafts(self, at: float) -> int:
        """Blocks: write the drafts that the store refused when they came. Returns how many it refuses still; one failure stands for all."""
        while self._unsaved:
            try:
                self._store.keep_draft(draft := self.draft(next(iter(self._unsaved))), at)
            except StoreError as error:
                log.error("drafts could not be written: %s", error)
                break
            self.kept(draft)
        return len(self._unsaved)

    def unwritten(self) -> list[Draft]:
        """The drafts that the store refused."""
        return [self.draft(session) for session in self._unsaved]

    def draft(self, session: SessionId) -> Draft:
        """What was typed in the session and not sent; an empty one if there is nothing."""
        return self._drafts.get(session, Draft(session, "", 0))

    def _put(self, row: SessionInfo) -> None:
        here, other = self._open, self._completed
        if row.state is SessionState.COMPLETED:
            here, other = other, here
        old = other.pop(row.id, None) or here.get(row.id)
        here[row.id] = row
        if old is None or telling(old) != telling(row):
            self._on_change()

    def all(self) -> list[SessionInfo]:
        """Every session of the list, in no order."""
        return [*self._open.values(), *self._completed.values()]

    def forget(self, sessions: Sequence[SessionId]) -> list[Forgotten]:
        """Completed sessions that are about to be erased; what `remember` would need."""
        rows = [self._completed.pop(session) for session in sessions]
        forgotten = [Forgotten(row, self._drafts.pop(row.id, None), row.id in self._unsaved) for row in rows]
        self._unsaved.difference_update(sessions)
        return forgotten

    def remember(self, forgotten: Sequence[Forgotten]) -> None:
        """They were not erased."""
        self._completed |= {one.row.id: one.row for one in forgotten}
        self._drafts |= {one.row.id: one.draft for one in forgotten if one.draft is not None}
        self._unsaved |= {one.row.id for one in forgotten if one.is_unsaved}

    def open(self) -> list[SessionInfo]:
        """Those that are not completed, in no order."""
        return list(self._open.values())

    def names_taken(self, project: str, but: SessionId | None = None) -> set[str]:
        """Names of the open sessions of a project, without that of `but`."""
        return {row.name for row in self.open() if row.project == ProjectId(project) and row.id != but}
