"""`plait export`: sessions as documents, also while plait runs. Nothing is overwritten; nothing is written if one of the files is there."""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from plait import __version__
from plait.cli.sessions import home_of
from plait.core.commands import SessionInfo
from plait.core.counting import counted
from plait.core.errors import UsageError
from plait.core.naming import ID_PREFIX, session_named
from plait.core.ports import Project
from plait.core.sanitize import sanitize
from plait.core.secrets import Secrets
from plait.exchange.document import Kept
from plait.exchange.export import SUFFIXES, Exported, Format, file_name, format_of, pieces, secrets_told
from plait.exchange.new_file import taken, write_pieces
from plait.store.reading import Reader, reading


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for; no names and not all means the session used last in the directory's project."""

    directory: str
    names: Sequence[str] = ()
    everything: bool = False
    form: str | None = None
    """None goes by the name of `output`, else it is Markdown."""
    output: str | None = None
    """A file for all of them, or a directory for a file each; None is standard output."""
    with_secrets: bool = False


def export(database: Path, environ: Mapping[str, str], request: Request, out: TextIO) -> str:
    """Write the document, to `out` where there is no other place; returns what to tell then. Raises `PlaitError`."""
    if request.everything and request.names:
        raise UsageError("There are names, and --all. Give one of them.")
    form = _form(request)
    secrets = None if request.with_secrets else Secrets(environ)
    lost: OSError | None = None
    with reading(database) as reader:
        if reader is None:
            raise UsageError("No session is stored yet, so there is nothing to export. plait opens one.")
        rows = _chosen(reader, request)
        target = Path(os.path.join(request.directory, request.output)) if request.output else None
        if target is not None and target.is_dir():
            told = _write_each(reader, rows, target, form, secrets)
        elif target is not None:
            told = _write_one(reader, rows, target, form, secrets)
        else:
            told = []
            lost = _print(out, _pieces(reader, rows, form, secrets))
    if lost is not None:
        raise lost
    return sanitize("\n".join(line for line in (*told, secrets_told(secrets.found) if secrets else "") if line))


def _form(request: Request) -> Format:
    """Raises `UsageError` where the name of the output ends like a file of another kind."""
    match request.form:
        case "markdown" | "json" | "html" as form:
            return form
    name = Path(request.output or "")
    meant = format_of(name.name)
    if meant is None and name.suffix and not Path(request.directory, name).is_dir():
        known = ", ".join(SUFFIXES)
        raise UsageError(f"The name {name.name[:80]} does not say which format is meant. Let it end with one of {known}, or give --format.")
    return meant or "markdown"


def _chosen(reader: Reader, request: Request) -> list[SessionInfo]:
    rows = reader.sessions()
    if request.everything:
        return sorted((row for row in rows if not row.trashed_at), key=lambda row: (row.created_at, row.id))
    if request.names:
        return list({row.id: row for row in (_named(rows, name, request.directory) for name in request.names)}.values())
    home = home_of(reader.projects(), request.directory)
    here = [row for row in rows if row.project == home and not row.trashed_at]
    if not here:
        raise UsageError(f"No session belongs to {request.directory}. Name one (plait sessions --all lists them), or give --all.")
    return [max(here, key=lambda row: row.used_at)]


def _named(rows: Sequence[SessionInfo], name: str, directory: str) -> SessionInfo:
    row = session_named(rows, name, directory)
    if row is not None:
        return row
    begins = [one for one in rows if len(name) >= ID_PREFIX and one.id.startswith(name) and not one.trashed_at]
    if len(begins) == 1:
        return begins[0]
    if any(one.trashed_at and name in (one.name, one.id) for one in rows):
        raise UsageError(f"'{name[:40]}' is in the trash. plait trash restore {name[:40]} takes it out.")
    near = difflib.get_close_matches(name, [one.name for one in rows], n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else "plait sessions --all lists them."
    raise UsageError(f"No session is called '{name[:40]}'. {hint}")


def _load(reader: Reader, rows: Sequence[SessionInfo]) -> Iterator[Exported]:
    projects: dict[str, Project] = {project.id: project for project in reader.projects()}
    drafts = reader.drafts()
    for row in rows:
        yield Exported(row, Kept(row.id, projects[row.project], tuple(reader.events(row.id)), drafts.get(row.id)))


def _pieces(reader: Reader, rows: Sequence[SessionInfo], form: Format, secrets: Secrets | None) -> Iterator[str]:
    """One document of these sessions; one at a time is in memory."""
    cut = secrets.cut if secrets else None
    return pieces(_load(reader, rows), len(rows), form, program=__version__, at=time.time(), cut=cut)


def _print(out: TextIO, document: Iterator[str]) -> OSError | None:
    """What is wrong with the output, such as a pipe whose reader has gone: no fault of the database, which is open meanwhile."""
    try:
        out.writelines(document)
        out.flush()
    except OSError as error:
        return error
    return None


def _write_one(reader: Reader, rows: Sequence[SessionInfo], target: Path, form: Format, secrets: Secrets | None) -> list[str]:
    if os.path.lexists(target):
        raise taken(target)
    write_pieces(target, _pieces(reader, rows, form, secrets))
    return [_done(target, rows)]


def _write_each(reader: Reader, rows: Sequence[SessionInfo], target: Path, form: Format, secrets: Secrets | None) -> list[str]:
    """A file for each session."""
    places = {row.id: target / file_name(row, form) for row in rows}
    for place in places.values():
        if os.path.lexists(place):
            raise taken(place)
    for one in _load(reader, rows):
        made = pieces((one,), 1, form, program=__version__, at=time.time(), cut=secrets.cut if secrets else None)
        write_pieces(places[one.row.id], made)
    return [f"{counted(len(rows), 'session')} in {target}."]


def _done(target: Path, rows: Sequence[SessionInfo]) -> str:
    what = f"'{rows[0].name}'" if len(rows) == 1 else f"{len(rows):,} sessions"
    return f"{what} in {target}."
