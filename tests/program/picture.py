"""The README's picture: three sessions at work, drawn from a real run of the program on a pseudo-terminal.

`python -m tests.program.picture` draws docs/three-sessions.svg anew; `test_picture.py` says when it no longer matches. What differs from
run to run (the time of day, seconds) is drawn as the same each time, and no path of the machine is on the rows that are drawn.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyte
from pyte.screens import Char

from tests.program.running import Place, Plait

PICTURE = Path(__file__).parents[2] / "docs" / "three-sessions.svg"
COLUMNS, ROWS = 100, 40
FIRST = "▌ Plan the 2.0 release"
"""The row with which the picture begins; what is above it tells how the session was opened, and where."""
TYPED = "And add a test for"

_CELL, _LINE, _MARGIN, _BAR = 8.4, 19, 18, 34
_PAPER, _EDGE, _INK, _FAINT = "#1d2027", "#3a3f4b", "#d5d8de", "#8b919e"
_BUTTONS = ("#f0746e", "#e5c07b", "#8fc97c")
_COLOURS = {
    "red": "#f0746e",
    "green": "#8fc97c",
    "brown": "#e5c07b",
    "blue": "#74a9f5",
    "magenta": "#cf8ee0",
    "cyan": "#62c4cf",
}

SCRIPT = '''
[[reply]]
match = "second login"
text = "The old token is still in the cache: it is not removed when it has expired."

[[reply]]
match = "Fix it"
text = """
The cache gives out a token without a look at its age. Here is the change:

```python
def token_for(user: str) -> Token:
    token = cache.get(user)
    if token is None or token.expired:
        token = cache[user] = renew(user)
    return token
```

I am going through the callers. The first of them is right as it is.
"""
chunk = 1000
words = 3
per_second = 0.01

[[reply]]
match = "release"
text = "Two of the steps depend on the date."
calls = [{ name = "ask_user", arguments = { question = "When shall 2.0 be out?", choices = ["this week", "after the holidays"] } }]

[[reply]]
match = "parser"
text = "Three findings, none of them serious."

[[reply]]
match = "messages"
text = "They name the line, but not the column."
'''


@dataclass(frozen=True, slots=True)
class Shot:
    """The screen at the moment of the picture: its rows from `FIRST` on, and where the cursor stands in them (column, row)."""

    rows: Sequence[Sequence[Char]]
    cursor: tuple[int, int]


class _Faint(pyte.HistoryScreen):
    """An emulator that knows faint text, which pyte does not; it takes the place of italics, which plait never writes."""

    def select_graphic_rendition(self, *attrs: int, **rest: Any) -> None:
        super().select_graphic_rendition(*(3 if one == 2 else one for one in attrs), **rest)


def play(place: Place) -> Shot:
    """Drive the real program to the moment of the picture."""
    (place.work / "demo.toml").write_text(SCRIPT)
    quiet = {"PLAIT_TERMINAL_TITLE": "0", "PLAIT_IDLE_TIMEOUT": "3600", "PLAIT_NOTIFY": "all=off"}
    with place.start(model="scripted:demo.toml", columns=COLUMNS, rows=ROWS, PLAIT_AUTO_NAMES="1", **quiet) as plait:
        plait.screen = _Faint(COLUMNS, ROWS)
        plait.stream = pyte.ByteStream(plait.screen)
        plait.ready().enter("Why does the second login fail? I suspect the token cache.")
        _settled(plait, "removed when it has expired", "(login-token-cache) >")
        plait.enter("/new review parser -- Review my parser, please")
        _settled(plait, "none of them serious", "(parser) >")
        plait.enter("/new planning -- Plan the 2.0 release")
        _settled(plait, "2 after the holidays", "(plan-release ?) >")
        plait.enter("/say login-token-cache Fix it, please")
        plait.enter("/say parser And the error messages?")
        plait.until(lambda: "[parser]" in plait.text)
        plait.enter("/switch login")
        plait.until(lambda: "right as it is" in plait.text and "llm 1/5" in plait.toolbar and "[plan-release ?] [parser]" in plait.text)
        plait.type(TYPED)
        plait.until(lambda: f"(login-token-cache) > {TYPED}" in plait.text)
        rows = [[plait.screen.buffer[y][x] for x in range(COLUMNS)] for y in range(ROWS)]
        top = next(y for y, row in enumerate(rows) if _text(row).startswith(FIRST))
        bottom = max(y for y, row in enumerate(rows) if _text(row).strip())
        cursor = (plait.screen.cursor.x, plait.screen.cursor.y - top)
        plait.child.terminate(force=True)
    return Shot(rows[top : bottom + 1], cursor)


def _settled(plait: Plait, answer: str, prompt: str) -> None:
    plait.until(lambda: answer in plait.text and prompt in plait.text and "answering" not in plait.toolbar)


def _text(row: Sequence[Char]) -> str:
    return "".join(one.data for one in row)


def drawn(shot: Shot) -> str:
    """The rows as an SVG file, of text that can be selected."""
    width = round(COLUMNS * _CELL) + 2 * _MARGIN
    height = len(shot.rows) * _LINE + _MARGIN + _BAR
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        "<title>Three plait sessions at one prompt: one answers, one asks a question, one has finished</title>",
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="9" fill="{_PAPER}" stroke="{_EDGE}"/>',
        *(f'<circle cx="{_MARGIN + 6 + 20 * number}" cy="18" r="6" fill="{colour}"/>' for number, colour in enumerate(_BUTTONS)),
        _cursor(*shot.cursor),
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">',
    ]
    for number, row in enumerate(shot.rows):
        lines += _row(row, _BAR + (number + 1) * _LINE - 5)
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _cursor(x: int, y: int) -> str:
    return f'<rect x="{_MARGIN + x * _CELL:.1f}" y="{_BAR + y * _LINE}" width="{_CELL}" height="{_LINE}" fill="{_INK}"/>'


def _row(row: Sequence[Char], y: int) -> Iterator[str]:
    """The texts of a row, each put at its column and given its width, so that columns line up in any font."""
    place = 0
    for (colour, bold, faint), cells in groupby(row, key=lambda one: (one.fg, one.bold, one.italics)):
        text = "".join(one.data for one in cells)
        for part in re.finditer(r"\S+(?: \S+)*", still(text)):
            x, size = _MARGIN + (place + part.start()) * _CELL, len(part[0]) * _CELL
            fill = _COLOURS.get(colour, _FAINT if faint else _INK)
            weight = ' font-weight="bold"' if bold else ""
            length = f'textLength="{size:.1f}" lengthAdjust="spacingAndGlyphs"'
            yield f'<text x="{x:.1f}" y="{y}" fill="{fill}"{weight} {length}>{escape(part[0])}</text>'
        place += len(text)


def still(text: str) -> str:
    """A text without what differs from run to run, as wide as it was or a little less."""
    text = re.sub(r"since \d\d:\d\d", "since 14:02", text)
    return re.sub(r"answering \d+ s", "answering 9 s", text)


def said_by(svg: str) -> list[str]:
    """What a picture says, text by text; colours and places left out."""
    return re.findall(r">([^<>]+)</text>", svg)


def make(root: Path) -> str:
    """The picture of a run whose files are in `root`, a directory that is there and empty."""
    place = Place(root)
    place.work.mkdir()
    return drawn(play(place))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        PICTURE.write_text(make(Path(directory)), encoding="utf-8")
    sys.stdout.write(f"{PICTURE} is drawn.\n")
