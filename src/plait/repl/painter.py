"""The live region: the rows at the bottom that are drawn again and again, below text that is written once.

A pure machine: it is told what should be seen, knows what it drew last, and returns the bytes that lead from one to the other. Rules:

* It never asks the terminal anything and never uses an absolute row: it knows its own height and where in it the cursor is.
* Each frame is one string: synchronized update begin, cursor hidden, changes, cursor shown, end.
* Text above goes up in the same string: erase, text with CRLF and autowrap on, region drawn anew.
* A row that becomes shorter is cleared from its first column: tmux keeps the length of a row that is cleared from the middle, and
  would break the cleared part into rows of its own in a narrower window.
* Erasing down never starts in the first column of a cleared screen's first row: tmux moves the whole screen into its history then.
* When the window was made narrower, a terminal that reflows has broken our rows: they are climbed over before erasing.
"""

from __future__ import annotations

from collections.abc import Sequence

from plait.repl.rows import EMPTY, Row, cut, folds

_BEGIN, _END = "\x1b[?2026h\x1b[?25l", "\x1b[?25h\x1b[?2026l"
_ERASE_DOWN = "\r\x1b[K\x1b[C\x1b[J\r"
_WRAP_ON, _WRAP_OFF = "\x1b[?7h", "\x1b[0m\x1b[?7l"
_SHORT = 8  # bytes; a frame of plain text up to this length needs no update marks: an echoed key

_JUMP = 6  # blanks; the sequence that jumps over them is shorter


