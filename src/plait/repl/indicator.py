"""Who waits, in one line that stands right-aligned at the top of the live region; and the words and marks for what they wait for.

Rules:
1. It is made anew from the fleet at each drawing; nothing is kept.
2. Never colour alone: the colour tells a session's type, a mark or a word tells what it waits for.
3. It is never wider than the terminal. With less room it shows fewer names and counts the others, then shortens the one name that is left,
   then becomes `3 waiting`, then `3`, then nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wcwidth import iter_graphemes

from plait.core.commands import SessionInfo
from plait.core.events import Kind
from plait.core.sanitize import sanitize_line
from plait.core.session import Awaited
from plait.repl.fleet import FleetView
from plait.repl.rows import cluster_width, text_width
from plait.repl.style import BLUE, BOLD, GREEN, MAGENTA, YELLOW, Look, Row

MOST: Final = 5
"""Names that are shown at the most, unless a setting says otherwise."""
LEAST_NAME: Final = 6
"""Columns below which a shortened name tells nobody which session it is."""

KIND_COLOURS: Final[Mapping[Kind, str]] = {"debug": BLUE, "planning": GREEN, "development": MAGENTA, "code-review": YELLOW}

AWAITED_MARKS: Final[Mapping[Awaited, str]] = {"question": "?", "failed": "✗", "interrupted": "!", "limit": "!"}
"""A finished answer has none: it is what one waits for."""
AWAITED_WORDS: Final[Mapping[Awaited, str]] = {
    "question": "question",
    "failed": "failed",
    "interrupted": "interrupted",
    "limit": "limit reached",
}


def indicator_text(fleet: FleetView, look: Look, most: int = MOST, text_only: bool = False) -> str:
    """The sessions that wait but the shown one, oldest first, such as `[auth-fix ?] [docs] +1 more`; empty if nobody waits.

    With `text_only`, or in a plain look, a sentence: `Waiting: auth-fix (question), docs`. In a look of high contrast words in place of
    marks, and bold in the terminal's own colour of text: of the colours of a palette nobody knows how they stand out from the background.
    """
    waiting = fleet.waiting
    if not waiting:
        return ""
    form = _Form(look, text_only or look.plain)
    for count in range(min(most, len(waiting)), 0, -1):
        if form.fits(row := form.row(waiting[:count], len(waiting) - count)):
            return look.paint(row)
    if most > 0 and (row := form.shortened(waiting[0], len(waiting) - 1)):
        return look.paint(row)
    for text in (f"{len(waiting)} waiting", str(len(waiting))):
        if form.fits(row := [(text, form.plain_style)]):
            return look.paint(row)
    return ""


def shorten(text: str, columns: int, look: Look) -> str:
    """Untrusted text for use within a row, in at most so many columns: what is left out at its end is marked, if there is room for that."""
    whole = look.clean(text)
    if text_width(whole) <= columns:
        return whole
    mark = look.marks("…")
    left = columns - text_width(mark)
    if left < 0:
        return ""
    kept: list[str] = []
    for cluster in iter_graphemes(sanitize_line(text)):
        shown = look.encode(cluster)  # an escape of what the encoding cannot hold is not cut in its middle
        left -= sum(map(cluster_width, iter_graphemes(shown)))
        if left < 0:
            break
        kept.append(shown)
    return "".join(kept) + mark


@dataclass(frozen=True, slots=True)
class _Form:
    """How names and what stands around them are put into a row."""

    look: Look
    text_only: bool

    @property
    def plain_style(self) -> str:
        return BOLD if self.look.high_contrast and not self.text_only else ""

    def fits(self, row: Row) -> bool:
        return _width(row) <= self.look.width

    def row(self, shown: Sequence[SessionInfo], more: int, name_columns: int | None = None) -> Row:
        """So many sessions by name, with the number of the others; `name_columns` are those that a name may take."""
        names = [shorten(one.name, self.look.width if name_columns is None else name_columns, self.look) for one in shown]
        if self.text_only:
            said = [
                f"{name} ({word})" if (word := AWAITED_WORDS.get(one.waiting_for)) else name for name, one in zip(names, shown, strict=True)
            ]
            return [(f"Waiting: {', '.join(said)}{f' and {more} more' if more else ''}", "")]
        row: Row = []
        for name, one in zip(names, shown, strict=True):
            row += [(self._bracketed(name, one), self._style(one)), (" ", "")]
        return [*row, (f"+{more} more", self.plain_style)] if more else row[:-1]

    def shortened(self, one: SessionInfo, more: int) -> Row:
        """One session by as much of its name as there is room for; empty if that is too little."""
        room = self.look.width - _width(self.row([one], more, 0))
        return self.row([one], more, room) if room >= LEAST_NAME else []

    def _bracketed(self, name: str, one: SessionInfo) -> str:
        sign = AWAITED_WORDS.get(one.waiting_for) if self.look.high_contrast else AWAITED_MARKS.get(one.waiting_for)
        return f"[{name} {self.look.marks(sign)}]" if sign else f"[{name}]"

    def _style(self, one: SessionInfo) -> str:
        return BOLD if self.look.high_contrast else KIND_COLOURS[one.kind]


def _width(row: Row) -> int:
    return sum(text_width(text) for text, _ in row)
