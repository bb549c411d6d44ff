"""Which session somebody means who comes back: by its name, its id, or words of what it was about. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from plait.core.commands import SessionInfo
from plait.core.errors import UsageError
from plait.core.naming import ID_PREFIX, session_named
from plait.core.states import SessionState

LISTED = 9
"""Sessions that are named where several can be meant."""


def resumable(rows: Sequence[SessionInfo], directory: str = "") -> list[SessionInfo]:
    """The sessions that one can choose from, those of the project that works in `directory` first, pinned ones before the ones used last.

    What lies in trash or archive is not among them, nor what was closed without a word.
    """
    closed = SessionState.COMPLETED
    there = [row for row in rows if not row.trashed_at and not row.archived and (row.messages or row.state is not closed)]
    here = {row.project for row in there if row.directory == directory}
    return sorted(there, key=lambda row: (row.project not in here, not row.pinned, -row.used_at, row.id))


def closed_to_resume(rows: Sequence[SessionInfo], home: str) -> list[SessionInfo]:
    """The closed ones of them in their order, those of the project `home` first."""
    return sorted((row for row in resumable(rows) if row.state is SessionState.COMPLETED), key=lambda row: row.project != home)


class Candidates:
    """Sessions in the order in which they are offered, and what of them is looked at by whoever looks for one."""

    def __init__(self, rows: Sequence[SessionInfo]) -> None:
        self.rows = tuple(rows)
        self._texts = ["\n".join((row.name, row.title, row.first, row.project, row.directory, *row.tags)).casefold() for row in rows]
        self._first: dict[str, str] = {}
        for row in rows:
            self._first.setdefault(row.name, row.id)

    def __repr__(self) -> str:
        return f"<Candidates [{len(self.rows)} sessions]>"

    def fitting(self, words: str, most: int = 0) -> list[SessionInfo]:
        """Those in which all the words stand: in name, title, first message, project, directory or tags; or whose id begins so.

        Those whose name begins with what was typed come first. `most` 0 means all.
        """
        wanted = words.casefold().split()
        found = [row for row, text in zip(self.rows, self._texts, strict=True) if all(word in text for word in wanted)]
        if not found and len(wanted) == 1 and len(wanted[0]) >= ID_PREFIX:
            found = [row for row in self.rows if row.id.startswith(wanted[0])]
        if wanted:
            found.sort(key=lambda row: not row.name.casefold().startswith(wanted[0]))
        return found[:most] if most else found

    def word_for(self, row: SessionInfo) -> str:
        """What to type for a session: its name where that means it before others, else its id."""
        return row.name if self._first.get(row.name) == row.id else row.id


def those_meant(rows: Sequence[SessionInfo], words: str, directory: str) -> list[SessionInfo]:
    """The sessions that can be meant, wherever they lie but in the trash: that of this name or id, else all that are about it."""
    word = words.strip()
    if named := session_named(rows, word, directory):
        return [named]
    return Candidates(resumable(rows, directory)).fitting(word)


def session_to_resume(rows: Sequence[SessionInfo], words: str, directory: str) -> SessionInfo:
    """The one session that is meant, see `those_meant`. Raises `UsageError` with the candidates, or the nearest name."""
    word = words.strip()
    found = those_meant(rows, word, directory)
    if len(found) == 1:
        return found[0]
    if found:
        more = f" and {len(found) - LISTED:,} more" if len(found) > LISTED else ""
        names = ", ".join(f"{row.name} ({row.id})" for row in found[:LISTED])
        raise UsageError(f"'{word[:40]}' can mean {len(found):,} sessions: {names}{more}. Give a name or an id.")
    if any(word == row.name for row in rows):
        raise UsageError(f"'{word}' lies in the trash. Take it out first: /reopen {word}, or plait trash restore {word} in a shell.")
    near = difflib.get_close_matches(word.casefold(), [row.name for row in rows if not row.trashed_at], n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else "plait sessions --all lists all."
    raise UsageError(f"No session is called '{word[:40]}', and none is about that. {hint}")
