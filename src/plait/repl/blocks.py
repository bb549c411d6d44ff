"""Cuts streamed Markdown into pieces that can be rendered once and for all.

* Lines decide, never chunks: the same text gives the same pieces however it was cut. Each line is looked at once, so that the cost is
  linear, and what is not yet a piece is bounded: `BLOCK_CAP` for a block, `LINE_CAP` for a line without an end.
* A piece is a paragraph, heading, table or quote; one item of a top-level list with all that is nested in it; or some lines of fenced
  code, which do not wait for the fence to close. Cutting too early costs beauty (an emphasis that spans the cut), never text.
* Which lines belong together follows CommonMark 0.31; the pieces are parsed by markdown-it, which has the last word inside each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from wcwidth import wcwidth

LINE_CAP: Final = 8_192  # characters; a paragraph of prose has some hundreds
BLOCK_CAP: Final = 16_384  # characters; bounds what the live region holds and what the parser sees at once
CODE_LINES: Final = 24  # finished lines of an open fence go up in lots of about a screen
CODE_LINES_AT_GAP: Final = 8  # ... or earlier at an empty line, where highlighting resumes best
HIGHLIGHT_CAP: Final = 65_536  # characters of one fence that are worth colours; they cost 1.5 s of CPU a megabyte

_FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})(.*)")
_HEADING = re.compile(r" {0,3}#{1,6}(?: |$)")
_RULE = re.compile(r" {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+) *$")
_QUOTE = re.compile(r" {0,3}>")
_MARKER = re.compile(r"( {0,3})([-*+]|(\d{1,9})[.)])( +|$)(.*)")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole lines of an answer. `gap`: empty lines stood before it. `indent`: columns that were taken off each line.

    Markdown (`language` is None) or code. A list item carries its `number` in an ordered list. `first` and `last` say whether the fence
    opens before and closes after this piece.
    """

    text: str
    gap: bool
    language: str | None = None
    indent: int = 0
    number: int | None = None
    first: bool = True
    last: bool = True


@dataclass(slots=True)
class _Fence:
    """An open fence: what closes it, and how far its lines are indented."""

    mark: str
    indent: int
    info: str
    opening: str
    seen: int = 0  # characters of code that are out already

    def closed_by(self, line: str) -> bool:
        stripped = line.strip(" ")
        return len(stripped) >= len(self.mark) and not stripped.strip(self.mark[0]) and len(line) - len(line.lstrip(" ")) < self.indent + 4


@dataclass(slots=True)
class _List:
    """The list being read: its kind of marker, the number of the current item, where the item's text begins."""

    delimiter: str
    number: int | None
    content: int
    inner: _Fence | None = None
    blank: bool = False
    begun: bool = False  # part of the current item is out already


def _fence_of(line: str, base: int = 0) -> _Fence | None:
    """The fence that this line opens, if any; `base` columns belong to the list item around it."""
    match = _FENCE.fullmatch(line[base:])
    if match is None:
        return None
    return _Fence(match[2], base + len(match[1]), match[3].strip(), line[base:])


def _starts_block(line: str) -> bool:
    """Whether the line ends a paragraph by being something else."""
    return bool(_HEADING.match(line) or _RULE.match(line) or _QUOTE.match(line) or _fence_of(line))


