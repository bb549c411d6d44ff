"""A damaged database is put aside, and what can be read of it goes into a fresh one.

Rules:
1. The damaged file is only read, and kept whole beside the database. Nothing of it is mended in its place.
2. A session is what its events say, in order from the first: it is kept up to where that breaks, and a note in it says so. What was said
   after the break, and can be read, follows as notes.
3. Everything is counted and told: what is here, and what is in the kept file alone.
4. Answers about trust are taken from a file that SQLite can still read, or asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from plait.core import events as e
from plait.core.codec import decode_event, encode_event
from plait.core.commands import info_of
from plait.core.counting import counted
from plait.core.errors import IllegalTransition
from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Project
from plait.core.session import Session
from plait.store import engine, files, schema, statements
from plait.store.crashpoints import crash_point
from plait.store.faults import translated
from plait.store.other_rows import copy_other_rows
from plait.store.replacing import corrupt_name, finish, move_with_log, replace
from plait.store.rows import EventRow
from plait.store.salvaged_rows import SalvagedRows, salvaged_rows
from plait.store.workshop import workshop


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was read out of a damaged database: sessions and events that are here, of them cut short, and events that are not here."""

    sessions: int = 0
    events: int = 0
    broken: int = 0
    lost: int = 0

    @property
    def text(self) -> str:
        """For the user."""
        if not self.sessions:
            return "Nothing could be read out of it, so your earlier sessions are not shown."
        text = f"{counted(self.sessions, 'session')} with {counted(self.events, 'event')} could be read out of it and are here."
        if self.broken:
            text += f" Of them {self.broken:,} broke off in the middle: a note at that place says so."
        return text + (f" {counted(self.lost, 'event')} could be read, but belong to no session any more." if self.lost else "")


@dataclass(frozen=True, slots=True)
class MovedAside:
    """A database that cannot be read was put aside, whole, and a fresh one begun."""

    path: Path
    kept: Path
    reason: str
    saved: Salvaged = Salvaged()

    @property
    def text(self) -> str:
        """For the user, who has to know at once."""
        return (
            f"The database {self.path} could not be read ({self.reason}). It was kept as {self.kept} and a fresh one was begun. "
            f"{self.saved.text} Copy that file to a safe place; `plait restore` puts a backup of yours in the place of the fresh one."
        )


def recover(database: Path, now: float, migrations: Path, report: Callable[[MovedAside], None]) -> None:
    """Finish what a kill interrupted, and put aside what cannot be a database. Before any connection is opened; raises `StoreError`."""
    with translated(database):
        finish(database)
        _undo(database)
        reason = files.damage(database)
    if reason is not None:
        report(put_aside(database, now, reason, migrations))


def _undo(database: Path) -> None:
    """Have SQLite undo the change that a kill interrupted before the database had its log: a connection that only reads cannot."""
    if files.journal_path(database).exists() and database.exists():
        with suppress(engine.DatabaseError), closing(engine.connect(database, writing=True)) as writer:  # it is met again if it lasts
            writer.execute("PRAGMA schema_version").fetchone()


def put_aside(database: Path, now: float, reason: str, migrations: Path) -> MovedAside:
    """Put the damaged database aside, and what can be read of it into a fresh one in its place. `now` is in seconds since 1970.

    The caller owns the database, and it is not open in this process. Raises `StoreError`.
    """
    with translated(database):
        kept = corrupt_name(database, now)
        crash_point("aside.before")
        with workshop(database) as place:
            fresh = place / "plait.db"
            saved = _salvage(database, fresh, kept, now, migrations)
            crash_point("salvage.done")
            if saved.sessions:
                replace(database, fresh, kept)
            else:
                move_with_log(database, kept)
        crash_point("aside.after")
    return MovedAside(database, kept if kept.exists() else files.wal_path(kept), reason, saved)


