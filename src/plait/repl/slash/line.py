"""What a line of input is: a message, a command of plait's, or a command of the shell. Pure.

Rules:
1. Only the very first character decides. `/` begins a command, `!` a command of the shell; a line that begins with a blank is a message,
   so that indented text can be pasted.
2. A first word with a second `/` in it (`/etc/hosts is odd`, `// a comment`) is a message; `/` and `//` alone are commands that nobody
   knows, which is answered with help.
3. `\\/` and `\\!` at the start are a `/` and a `!` that mean nothing; the backslash goes.
4. `![text](address)` at the start is Markdown's picture, not a command of the shell.
5. A pasted text is a message, whatever it begins with: only what was typed can be a command.
6. The argument of a command is everything after its first blank, trimmed, and is never looked into here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

OTHER_WORDS: Final[Mapping[str, str]] = {
    "attach": "switch",
    "cancel": "interrupt",
    "continue": "resume",
    "cost": "usage",
    "detach": "exit",
    "keys": "help keys",
    "list": "sessions",
    "ls": "sessions",
    "rm": "delete",
    "revert": "undo",
    "save": "session save",
    "stop": "interrupt",
    "title": "rename",
    "tokens": "usage",
    "windows": "sessions",
}
"""What other programs call a command, and what it is called here."""
_PICTURE = re.compile(r"!\[[^\]\n]*\]\(")


@dataclass(frozen=True, slots=True)
class Message:
    """Text for the model, as it was typed."""

    text: str


@dataclass(frozen=True, slots=True)
class SlashLine:
    """A command of plait's: `name` as typed, without the slash; it may be empty or unknown."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class ShellLine:
    """A command for the user's shell; it may be empty."""

    command: str


@dataclass(frozen=True, slots=True)
class BlankLine:
    """Nothing but blanks."""


Line: TypeAlias = Message | SlashLine | ShellLine | BlankLine


def parse_line(text: str, typed: str | None = None) -> Line:
    """What `text`, the whole input of one Enter, is. `typed` is the text with its pastes left out or collapsed, where it has any."""
    if not text.strip():
        return BlankLine()
    if typed is not None and typed[:1] != text[:1]:
        return Message(text)
    if text.startswith(("\\/", "\\!")):
        return Message(text[1:])
    if text.startswith("!") and not _PICTURE.match(text):
        return ShellLine(text[1:].strip())
    if text.startswith("/"):
        return _slash(text)
    return Message(text)


def _slash(text: str) -> Line:
    end = next((place for place, char in enumerate(text) if char.isspace()), len(text))
    word, argument = text[1:end], text[end:].strip()
    if "/" in word and (word, argument) != ("/", ""):
        return Message(text)
    return SlashLine(word, argument)
