"""`plait trash`: what lies in the trash, from the shell. `purge` is the only command of plait that erases anything.

The list is read beside a running plait. To change something, the plait that owns the sessions is asked; where none runs, this process owns
the database for a moment, without starting anything that waits in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import anyio
import anyio.to_thread

from plait.attaching import attached
from plait.core import commands as c, events as e
from plait.core.counting import counted
from plait.core.errors import NoOwner, StoreError, UsageError
from plait.core.filing_commands import InTrash, Purged, PurgeTrash, RestoreSession
from plait.core.messages import SessionId
from plait.core.naming import ID_PREFIX
from plait.core.ports import Write
from plait.core.sanitize import sanitize, sanitize_line
from plait.core.session import Session
from plait.program import tell
from plait.repl.slash.filing import trash_rows
from plait.repl.slash.wording import size
from plait.store.reading import reading
from plait.store.sqlite import SqliteStore, open_store

EMPTY = "The trash is empty. /delete NAME, at the prompt, puts a session there."
WORD = "purge"
"""What has to be typed for the question whether to erase."""


def read_trash(database: Path) -> list[InTrash]:
    """What lies in the trash, the last one first."""
    with reading(database) as reader:
        if reader is None:
            return []
        rows = sorted((row for row in reader.sessions() if row.trashed_at), key=lambda row: (-row.trashed_at, row.id))
        sizes = reader.sizes([row.id for row in rows])
    return [InTrash(row, sizes.get(row.id, 0)) for row in rows]


def list_trash(database: Path) -> str:
    """A line for each session."""
    trashed = read_trash(database)
    if not trashed:
        return EMPTY
    rows = trash_rows(trashed, time.time())
    widest = max(len(name) for name, _ in rows)
    lines = [sanitize_line(f"{name:<{widest}}  {facts}") for name, facts in rows]
    whole = f"{counted(len(trashed), 'session')}, {size(sum(one.size for one in trashed))}."
    return "\n".join((*lines, f"{whole} plait trash restore NAME takes one out; plait trash purge NAME erases it for good."))


def restore(database: Path, word: str) -> str:
    """Take a session out of the trash; it stays closed. Raises `PlaitError`."""
    (one,) = chosen(read_trash(database), (word,))
    row = one.info

    def by_ourselves(store: SqliteStore) -> None:
        session = Session(row.id)
        for stamped in store.read(row.id):
            session.apply(stamped)
        before = session.seq
        stamped = e.Stamped(row.id, before + 1, time.time(), e.Trashed(False))
        session.apply(stamped)
        store.append([Write(c.info_of(session, draft=False), before, store.epoch, (stamped,))])

    anyio.run(_done, database, RestoreSession(row.id), by_ourselves)
    return sanitize(f"'{row.name}' is out of the trash, and closed. /reopen {row.name}, at the prompt, opens it.")


def purge(database: Path, words: Sequence[str], *, every: bool, sure: Callable[[str], bool]) -> str:
    """Erase what `words` name, or with `every` all that lies in the trash now, if `sure` says so. Raises `PlaitError`."""
    if every == bool(words):
        raise UsageError("Say which sessions: plait trash purge NAME, or --all for the whole trash. Nothing was erased.")
    trashed = read_trash(database)
    if every and not trashed:
        return EMPTY
    found = trashed if every else chosen(trashed, words)
    rows = [one.info for one in found]
    names = ", ".join(f"'{row.name}'" for row in rows[:9]) + (f" and {len(rows) - 9:,} more" if len(rows) > 9 else "")
    what = f"{counted(len(rows), 'session')} with {counted(sum(row.messages for row in rows), 'message')}"
    if not sure(sanitize(f"{what}, {size(sum(one.size for one in found))}: {names}. This cannot be undone.")):
        return "Nothing was erased."
    sessions = tuple(row.id for row in rows)
    anyio.run(_done, database, PurgeTrash(sessions), lambda store: store.purge(sessions))
    traces = "Single words stay in the index of the file until plait vacuum, and backups made before still hold all of it."
    return f"Erased {what}. {traces}"


def asked(asking: TextIO, answering: TextIO) -> Callable[[str], bool]:
    """A question at a terminal that is answered by typing a word. Raises `UsageError` where nobody can type it."""

    def sure(text: str) -> bool:
        if not answering.isatty():
            raise UsageError("Nothing was erased, for nobody can be asked here. Add --yes to erase without a question.")
        asking.write(f"{text}\nType {WORD} to erase for good: ")
        asking.flush()
        return answering.readline().strip() == WORD

    return sure


def chosen(trashed: Sequence[InTrash], words: Sequence[str]) -> list[InTrash]:
    """The sessions in the trash that words name: by name, id, or the beginning of an id. Raises `UsageError`; none is guessed."""
    found: dict[SessionId, InTrash] = {}
    for word in words:
        named = [one for one in trashed if word in (one.info.name, one.info.id)]
        named = named or [one for one in trashed if len(word) >= ID_PREFIX and one.info.id.startswith(word)]
        if not named:
            raise UsageError(f"Nothing in the trash is called '{word[:40]}'. plait trash lists what lies there; nothing was changed.")
        if len(named) > 1:
            ids = ", ".join(one.info.id for one in named[:9])
            raise UsageError(f"'{word[:40]}' can mean {len(named)} sessions: {ids}. Give an id; nothing was changed.")
        found[named[0].info.id] = named[0]
    return list(found.values())


async def _done(database: Path, command: c.Command, by_ourselves: Callable[[SqliteStore], None]) -> None:
    """Have it done by the owner, or do it. Raises `PlaitError`, `StoreBusy` where another plait has the database and cannot be asked."""
    try:
        async with attached(database) as client:
            reply = await client.submit(command)
    except NoOwner:
        await anyio.to_thread.run_sync(_alone, database, by_ourselves)
        return
    if isinstance(reply, c.Refused):
        raise StoreError(reply.text)
    if not isinstance(reply, (c.Done, Purged)):
        raise StoreError(f"The plait that owns the sessions answered with {type(reply).__name__}, which nobody asked for. Start it again.")


def _alone(database: Path, by_ourselves: Callable[[SqliteStore], None]) -> None:
    store = open_store(database, now=time.time(), report=lambda finding: tell(finding.text))
    try:
        by_ourselves(store)
    finally:
        store.close()
