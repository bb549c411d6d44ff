"""How the answers of commands are laid out: headings, and pairs of a label and a text, right of the gutter.

Everything that is passed in may be untrusted; it passes the sanitizer here.
"""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.sanitize import sanitize
from plait.repl.style import BOLD, CYAN, DIM, GUTTER, Look, Row, width_of, wrap

READABLE = 24  # columns; with less room for the text, it stands below its label
ASIDE = 100  # columns of a text beside a label; longer lines are hard to read


def heading(text: str, look: Look) -> str:
    """A line of its own, with an empty one above."""
    return "\n" + lines(wrap([(look.clean(text), BOLD)], look.content_width), look)


def pairs(rows: Sequence[tuple[str, str]], look: Look, *, widest: int = 40) -> str:
    """Labels in a column of at most `widest`, each with its text beside it, wrapped; below it in a narrow terminal."""
    labels = [look.clean(label) for label, _ in rows]
    column = 2 + max((size for label in labels if (size := width_of(label)) <= widest), default=0)
    room = min(look.content_width - column, ASIDE)
    out: list[Row] = []
    for label, (_, text) in zip(labels, rows, strict=True):
        if look.plain:
            out += wrap([(f"{label}: {_clean(text, look)}" if text else label, "")], look.content_width)
        elif room < READABLE or width_of(label) > column - 2:
            out += wrap([(label, CYAN)], look.content_width)
            out += [[(GUTTER, ""), *row] for row in wrap([(_clean(text, look), "")], look.content_width - len(GUTTER)) if text]
        else:
            start = (label + " " * (column - width_of(label)), CYAN)
            beside = wrap([(_clean(text, look), "")], room)
            out += [[start if index == 0 else (" " * column, ""), *row] for index, row in enumerate(beside)]
    return lines(out, look)


def paragraph(text: str, look: Look, *, dim: bool = False) -> str:
    """Text with its own line feeds, wrapped."""
    return lines(wrap([(_clean(text, look), DIM if dim else "")], min(look.content_width, ASIDE)), look)


def lines(rows: Sequence[Row], look: Look) -> str:
    """Rows of clean text, behind the gutter."""
    return "".join(look.paint([(GUTTER, ""), *row]) + "\n" for row in rows)


def _clean(text: str, look: Look) -> str:
    return look.encode(look.marks(sanitize(text))).expandtabs(4)
