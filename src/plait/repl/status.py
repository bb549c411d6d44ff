"""The toolbar: all sessions, what the shown one is doing, the gate, the model, how full its context is. Made anew at each drawing from
the fleet, the printer and the last status; with one session it speaks of that one only.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio

from plait.core.commands import SessionInfo, Status
from plait.core.messages import SessionId, Turn
from plait.core.session import SessionState
from plait.repl.fleet import FleetView
from plait.repl.parts import Part, Rank, gate_parts, row_text, session_parts
from plait.repl.printer import Printer


class Toolbar:
    """The text of one row. `now` is a monotonic clock in seconds; `refresh` draws the row anew."""

    def __init__(self, printer: Printer, now: Callable[[], float], refresh: Callable[[], None]) -> None:
        self._printer = printer
        self._now = now
        self._refresh = refresh
        self._busy = anyio.Event()
        self._drawn: tuple[Turn | None, int, int, tuple[int, int]] = (None, 0, 0, (0, 0))
        self._command_since: float | None = None
        self._since: dict[tuple[SessionId, Turn], float] = {}
        """When the turns of sessions were first seen here; one of each session."""
        self._counted: tuple[SessionId, Turn] | None = None
        self._fleet = FleetView()
        self.status: Status | None = None

    @property
    def fleet(self) -> FleetView:
        """All sessions, the gate, and which session is shown. Whoever sets it draws anew."""
        return self._fleet

    @fleet.setter
    def fleet(self, fleet: FleetView) -> None:
        self._fleet = fleet
        if self._counting():
            self._busy.set()

    @property
    def running(self) -> bool:
        """Whether a turn of the shown session is under way."""
        return self._printer.running is not None

    @property
    def _shown(self) -> SessionInfo | None:
        return self._fleet.row(self._fleet.shown)

    def _asks(self) -> bool:
        """Whether the shown session waits for an answer of the user's, which may take hours."""
        return self._shown is not None and self._shown.waiting_for == "question"

    def _counting(self) -> bool:
        """Whether seconds of a turn are counted, from when it was first seen here; the text then changes every second."""
        turn = self._printer.running
        session = self._fleet.shown
        if self._asks():
            self._since = {key: at for key, at in self._since.items() if key[0] != session}  # the wait is not counted
        counted = None if turn is None or self._asks() else (session, turn)
        if counted is not None and counted != self._counted:
            self._since = {key: at for key, at in self._since.items() if key == counted or (key[0] != session and self._fleet.row(key[0]))}
            self._since.setdefault(counted, self._now())
        self._counted = counted
        return counted is not None

    def _seconds(self) -> int:
        return int(self._now() - self._since[self._counted]) if self._counted else 0

    def command_started(self) -> None:
        """A shell command of the user's runs."""
        self._command_since = self._now()
        self._busy.set()

    def command_ended(self) -> None:
        """It does no more."""
        self._command_since = None
        self._refresh()

    def changed(self) -> None:
        """Something that the row shows may have changed; deltas come thousands a second, so it is drawn only if it has."""
        doing = (self._printer.running, len(self._printer.queued), self._printer.place, self._printer.compacting)
        if doing != self._drawn:
            self._drawn = doing
            self._refresh()
        if self._counting():
            self._busy.set()

    async def tick(self) -> None:
        """While a turn runs, count its seconds; otherwise nothing wakes up. Runs until it is cancelled."""
        while True:
            await self._busy.wait()
            while self._counting() or self._command_since is not None:
                self._refresh()
                await anyio.sleep(1)
            self._refresh()
            self._busy = anyio.Event()

    def text(self) -> str:
        """The row, for the printer's look and no wider than it: what matters least is left out first."""
        look, many = self._printer.look, len(self.fleet.sessions) > 1
        parts = session_parts(self.fleet, look) if many else []
        parts += self._doing()
        if self._printer.queued:
            parts.append(Part(Rank.QUEUED, f"{len(self._printer.queued)} queued"))
        if many:
            parts += gate_parts(self.fleet.gate, look)
        if self.status is not None:
            parts += [Part(Rank.CONTEXT, text) for text in _context(self.status)]
            if self.status.trouble:
                parts.append(Part(Rank.TROUBLE, "NOT SAVED"))
        model = look.clean(self.status.model) if self.status is not None else ""
        return row_text(parts, len(self.fleet.sessions) if many else 0, model, look)

    def _doing(self) -> list[Part]:
        """What goes on in the shown session."""
        if self._command_since is not None:
            return [Part(Rank.DOING, f"!command, {int(self._now() - self._command_since)} s"), Part(Rank.STOPS, "Ctrl+C stops")]
        if not self.running and self._shown is not None and self._shown.state is SessionState.PAUSED:
            return [Part(Rank.DOING, "paused, /unpause goes on")]
        if not self.running:
            return [Part(Rank.HELP, "/help")]
        if not self._counting():
            return [Part(Rank.DOING, "waits for your answer"), Part(Rank.STOPS, "Ctrl+C stops")]
        if self._printer.place:
            return [Part(Rank.DOING, f"waiting for its turn, place {self._printer.place}")]
        if self._printer.compacting[0]:
            part, parts = self._printer.compacting
            of = f"part {part} of {parts}, " if parts > 1 else ""
            return [Part(Rank.DOING, f"compacting {of}{self._seconds()} s"), Part(Rank.STOPS, "Ctrl+C stops")]
        return [Part(Rank.DOING, f"answering {self._seconds()} s"), Part(Rank.STOPS, "Ctrl+C stops")]


def _context(status: Status) -> list[str]:
    if not status.context_used:
        return []
    if status.context_window:
        return [f"context {100 * status.context_used // status.context_window} %"]
    return [f"context {status.context_used:,} tokens"]
