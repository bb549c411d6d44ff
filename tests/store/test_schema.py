"""Migrations: what is due is run once, whole, after a backup; what a later plait or another program wrote is left alone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from plait.core.commands import Draft
from plait.core.errors import NewerDatabase, StoreError
from plait.store import engine, schema
from plait.store.schema import Migrated
from plait.store.sqlite import Finding, SqliteStore, open_store
from plait.store.verify import verify
from tests.store.writing import PROJECT, Author, open_at

LATEST = schema.shipped_migrations(schema.migrations_directory())[-1]
SECOND = """
from sqlite_utils import Database, Migrations

migrations = Migrations("plait")


@migrations()
def m9001_notes(database: Database) -> None:
    database.execute("CREATE TABLE notes (session TEXT REFERENCES sessions (id), text TEXT) STRICT")
    database.execute("INSERT INTO notes SELECT id, name FROM sessions")
    %s
"""


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The migrations of a later plait: ours and one more."""
    directory = tmp_path / "later"
    shutil.copytree(schema.migrations_directory(), directory)
    (directory / "m9001_notes.py").write_text(SECOND % "")
    return directory


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database of today with two turns and a draft in it."""
    path = tmp_path / "data" / "plait.db"
    store = open_at(path)
    author = Author(store)
    author.turn()
    author.turn()
    store.keep_draft(Draft(author.session.id, "not sent", 3), 1.0)
    store.close()
    return path


def open_with(path: Path, migrations: Path, findings: list[Finding]) -> SqliteStore:
    return open_store(path, now=1_795_255_507.0, report=findings.append, migrations=migrations)


def test_a_fresh_database_has_every_migration_and_tells_nothing(tmp_path: Path) -> None:
    findings: list[Finding] = []
    open_at(tmp_path / "plait.db", findings).close()
    connection = engine.connect(tmp_path / "plait.db", writing=False)
    assert schema.applied_migrations(connection, tmp_path) == schema.shipped_migrations(schema.migrations_directory())
    connection.close()
    assert findings == []
    assert not (tmp_path / "backups").exists()


def test_every_column_of_a_session_is_described(tmp_path: Path) -> None:
    open_at(tmp_path / "plait.db").close()
    connection = engine.connect(tmp_path / "plait.db", writing=False)
    columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(sessions)")]
    connection.close()
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    described = page.partition("Columns of `sessions`")[2].partition("## ")[0]
    assert [name for name in columns if f"`{name}`" not in described] == []


def test_no_compiled_copy_is_left_beside_the_migrations(later: Path, tmp_path: Path) -> None:
    open_with(tmp_path / "plait.db", later, []).close()
    assert all(one.suffix == ".py" for one in later.iterdir() if one.name != "__pycache__")
    assert not list(later.glob("__pycache__/m9001*"))


def test_rows_are_backed_up_counted_and_kept(database: Path, later: Path) -> None:
    findings: list[Finding] = []
    store = open_with(database, later, findings)
    events = list(store.read(Author(store).session.id))
    store.close()
    (told,) = findings
    assert isinstance(told, Migrated)
    assert (told.before, told.after) == (LATEST, "m9001_notes")
    assert told.rows_before == {"projects": 1, "sessions": 1, "threads": 1, "events": len(events), "trust": 0, "drafts": 1}
    assert told.rows_after == {**told.rows_before, "notes": 1}
    assert told.backup == database.parent / "backups" / f"plait-{LATEST[:5]}-m9001-20261121T100507Z.db"
    assert told.text == (f"The database was migrated {int(LATEST[1:5])} to 9001: 1 session, {len(events)} events; backup {told.backup}.")
    assert verify(database) == []
    assert verify(told.backup) == []
    old = open_at(told.backup)
    assert list(old.read(Author(old).session.id)) == events
    assert [draft.text for draft in old.drafts()] == ["not sent"]
    old.close()


def test_it_is_run_once(database: Path, later: Path) -> None:
    findings: list[Finding] = []
    for _ in range(3):
        open_with(database, later, findings).close()
    assert len(findings) == 1
    assert len(list((database.parent / "backups").iterdir())) == 1


def test_two_backups_of_one_second_are_two_files(database: Path, later: Path) -> None:
    open_with(database, later, []).close()
    (later / "m9002_more.py").write_text((SECOND % "").replace("m9001", "m9002").replace("notes", "more"))
    first = next((database.parent / "backups").iterdir())
    first.rename(first.with_name("plait-m9001-m9002-20261121T100507Z.db"))
    open_with(database, later, []).close()
    assert sorted(one.name for one in (database.parent / "backups").iterdir()) == [
        "plait-m9001-m9002-20261121T100507Z-2.db",
        "plait-m9001-m9002-20261121T100507Z.db",
    ]


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ("DELETE FROM events WHERE seq > 3", r"rows of events: \d+ before, 3 after"),
        ("DROP TABLE drafts", "rows of drafts: 1 before, 0 after"),
    ],
)
def test_a_migration_that_would_lose_rows_is_rolled_back_and_refused(database: Path, later: Path, loss: str, told: str) -> None:
    (later / "m9001_notes.py").write_text(SECOND % f'database.execute("{loss}")')
    before = database.read_bytes()
    findings: list[Finding] = []
    with pytest.raises(StoreError, match=rf"m9001_notes \({told}.*unchanged.*backups"):
        open_with(database, later, findings)
    assert findings == []
    assert verify(database) == []
    assert database.read_bytes() == before
    open_at(database).close()


def test_a_migration_that_fails_changes_nothing(database: Path, later: Path) -> None:
    (later / "m9001_notes.py").write_text(SECOND % 'database.execute("INSERT INTO nowhere VALUES (1)")')
    findings: list[Finding] = []
    with pytest.raises(StoreError, match=r"m9001_notes.*unchanged.*backups"):
        open_with(database, later, findings)
    assert findings == []
    assert verify(database) == []
    store = open_at(database, findings)
    assert store.read_only_reason is None
    Author(store).turn()
    store.close()
    connection = engine.connect(database, writing=False)
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'notes'").fetchall() == []
    connection.close()


def test_a_database_of_a_later_plait_is_read_and_never_written(database: Path, later: Path) -> None:
    store = open_with(database, later, [])
    epoch = store.epoch
    store.close()
    before = database.read_bytes()
    newer = open_store(database, now=1.0, report=print)
    assert newer.read_only_reason is not None
    assert "m9001_notes" in newer.read_only_reason
    assert "read-only" in repr(newer)
    assert newer.epoch == epoch
    author = Author(newer)
    assert len(author.events) > 5
    assert list(newer.projects()) == [PROJECT]
    assert newer.project(PROJECT) == PROJECT
    assert [draft.text for draft in newer.drafts()] == ["not sent"]
    calls: list[Callable[[], object]] = [
        author.turn,
        lambda: newer.trust(PROJECT.id, "x", True, 1.0),
        lambda: newer.keep_draft(Draft(author.session.id, "changed", 0), 1.0),
        lambda: newer.project(type(PROJECT)(PROJECT.id, "new", "/new", 1.0)),
    ]
    for call in calls:
        with pytest.raises(NewerDatabase, match="later plait"):
            call()
    newer.tidy()
    newer.close()
    assert database.read_bytes() == before


def test_a_later_plait_may_keep_its_epoch_elsewhere(database: Path, later: Path) -> None:
    (later / "m9001_notes.py").write_text(SECOND % 'database.execute("DROP TABLE owner")')
    with pytest.raises(StoreError):
        open_with(database, later, [])
    newer = open_store(database, now=1.0, report=print)
    assert newer.read_only_reason
    assert newer.epoch == 0
    newer.close()


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "plait.db"
    path.touch()
    other = engine.connect(path, writing=True)
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"another program"):
        open_at(path)
    assert path.read_bytes() == before


def test_an_installation_without_migrations_says_so(tmp_path: Path) -> None:
    for directory in (tmp_path / "none", tmp_path):
        with pytest.raises(StoreError, match="Install plait again"):
            open_store(tmp_path / "plait.db", now=time.time(), report=print, migrations=directory)


def test_a_disk_without_a_shared_log_is_a_sentence(tmp_path: Path) -> None:
    """A database in memory has none either."""
    connection = engine.Connection(":memory:")
    with pytest.raises(StoreError, match="local disk"):
        schema.configure(connection, tmp_path)
    connection.close()