def _salvage(database: Path, fresh: Path, kept: Path, now: float, migrations: Path) -> Salvaged:
    files.make_private_file(fresh)
    with closing(engine.connect(fresh, writing=True)) as writer, salvaged_rows(database, fresh.with_name("found.db")) as found:
        crash_point("salvage.read")
        if not found.sessions():
            return Salvaged(lost=found.count())
        schema.configure(writer, fresh)
        schema.migrate(writer, fresh, schema.shipped_migrations(migrations), directory=migrations, now=now, report=lambda migrated: None)
        writer.execute("PRAGMA synchronous = OFF")  # it is synced as a whole before it takes its place
        saved = _fill(writer, found, kept, now)
        if files.damage(database) is None:  # else SQLite would not read it, and need not touch it
            copy_other_rows(database, writer)
        crash_point("salvage.filled")
        writer.execute("PRAGMA journal_mode = DELETE")  # one file, whole without a log beside it
    return saved


def _fill(writer: engine.Connection, found: SalvagedRows, kept: Path, now: float) -> Salvaged:
    sessions = events = broken = taken = 0
    for identity in found.sessions():
        session, rows, rest = _chain(identity, found)
        if rows:
            taken += found.count(identity)
            noted = [] if rest is None else _notes(session, rest, kept, now)
            broken += bool(noted)
            writer.execute("BEGIN IMMEDIATE")
            _register(writer, found.project(session.project), session)
            statements.insert(writer, info_of(session, draft=False), [*rows, *noted])
            if draft := found.draft(identity):
                writer.execute(statements.KEEP_DRAFT, draft)
            writer.execute("COMMIT")
            sessions += 1
            events += len(rows)
            crash_point("salvage.session")
    return Salvaged(sessions, events, broken, found.count() - taken)


def _chain(identity: SessionId, found: SalvagedRows) -> tuple[Session, list[EventRow], Sequence[EventRow] | None]:
    """The session as far as its events follow from each other, their rows, and what comes after a break; None where it is whole."""
    session = Session(identity)
    rows = found.events(identity)
    for place, row in enumerate(rows):
        try:
            session.apply(e.Stamped(identity, row.seq, row.at, decode_event(row.type, row.data), row.thread))
        except IllegalTransition:
            return session, rows[:place], rows[place:]
    return session, rows, None if len(rows) >= found.expected(identity) else ()


def _notes(session: Session, rest: Sequence[EventRow], kept: Path, now: float) -> list[EventRow]:
    """Say in the session where it breaks, and what was said after that."""
    texts = [f"The database was damaged: what followed here could not be read in order. The damaged file is {kept}.", *_said(rest)]
    noted = []
    for text in texts:
        event = e.Noted(text)
        stamped = e.Stamped(session.id, session.seq + 1, now, event)
        session.apply(stamped)  # a note changes no state, and is legal in each
        noted.append(EventRow(session.id, session.seq, 1, now, *encode_event(event)))
    return noted


def _said(rest: Sequence[EventRow]) -> Iterator[str]:
    for row in rest:
        match decode_event(row.type, row.data):
            case e.UserSaid(text=text) if text:
                yield f"Read out of the damaged file, you: {text}"
            case e.AssistantSaid(message=message) if message.text:
                yield f"Read out of the damaged file, the model: {message.text}"
            case _:
                pass


def _register(writer: engine.Connection, project: Project | None, session: Session) -> None:
    """The session's project; where its row is gone it is made from the session's directory."""
    if not writer.execute("SELECT 1 FROM projects WHERE id = ?", (session.project,)).fetchone():
        made = project or Project(ProjectId(session.project), Path(session.directory).name, session.directory, session.created_at)
        taken = writer.execute(statements.FIND_PROJECT, (made.directory,)).fetchone()
        directory = f"{made.directory}/{made.id}" if taken else made.directory  # two of one directory: only where both rows are gone
        writer.execute(statements.ADD_PROJECT, (made.id, made.name, directory, made.created_at))
