"""The title of the terminal's window (in tmux, of the pane): the shown session, and how many wait.

Rules:
1. The terminal's own title is put on its stack at the start and taken from there at the end.
2. Nothing is sent but changes.
3. A terminal without that stack is left with an empty title rather than with ours: it then shows its own again, or its shell sets one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from plait.core.sanitize import sanitize_line
from plait.repl.fleet import FleetView
from plait.repl.style import Look

PUSH: Final = "\x1b[22;0t"
POP: Final = "\x1b[23;0t"

_NO_TITLE = ("linux", "cons", "vt1", "vt2", "vt3", "vt4", "vt5", "sun", "eterm", "emacs", "dumb", "unknown")
"""Beginnings of the names of terminals that have no title; some of them would print what is meant for it."""


def has_title(look: Look, environ: Mapping[str, str]) -> bool:
    """Whether the terminal has a title that may be set: not where output is linear, nor on a console."""
    term = environ.get("TERM", "")
    return not look.plain and bool(term) and not term.startswith(_NO_TITLE)


def title_text(fleet: FleetView, name: str) -> str:
    """`plait: auth-fix (2 waiting)`; the count is of the sessions that are not shown."""
    waiting = len(fleet.waiting)
    return f"plait: {sanitize_line(name)}" + (f" ({waiting} waiting)" if waiting else "")


class WindowTitle:
    """Sets the title by way of `forward`, which sends a control sequence as it is; does nothing at all if not `enabled`."""

    def __init__(self, forward: Callable[[str], None], enabled: bool) -> None:
        self._forward = forward
        self._enabled = enabled
        self._open = False
        self._text = ""

    def __repr__(self) -> str:
        return f"<WindowTitle [{self._text!r}, {'open' if self._open else 'closed'}]>"

    def open(self) -> None:
        """Keep the terminal's own title."""
        if self._enabled and not self._open:
            self._open = True
            self._forward(PUSH)

    def show(self, fleet: FleetView, name: str) -> None:
        """Say that the session `name` is shown and how many wait, if that has changed. Only between `open` and `close`."""
        if self._open and (text := title_text(fleet, name)) != self._text:
            self._text = text
            self._forward(f"\x1b]2;{text}\x07")

    def close(self) -> None:
        """Give the terminal its own title back."""
        if self._open:
            self._open = False
            self._text = ""
            self._forward(f"\x1b]2;\x07{POP}")
