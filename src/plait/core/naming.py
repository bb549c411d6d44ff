"""Names of sessions: kebab-case, at most 20 characters, unique in a project."""

from __future__ import annotations

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
NAMING_MESSAGES = 3
"""The user's first messages, from which a session gets its name; after them it stays."""
_ALLOWED = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a session's first messages say that it is about: a name, empty if nothing in them makes one, and a kind."""

    name: str
    kind: Kind


def checked_name(name: str) -> str:
    """`name` if it can be one. Raises `UsageError` with a proposal made from it."""
    name = unicodedata.normalize("NFC", name)
    if len(name) <= NAME_LENGTH and name == name.lower() and _ALLOWED.fullmatch(name):
        return name
    proposal = proposed(name)
    hint = f"Try '{proposal}'." if proposal else "Use letters and digits, joined by '-'."
    raise UsageError(
        f"'{name[:40]}' cannot be the name of a session: lower-case words joined by '-', {NAME_LENGTH} characters at most. {hint}"
    )


def proposed(text: str) -> str:
    """A name made from any text; empty if nothing in it can be used."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).lower())
    name = ""
    for word in words:
        longer = f"{name}-{word}" if name else word[:NAME_LENGTH]
        if len(longer) > NAME_LENGTH:
            break
        name = longer
    return name


def unique_name(name: str, taken: Collection[str]) -> str:
    """`name`, with a number inside the 20 characters if it is taken already."""
    if name not in taken:
        return name
    number = 2
    while True:
        tail = f"-{number}"
        candidate = name[: NAME_LENGTH - len(tail)].rstrip("-") + tail
        if candidate not in taken:
            return candidate
        number += 1


def numbered_name(kind: Kind, taken: Collection[str]) -> str:
    """A name where the messages give none: the kind and the first free number."""
    number = 1
    while (name := f"{kind}-{number}") in taken:
        number += 1
    return name


def session_named(rows: Sequence[SessionInfo], name: str, directory: str) -> SessionInfo | None:
    """The session of that name or id: of `directory` first, else the only one elsewhere; an open one before a completed one.

    Raises `UsageError` where several elsewhere have the name.
    """
    named = [row for row in rows if name in (row.name, row.id)]
    here = [row for row in named if row.directory == directory]
    places = {row.directory for row in named}
    if not here and len(places) > 1:
        listed = ", ".join(sorted(places)[:5])
        raise UsageError(f"More than one session is named '{name}' ({listed}). Start in the directory of the one you mean, or give its id.")
    return min(here or named, key=lambda row: row.state is SessionState.COMPLETED, default=None)
