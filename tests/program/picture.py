"""The README's picture: three sessions at work, drawn from a real run of the program on a pseudo-terminal.

`python -m tests.program.picture` draws docs/three-sessions.svg anew; `test_picture.py` says when it no longer matches. What changes from
run to run (a time of day, seconds) is put as the same everywhere.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from pyte.screens import Char

from tests.program.running import Place, Plait

PICTURE = Path(__file__).parents[2] / "docs" / "three-sessions.svg"
COLUMNS, ROWS = 96, 34
_CELL, _LINE, _MARGIN = 8.4, 19, 16
_PAPER, _INK = "#1d2027", "#d5d8de"
_COLOURS = {
    "red": "#f0746e",
    "green": "#8fc97c",
    "brown": "#e5c07b",
    "blue": "#74a9f5",
    "magenta": "#cf8ee0",
    "cyan": "#62c4cf",
    "default": _INK,
}

SCRIPT = '''
[[reply]]
match = "login loop"
text = """
The second login fails because the old token is still in the cache.

1. `auth.py` stores the token before it checks its age.
2. Nothing removes it when it has expired.

Here is the change:

```python
def token_for(user: str) -> Token:
    token = cache.get(user)
    if token is None or token.expired:
        token = cache[user] = renew(user)
    return token
```

I am going through the callers
"""
words = 3
per_second = 0.05
chunk = 400

[[reply]]
match = "release"
text = "Two of the steps depend on the date."
calls = [{ name = "ask_user", arguments = { question = "When shall version 2 be out?", choices = ["this week", "after the holidays"] } }]

[[reply]]
match = "parser"
text = "Three findings, none of them serious."
'''


def play(place: Place) -> list[list[Char]]:
    """Drive the real program to the moment of the picture; the rows of its screen."""
    place.script.write_text(SCRIPT)
    (place.home / "config").mkdir(parents=True, exist_ok=True)
    with place.start(columns=COLUMNS, rows=ROWS, PLAIT_AUTO_NAMES="1", PLAIT_TERMINAL_TITLE="0") as plait:
        plait.ready().enter("The login loop in auth.py: find it and fix it")
        plait.shows("going through the callers")
        _say(plait, "/new planning -- Plan the release of version 2")
        plait.shows("after the holidays")
        _say(plait, "/new review parser-review -- Review my parser, please")
        plait.shows("none of them serious")
        plait.until(lambda: "answering" not in plait.toolbar)
        plait.type("\x1b1")
        plait.until(lambda: "──" in plait.text.splitlines()[-4] or "answering" in plait.toolbar)
        plait.type("And add a test for")
        plait.until(lambda: "And add a test for" in plait.text and "[" in plait.text)
        rows = [[plait.screen.buffer[y][x] for x in range(COLUMNS)] for y in range(ROWS)]
        plait.child.terminate(force=True)
    return rows


def _say(plait: Plait, line: str) -> None:
    plait.send(line)
    plait.until(lambda: line[-10:] in plait.text)
    plait.pause()
    plait.send("\r")
    plait.pause()


def still(text: str) -> str:
    """A row without what is different in each run, as wide as it was."""
    text = re.sub(r"since \d\d:\d\d", "since 14:02", text)
    return re.sub(r"answering \d+ s", "answering 9 s", text)


def drawn(rows: list[list[Char]]) -> str:
    """The rows as an SVG file, of text that can be selected."""
    width, height = round(COLUMNS * _CELL) + 2 * _MARGIN, len(rows) * _LINE + 2 * _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        "<title>Three plait sessions at one prompt: one answers, one asks a question, one has finished</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{_PAPER}"/>',
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">',
    ]
    for number, row in enumerate(rows):
        lines += _row(row, _MARGIN + (number + 1) * _LINE - 5)
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _row(row: list[Char], y: int) -> Iterator[str]:
    place = 0
    for (colour, bold, faint), cells in groupby(row, key=lambda one: (one.fg, one.bold, False)):
        text = "".join(one.data for one in cells)
        size = len(text)
        if text.strip():
            weight = ' font-weight="bold"' if bold else ""
            x = _MARGIN + place * _CELL
            shown = escape(still(text))
            length = f' textLength="{size * _CELL:.1f}" lengthAdjust="spacingAndGlyphs"'
            yield f'<text x="{x:.1f}" y="{y}" fill="{_COLOURS.get(colour, _INK)}"{weight}{length}>{shown}</text>'
        place += size


def text_of(svg: str) -> list[str]:
    """What the picture says, row by row, colours and places left out."""
    return [re.sub(r"\s+", " ", row).strip() for row in re.findall(r">([^<>]+)</text>", svg)]


def make() -> str:
    """The picture of a run in a temporary directory."""
    with tempfile.TemporaryDirectory() as directory:
        place = Place(Path(directory))
        place.work.mkdir()
        return drawn(play(place))


if __name__ == "__main__":
    PICTURE.write_text(make(), encoding="utf-8")
    sys.stdout.write(f"{PICTURE} is drawn.\n")
