"""How text looks on this terminal: colours, marks, widths, wrapping.

* Column 0 belongs to plait. Its marks stand there (``▌`` the user, ``·`` a notice, ``✗`` an error); everything a model, a tool or a file
  says begins in column 2, on every line that plait breaks itself. So content cannot look like a prompt, a notice or the user. What is
  copied is indented by two columns; `/copy` gives the text as it came.
* Colours are the sixteen of the terminal's own palette, never a background: text stays readable on any theme. Each row opens and
  closes its colours, so a row cut out of its place leaves none behind.
* A row never exceeds the width it was made for, measured by wcwidth in grapheme clusters; it has no trailing blanks.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from wcwidth import iter_graphemes, wcswidth

from plait.core.sanitize import sanitize_line

GUTTER: Final = "  "
MIN_WIDTH: Final = 6  # columns of content; a terminal narrower than this wraps by itself

BOLD: Final = "1"
DIM: Final = "2"
ITALIC: Final = "3"
UNDERLINE: Final = "4"
STRUCK: Final = "9"
RED: Final = "31"
GREEN: Final = "32"
YELLOW: Final = "33"
BLUE: Final = "34"
MAGENTA: Final = "35"
CYAN: Final = "36"

Span = tuple[str, str]  # text without control characters, and the SGR parameters it is shown with ("": none)
Row = list[Span]

# What plait draws with, and its stand-in where the terminal has ASCII only.
_ASCII_MARKS = {"▌": ">", "·": "-", "✗": "x", "✓": "+", "│": "|", "─": "-", "┼": "+", "•": "-", "…": "...", "‖": "="}
_ASCII_TABLE = str.maketrans(_ASCII_MARKS)

# Scripts written without spaces break between any two characters, but not before a closing or after an opening mark (a little of the
# Japanese rules, JIS X 4051). Selectors and voiced-sound marks stay with their letter.
_OPENING = "「『（【〔［｛〈《"
_CLOSING = "」』）】〕］｝〉》。、，．・：；？！ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_WORDS = re.compile(
    f"[ \u3000]+|[{_OPENING}]*[\u2e80-\u2fff\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003fffd]"
    f"[{_CLOSING}\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef]*"
    "|[^ \u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003fffd]+|."
)


@dataclass(frozen=True, slots=True)
class Look:
    """What the terminal can show and the user wants.

    `plain` is linear text for screen readers, pipes and dumb terminals: words in place of marks, tables as lists. `width` is in columns.
    `encoding` is that of the output, by its codec's name; what it cannot hold is shown as backslash escapes.
    """

    colour: bool = True
    unicode: bool = True
    plain: bool = False
    width: int = 80
    encoding: str = "utf-8"
    high_contrast: bool = False
    """Nothing dim and no colours, of which nobody knows how they stand out: bold and marks alone tell things apart."""

    @classmethod
    def of_terminal(cls, environ: Mapping[str, str], *, tty: bool, encoding: str, width: int, plain: bool = False) -> Look:
        """The look for an output stream: honours NO_COLOR (no-color.org), TERM=dumb, a C or POSIX locale, and no terminal at all.

        Python itself runs in UTF-8 under LANG=C (PEP 538, PEP 540: it may set LC_CTYPE=C.UTF-8), so the variables are asked.
        """
        locale = environ.get("LC_ALL") or environ.get("LANG") or ""
        if locale in ("C", "POSIX") and environ.get("LC_CTYPE", "C.UTF-8") in ("C", "POSIX", "C.UTF-8", "C.utf8", "UTF-8", ""):
            encoding = "ascii"
        encoding = _codec_name(encoding)
        dumb = environ.get("TERM", "") == "dumb" or not tty
        return cls(
            colour=not (dumb or environ.get("NO_COLOR")),
            unicode=_encodable("".join(_ASCII_MARKS), encoding),
            plain=plain or dumb,
            width=max(1, width),
            encoding=encoding,
        )

    @property
    def content_width(self) -> int:
        """Columns for content, right of the gutter."""
        return max(MIN_WIDTH, self.width - len(GUTTER))

    def marks(self, text: str) -> str:
        """Text of plait's own in marks that the terminal has."""
        return text if self.unicode else text.translate(_ASCII_TABLE)

    def encode(self, text: str) -> str:
        """Sanitized text in what the output's encoding can hold."""
        if self.encoding == "utf-8":
            return text
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)

    def clean(self, text: str) -> str:
        """Untrusted text for use within a row."""
        return self.encode(sanitize_line(text))

    def paint(self, row: Iterable[Span]) -> str:
        """A row as it is written to the terminal: neighbours of one colour share it, blanks at the end go."""
        if not self.colour:
            return "".join(text for text, _ in row).rstrip(" ")
        if self.high_contrast:
            row = [(text, _strong(sgr)) for text, sgr in row]
        parts: list[str] = []
        end = 0  # how many of the parts to keep: up to the last that is not blank
        for sgr, spans in groupby(row, key=itemgetter(1)):
            text = "".join(text for text, _ in spans)
            shown = text.rstrip(" ")
            if shown:
                parts.append(f"\x1b[{sgr}m{shown}\x1b[0m" if sgr else shown)
                end = len(parts)
            parts.append(" " * (len(text) - len(shown)))
        return "".join(parts[:end])


