"""From the tables of one session at a prompt to those of many: nothing is lost, and rows say what their events say."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from plait.core import events as e
from plait.core.codec import encode_event
from plait.core.commands import SessionInfo, info_of
from plait.core.messages import SessionId, Turn
from plait.core.session import Session, SessionState
from plait.store import engine, schema
from plait.store.schema import Migrated
from plait.store.sqlite import Finding, open_store
from plait.store.verify import verify
from tests.core.histories import Player, steps
from tests.core.test_session import answer, end
from tests.store.test_crashes import IN_MIGRATION
from tests.store.writing import PROJECT, Author, open_at

OPENED = e.SessionOpened("default", "development", PROJECT.id, PROJECT.directory)
OF_THEN = (
    *(e.SessionOpened, e.Renamed, e.SettingChanged, e.UserSaid, e.RetryAsked, e.TurnStarted, e.AnswerProgress, e.AssistantSaid),
    *(e.ToolStarted, e.ToolReturned, e.TurnEnded, e.Seen, e.Paused, e.Unpaused, e.Closed, e.Reopened, e.Noted, e.UnknownEvent),
)
"""What plait could write then."""


def first_only(directory: Path) -> Path:
    """The migrations as they were."""
    migrations = directory / "first"
    migrations.mkdir(exist_ok=True)
    shutil.copy(schema.migrations_directory() / "m0001_begin.py", migrations)
    return migrations


def as_it_was(stamped: e.Stamped) -> tuple[str, str]:
    """Type and JSON of an event as they were then."""
    kind, data = encode_event(stamped.event)
    plain = json.loads(data)
    gone = {"Seen": ("upto", "shown"), "SessionOpened": ("named_by_hand", "kind_by_hand")}.get(kind, ())
    return kind, json.dumps({key: value for key, value in plain.items() if key not in gone}, ensure_ascii=False, separators=(",", ":"))


def write_as_it_was(path: Path, sessions: Sequence[tuple[Session, Sequence[e.Stamped]]]) -> None:
    """A database of that time with these sessions, by plain SQL."""
    open_store(path, now=1.0, report=print, migrations=first_only(path.parent.parent)).close()
    database = engine.connect(path, writing=True)
    database.execute("BEGIN")
    database.execute("INSERT INTO projects VALUES (?, ?, ?, ?)", (PROJECT.id, PROJECT.name, PROJECT.directory, PROJECT.created_at))
    for session, events in sessions:
        row = info_of(session, draft=False)
        columns = (row.id, row.project, row.name, row.kind, row.state, row.directory, row.messages, row.created_at, row.last_at, row.seq)
        database.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", columns)
        database.execute("INSERT INTO threads VALUES (?, 1)", (row.id,))
        for one in events:
            database.execute("INSERT INTO events VALUES (?, ?, 1, ?, ?, ?)", (row.id, one.seq, one.at, *as_it_was(one)))
    database.execute("COMMIT")
    database.close()


def lived(name: str, *events: e.Event) -> tuple[Session, list[e.Stamped]]:
    player = Player(Session(SessionId(name)))
    player.play(*events)
    return player.session, player.durable


def migrated(path: Path) -> tuple[list[SessionInfo], dict[SessionId, list[e.Stamped]], Migrated]:
    findings: list[Finding] = []
    store = open_store(path, now=1_795_255_507.0, report=findings.append)
    rows = list(store.sessions())
    events = {row.id: list(store.read(row.id)) for row in rows}
    store.close()
    (told,) = findings
    assert isinstance(told, Migrated)
    return rows, events, told


ASK = (OPENED, e.UserSaid("hi"), e.TurnStarted(Turn(2)))
SESSIONS = [
    lived("active", *ASK, answer(Turn(2)), end(seen=True)),
    lived("seen-later", *ASK, answer(Turn(2)), end(), e.Seen(5)),
    lived("waiting", *ASK, answer(Turn(2)), end(), e.Seen(5), e.UserSaid("more"), e.TurnStarted(Turn(7)), answer(Turn(7)), end(Turn(7))),
    lived("failed", *ASK, end(ending="failed"), e.SettingChanged("model", "a:b")),
    lived("paused-and-back", *ASK, e.Paused(), end(), e.Unpaused()),
    lived("queued", *ASK, e.UserSaid("two"), e.UserSaid("three"), end(Turn(4), "interrupted", seen=True)),
    lived("renamed", *ASK, e.Renamed("auth-fix", by_hand=True), end(seen=True)),
    lived("closed", *ASK, answer(Turn(2)), e.UserSaid("two"), e.Closed()),
    lived("reopened", *ASK, answer(Turn(2)), end(), e.Closed(), e.Reopened(), e.UserSaid("on")),
]


def test_rows_are_counted_backed_up_and_say_what_their_events_say(tmp_path: Path) -> None:
    path = tmp_path / "data" / "plait.db"
    write_as_it_was(path, SESSIONS)
    rows, events, told = migrated(path)
    assert (told.before, told.after) == ("m0001_begin", schema.shipped_migrations(schema.migrations_directory())[-1])
    count = sum(len(events) for _, events in SESSIONS)
    assert told.rows_before == {"projects": 1, "sessions": 9, "threads": 9, "events": count, "trust": 0}
    assert told.rows_after == {**told.rows_before, "drafts": 0}
    assert told.backup.name.startswith(f"plait-m0001-{schema.shipped_migrations(schema.migrations_directory())[-1][:5]}-")
    assert "9 sessions" in told.text
    assert {row.id: row for row in rows} == {session.id: info_of(session, draft=False) for session, _ in SESSIONS}
    assert events == {session.id: events for session, events in SESSIONS}
    assert verify(path) == []
    waits = {row.id: (row.waiting_for, row.unread, row.waiting_since) for row in rows if row.waiting_for}
    assert waits == {
        "waiting": ("answer", 1, 1009.0),
        "failed": ("failed", 1, 1003.0),
        "paused-and-back": ("answer", 0, 1005.0),
    }
    backup = engine.connect(told.backup, writing=False)
    assert backup.execute('SELECT count(*) FROM events WHERE data = \'{"type":"Seen"}\'').fetchone() == (2,)
    backup.close()


@pytest.mark.parametrize(
    ("name", "kind", "by_hand"),
    [
        ("default", "development", (False, False)),
        ("default-2", "development", (False, False)),
        ("default-too", "development", (True, False)),
        ("größe", "debug", (True, True)),
    ],
)
def test_a_name_that_somebody_gave_stays_theirs(tmp_path: Path, name: str, kind: e.Kind, by_hand: tuple[bool, bool]) -> None:
    """Names were made by nobody but the user then, but for the placeholder: the names that are made now shall not replace them."""
    path = tmp_path / "data" / "plait.db"
    opened = e.SessionOpened(name, kind, PROJECT.id, PROJECT.directory)
    write_as_it_was(path, [lived("s-1", opened, e.UserSaid("hi"))])
    (row,), events, _ = migrated(path)
    first = events[row.id][0].event
    assert isinstance(first, e.SessionOpened)
    assert (first.named_by_hand, first.kind_by_hand) == by_hand
    assert (row.name, row.named_by_hand) == (name, by_hand[0])
    assert verify(path) == []


@given(st.lists(steps(40), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_whatever_happened_in_a_session_its_row_is_made_of_it(lives: list[list[Any]]) -> None:
    sessions = []
    for number, choices in enumerate(lives):
        player = Player(Session(SessionId(f"s-{number}")))
        player.play(OPENED)
        for choice in choices:
            event = player.event(choice)
            if isinstance(event, e.Seen):
                event = e.Seen(player.session.seq)
            if isinstance(event, (*OF_THEN, *e.EPHEMERAL_TYPES)):
                player.try_play(event)
        sessions.append((player.session, player.durable))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "data" / "plait.db"
        write_as_it_was(path, sessions)
        rows, events, _ = migrated(path)
        assert {row.id: row for row in rows} == {session.id: info_of(session, draft=False) for session, _ in sessions}
        assert events == {session.id: kept for session, kept in sessions}


@pytest.mark.parametrize("data", ["", "{", "[]", '{"type":"TurnEnded"}', '{"type":"TurnEnded","turn":7,"ending":5,"seen":true}'])
def test_a_session_that_cannot_be_read_holds_up_no_other(tmp_path: Path, data: str) -> None:
    path = tmp_path / "data" / "plait.db"
    write_as_it_was(path, [SESSIONS[2], SESSIONS[3]])
    database = engine.connect(path, writing=True)
    database.execute("UPDATE events SET data = ? WHERE session = 'failed' AND type = 'TurnEnded'", (data,))
    database.close()
    rows, events, _ = migrated(path)
    by_id = {row.id: row for row in rows}
    assert by_id[SessionId("waiting")] == info_of(SESSIONS[2][0], draft=False)
    assert by_id[SessionId("failed")].state is SessionState.WAITING
    assert len(events[SessionId("failed")]) == len(SESSIONS[3][1])


@pytest.mark.parametrize("label", IN_MIGRATION)
def test_killed_on_the_way(tmp_path: Path, label: str) -> None:
    """Before or after, never between; and the next start gets there."""
    path = tmp_path / "data" / "plait.db"
    write_as_it_was(path, SESSIONS)
    command = [sys.executable, "-m", "tests.store.victim", str(path), "turns"]
    environ = os.environ | {"PLAIT_CRASH_AT": label}
    run = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False, cwd=Path(__file__).parents[2])
    assert run.returncode == -signal.SIGKILL, run.stderr
    database = engine.connect(path, writing=False)
    applied = schema.applied_migrations(database, path)
    columns = {name for _, name, *_ in database.execute("PRAGMA table_info(sessions)")}
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    marks = database.execute('SELECT count(*) FROM events WHERE data = \'{"type":"Seen"}\'').fetchone()
    database.close()
    done = "m0002_many_sessions" in applied
    assert done == (label in ("migrate.step", "migrate.after"))
    assert (done, done, done) == ("unread" in columns, "drafts" in tables, marks == (0,))
    store = open_at(path)
    rows = {row.id: row for row in store.sessions()}
    assert rows == {session.id: info_of(session, draft=False) for session, _ in SESSIONS}
    Author(store, "active").turn()
    store.close()
    assert verify(path) == []
    assert len(list((path.parent / "backups").glob("*.db"))) == (
        2 if label in ("backup.after", "migrate.before", "migrate.applied", "migrate.step") else 1
    )
