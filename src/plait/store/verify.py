"""The check after every fault, as far as the store alone can tell: is what lies on the disk whole, in order, and fit to go on with?

It reads through SQLite, with a connection that can neither write nor checkpoint, so that it may run beside the owner.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from plait.core import events as e
from plait.core.commands import SessionInfo, info_of
from plait.core.errors import IllegalTransition, StoreError
from plait.core.history import provider_view, repair
from plait.core.messages import AssistantMessage, CallId, Message, SessionId, ToolMessage, Turn, UserMessage
from plait.core.session import Session
from plait.store import engine, files, statements
from plait.store.owner import lock_path
from plait.store.reading import looking
from plait.store.rows import stamped_events

_OF_THE_INDEX = ("search_documents", "search_words_docsize")


def verify(path: Path) -> list[str]:
    """Everything that is wrong with the database at `path`, a sentence each; empty if it is sound. Raises nothing."""
    problems = [*_modes(path)]
    try:
        with looking(path) as connection:  # at one moment: the owner may append between two looks
            if connection is None:
                return [f"There is no database at {path}."]
            problems += _integrity(connection)
            for row in connection.execute(statements.READ_SESSIONS).fetchall():
                problems += _session(connection, statements.session_info(row))
    except StoreError as error:
        problems.append(str(error))
    return problems


def _modes(path: Path) -> Iterator[str]:
    for file, actual, expected in wrong_modes(path):
        yield f"{file} has mode {actual:04o} instead of {expected:04o}."


def wrong_modes(path: Path) -> Iterator[tuple[Path, int, int]]:
    """Files that are not for their owner alone, directories too, whatever the umask was: with the mode that each has, and should have."""
    backups = files.backups_of(path)
    found = [
        path,
        files.wal_path(path),
        files.shm_path(path),
        lock_path(path),
        *backups.glob("*"),
        *path.parent.glob(f"{path.name}.corrupt-*"),
    ]
    for one in (*found, path.parent, backups):
        try:
            mode = one.stat().st_mode
        except FileNotFoundError:
            continue
        right = files.PRIVATE_DIRECTORY if stat.S_ISDIR(mode) else files.PRIVATE_FILE
        if stat.S_IMODE(mode) != right:
            yield one, stat.S_IMODE(mode), right


def _integrity(connection: engine.Connection) -> Iterator[str]:
    for (text,) in connection.execute("PRAGMA quick_check"):
        if text != "ok":
            yield f"quick_check: {text}."
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield f"Row {row} of {table} refers to a row of {parent} that is not there."
    for (session,) in connection.execute("SELECT DISTINCT session FROM events WHERE session NOT IN (SELECT id FROM sessions)"):
        yield f"Session '{session}' has events, but no row."
    yield from _index(connection)


def _index(connection: engine.Connection) -> Iterator[str]:
    """The index holds each of its documents once, and is not ahead of any session."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'search_marks'").fetchone():
        return  # an earlier plait left the database
    ahead = "SELECT session FROM search_marks WHERE upto > (SELECT max(seq) FROM events WHERE events.session = search_marks.session)"
    for (session,) in connection.execute(ahead):
        yield f"The index for searching is ahead of session '{session}'."
    told, held = (connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _OF_THE_INDEX)
    if told != held:
        yield f"The index for searching has the words of {held} documents, and knows {told}."


def _session(connection: engine.Connection, row: SessionInfo) -> Iterator[str]:
    events = stamped_events(row.id, connection.execute(statements.READ_EVENTS, (row.id, 0, statements.LAST_SEQ)).fetchall())
    for problem in (*_sequence(events), *_calls(events), *_folded(row, events)):
        yield f"Session '{row.id}': {problem}"


def _sequence(events: Sequence[e.Stamped]) -> Iterator[str]:
    for expected, stamped in enumerate(events, 1):
        if stamped.seq != expected:
            yield f"event {stamped.seq} stands where event {expected} belongs."
            return


def _folded(row: SessionInfo, events: Sequence[e.Stamped]) -> Iterator[str]:
    """What can be said of the session that the events make."""
    session = Session(SessionId(row.id))
    try:
        for stamped in events:
            session.apply(stamped)
    except IllegalTransition as error:
        yield f"after event {session.seq}: {error}"
        return
    told = info_of(session, draft=row.draft)  # a draft is not made of events
    for name in (one.name for one in fields(SessionInfo)):
        if getattr(row, name) != getattr(told, name):
            yield f"its row says {name} {getattr(row, name)!r}, its events {getattr(told, name)!r}."
    view = provider_view(session.conversation)
    yield from (f"a provider would refuse its history: {fault}." for fault in history_faults(view))
    if repair(view) != view:
        yield "its history changes when it is repaired again."


def _calls(events: Sequence[e.Stamped]) -> Iterator[str]:
    """Every tool start has exactly one end, or its turn is running still; counted, not folded."""
    over: set[Turn] = set()
    starts: Counter[tuple[Turn, CallId]] = Counter()
    ends: Counter[tuple[Turn, CallId]] = Counter()
    for stamped in events:
        match stamped.event:
            case e.ToolStarted(turn=turn, call=call):
                starts[turn, call.id] += 1
            case e.ToolReturned(turn=turn, result=result) | e.QuestionAnswered(turn=turn, result=result):
                ends[turn, result.call] += 1
            case e.TurnEnded(turn=turn):
                over.add(turn)
            case _:
                pass
    for key in starts | ends:
        which = f"call '{key[1]}' of turn {key[0]}"
        if starts[key] > 1 or ends[key] > 1:
            yield f"{which} has {starts[key]} starts and {ends[key]} ends."
        elif starts[key] and not ends[key] and key[0] in over:
            yield f"{which} has no end, and the turn is over."


def history_faults(view: Sequence[Message]) -> Iterator[str]:
    """What a provider would refuse: the rules at the top of `core.history`, looked at anew and not through its repair."""
    seen: set[CallId] = set()
    for before, message in zip((None, *view), view, strict=False):
        match message:
            case UserMessage():
                if isinstance(before, UserMessage):
                    yield "two user messages stand side by side"
                if not message.text.strip() and not message.attachments:
                    yield "a user message is empty"
            case AssistantMessage():
                if before is None or isinstance(before, AssistantMessage):
                    yield "an answer stands at the beginning, or beside another"
                if not message.text.strip() and not message.calls:
                    yield "an answer is empty"
                if any(call.id in seen for call in message.calls) or len({call.id for call in message.calls}) < len(message.calls):
                    yield "a call id is used twice"
                seen.update(call.id for call in message.calls)
            case ToolMessage():
                calls = before.calls if isinstance(before, AssistantMessage) else ()
                if [call.id for call in calls] != [result.call for result in message.results]:
                    yield "results do not follow their calls"
    for message, after in zip(view, (*view[1:], None), strict=False):
        if isinstance(message, AssistantMessage) and message.calls and not isinstance(after, ToolMessage):
            yield "a call has no result"