def _strong(sgr: str) -> str:
    """What of a style stands out on any palette."""
    return ";".join(part for part in sgr.split(";") if part in (BOLD, ITALIC, UNDERLINE, STRUCK))


def _codec_name(encoding: str) -> str:
    """Python's name of an encoding; an unknown one is taken for ASCII, which every terminal has."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "ascii"


def _encodable(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def width_of(text: str) -> int:
    """Columns that sanitized text takes on a terminal."""
    return len(text) if text.isascii() else max(0, wcswidth(text))


def _break_hard(line: str, width: int) -> list[tuple[int, int]]:
    """Where the rows of a line of code begin and end: as full as they can be, every blank kept."""
    if line.isascii():
        return [(start, min(start + width, len(line))) for start in range(0, max(1, len(line)), width)]
    bounds: list[tuple[int, int]] = []
    start = at = column = 0
    for cluster in iter_graphemes(line):
        step = width_of(cluster)
        if column + step > width and column:
            bounds.append((start, at))
            start, column = at, 0
        at += len(cluster)
        column += step
    return [*bounds, (start, at)]


def _break(line: str, width: int) -> list[tuple[int, int]]:
    """Where the rows of a line of prose begin and end, without the blanks at which it was broken."""
    rows: list[tuple[int, int]] = []
    start = end = column = 0
    for match in _WORDS.finditer(line):
        word = match[0]
        size = width_of(word)
        if column + size > width and word[0] in " \u3000" and column:
            rows.append((start, end))
            start = end = match.end()
            column = 0
            continue
        if column + size > width and column:
            rows.append((start, end))
            start, column = match.start(), 0
        if size > width:
            *full, (begin, stop) = _break_hard(word, width)
            rows.extend((match.start() + first, match.start() + last) for first, last in full)
            start, size = match.start() + begin, width_of(word[begin:stop])
        end = match.end()
        column += size
    if end > start or not rows:
        rows.append((start, end))
    return rows


def wrap(spans: Sequence[Span], width: int, *, hard: bool = False) -> list[Row]:
    """Spans broken into rows of at most `width` columns; a line feed in a span ends a row. At blanks, or `hard`: wherever a row is full."""
    text = "".join(part for part, _ in spans)
    bounds: list[tuple[int, int]] = []
    offset = 0
    for line in text.split("\n"):
        if width_of(line) <= width:
            bounds.append((offset, offset + len(line)))
        else:
            bounds.extend((offset + start, offset + end) for start, end in (_break_hard if hard else _break)(line, width))
        offset += len(line) + 1
    if len(spans) <= 1:
        return [[(text[start:end], spans[0][1] if spans else "")] for start, end in bounds]
    return _slices(spans, bounds)


def _slices(spans: Sequence[Span], bounds: Iterable[tuple[int, int]]) -> list[Row]:
    """The parts of the spans between each of some growing bounds, in characters of their joined text."""
    rows: list[Row] = []
    index, begin = 0, 0  # the span that holds the row's start, and where it begins in the text
    for start, end in bounds:
        while index < len(spans) - 1 and begin + len(spans[index][0]) <= start:
            begin += len(spans[index][0])
            index += 1
        row: Row = []
        at, position = index, begin
        while at < len(spans) and position < end:
            part, sgr = spans[at]
            piece = part[max(0, start - position) : end - position]
            if piece:
                row.append((piece, sgr))
            position += len(part)
            at += 1
        rows.append(row)
    return rows


def row_width(row: Row) -> int:
    """Columns that a row takes."""
    return width_of("".join(text for text, _ in row))
