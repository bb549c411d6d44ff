"""Which document sessions become: its format, its file's name, and whether secrets are cut out of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal, TypeAlias

from plait.core.commands import SessionInfo
from plait.core.secrets import MARK
from plait.exchange.document import Kept, to_json
from plait.exchange.html import to_html
from plait.exchange.markdown import to_markdown
from plait.exchange.redact import redacted
from plait.exchange.story import story_of

Format: TypeAlias = Literal["markdown", "json", "html"]
SUFFIXES: dict[str, Format] = {".md": "markdown", ".markdown": "markdown", ".json": "json", ".html": "html", ".htm": "html"}
"""What the end of a file's name says of its format."""
_ENDS: dict[Format, str] = {"markdown": ".md", "json": ".json", "html": ".html"}


@dataclass(frozen=True, slots=True)
class Exported:
    """A session with its line in the list, and all that is kept of it."""

    row: SessionInfo
    kept: Kept


Cut: TypeAlias = Callable[[str], str] | None
"""Takes the secrets out of a text; None leaves them."""


def render(sessions: Sequence[Exported], form: Format, *, program: str, at: float, cut: Cut) -> str:
    """One document of all these sessions."""
    return "".join(pieces(sessions, len(sessions), form, program=program, at=at, cut=cut))


def pieces(sessions: Iterable[Exported], count: int, form: Format, *, program: str, at: float, cut: Cut) -> Iterator[str]:
    """The document of so many sessions, piece by piece; no more than one of them is held at a time."""
    if cut is not None:
        # `first` says once more how the first message begins: no document has it, and a secret in it would be counted twice.
        sessions = (redacted(replace(one, row=replace(one.row, first="")), cut) for one in sessions)
    if form == "json":
        return to_json((one.kept for one in sessions), program=program, at=at, redacted=cut is not None)
    stories = (story_of(one.row, one.kept.events) for one in sessions)
    return to_markdown(stories) if form == "markdown" else to_html(stories, count)


def file_name(row: SessionInfo, form: Format) -> str:
    """What the document of one session is called: its name and the beginning of its id, in letters that every disk takes."""
    return re.sub(r"[^\w-]", "_", f"{row.name[:40]}-{row.id[:12]}") + _ENDS[form]


def format_of(name: str) -> Format | None:
    """The format that a file's name asks for; None if it says nothing."""
    return SUFFIXES.get(PurePath(name).suffix.lower())


def secrets_told(found: int) -> str:
    """What was cut out, as a sentence; empty if nothing was."""
    if not found:
        return ""
    return f"{found:,} secret{' was' if found == 1 else 's were'} replaced by {MARK}. With --with-secrets they stay."
