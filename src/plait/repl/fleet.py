"""All open sessions as the prompt sees them: their numbers, who waits, what a word means. Made anew from each answer of the client."""

from __future__ import annotations

from dataclasses import dataclass, replace

from plait.core.commands import Fleet, GateFigures, Heavy, SessionInfo
from plait.core.messages import SessionId
from plait.core.naming import session_meant
from plait.core.session import SessionState


@dataclass(frozen=True, slots=True)
class FleetView:
    """Open sessions in the order of their numbers, which begin at 1: those of the project `home` first, each by age.

    `shown` is the session that the prompt shows.
    """

    sessions: tuple[SessionInfo, ...] = ()
    gate: GateFigures = GateFigures(0, 0, 0)
    texts: tuple[tuple[SessionId, str], ...] = ()
    heavy: tuple[Heavy, ...] = ()
    completing: tuple[SessionId, ...] = ()
    shown: SessionId = SessionId("")
    home: str = ""

    @classmethod
    def of(cls, fleet: Fleet, shown: SessionId, home: str) -> FleetView:
        """The view of an answer to `ReadFleet`, whose sessions are in order of age."""
        ordered = sorted(fleet.sessions, key=lambda row: row.project != home)
        return cls(tuple(ordered), fleet.gate, fleet.texts, fleet.heavy, fleet.completing, shown, home)

    @property
    def alone(self) -> FleetView:
        """The view of somebody who wants one session."""
        return replace(self, sessions=tuple(row for row in self.sessions if row.id == self.shown))

    def row(self, session: SessionId) -> SessionInfo | None:
        """The line of an open session; None if it is not open."""
        return next((row for row in self.sessions if row.id == session), None)

    def text_of(self, session: SessionId) -> str:
        """What a session that waits has to say, in one line; empty where that is not known."""
        return next((text for waiting, text in self.texts if waiting == session), "")

    def number_of(self, session: SessionId) -> int:
        """The number of an open session; 0 if it is not open."""
        return next((number for number, row in enumerate(self.sessions, 1) if row.id == session), 0)

    @property
    def heavy_texts(self) -> dict[SessionId, str]:
        """A sentence about each open session that holds much memory."""
        rows = ((self.row(one.session), one.held / 1024 / 1024) for one in self.heavy)
        return {
            row.id: f"'{row.name}' holds {held:,.0f} MB of memory. /clear in it begins afresh; nothing is lost."
            for row, held in rows
            if row
        }

    @property
    def waiting(self) -> tuple[SessionInfo, ...]:
        """Who waits for the user, oldest first; the one that is shown is not among them."""
        rows = (row for row in self.sessions if row.waiting_for and row.id != self.shown)
        return tuple(sorted(rows, key=lambda row: (row.waiting_since, row.id)))

    @property
    def working(self) -> tuple[SessionInfo, ...]:
        """Whose turns run or are queued; of the paused ones those in which an answer still comes."""
        return tuple(row for row in self.sessions if row.state is SessionState.PROCESSING or row.id in self.completing)

    def meant(self, word: str) -> SessionInfo:
        """The open session that a word of the user's names. Raises `UsageError`, see `core.naming.session_meant`."""
        return session_meant(self.sessions, word, self.home)


def greeting(fleet: FleetView) -> str:
    """What is told at the start where there are more sessions than the one that is shown; else empty."""
    if len(fleet.sessions) < 2:
        return ""
    waiting = f", {len(fleet.waiting)} of them wait{'s' * (len(fleet.waiting) == 1)} for you (/inbox)" if fleet.waiting else ""
    return f"{len(fleet.sessions)} sessions are open{waiting}. /sessions lists them."


def farewell(fleet: FleetView, name: str, *, kept_on_disk: bool = True) -> str:
    """What is told at the end; `name` is that of the shown session."""
    if not kept_on_disk:
        return "Nothing of this was kept."
    kept = f"{name} is" if len(fleet.sessions) < 2 else f"{len(fleet.sessions)} sessions are"
    return f"{kept} kept. To resume: plait -r {name}"
