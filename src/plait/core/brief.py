"""A text in one line, for lists and notices."""

from __future__ import annotations

LINE_LENGTH = 200
"""Characters of what a session has to say in a list or a notice."""


def in_one_line(text: str) -> str:
    """The beginning of `text` in one line of at most `LINE_LENGTH` characters."""
    line = " ".join(text[: LINE_LENGTH * 2].split())
    return line if len(line) <= LINE_LENGTH else line[: LINE_LENGTH - 1] + "…"
