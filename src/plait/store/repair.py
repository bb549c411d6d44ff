"""Mending a database, on request only, and after a copy of it was made.

What can be made again from the events is made again in place: the rows of sessions, the indexes, the modes of the files. If that does not
do, the whole database is put aside and salvaged (`store.salvage`). What the check says afterwards is told.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from plait.core.commands import info_of
from plait.core.counting import counted
from plait.core.errors import IllegalTransition, StoreError
from plait.core.session import Session
from plait.store import engine, files, schema, statements
from plait.store.backup import back_up, check, is_current
from plait.store.crashpoints import crash_point
from plait.store.faults import translated
from plait.store.reading import looking
from plait.store.replacing import finish, owned
from plait.store.rows import stamped_events
from plait.store.salvage import put_aside
from plait.store.search import Backlog
from plait.store.verify import wrong_modes


@dataclass(slots=True)
class Repaired:
    """What was done, and what is wrong still, a sentence each."""

    done: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def repair(database: Path, now: float, put_in_place: Callable[[Path, Path], None]) -> Repaired:
    """Mend what can be mended; `now` is in seconds since 1970, `put_in_place` gives the finished copy its name.

    Raises `StoreBusy` where a process owns the database, `StoreError`.
    """
    repaired = Repaired()
    with translated(database):
        database = files.resolved(database)
    if not database.parent.is_dir():
        return repaired
    with owned(database), translated(database):
        finish(database)
        _close_to_others(database, repaired)
        if reason := files.damage(database):
            _salvage(database, now, reason, repaired)
        elif database.exists() and (problems := check(database)):
            _mend_and_salvage(database, now, problems, put_in_place, repaired)
        repaired.problems += check(database) if database.exists() else []
        crash_point("repair.after")
    return repaired


def _mend_and_salvage(
    database: Path, now: float, problems: list[str], put_in_place: Callable[[Path, Path], None], repaired: Repaired
) -> None:
    backups = files.backups_of(database)
    target = backups / f"{database.stem}-unrepaired-{files.utc_stamp(now)}.db"
    crash_point("repair.before")
    try:
        files.make_private_directory(backups)
        if not target.exists():
            back_up(database, target, put_in_place)
            repaired.done.append(f"A copy of the database as it was is {target}.")
        crash_point("repair.copied")
        _mend(database, problems, repaired)
        left = check(database)
    except (StoreError, engine.Error) as error:
        left = [str(error)]
    crash_point("repair.mended")
    if left:
        first = left[0].partition(". ")[0].rstrip(".")  # what happened, without what to do: that is done here
        _salvage(database, now, f"{counted(len(left), 'problem')}, the first: {first}", repaired)


def _salvage(database: Path, now: float, reason: str, repaired: Repaired) -> None:
    repaired.done.append(put_aside(database, now, reason, schema.migrations_directory()).text)


def _close_to_others(database: Path, repaired: Repaired) -> None:
    for path, mode, right in list(wrong_modes(database)):
        path.chmod(right)
        repaired.done.append(f"{path} had mode {mode:04o} and has {right:04o} now.")


def _mend(database: Path, problems: list[str], repaired: Repaired) -> None:
    with looking(database) as looked:
        if looked is None or not is_current(looked, database):
            return
    with closing(engine.connect(database, writing=True)) as writer:
        schema.configure(writer, database)
        _mend_rows(writer, repaired)
        if any(problem.startswith("quick_check") for problem in problems):
            writer.execute("REINDEX")
            repaired.done.append("The indexes of the tables were made again.")
        if any("search" in problem for problem in problems):
            _mend_index(writer)
            repaired.done.append("The index for searching was made again.")


def _mend_rows(writer: engine.Connection, repaired: Repaired) -> None:
    """Have each session's row say what its events say."""
    for row in writer.execute(statements.READ_SESSIONS).fetchall():
        info = statements.session_info(row)
        session = Session(info.id)
        try:
            for stamped in stamped_events(info.id, writer.execute(statements.READ_EVENTS, (info.id, 0, statements.LAST_SEQ)).fetchall()):
                session.apply(stamped)
        except IllegalTransition:
            continue  # to be salvaged
        told = info_of(session, draft=info.draft)
        if session.seq and told != info:
            writer.execute("BEGIN IMMEDIATE")
            statements.insert(writer, told, ())
            writer.execute("COMMIT")
            repaired.done.append(f"The row of session '{told.name}' says again what its events say.")


def _mend_index(writer: engine.Connection) -> None:
    """Empty the index and take everything in anew."""
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM search_marks")
    writer.execute("DELETE FROM search_documents")
    writer.execute("INSERT INTO search_words (search_words) VALUES ('delete-all')")
    writer.execute("COMMIT")
    backlog = Backlog()
    while backlog.load(writer):
        writer.execute("BEGIN IMMEDIATE")
        backlog.step(writer)
        writer.execute("COMMIT")
