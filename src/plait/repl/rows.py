"""Text cut into rows of a given number of columns, by the width that terminals give it.

Rules:

* Text may hold SGR colours (`ESC [ ... m`) and nothing else that a terminal acts upon; tabs become spaces.
* A row never takes more columns than there are, whatever the terminal thinks of joined emoji: where terminals differ, a cluster counts
  as wide as the widest of them draws it. Such a row is not `certain`, and nobody computes a column inside it.
* Colours do not run from one row into the next by themselves: each row begins with the colours that are on.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from wcwidth import iter_graphemes, wcswidth, wcwidth

_SGR = re.compile("\x1b\\[([0-9;:]*)m")
_RESET = re.compile("[0;]*$")  # SGR parameters that switch everything off
# Right to left: terminals differ in whether they reorder it.
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")
_TAB = 4


class Row(NamedTuple):
    """One row as it is sent: `text` with colours, its `width` in columns, the colours still on at its end."""

    text: str
    width: int
    certain: bool = True
    sgr: str = ""


EMPTY = Row("", 0)


@lru_cache(maxsize=4096)
def cluster_width(cluster: str) -> int:
    """Columns of one grapheme cluster: the most that any terminal takes."""
    return max(wcswidth(cluster), sum(max(0, wcwidth(char)) for char in cluster), 0)


def is_certain(cluster: str) -> bool:
    """Whether all terminals draw this cluster equally wide and in the order of the text."""
    return len(cluster) <= 1 and not _RTL.match(cluster)


def text_width(text: str) -> int:
    """Columns of `text` (one line, colours allowed)."""
    text = _SGR.sub("", text) if "\x1b" in text else text
    return len(text) if text.isascii() else sum(map(cluster_width, iter_graphemes(text)))


def wrap(text: str, columns: int) -> list[Row]:
    """`text` as rows of at most `columns`, broken at blanks where a row has one. Empty text has no rows; a last line feed adds none."""
    rows: list[Row] = []
    sgr = ""
    for line in text.removesuffix("\n").split("\n") if text else ():
        if not sgr and "\x1b" not in line and line.isascii():
            rows += _wrap_plain(line.expandtabs(_TAB), columns)
        else:
            wrapped = _wrap_line(line, columns, sgr)
            sgr = wrapped[-1].sgr
            rows += wrapped
    return rows


def last_rows(text: str, columns: int, limit: int) -> list[Row]:
    """The last `limit` rows of `wrap(text, columns)`, without wrapping much more of a long text (colours of an earlier line are lost)."""
    start = len(text)
    for _ in range(limit + 1):
        start = text.rfind("\n", 0, start)
        if start < 0:
            return wrap(text, columns)[-limit:]
    return wrap(text[start + 1 :], columns)[-limit:]


@lru_cache(maxsize=64)
def _wrap_plain(line: str, columns: int) -> tuple[Row, ...]:
    """An ASCII line without colours."""
    rows: list[Row] = []
    while len(line) > columns:
        cut = line.rfind(" ", 1, columns + 1) + 1
        if not cut or not line[:cut].strip():
            cut = columns
        row = line[:cut].rstrip() if cut <= columns else line[:columns]
        rows.append(Row(row, len(row)))
        line = line[cut:]
    rows.append(Row(line, len(line)))
    return tuple(rows)


class _Builder:
    """Rows of one line, cluster by cluster."""

    def __init__(self, columns: int, sgr: str) -> None:
        self.rows: list[Row] = []
        self._columns = columns
        self._sgr = sgr
        self._parts: list[str] = [sgr] if sgr else []
        self._width = 0
        self._certain = True
        self._blank: tuple[int, str] | None = None  # parts up to and with the last blank; the colours there

    def colour(self, sequence: str, parameters: str) -> None:
        if _RESET.match(parameters):
            self._sgr = ""
        else:
            self._sgr = sequence if parameters.startswith("0;") else self._sgr + sequence
        self._parts.append(sequence)

    def cluster(self, cluster: str) -> None:
        width = cluster_width(cluster)
        if self._width + width > self._columns and self._width:
            self._break()
            if cluster == " ":
                return
        self._parts.append(cluster)
        self._width += min(width, self._columns)
        self._certain = self._certain and is_certain(cluster)
        if cluster == " ":
            self._blank = (len(self._parts), self._sgr)

    def _break(self) -> None:
        """Finish the row, at its last blank if it has one after some text."""
        rest: list[str] = []
        sgr = self._sgr
        if self._blank is not None and _SGR.sub("", "".join(self._parts[: self._blank[0]])).strip():
            rest = self._parts[self._blank[0] :]
            sgr = self._blank[1]
            del self._parts[self._blank[0] - 1 :]
        text = "".join(self._parts)
        self.rows.append(Row(text, min(text_width(text), self._columns), self._certain, sgr))
        self._parts = ([sgr] if sgr else []) + rest
        self._width = min(text_width("".join(rest)), self._columns)
        self._blank = None
        if not rest:
            self._certain = True

    def finish(self) -> list[Row]:
        text = "".join(self._parts)
        self.rows.append(Row(text, self._width, self._certain, self._sgr))
        return self.rows


def _wrap_line(line: str, columns: int, sgr: str) -> list[Row]:
    """A line with colours, or with characters beyond ASCII."""
    builder = _Builder(columns, sgr)
    at = 0
    for match in _SGR.finditer(line):
        for cluster in iter_graphemes(line[at : match.start()].expandtabs(_TAB)):
            builder.cluster(cluster)
        builder.colour(match[0], match[1])
        at = match.end()
    for cluster in iter_graphemes(line[at:].expandtabs(_TAB)):
        builder.cluster(cluster)
    return builder.finish()


def cut(row: Row, columns: int) -> str:
    """The beginning of a row, as much as fits into `columns`."""
    parts: list[str] = []
    left = columns
    at = 0
    for match in [*_SGR.finditer(row.text), None]:
        for cluster in iter_graphemes(row.text[at : match.start() if match else len(row.text)]):
            left -= cluster_width(cluster)
            if left < 0:
                return "".join(parts)
            parts.append(cluster)
        if match:
            parts.append(match[0])
            at = match.end()
    return "".join(parts)


def folds(row: Row, columns: int) -> int:
    """Into how many rows a terminal with `columns` breaks a row that was drawn wider; at least 1."""
    if row.width <= columns:
        return 1
    text = _SGR.sub("", row.text)
    if text.isascii():
        return -(-row.width // columns)
    count, used = 1, 0
    for cluster in iter_graphemes(text):
        width = cluster_width(cluster)
        if used + width > columns:
            count += 1
            used = 0
        used += width
    return count
