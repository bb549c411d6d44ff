"""`plait sessions`: the stored sessions, from the shell; the open ones as the plait that owns them has them now, if one does."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from plait.core.commands import SessionInfo
from plait.core.ports import Project
from plait.core.sanitize import sanitize_line
from plait.core.selection import Selection, pinned_first
from plait.core.session import SessionState
from plait.exchange.listing import UNBROKEN, Listed, json_lines, places
from plait.runtime.projects import nearest_project
from plait.store.files import resolved
from plait.store.owner import announced
from plait.store.reading import reading


def sessions_json(database: Path, directory: str, selection: Selection) -> str:
    """The array of `/sessions --json`; `directory` decides whose numbers come first."""
    return json_lines(_listed(database, directory, selection))


def list_sessions(database: Path, directory: str, out: TextIO, environ: Mapping[str, str], selection: Selection) -> str:
    """The list as `/sessions` shows it, for a terminal of this width or, elsewhere, in words."""
    # What paints is imported by who looks at a painted list; a status bar asks for JSON, many times a minute.
    from plait.repl.slash.layout import lines
    from plait.repl.slash.listing import list_rows
    from plait.repl.style import Look

    listed = _listed(database, directory, selection)
    if not listed:
        return f"{sanitize_line(_none(selection))}\n"
    width = shutil.get_terminal_size().columns if out.isatty() else UNBROKEN
    look = Look.of_terminal(environ, tty=out.isatty(), encoding=out.encoding or "utf-8", width=width)
    return lines(list_rows(listed, look, time.time()), look)


def _none(selection: Selection) -> str:
    """What is told where nothing is listed."""
    every = "" if selection.closed else " plait sessions --all lists the closed ones, too."
    if selection.narrows:
        return f"No session fits '{selection.asked[:80]}'.{every}"
    if selection.trashed or selection.archived:
        return f"The {'trash' if selection.trashed else 'archive'} is empty."
    return f"No session is {'stored' if selection.closed else 'open'}. plait opens one.{every}"


def _listed(database: Path, directory: str, selection: Selection) -> list[Listed]:
    with reading(database) as reader:
        if reader is None:
            return []
        rows, home = reader.sessions(), home_of(reader.projects(), directory)
    rows = _as_they_are(rows, database)
    numbers = {one.row.id: one.number for one in numbered(rows, home)}
    chosen = selection.of(rows)
    opened = sorted((row for row in chosen if row.id in numbers), key=lambda row: numbers[row.id])
    over = sorted((row for row in chosen if row.id not in numbers), key=lambda row: (row.trashed_at > 0, row.project != home))
    named = places(chosen, home)
    return [Listed(row, numbers.get(row.id, 0), place=named.get(row.project, "")) for row in (*pinned_first(opened), *pinned_first(over))]


def _as_they_are(rows: list[SessionInfo], database: Path) -> list[SessionInfo]:
    """`rows` of the disk, with those that are open as their owner tells them."""
    if not announced(resolved(database))[1]:
        return rows
    from plait.attaching import open_sessions

    live = {row.id: row for row in open_sessions(resolved(database))}
    return [*(live.pop(row.id, row) for row in rows), *live.values()]


def numbered(rows: Sequence[SessionInfo], home: str) -> list[Listed]:
    """The open sessions with the numbers that they have at a prompt in the project `home`."""
    rows = [row for row in rows if row.state is not SessionState.COMPLETED]
    ordered = sorted(rows, key=lambda row: (row.project != home, row.created_at, row.id))
    return [Listed(row, number) for number, row in enumerate(ordered, 1)]


def home_of(projects: Sequence[Project], directory: str) -> str:
    """The project that a directory belongs to: the nearest registered one above it; empty if there is none."""
    nearest = nearest_project(projects, directory)
    return nearest.id if nearest is not None else ""
