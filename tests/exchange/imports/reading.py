"""The fixtures, and how tests read and import them.

`aider-0.86.md` and the three `llm-*.sql` were written by aider 0.86.2 and llm 0.27.1 and 0.36 themselves (llm with its echo model, its
database without the search index). `claude-code-2.1*.jsonl` and `codex-0.171.jsonl` were written by Claude Code 2.1.197 (`claude -p`, then
`claude -c -p`; `-prompt` at its prompt, with commands and a compaction) and Codex CLI 0.171.0 (`codex exec`, then `codex exec resume
--last`), each from npm, with a server on loopback as their provider that answers with thinking, a tool call and a text. Texts of their own
of more than 300 characters were cut, records for their own use thinned out, the directory renamed. The others are written by hand after the
programs' formats; those of aichat, a program in Rust, after its source.
"""

from __future__ import annotations

import io
import sqlite3  # noqa: TID251  # makes the databases that the other program would have made
from collections.abc import Sequence
from pathlib import Path

from plait.cli.import_sessions import Importer, World
from plait.core.naming import Proposal
from plait.exchange.imports.formats import READERS
from plait.exchange.imports.found import Conversation, Left
from plait.store.sqlite import SqliteStore, open_store

FIXTURES = Path(__file__).parent / "fixtures"
FILES = {
    "chatgpt.json": "chatgpt",
    "claude-ai.json": "claude-ai",
    "claude-code.jsonl": "claude-code",
    "claude-code-2.1.jsonl": "claude-code",
    "claude-code-2.1-prompt.jsonl": "claude-code",
    "codex.jsonl": "codex",
    "codex-0.171.jsonl": "codex",
    "codex-old.jsonl": "codex",
    "aider-0.86.md": "aider",
    "aichat.yaml": "aichat",
    "aichat-messages.md": "aichat",
    "jsonl.jsonl": "jsonl",
}
"""The fixtures that are streams, with their formats."""
NOW = 1_800_000_000.0


def read_bytes(data: bytes, name: str, origin: str = "/nowhere/file") -> tuple[list[Conversation], list[Left]]:
    """The conversations in `data`, and what was not taken."""
    found = list(READERS[name](io.BytesIO(data), origin))
    return [one for one in found if isinstance(one, Conversation)], [one for one in found if isinstance(one, Left)]


def fixture(file: str) -> tuple[list[Conversation], list[Left]]:
    """What a fixture holds."""
    return read_bytes((FIXTURES / file).read_bytes(), FILES[file])


def database_of(file: str, directory: Path) -> Path:
    """The `logs.db` of a fixture of llm."""
    path = directory / "logs.db"
    with sqlite3.connect(path) as made:
        made.executescript((FIXTURES / file).read_text(encoding="utf-8"))
    made.close()
    return path


def store_at(directory: Path) -> SqliteStore:
    """A store of plait's own in a fresh directory, or the one that is there."""
    return open_store(directory / "data" / "plait.db", now=NOW, report=lambda finding: None)


def importer_into(store: SqliteStore, directory: Path) -> Importer:
    """An importer whose sessions are all called `talk`."""

    def named(texts: Sequence[str]) -> Proposal:
        return Proposal("talk" if texts else "", "debug")

    numbers = iter(range(10_000))
    return Importer(World(store, named, str(directory), lambda: NOW, lambda: f"{next(numbers):012x}"))


def import_all(store: SqliteStore, directory: Path, conversations: Sequence[Conversation]) -> Importer:
    """Import them in one go; returns the importer with its counts."""
    importer = importer_into(store, directory)
    for one in conversations:
        importer.take(one)
    importer.flush()
    return importer
