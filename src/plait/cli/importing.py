"""`plait import`: conversations of other programs become completed sessions of plait's.

It owns the database while it writes, and refuses where another plait has it. What was not taken is listed with its place and counted; the
exit code is 1 where something was broken. Progress goes to stderr, the end to stdout.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from plait.cli.import_files import Source, places, read, sources
from plait.cli.import_sessions import Counts, Importer, World
from plait.core.counting import counted
from plait.core.errors import NewerDatabase, StoreError, UsageError
from plait.core.sanitize import sanitize
from plait.exchange.imports.formats import FORMATS
from plait.exchange.imports.found import Conversation, Left
from plait.names import named
from plait.paths import Paths, ensure
from plait.store.salvage import MovedAside
from plait.store.sqlite import Finding, SqliteStore, open_store

SHOWN = 3
"""Places that are named for each reason; the rest is counted."""
MB = 1_000_000
BEAT = 0.2
"""Seconds between two lines of progress."""
INDEXING = 3.0
"""Seconds in which what was imported is taken into the index, so that a search finds it at once; the next prompt goes on with the rest."""


@dataclass(slots=True)
class Report:
    """What was not taken, by reason, with the first few places."""

    reasons: dict[tuple[bool, str], list[str]] = field(default_factory=dict)
    counts: dict[tuple[bool, str], int] = field(default_factory=dict)

    def add(self, left: Left) -> None:
        """One more."""
        key = (left.loss, left.reason)
        self.counts[key] = self.counts.get(key, 0) + left.count
        shown = self.reasons.setdefault(key, [])
        if len(shown) < SHOWN:
            shown.append(left.place)

    @property
    def losses(self) -> int:
        """How much was broken."""
        return sum(count for (loss, _), count in self.counts.items() if loss)

    def lines(self) -> Iterator[str]:
        """The list, what was broken first."""
        for wanted, head in ((True, "Could not be read:"), (False, "Left out:")):
            found = [(reason, count) for (loss, reason), count in self.counts.items() if loss is wanted]
            if found:
                yield head
            for reason, count in found:
                where = self.reasons[wanted, reason]
                more = "" if count <= len(where) else ", …"
                yield f"  {count:,} × {sanitize(reason)} ({sanitize(', '.join(where))}{more})"


class _Progress:
    """One line on a terminal that is redrawn; nothing elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = stream.isatty()
        self._next = 0.0
        self._done = 0
        self.conversations = 0
        self._drawn = False

    def told(self, bytes_read: int) -> None:
        """How far the file is."""
        if self._shown and (now := time.monotonic()) >= self._next:
            self._next = now + BEAT
            size = (self._done + bytes_read) / MB
            self._stream.write(f"\r\x1b[KReading: {size:,.0f} MB, {self.conversations:,} conversations")
            self._stream.flush()
            self._drawn = True

    def file_done(self, size: int) -> None:
        """A file is over."""
        self._done += size

    def close(self) -> None:
        """Take the line off the screen."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


@dataclass(frozen=True, slots=True)
class Request:
    """What is imported: files, or all that is found on this machine where there are none; `directory` is the current one."""

    files: tuple[str, ...]
    format: str
    directory: str
    dry_run: bool


def run_import(request: Request, paths: Paths, environ: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    """Import, or list what would be. Returns the exit code. Raises `UsageError`, `StoreError`; `StoreBusy` where a plait runs."""
    report = Report()
    found: dict[Path, list[Source]] = {}
    for path, name in _wanted(request, environ):
        for one in sources(path, name):
            if isinstance(one, Left):
                report.add(one)
            else:
                found.setdefault(path, []).append(one)
    with closing(_Progress(err)) as progress:
        if request.dry_run:
            lines = list(_dry_run(found, report, progress))
            if found and not request.files:
                found_places = " ".join(shlex.quote(str(path)) for path in found)
                lines.append(f"To import all of it: plait import {sanitize(found_places)}")
        else:
            lines = _import(request, paths, [one for files in found.values() for one in files], report, progress, err)
    for line in (*lines, *report.lines()):
        out.write(f"{line}\n")
    return 1 if report.losses else 0


def _wanted(request: Request, environ: Mapping[str, str]) -> list[tuple[Path, str]]:
    if request.files:
        return [(Path(os.path.abspath(os.path.expanduser(one))), request.format) for one in request.files]
    return [(path, name) for name, path in places(environ, request.directory) if path.exists()]


def _dry_run(found: Mapping[Path, Sequence[Source]], report: Report, progress: _Progress) -> Iterator[str]:
    if not found:
        yield "Nothing was found that could be imported. Give a file or a directory: plait import PATH"
        return
    for path, files in found.items():
        tallies: dict[str, _Tally] = {}
        for source in files:
            tally = tallies.setdefault(source.format, _Tally())
            for one in read(source, progress.told):
                tally.add(one, report)
                progress.conversations += isinstance(one, Conversation)
            tally.files, tally.size = tally.files + 1, tally.size + source.size
            progress.file_done(source.size)
        for name, tally in tallies.items():
            yield f"{name}: {tally}  {sanitize(str(path))}"
    yield "Nothing was imported."


@dataclass(slots=True)
class _Tally:
    """What one place holds in one format."""

    files: int = 0
    conversations: int = 0
    messages: int = 0
    size: int = 0

    def add(self, one: Conversation | Left, report: Report) -> None:
        """One more."""
        if isinstance(one, Left):
            report.add(one)
        elif any(not said.empty for said in one.said):
            self.conversations += 1
            self.messages += sum(said.role in ("user", "assistant") for said in one.said)

    def __str__(self) -> str:
        counts = (counted(self.conversations, "conversation"), counted(self.messages, "message"), counted(self.files, "file"))
        return f"{', '.join(counts)}, {self.size / MB:,.1f} MB"


def _import(request: Request, paths: Paths, found: Sequence[Source], report: Report, progress: _Progress, err: TextIO) -> list[str]:
    def tell(finding: Finding) -> None:
        err.write(f"plait: {sanitize(finding.text)}\n")
        if isinstance(finding, MovedAside):
            report.add(Left(str(finding.path), "the database could not be read and was put aside"))

    ensure(paths.data)
    with closing(open_store(paths.database, now=time.time(), report=tell)) as store:
        if store.read_only_reason:
            raise NewerDatabase(store.read_only_reason)
        importer = _importer(store, request.directory)
        try:
            for source in found:
                for one in read(source, progress.told):
                    _take(one, source, importer, report)
                    progress.conversations += isinstance(one, Conversation)
                progress.file_done(source.size)
            importer.flush()
            until = time.monotonic() + INDEXING
            while store.index() and time.monotonic() < until:
                pass
        except (KeyboardInterrupt, StoreError):
            progress.close()
            err.write(f"plait: Stopped. {_result(importer.counts)} They are whole; the same command goes on with the rest.\n")
            raise
        return [_result(importer.counts)]


def _importer(store: SqliteStore, directory: str) -> Importer:
    return Importer(World(store, named, directory, time.time, lambda: os.urandom(6).hex()))


def _take(one: Conversation | Left, source: Source, importer: Importer, report: Report) -> None:
    if isinstance(one, Left):
        report.add(one)
    elif importer.take(one) == "empty":
        report.add(Left(f"{source.path}, {one.id}", "a conversation in which nothing was said", loss=False))


def _result(counts: Counts) -> str:
    parts = [f"{counted(counts.new, 'conversation')} imported" + (f" ({counted(counts.messages, 'message')})" if counts.messages else "")]
    if counts.grown:
        parts.append(f"{counts.grown:,} continued where the file had grown")
    if counts.known:
        parts.append(f"{counts.known:,} here already")
    return ", ".join(parts) + "."


def check(files: Sequence[str], format_name: str, *, scan: bool) -> None:
    """Raises `UsageError` for a command line that says nothing to import, two things at once, or a format that is not known."""
    if scan and files:
        raise UsageError("--scan looks in the places where other programs keep their conversations. Leave out the paths, or --scan.")
    if not scan and not files:
        raise UsageError("There is nothing to import. Give files or directories, or see what there is with: plait import --scan")
    if format_name and format_name not in FORMATS:
        raise UsageError(f"There is no format '{format_name[:40]}'. Give one of: {', '.join(sorted(FORMATS))}.")
