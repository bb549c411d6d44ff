"""Files that conversations are imported from: where they live, in which format they are, and their streams. Nothing is written there."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from plait.core.errors import StoreError, UsageError
from plait.exchange.imports import aichat, aider, claude_code, codex, llm
from plait.exchange.imports.formats import FORMATS, HEAD, READERS, ZIP, format_of
from plait.exchange.imports.found import Conversation, Left, Reading
from plait.store.foreign import foreign_database

_EXPORT = re.compile(r"conversations[\w.-]*\.json")
"""The names of what ChatGPT and Claude.ai export, also in their archives: `conversations.json`, `conversations-001.json`."""
AIDER = ".aider.chat.history.md"
AICHAT = "messages.md"
_MAYBE = (".json", ".yaml", ".yml", AICHAT)
"""How names end of files that are looked into; in a directory there may be any number of others that end so."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file in a known format; `member` is the file in an archive, empty where it is none."""

    path: Path
    format: str
    size: int
    member: str = ""


Told = Callable[[int], None]
"""Is given the bytes of a file that have been read."""


def sources(path: Path, format_name: str = "") -> Iterator[Source | Left]:
    """The files at `path`: itself, those in it if it is a directory or an archive. Raises `UsageError` where there is nothing to read."""
    try:
        if path.is_dir():
            yield from _in_directory(path, format_name)
            return
        if not path.is_file():
            raise UsageError(f"{path} is not there, or not a file. Give a file, or a directory with files.")
        found = list(_in_file(path, format_name))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}). Give a file that you may read.") from error
    if not found:
        raise UsageError(f"{path} is in no format that plait knows. If you know it, give --format NAME with one of: {', '.join(FORMATS)}.")
    yield from found


def _in_directory(directory: Path, format_name: str) -> Iterator[Source | Left]:
    for place, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            wanted = name.endswith(".jsonl") or _EXPORT.fullmatch(name) or name in (AIDER, "logs.db")
            if not (wanted or name.endswith(_MAYBE)) or path.is_symlink() or not path.is_file():
                continue
            try:
                found = list(_in_file(path, format_name))
            except OSError as error:
                yield Left(str(path), f"the file cannot be read ({error.strerror})")
                continue
            except UsageError:
                yield Left(str(path), "the archive cannot be read")
                continue
            yield from found
            if not found and wanted:
                yield Left(str(path), "the file is in no format that plait knows", loss=False)


def _in_file(path: Path, format_name: str) -> Iterator[Source]:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(ZIP):
        yield from _in_archive(path, format_name)
    elif found := format_name or format_of(head):
        yield Source(path, found, path.stat().st_size)


def _in_archive(path: Path, format_name: str) -> Iterator[Source]:
    """The exports in an archive. They are read where they are; nothing is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if not _EXPORT.fullmatch(os.path.basename(member.filename)):
                    continue
                with archive.open(member) as stream:
                    found = format_name or format_of(stream.read(HEAD))
                if found in READERS:
                    yield Source(path, found, member.file_size, member.filename)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, EOFError) as error:
        raise UsageError(f"The archive {path} cannot be read ({error}). Unpack it, and give the conversations.json in it.") from error


def read(source: Source, told: Told) -> Reading:
    """What the file holds, and what of it cannot be read; an error of the disk is told at the end."""
    try:
        if source.format == llm.SOURCE:
            with foreign_database(source.path) as tables:
                yield from llm.read(tables, str(source.path))
            told(source.size)
            return
        with _opened(source) as stream:
            for found in READERS[source.format](stream, str(source.path)):
                told(stream.tell())
                yield _dated(found, source.path)
    except StoreError as error:
        yield Left(str(source.path), str(error))
    except OSError as error:
        yield Left(str(source.path), f"the file cannot be read to its end ({error.strerror or error})")
    except (zipfile.BadZipFile, EOFError, RuntimeError) as error:
        yield Left(str(source.path), f"the archive cannot be read to its end ({error})")


def _dated(found: Conversation | Left, path: Path) -> Conversation | Left:
    """A conversation that says nothing of its time was held before its file was written for the last time."""
    if isinstance(found, Left) or found.created is not None or any(said.at is not None for said in found.said):
        return found
    return replace(found, created=path.stat().st_mtime)


@contextmanager
def _opened(source: Source) -> Iterator[IO[bytes]]:
    if source.member:
        with zipfile.ZipFile(source.path) as archive, archive.open(source.member) as member:
            yield member
    else:
        with source.path.open("rb", buffering=1024 * 1024) as file:
            yield file


def places(environ: Mapping[str, str], directory: str) -> list[tuple[str, Path]]:
    """Where the conversations of other programs live on this machine, with the format; those that are not there too."""
    home = Path(environ.get("HOME") or "/")
    support = home / "Library" / "Application Support" if sys.platform == "darwin" else home / ".config"
    claude = Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude")
    rollouts = Path(environ.get("CODEX_HOME") or home / ".codex")
    logs = Path(environ.get("LLM_USER_PATH") or support / "io.datasette.llm")
    chats = Path(environ.get("AICHAT_CONFIG_DIR") or Path(environ.get("XDG_CONFIG_HOME") or support) / "aichat")
    here = Path(directory)
    found = [
        (claude_code.SOURCE, claude / "projects"),
        (codex.SOURCE, rollouts / "sessions"),
        (codex.SOURCE, rollouts / "archived_sessions"),
        (llm.SOURCE, logs / "logs.db"),
        (aichat.SOURCE, Path(environ.get("AICHAT_SESSIONS_DIR") or chats / "sessions")),
        (aichat.SOURCE, Path(environ.get("AICHAT_MESSAGES_FILE") or chats / AICHAT)),
        ("", chats / "agents"),
        *((aider.SOURCE, above / AIDER) for above in (here, *here.parents)),
    ]
    return found + [("", path) for path in _downloads(home / "Downloads")]


def _downloads(directory: Path) -> list[Path]:
    """Exports that were downloaded, packed or not."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    found = []
    for name in names:
        path = directory / name
        if _EXPORT.fullmatch(name) or (name.endswith(".zip") and _holds_export(path)):
            found.append(path)
    return found


def _holds_export(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(_EXPORT.fullmatch(os.path.basename(name)) for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, RuntimeError):
        return False