class Painter:
    """Draws rows; `reflows` says whether the terminal breaks rows anew when it becomes narrower."""

    def __init__(self, reflows: bool = True) -> None:
        self._reflows = reflows
        self._rows: list[Row] = []
        self._columns = 0
        self._x = self._y = 0  # where the cursor is, from the region's first row and column; x = -1: not known
        self._out: list[str] = []

    def __repr__(self) -> str:
        return f"<Painter [{len(self._rows)} rows of {self._columns} columns, cursor {self._x},{self._y}]>"

    @property
    def drawn(self) -> bool:
        """Whether there is a region on the screen."""
        return bool(self._rows)

    def frame(self, rows: Sequence[Row], cursor: tuple[int, int], columns: int, above: str = "", anew: bool = False) -> str:
        """The bytes that show `rows` with the cursor at `cursor` (x, y), after `above` went into the scrollback.

        `rows` is not empty, and not higher than the terminal; `above` is whole lines. `anew` draws everything, trusting nothing but the
        cursor's place.
        """
        if above or anew or not self._rows or columns != self._columns:
            self._erase(columns)
            if above:
                text = above.removesuffix("\n").replace("\n", "\r\n")
                self._out.append(f"{_WRAP_ON}{text}\r\n{_WRAP_OFF}")
            self._draw(rows, columns)
        else:
            self._change(rows)
        self._place(cursor)
        body = "".join(self._out)
        self._out.clear()
        plain = len(body) <= _SHORT and "\x1b" not in body
        return body if plain else f"{_BEGIN}{body}{_END}"

    def erase(self, columns: int) -> str:
        """The bytes that take the region off the screen; the cursor stands where it began."""
        if not self._rows:
            return ""
        self._erase(columns)
        body = "".join(self._out)
        self._out.clear()
        return f"{_BEGIN}{body}{_END}"

    def forget(self) -> None:
        """The screen is not what was drawn any more (another program had it): begin anew at the cursor."""
        self._rows = []
        self._x = self._y = 0

    def _erase(self, columns: int) -> None:
        if not self._rows:
            return
        climb = self._climb(columns)
        self._out.append(f"\r\x1b[{climb}A" if climb else "")
        self._out.append(_ERASE_DOWN)
        self.forget()

    def _climb(self, columns: int) -> int:
        """Rows from the cursor up to the region's first."""
        if columns >= self._columns or not self._reflows:
            return self._y
        above = sum(folds(row, columns) for row in self._rows[: self._y])
        own = self._rows[self._y]
        if self._x >= own.width:  # behind the text: the cursor stays on the last of its rows
            return above + folds(own, columns) - 1
        return above + (folds(Row(cut(own, self._x + 1), self._x + 1), columns) - 1)

    def _draw(self, rows: Sequence[Row], columns: int) -> None:
        self._out.append("\r\n".join(_sent(row) for row in rows))
        self._rows = list(rows)
        self._columns = columns
        self._y = len(rows) - 1
        self._x = -1

    def _change(self, rows: Sequence[Row]) -> None:
        """From the rows on the screen to these: by inserted and deleted rows, then row by row."""
        old = self._rows
        shorter = min(len(old), len(rows))
        first = 0
        while first < shorter and old[first] == rows[first]:
            first += 1
        last = 0
        while last < shorter - first and old[-1 - last] == rows[-1 - last]:
            last += 1
        before, after = len(old) - first - last, len(rows) - first - last
        if after > before:
            self._insert(first + before, after - before)
        elif after < before:
            self._delete(first + after, before - after)
        else:
            self._scroll(rows, first, after)
        for index in range(first, len(rows) - last):
            self._row(index, rows[index])

    def _insert(self, at: int, count: int) -> None:
        self._go(len(self._rows) - 1, 0)
        self._out.append("\r\n" * count)  # room at the bottom: the only way that scrolls
        self._y += count
        if at < len(self._rows):
            self._rows[at:at] = [EMPTY] * count
            self._go(at, 0)
            self._out.append(f"\x1b[{count}L")
        else:
            self._rows += [EMPTY] * count

    def _delete(self, at: int, count: int) -> None:
        self._go(at, 0)
        self._out.append(f"\x1b[{count}M")
        del self._rows[at : at + count]

    def _scroll(self, rows: Sequence[Row], first: int, count: int) -> None:
        """If most of the changed rows only moved up, move them instead of drawing them."""
        old = self._rows
        for step in range(1, count // 2 + 1):
            moved = count - step
            if all(old[first + step + i].text and rows[first + i].text.startswith(old[first + step + i].text) for i in range(moved)):
                self._go(first, 0)
                self._out.append(f"\x1b[{step}M")
                self._go(first + moved, 0)
                self._out.append(f"\x1b[{step}L")
                old[first : first + count] = old[first + step : first + count] + [EMPTY] * step
                return

    def _row(self, index: int, row: Row) -> None:
        old = self._rows[index]
        if row == old:
            return
        if row.certain and row.text.startswith(old.text):
            self._go(index, old.width)
            self._out.append(old.sgr + row.text[len(old.text) :])
        else:
            self._go(index, 0)
            clear = row.width < old.width or not (row.certain and old.certain)
            self._out.append("\x1b[K" if clear else "")
            self._out.append(_on_blank(row.text) if clear or not old.width else row.text)
        if "\x1b" in row.text:
            self._out.append("\x1b[0m")
        self._rows[index] = row
        self._x = row.width if row.certain and row.width < self._columns else -1

    def _go(self, y: int, x: int) -> None:
        if y != self._y:
            count, way = abs(y - self._y), "A" if y < self._y else "B"
            self._out.append(f"\x1b[{count if count > 1 else ''}{way}")
        if x != self._x:
            self._out.append("\r" if x == 0 else f"\x1b[{x + 1}G")
        self._x, self._y = x, y

    def _place(self, cursor: tuple[int, int]) -> None:
        """Put the cursor. In a row whose columns are not certain the terminal itself says where its text ends: it is drawn up to there."""
        x, y = min(cursor[0], self._columns - 1), min(cursor[1], len(self._rows) - 1)
        row = self._rows[y]
        if row.certain or x == 0:
            self._go(y, x)
            return
        self._x = -1
        self._go(y, 0)
        self._out.append(cut(row, x) + ("\x1b[0m" if "\x1b" in row.text else ""))
        self._x = x


def _sent(row: Row) -> str:
    return _on_blank(row.text) + ("\x1b[0m" if "\x1b" in row.text else "")


def _on_blank(text: str) -> str:
    """A row's text for a cleared row: over a long beginning of blanks the cursor jumps."""
    start = len(text) - len(text.lstrip(" "))
    return f"\x1b[{start + 1}G{text[start:]}" if start > _JUMP else text
