"""A damaged database: it is kept as it is, and whatever can be read of it is there again, in order, with the breaks told."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from plait.core import events as e
from plait.core.commands import Draft
from plait.core.messages import ProjectId, SessionId, Turn
from plait.core.ports import Project
from plait.store import damaged_pages, engine, files, schema
from plait.store.salvage import MovedAside, Salvaged, put_aside
from plait.store.salvaged_rows import salvaged_rows
from plait.store.sqlite import Finding, SqliteStore
from plait.store.verify import verify
from tests.store.test_crashes import run_victim
from tests.store.writing import PROJECT, Author, open_at

PAGE = 4096
OTHER = Project(ProjectId("docs-11112222"), "docs", "/home/ada/docs", 2.0)
Log = dict[SessionId, list[e.Stamped]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "plait.db"


def fill(store: SqliteStore, turns: int = 8) -> None:
    """Five sessions of two projects that grow side by side, with long messages in them and a draft."""
    store.project(OTHER)
    for number in range(turns):
        for name in range(5):
            author = Author(store, f"s-{name}")
            if number == 0:
                project = OTHER if name == 4 else PROJECT
                author.append(e.SessionOpened(f"name-{name}", "debug", project.id, project.directory, True, True))
            author.turn(number)
            turn = Turn(author.session.seq + 1)
            author.append(e.UserSaid("long \U0001f600 " * (200 * name)), e.TurnStarted(turn), e.TurnEnded(turn, "failed", seen=False))
    store.keep_draft(Draft(SessionId("s-3"), "not sent\n", 3), 1.0)
    store.keep_draft(Draft(SessionId("s-3"), "not sent yet", 4), 2.0)
    store.trust(PROJECT.id, "digest", True, 1.0)


def log_of(store: SqliteStore) -> Log:
    return {row.id: list(store.read(row.id)) for row in store.sessions()}


def made(path: Path, turns: int = 8) -> Log:
    """A database with its rows."""
    with closing(open_at(path)) as store:
        fill(store, turns)
        return log_of(store)


def opened(path: Path) -> tuple[Log, MovedAside]:
    """What is there after the damage was met at a start; the result is sound and can be gone on with."""
    findings: list[Finding] = []
    with closing(open_at(path, findings)) as store:
        log = log_of(store)
    (told,) = findings
    assert isinstance(told, MovedAside)
    assert verify(path) == []
    with closing(open_at(path, findings)) as store:
        for name in log:
            Author(store, name).turn()
    assert verify(path) == []
    assert len(findings) == 1
    return log, told


def is_kept_up_to_a_break(now: list[e.Stamped], before: list[e.Stamped], kept: Path) -> bool:
    """Events as they were, then a note and what else could be read; true where there is no break."""
    notes = [one for one in now if isinstance(one.event, e.Noted)]
    same = now[: len(now) - len(notes)]
    assert same == before[: len(same)]
    if not notes:
        return True
    first, *rest = (one.event.text for one in notes if isinstance(one.event, e.Noted))
    assert f"The damaged file is {kept}" in first
    said = {one.event.text for one in before[len(same) :] if isinstance(one.event, e.UserSaid)}
    assert {text.partition(": ")[2] for text in rest if ", you: " in text} <= said
    return False


def test_what_the_pages_hold_is_what_sqlite_reads(path: Path) -> None:
    store = open_at(path)
    fill(store)
    assert store._writer is not None
    with closing(engine.connect(path, writing=False)) as reader:
        told = sorted(reader.execute("SELECT session, seq, thread, at, type, data FROM events").fetchall())
    copy = path.parent / "copy.db"
    for source in (path, files.wal_path(path)):  # as a kill leaves it: most of it is in the log alone
        copy.with_name(source.name.replace("plait", "copy")).write_bytes(source.read_bytes())
    store.close()
    for one in (copy, path):
        found = [row for row in damaged_pages.rows(one) if len(row) == 6 and isinstance(row[1], int)]
        assert sorted(found) == told
    files.wal_path(copy).write_bytes(files.wal_path(copy).read_bytes()[:-100])  # the last commit is not whole
    with closing(engine.connect(copy, writing=False)) as reader:
        told = sorted(reader.execute("SELECT session, seq, thread, at, type, data FROM events").fetchall())
    assert sorted(row for row in damaged_pages.rows(copy) if len(row) == 6 and isinstance(row[1], int)) == told


def test_a_database_without_its_first_page_loses_no_event(path: Path) -> None:
    before = made(path)
    damaged = bytearray(path.read_bytes())
    damaged[:PAGE] = bytes(PAGE)
    path.write_bytes(damaged)
    findings: list[Finding] = []
    with closing(open_at(path, findings)) as store:
        assert log_of(store) == before
        assert store.drafts() == [Draft(SessionId("s-3"), "not sent yet", 4)]
        assert list(store.projects()) == [PROJECT, OTHER]
        assert store.trusted(PROJECT.id) is None  # to be asked again
    (told,) = findings
    assert isinstance(told, MovedAside)
    assert told.saved == Salvaged(5, sum(map(len, before.values())))
    assert "5 sessions with" in told.text
    assert str(told.kept) in told.text
    assert told.kept.read_bytes() == damaged
    assert verify(path) == []


def test_what_is_not_made_of_events_is_kept_where_sqlite_can_read_it(path: Path) -> None:
    before = made(path)
    told = put_aside(path, 1.0, "it is a test", schema.migrations_directory())
    assert told.saved == Salvaged(5, sum(map(len, before.values())))
    with closing(open_at(path)) as store:
        assert log_of(store) == before
        assert store.trusted(PROJECT.id) == ("digest", True)
        assert [draft.text for draft in store.drafts()] == ["not sent yet"]
    assert verify(path) == []


def test_the_log_alone_is_read(path: Path) -> None:
    store = open_at(path)
    fill(store, 3)
    before = log_of(store)
    log = files.wal_path(path).read_bytes()
    store.close()
    path.unlink()
    files.wal_path(path).write_bytes(log)
    after, told = opened(path)
    assert after == before
    assert told.kept.read_bytes() == log


@pytest.mark.parametrize("share", [0.4, 0.6, 0.9])
def test_a_database_that_is_cut_short(path: Path, share: float) -> None:
    before = made(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    findings: list[Finding] = []
    with closing(open_at(path, findings)) as store:
        after = log_of(store)
    (told,) = findings
    assert isinstance(told, MovedAside)
    assert after
    for name, events in after.items():
        is_kept_up_to_a_break(events, before[name], told.kept)


@given(st.integers(0, 2**32), st.integers(1, 12))
@settings(max_examples=12)
def test_whatever_page_is_damaged_the_rest_is_there(tmp_path_factory: pytest.TempPathFactory, seed: int, pages_hit: int) -> None:
    choice = random.Random(seed)
    path = tmp_path_factory.mktemp("d") / "data" / "plait.db"
    before = made(path, 4)
    damaged = bytearray(path.read_bytes())
    hit = {0, *(choice.randrange(len(damaged) // PAGE) for _ in range(pages_hit))}
    for number in hit:
        damaged[number * PAGE : (number + 1) * PAGE] = choice.randbytes(PAGE)
    path.write_bytes(damaged)
    findings: list[Finding] = []
    with closing(open_at(path, findings)) as store:
        after = log_of(store)
    (told,) = findings
    assert isinstance(told, MovedAside)
    assert told.kept.read_bytes() == damaged
    whole = [is_kept_up_to_a_break(after[name], before[name], told.kept) for name in after]
    assert whole.count(False) == told.saved.broken
    assert told.saved.sessions == len(after)
    assert len(after) == 5 or told.saved.lost or len(hit) > 1
    assert verify(path) == []


def test_what_was_deleted_on_purpose_does_not_come_back(path: Path) -> None:
    before = made(path)
    with closing(engine.connect(path, writing=True)) as writer:
        for table, column in (("drafts", "session"), ("events", "session"), ("threads", "session"), ("sessions", "id")):
            writer.execute(f"DELETE FROM {table} WHERE {column} = 's-3'")
        (free,) = writer.execute("PRAGMA freelist_count").fetchone()
        root = writer.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_events_1'").fetchone()[0]
    assert free > 5
    damaged = bytearray(path.read_bytes())
    damaged[(root - 1) * PAGE : root * PAGE] = b"\xa5" * PAGE
    path.write_bytes(damaged)
    found = {row[0] for row in damaged_pages.rows(path) if len(row) == 6}
    assert found == {name for name in before if name != "s-3"}


LABELS = ["aside.before", "salvage.read", "salvage.session", "salvage.session:3", "salvage.filled", "salvage.done"]
DECIDED = ["replace.before", "replace.decided", "aside.moved", "aside.moved:2", "replace.moved", "replace.after", "aside.after"]


def test_pages_that_lead_in_a_circle_are_no_row(tmp_path: Path) -> None:
    """A row that says to have a terabyte, on pages of which one follows itself."""
    path = tmp_path / "circle.db"
    size, usable = 1 << 40, PAGE
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    local = local if local <= usable - 35 else least
    cell = _number(size) + _number(1) + bytes(local) + (2).to_bytes(4)
    leaf = bytearray(PAGE)
    head = bytes((13,)) + bytes(2) + (1).to_bytes(2) + (PAGE - len(cell)).to_bytes(2) + bytes(1) + (PAGE - len(cell)).to_bytes(2)
    leaf[100 : 100 + len(head)] = head
    leaf[PAGE - len(cell) :] = cell
    leaf[:18] = b"SQLite format 3\0" + PAGE.to_bytes(2)
    path.write_bytes(bytes(leaf) + (2).to_bytes(4) + bytes(PAGE - 4))
    assert list(damaged_pages.rows(path)) == []


def test_a_row_that_is_nested_beyond_reason_is_none_of_ours(path: Path, tmp_path: Path) -> None:
    made(path, turns=1)
    with closing(engine.connect(path, writing=True)) as writer:
        writer.execute("UPDATE events SET data = ? WHERE session = 's-1' AND seq = 3", ('{"a":' + "[" * 100_000,))
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with salvaged_rows(path, tmp_path / "found.db") as found:
        assert [row.seq for row in found.events(SessionId("s-1"))][:3] == [1, 2, 4]


def _number(value: int) -> bytes:
    """As SQLite writes it."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.insert(0, value & 0x7F | 0x80)
    return bytes(parts)


@pytest.mark.parametrize("label", [*LABELS, *DECIDED])
def test_killed_while_a_damaged_database_is_salvaged(path: Path, label: str) -> None:
    """The damaged file is in its place or kept, and nothing of it is lost; the next start has all of it, once."""
    before = made(path, 3)
    damaged = b"\xff" * PAGE + path.read_bytes()[PAGE:]
    path.write_bytes(damaged)
    path.with_name("plait.db-wal").write_bytes(b"its log")
    run_victim(path, "turns", label)
    findings: list[Finding] = []
    with closing(open_at(path, findings)) as store:
        assert {name: events for name, events in log_of(store).items() if name in before} == before
    assert len(findings) == (label in LABELS or label == "replace.before")
    kept = sorted(file.read_bytes() for file in path.parent.glob("plait.db.corrupt-*"))
    assert kept == [b"its log", damaged]
    assert [file.name for file in path.parent.iterdir() if ".next-" in file.name or file.name.startswith(".plait-")] == []
    assert verify(path) == []
