"""The keys of the prompt as they are told: `/help keys` and `docs/keys.md` are made from this table, and a test finds each key bound.

`python -m plait.repl.key_table > docs/keys.md` writes the page again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from plait.repl.slash.layout import heading, pairs
from plait.repl.style import Look


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One line: the keys as they are told, the same as prompt_toolkit names them (each a sequence), and what they do."""

    told: str
    bound: tuple[tuple[str, ...], ...]
    does: str


def _after(first: str, keys: str) -> tuple[tuple[str, ...], ...]:
    return tuple((first, key) for key in keys)


KEYS: Final[tuple[KeyRow, ...]] = (
    KeyRow("Enter", (("enter",),), "sends; while an answer comes, the message is queued"),
    KeyRow("Alt+Enter, Ctrl+J", (("escape", "enter"), ("c-j",)), "makes a new line"),
    KeyRow("Up, Down", (("up",), ("down",)), "moves in a text of several lines, else walks through the messages of this session"),
    KeyRow("Ctrl+R", (("c-r",),), "searches these messages; Enter takes the one found, Ctrl+G gives up"),
    KeyRow("Tab", (("tab",),), "completes commands, their arguments, and @paths"),
    KeyRow("Ctrl+G, Ctrl+X Ctrl+E", (("c-g",), ("c-x", "c-e")), "opens the text in $VISUAL or $EDITOR; answers go on meanwhile"),
    KeyRow("Alt+1 to Alt+9, Alt+0", _after("escape", "1234567890"), "goes to the session of that number, Alt+0 to the tenth; as /1 to /10"),
    KeyRow("Alt+N", (("escape", "n"),), "goes to the session that has waited longest, as /next"),
    KeyRow("Alt+P", (("escape", "p"),), "goes back to the session that you came from, as /back"),
    KeyRow("Ctrl+X, then 1 to 9, 0, N, P", _after("c-x", "1234567890np"), "the same; also in vi mode"),
    KeyRow(
        "Ctrl+O",
        (("c-o",), ("enter",), ("escape",), ("up",), ("down",)),
        "offers the sessions: type to filter, Up and Down choose, Enter goes there, Esc gives up and brings back what you had typed",
    ),
    KeyRow("Ctrl+A", (("c-a",),), "in the choice of plait -r: this project's sessions alone, and all again"),
    KeyRow("Esc Esc", (("escape", "escape"),), "offers your messages to go back to, as /rewind; on an empty line, not in vi mode"),
    KeyRow("Ctrl+C", (("c-c",),), "stops the answer and keeps what came; else clears the line; else hints, and twice within 2 s leaves"),
    KeyRow("Ctrl+D", (("c-d",),), "leaves, on an empty line"),
    KeyRow("Ctrl+Z", (("c-z",),), "suspends plait; fg comes back"),
    KeyRow("Ctrl+L", (("c-l",),), "draws the prompt anew"),
    KeyRow("Alt+B, Alt+F", (("escape", "b"), ("escape", "f")), "moves by words, as Alt+Left and Alt+Right do"),
    KeyRow("Ctrl+W, Ctrl+U, Ctrl+K", (("c-w",), ("c-u",), ("c-k",)), "deletes a word, to the beginning, to the end"),
    KeyRow("Ctrl+Y", (("c-y",),), "brings back what was deleted"),
    KeyRow("Ctrl+_", (("c-_",),), "undoes an edit of the line"),
)

_PAGE = """# Keys

These are the keys of the prompt; the others are those of readline. `/vim`, or `vi_mode = true` in the settings, edits with the keys of vi
instead: Enter, Ctrl+C, Ctrl+D, Ctrl+G, Tab and the history stay. Every key that does more than edit has a command as well.

| key | does |
|---|---|
"""


def render_keys(look: Look) -> str:
    """The page of `/help keys`."""
    return heading("Keys", look) + pairs([(row.told, row.does) for row in KEYS], look)


def page() -> str:
    """`docs/keys.md`."""
    return _PAGE + "".join(f"| {row.told} | {row.does} |\n" for row in KEYS)


if __name__ == "__main__":
    sys.stdout.write(page())
