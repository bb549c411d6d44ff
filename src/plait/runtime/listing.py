"""The list of all sessions, loaded or not, with what was typed in them and not sent: read at the start, kept as events happen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from plait.core.commands import Draft, SessionInfo, info_of
from plait.core.errors import StoreError
from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Store
from plait.core.session import Session, SessionState
from plait.runtime.fleet import telling

log = logging.getLogger(__name__)


class SessionList:
    """Rows by session; `on_change` is called when something that is worth telling has changed in one."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._rows: dict[SessionId, SessionInfo] = {}
        self._drafts: dict[SessionId, Draft] = {}
        """What was typed and not sent; only sessions that have something."""
        self._unsaved: set[SessionId] = set()
        """Sessions whose latest draft is not in the store."""
        self._on_change = on_change

    def __repr__(self) -> str:
        return f"<SessionList [{len(self._rows)} sessions, {len(self._drafts)} drafts]>"

    def __contains__(self, session: SessionId) -> bool:
        return session in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def fill(self, rows: Sequence[SessionInfo], drafts: Sequence[Draft]) -> None:
        """Take what the store has."""
        self._rows = {row.id: row for row in rows}
        self._drafts = {draft.session: draft for draft in drafts}

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
        self._put(replace(self._rows[draft.session], draft=bool(draft.text)))

    def kept(self, draft: Draft) -> None:
        """The store has this draft now."""
        if draft == self.draft(draft.session):
            self._unsaved.discard(draft.session)

    def has(self, draft: Draft) -> bool:
        """Whether this is the session's latest draft and in the store."""
        return draft == self.draft(draft.session) and draft.session not in self._unsaved

    def write_drafts(self, store: Store, at: float) -> int:
        """Blocks: write the drafts that the store refused when they came. Returns how many it refuses still; one failure stands for all."""
        while self._unsaved:
            try:
                store.keep_draft(draft := self.draft(next(iter(self._unsaved))), at)
            except StoreError as error:
                log.error("drafts could not be written: %s", error)
                break
            self.kept(draft)
        return len(self._unsaved)

    def draft(self, session: SessionId) -> Draft:
        """What was typed in the session and not sent; an empty one if there is nothing."""
        return self._drafts.get(session, Draft(session, "", 0))

    def _put(self, row: SessionInfo) -> None:
        old = self._rows.get(row.id)
        self._rows[row.id] = row
        if old is None or telling(old) != telling(row):
            self._on_change()

    def by_use(self) -> list[SessionInfo]:
        """Every session, last used first."""
        return sorted(self._rows.values(), key=lambda row: (-row.last_at, row.id))

    def open(self) -> list[SessionInfo]:
        """Those that are not completed, in no order."""
        return [row for row in self._rows.values() if row.state is not SessionState.COMPLETED]

    def names_taken(self, project: str, but: SessionId | None = None) -> set[str]:
        """Names of the open sessions of a project, without that of `but`."""
        return {row.name for row in self.open() if row.project == ProjectId(project) and row.id != but}
