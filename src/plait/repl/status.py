"""The toolbar: which model, what it is doing, how full its context is. Derived from events and the last status, at each drawing."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from plait.core.commands import Status
from plait.core.messages import Turn
from plait.repl.printer import Printer
from plait.repl.style import Look, width_of

MODEL_WIDTH = 40
"""Columns of a model's name at the most."""
MODEL_END = 6
"""Characters of a shortened name that still tell it apart."""


class Toolbar:
    """The text of one row. `now` is a monotonic clock in seconds; `refresh` draws the row anew."""

    def __init__(self, printer: Printer, now: Callable[[], float], refresh: Callable[[], None]) -> None:
        self._printer = printer
        self._now = now
        self._refresh = refresh
        self._busy = anyio.Event()
        self._drawn: tuple[Turn | None, int, int] = (None, 0, 0)
        self._command_since: float | None = None
        self._since = 0.0
        self._running = False
        self.status: Status | None = None

    @property
    def running(self) -> bool:
        """Whether a turn is under way; the text then changes every second."""
        running = self._printer.running is not None
        if running and not self._running:
            self._since = self._now()
        self._running = running
        return running

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
        doing = (self._printer.running, len(self._printer.queued), self._printer.place)
        if doing != self._drawn:
            self._drawn = doing
            self._refresh()
        if self.running:
            self._busy.set()

    async def tick(self) -> None:
        """While a turn runs, count its seconds; otherwise nothing wakes up. Runs until it is cancelled."""
        while True:
            await self._busy.wait()
            while self.running or self._command_since is not None:
                self._refresh()
                await anyio.sleep(1)
            self._refresh()
            self._busy = anyio.Event()

    def text(self) -> str:
        """The row, for the printer's look and no wider than it: what matters least is left out first."""
        look, status = self._printer.look, self.status
        parts = [(rank, look.marks(text)) for rank, text in self._doing()]
        if self._printer.queued:
            parts.append((1, f"{len(self._printer.queued)} queued"))
        if status is not None:
            parts += [(4, text) for text in _context(status)]
            if status.trouble:
                parts.append((0, "NOT SAVED"))
        between = look.marks(" · ")
        while len(parts) > 1 and _width(parts, between) > look.width:
            parts.remove(max(parts))
        model = look.clean(status.model) if status is not None else ""
        room = look.width - _width(parts, between) - len(between)
        shown = model if width_of(model) <= min(room, MODEL_WIDTH) else _short(model, min(room, MODEL_WIDTH), look)
        return between.join(text for text in (shown, *(text for _, text in parts)) if text)

    def _doing(self) -> list[tuple[int, str]]:
        """What goes on, in parts, each with its rank: the greatest is left out first."""
        if self._command_since is not None:
            return [(2, f"!command, {int(self._now() - self._command_since)} s"), (3, "Ctrl+C stops")]
        if not self.running:
            return [(5, "/help")]
        if self._printer.place:
            return [(2, f"waiting for its turn, place {self._printer.place}")]
        return [(2, f"answering {int(self._now() - self._since)} s"), (3, "Ctrl+C stops")]


def _width(parts: list[tuple[int, str]], between: str) -> int:
    return sum(width_of(text) for _, text in parts) + len(between) * (len(parts) - 1)


def _short(model: str, room: int, look: Look) -> str:
    """A long model name keeps its provider and its end, which tell it apart; nothing where there is no room for that."""
    head = model.partition(":")[0] + ":" + look.marks("…")
    end = room - width_of(head)
    if end < MODEL_END or not model.isascii():
        return ""
    return head + model[-end:]


def _context(status: Status) -> list[str]:
    if not status.context_used:
        return []
    if status.context_window:
        return [f"context {100 * status.context_used // status.context_window} %"]
    return [f"context {status.context_used:,} tokens"]
