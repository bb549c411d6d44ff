"""Names of sessions: kebab-case, at most 20 characters, unique in a project."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from plait.core.commands import SessionInfo
from plait.core.errors import UsageError
from plait.core.events import Kind
from plait.core.session import SessionState

NAME_LENGTH = 20
PLACEHOLDER = "default"
ID_PREFIX = 4
"""Characters of an id from which on it is taken for one."""
NAMING_MESSAGES = 3
"""The user's first messages, from which a session gets its name; after them it stays."""
_LETTER = r"[^\W_]"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a session's first messages say that it is about: a name, empty if nothing in them makes one, and a kind."""

    name: str
    kind: Kind


def checked_name(name: str) -> str:
    """`name` if it can be one. Raises `UsageError` with a proposal made from it."""
    name = unicodedata.normalize("NFC", name)
    word = _word(name)
    if len(name) <= NAME_LENGTH and name == name.lower() and re.fullmatch(f"{word}(?:-{word})*", name):
        return name
    proposal = proposed(name)
    hint = f"Try '{proposal}'." if proposal else "Use letters and digits, joined by '-'."
    raise UsageError(
        f"'{name[:40]}' cannot be the name of a session: lower-case words joined by '-', {NAME_LENGTH} characters at most. {hint}"
    )


def proposed(text: str) -> str:
    """A name made from any text; empty if nothing in it can be used."""
    text = unicodedata.normalize("NFC", text).lower()
    words = re.findall(_word(text), text)
    name = ""
    for word in words:
        longer = f"{name}-{word}" if name else word[:NAME_LENGTH]
        if len(longer) > NAME_LENGTH:
            break
        name = longer
    return name


def _word(text: str) -> str:
    """The pattern of a word in `text`: a letter or digit, then more of them and marks such as the vowel signs of Thai and Hindi."""
    if text.isascii():
        return f"{_LETTER}+"
    marks = "".join({char for char in text if unicodedata.category(char) in ("Mn", "Mc")})
    return f"{_LETTER}(?:{_LETTER}|[{marks}])*" if marks else f"{_LETTER}+"


def unique_name(name: str, taken: Collection[str], *, first: int = 2) -> str:
    """`name`, with a number inside the 20 characters, from `first` on, if it is taken already."""
    if name not in taken:
        return name
    number = first
    while True:
        tail = f"-{number}"
        candidate = name[: NAME_LENGTH - len(tail)].rstrip("-") + tail
        if candidate not in taken:
            return candidate
        number += 1


def numbered_name(kind: Kind, taken: Collection[str], *, first: int = 1) -> str:
    """A name where the messages give none: the kind and the first free number from `first` on."""
    number = first
    while (name := f"{kind}-{number}") in taken:
        number += 1
    return name


def session_meant(rows: Sequence[SessionInfo], word: str, home: str = "") -> SessionInfo:
    """The one of `rows`, which are in the order of their numbers, that `word` names: name, number from 1, prefix of a name or of an id.

    A name goes before a number, so that a session called `7` can be reached; one of the project `home` before its namesakes elsewhere.
    Capitals do not matter. Raises `UsageError` with the candidates where several fit, with the nearest name where none does.
    """
    wanted = unicodedata.normalize("NFC", word.strip()).casefold()
    named = [row for row in rows if row.name.casefold() == wanted]
    at_home = [row for row in named if row.project == home]
    if len(at_home or named) == 1:
        return (at_home or named)[0]
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else 0
    if not named and 0 < number <= len(rows):
        return rows[number - 1]
    found = named or [row for row in rows if wanted and row.name.casefold().startswith(wanted)]
    found = found or [row for row in rows if len(wanted) >= ID_PREFIX and row.id.startswith(wanted)]
    if not found and wanted.isascii() and wanted.isdigit():
        raise UsageError(f"There is no session number {wanted[:9]}: they go from 1 to {len(rows)}. /sessions lists them.")
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{rows.index(row) + 1} {row.name} in {row.directory}" for row in found[:9])
        raise UsageError(f"'{word.strip()[:40]}' can mean {len(found)} sessions: {listed}. Type more of the name, or the number.")
    near = difflib.get_close_matches(wanted, [row.name.casefold() for row in rows], n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else "/sessions lists those that are open."
    raise UsageError(f"No open session is called '{word.strip()[:40]}'. {hint}")


def session_named(rows: Sequence[SessionInfo], name: str, directory: str) -> SessionInfo | None:
    """The session of that name or id: of `directory` first, else the only one elsewhere; an open one before a completed one.

    What lies in the trash is not found. Raises `UsageError` where several elsewhere have the name.
    """
    named = [row for row in rows if name in (row.name, row.id) and not row.trashed_at]
    here = [row for row in named if row.directory == directory]
    places = {row.directory for row in named}
    if not here and len(places) > 1:
        listed = ", ".join(sorted(places)[:5])
        raise UsageError(f"More than one session is named '{name}' ({listed}). Start in the directory of the one you mean, or give its id.")
    return min(here or named, key=lambda row: row.state is SessionState.COMPLETED, default=None)
