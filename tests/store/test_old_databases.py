"""Every schema that ever landed is brought up to today's: nothing is lost, whenever it is killed, and a later one is left alone."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.searching import Query, phrases
from plait.store import engine, schema
from plait.store.schema import Migrated
from plait.store.sqlite import Finding, open_store
from plait.store.verify import verify
from tests.store.old_databases import names, unpack
from tests.store.test_crashes import IN_MIGRATION
from tests.store.writing import Author, open_at

SHIPPED = schema.shipped_migrations(schema.migrations_directory())
OLDER = [name for name in names() if name != SHIPPED[-1]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "plait.db"


def counted_rows(path: Path) -> dict[str, int]:
    with closing(engine.connect(path, writing=False)) as connection:
        return schema.count_rows(connection)


def sound_and_whole(path: Path, events: int) -> None:
    """All is there, and can be gone on with: the index gets everything, and each session takes one more turn."""
    assert verify(path) == []
    store = open_at(path)
    while store.index():
        pass
    found = store.search(Query(phrases("日本"))).found
    rows = store.sessions()
    assert (len(rows), sum(row.seq for row in rows)) == (5, events)
    assert {row.name for row in rows} >= {"notes", "killed"}
    assert len(found) >= 2
    said = {one.event.text for row in rows for one in store.read(row.id) if isinstance(one.event, e.UserSaid)}
    assert said == {"hello there", "please fail", "und 日本語, größer", "remember this", "a long one"}
    for row in rows:
        if row.state != "Completed":
            Author(store, row.id).turn()
    store.close()
    assert verify(path) == []


def test_there_is_one_of_every_schema() -> None:
    """`python -m tests.store.old_databases` makes the one of a new schema."""
    assert names() == list(SHIPPED)


@pytest.mark.parametrize("name", names())
def test_an_old_database_is_brought_up(path: Path, name: str) -> None:
    unpack(name, path)
    rows = counted_rows(path)
    findings: list[Finding] = []
    open_at(path, findings).close()
    for told in findings:
        assert isinstance(told, Migrated)
        assert (told.rows_before, told.before, told.after) == (rows, name, SHIPPED[-1])
        backup = re.escape(str(told.backup))
        assert re.search(
            rf"migrated {int(name[1:5])} to {int(SHIPPED[-1][1:5])}: 5 sessions, {rows['events']} events; backup {backup}", told.text
        )
        assert counted_rows(told.backup) == rows
    assert len(findings) == (name in OLDER)
    now = counted_rows(path)
    assert {table: now[table] for table in rows} == rows | {"projects": rows["projects"] + 1}  # the test's own project
    sound_and_whole(path, rows["events"])


@pytest.mark.parametrize("name", OLDER)
@pytest.mark.parametrize("label", IN_MIGRATION)
def test_killed_while_an_old_database_is_brought_up(path: Path, name: str, label: str) -> None:
    unpack(name, path)
    rows = counted_rows(path)
    run = subprocess.run(
        [sys.executable, "-m", "tests.store.victim", str(path), "turns"],
        env=os.environ | {"PLAIT_CRASH_AT": label},
        capture_output=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    now = counted_rows(path)
    assert {table: now[table] for table in rows} == rows
    assert all(counted_rows(backup) == rows for backup in (path.parent / "backups").glob("*.db"))
    sound_and_whole_after_a_start(path, rows["events"])


def sound_and_whole_after_a_start(path: Path, events: int) -> None:
    open_at(path).close()
    sound_and_whole(path, events)


def test_a_database_of_a_later_plait_is_read_with_a_sentence(path: Path, tmp_path: Path) -> None:
    """Each plait, with its own migrations alone, before the database of the next."""
    for earlier, name in zip(names(), names()[1:], strict=False):
        own = tmp_path / "migrations" / earlier
        own.mkdir(parents=True)
        for shipped in SHIPPED[: SHIPPED.index(earlier) + 1]:
            shutil.copy(schema.migrations_directory() / f"{shipped}.py", own)
        database = tmp_path / name / "plait.db"
        unpack(name, database)
        before = database.read_bytes()
        store = open_store(database, now=1.0, report=print, migrations=own)
        assert re.search(rf"was written by a later plait \({name}\)\. Use that one", store.read_only_reason or "")
        store.close()
        assert database.read_bytes() == before