def _cut(window: str) -> int:
    """Where to cut a window of a line too long: after a blank in its second half, else not within a cluster."""
    blank = window.rfind(" ", len(window) // 2)
    if blank >= 0:
        return blank + 1
    at = len(window) - 1
    while at > len(window) - 64 and (wcwidth(window[at]) == 0 or window[at - 1] == "\u200d"):
        at -= 1
    return at


@dataclass(slots=True)
class Splitter:
    """`feed` sanitized text, take finished pieces; `tail` is what is not yet one."""

    _partial: str = ""
    _lines: list[str] = field(default_factory=list)
    _size: int = 0
    _gap: bool = False
    _fence: _Fence | None = None
    _first: bool = True  # nothing of the open fence is out yet
    _list: _List | None = None
    _pieces: list[Piece] = field(default_factory=list)

    @property
    def tail(self) -> str:
        """The unfinished part, as it came, tabs expanded."""
        return "\n".join([*self._lines, self._partial.expandtabs(4)])

    def feed(self, text: str) -> list[Piece]:
        """Pieces that this text finished, in order."""
        lines = (self._partial + text).split("\n")
        for line in lines[:-1]:
            self._line(self._shorten(line))
        self._partial = self._shorten(lines[-1])
        return self._take()

    def finish(self) -> list[Piece]:
        """The rest. The splitter is as new after it."""
        if self._partial:
            self._line(self._partial)
        if self._fence:
            self._emit_code(last=True)
        self._flush()
        pieces = self._take()
        self._partial, self._gap, self._fence, self._list = "", False, None, None
        return pieces

    def _take(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def _shorten(self, line: str) -> str:
        """What is left of a line once all full windows of it have been made pieces."""
        start = 0
        while len(line) - start >= LINE_CAP:
            end = start + _cut(line[start : start + LINE_CAP])
            self._line(line[start:end])
            if self._fence:
                self._emit_code(last=False)
            else:
                self._flush(cut=True)
            start = end
        return line[start:]

    def _line(self, line: str) -> None:
        line = line.expandtabs(4)
        if self._fence:
            self._code_line(self._fence, line)
        elif self._list:
            self._list_line(self._list, line)
        elif self._lines:
            self._text_line(line)
        else:
            self._first_line(line)

    def _add(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line) + 1

    def _first_line(self, line: str) -> None:
        """A line with no block open before it."""
        fence = _fence_of(line)
        marker = _MARKER.fullmatch(line)
        if not line.strip(" "):
            self._gap = True
        elif fence:
            self._fence, self._first = fence, True
        elif marker and not _RULE.match(line):
            self._start_item(marker, line, None)
        else:
            self._add(line)
            if _HEADING.match(line) or _RULE.match(line):
                self._flush()

    def _text_line(self, line: str) -> None:
        """A line after the first of a paragraph, table or quote."""
        quoted = bool(_QUOTE.match(self._lines[0]))
        marker = _MARKER.fullmatch(line)
        if not line.strip(" "):
            self._flush()
            self._gap = True
        elif _UNDERLINE.match(line) and not quoted:
            self._add(line)
            self._flush()
        elif quoted and _QUOTE.match(line):
            self._add(line)
        elif _starts_block(line) or (marker and marker[5] and marker[3] in (None, "1")):
            self._flush()
            self._first_line(line)
        else:
            self._add(line)
        if self._size >= BLOCK_CAP:
            self._flush(cut=True)

    def _start_item(self, marker: re.Match[str], line: str, number: int | None) -> None:
        """The first line of a list item; `number` continues an ordered list."""
        spaces = len(marker[4]) if marker[5] and len(marker[4]) <= 4 else 1
        content = len(marker[1]) + len(marker[2]) + spaces
        if marker[3] is not None and number is None:
            number = int(marker[3])
        self._list = _List(marker[2][-1], number, content)
        self._add(line)
        self._list.inner = _fence_of(line, content)

    def _list_line(self, current: _List, line: str) -> None:
        """A line while a list is open: another item, part of this one, or its end."""
        indent = len(line) - len(line.lstrip(" "))
        blank = not line.strip(" ")
        marker = _MARKER.fullmatch(line)
        if current.inner and (blank or indent >= current.content):
            self._add(line)
            if current.inner.closed_by(line):
                current.inner = None
        elif blank:
            self._add("")
        elif indent >= current.content:
            self._add(line)
            current.inner = _fence_of(line, current.content)
        elif marker and not _RULE.match(line):
            number = current.number + 1 if current.number is not None and marker[2][-1] == current.delimiter else None
            self._flush()
            self._start_item(marker, line, number)
        elif current.blank or current.inner or _starts_block(line):
            self._flush()
            self._list = None
            self._first_line(line)
        else:
            self._add(line)
        current.blank = blank
        if self._size >= BLOCK_CAP:
            self._flush(cut=True)

    def _code_line(self, fence: _Fence, line: str) -> None:
        """A line inside a fence, or its end."""
        if fence.closed_by(line):
            self._emit_code(last=True)
            self._fence = None
            return
        indent = min(fence.indent, len(line) - len(line.lstrip(" ")))
        self._add(line[indent:])
        enough = CODE_LINES if line.strip(" ") else CODE_LINES_AT_GAP
        if len(self._lines) >= enough or self._size >= LINE_CAP:
            self._emit_code(last=False)

    def _emit_code(self, *, last: bool) -> None:
        """Lines of the open fence, as a piece."""
        fence = self._fence
        if fence and (self._lines or last):
            language = fence.info if self._first or fence.seen < HIGHLIGHT_CAP else ""
            self._pieces.append(Piece("\n".join(self._lines), self._gap, language=language, first=self._first, last=last))
            fence.seen += self._size
            self._first, self._gap = False, False
        self._lines, self._size = [], 0

    def _flush(self, *, cut: bool = False) -> None:
        """What is gathered, as a piece; empty lines at its end become the next one's gap. `cut`: the block itself goes on."""
        lines, gap, current = self._lines, self._gap, self._list
        self._lines, self._size, self._gap = [], 0, False
        while lines and not lines[-1]:
            lines.pop()
            self._gap = True
        if not lines:
            self._gap = gap or self._gap
            return
        if current is None:
            self._pieces.append(Piece("\n".join(lines), gap))
        elif not current.begun:
            self._pieces.append(Piece("\n".join(lines), gap, number=current.number))
            current.begun = True
        else:
            text = "\n".join(line[min(current.content, len(line) - len(line.lstrip(" "))) :] for line in lines)
            self._pieces.append(Piece(text, gap, indent=current.content))
        if cut and current and current.inner:  # what follows is code still
            self._add(" " * current.content + current.inner.opening)
