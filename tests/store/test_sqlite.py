"""The store on SQLite: its files, what it does when they are taken away, and that nobody waits for a commit."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.commands import Draft
from plait.core.errors import SequenceConflict, StoreBusy, StoreError
from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Project
from plait.store import engine
from plait.store.owner import lock_path
from plait.store.sqlite import CHECKPOINT_DUE, CHECKPOINT_OVERDUE, SqliteStore
from plait.store.verify import verify
from tests.store.writing import PROJECT, Author, open_at, write_of

S = SessionId("s-1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "plait.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    opened = open_at(path)
    yield opened
    opened.close()


def modes(directory: Path) -> set[tuple[bool, int]]:
    return {(one.is_dir(), one.stat().st_mode & 0o777) for one in (directory, *directory.iterdir())}


@pytest.mark.parametrize("umask", [0, 0o022, 0o377])
def test_files_are_private_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = open_at(path.parent / "deep" / "er" / path.name)
        Author(store).turn()
        found = modes(store.path.parent)
        assert {one.name for one in store.path.parent.iterdir()} == {"plait.db", "plait.db-wal", "plait.db-shm", "plait.db.lock"}
        store.close()
    finally:
        os.umask(before)
    assert found == {(True, 0o700), (False, 0o600)}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert verify(store.path) == []


def test_files_that_were_open_to_others_are_closed_to_them(path: Path) -> None:
    open_at(path).close()
    path.chmod(0o644)
    (path.parent / "plait.db.lock").chmod(0o666)
    store = open_at(path)
    assert {mode for directory, mode in modes(path.parent) if not directory} == {0o600}
    store.close()


def test_it_syncs_each_commit_and_never_checkpoints_in_one(store: SqliteStore) -> None:
    assert store._writer is not None
    pragmas = [
        store._writer.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
    ]
    assert pragmas == ["wal", 2, 1, 0]


def test_everything_is_there_after_closing_and_in_one_file(path: Path) -> None:
    store = open_at(path)
    author = Author(store)
    author.turn()
    assert "epoch 1" in repr(store)
    store.close()
    assert "closed" in repr(store)
    assert sorted(one.name for one in path.parent.iterdir()) == ["plait.db", "plait.db.lock"]
    again = open_at(path)
    assert Author(again).events == author.events
    assert again.epoch == store.epoch + 1
    again.close()


def test_a_write_of_an_earlier_owner_is_fenced_off(store: SqliteStore, path: Path) -> None:
    write = write_of(S, 0, (e.UserSaid("late"),), store.epoch)
    usurper = engine.connect(path, writing=True)
    usurper.execute("UPDATE owner SET epoch = epoch + 1")
    usurper.close()
    with pytest.raises(SequenceConflict, match="taken the database over"):
        store.append([write])
    assert list(store.read(S)) == []


def test_the_second_owner_is_refused_with_the_first_ones_number(store: SqliteStore, path: Path) -> None:
    with pytest.raises(StoreBusy, match=str(os.getpid())):
        open_at(path)
    link = path.parent / "link.db"
    link.symlink_to(path)
    with pytest.raises(StoreBusy):
        open_at(link)


def test_a_lock_of_another_program_is_a_sentence_and_then_over(store: SqliteStore, path: Path) -> None:
    other = engine.connect(path, writing=True)
    other.execute("BEGIN IMMEDIATE")
    write = write_of(S, 0, (e.UserSaid("wait"),), store.epoch)
    with pytest.raises(StoreError, match="Another program holds"):
        store.append([write])
    assert list(store.read(S)) == []
    other.execute("ROLLBACK")
    other.close()
    store.append([write])
    assert list(store.read(S)) == list(write.events)


def test_nobody_can_write_between_the_look_and_the_writing(store: SqliteStore, path: Path) -> None:
    """A transaction takes the lock when it begins: one that takes it later fails at once, whatever the time limit."""
    other = engine.connect(path, writing=True)
    other.execute("PRAGMA busy_timeout = 0")
    refused: list[str] = []
    assert store._writer is not None

    def interfere(statement: str) -> None:
        if statement.startswith("SELECT epoch"):
            try:
                other.execute("BEGIN IMMEDIATE")
            except engine.OperationalError as error:
                refused.append(str(error))

    store._writer.set_trace_callback(interfere)
    store.append([write_of(S, 0, (e.UserSaid("mine"),), store.epoch)])
    assert len(refused) == 1
    other.close()


def test_readers_do_not_wait_for_a_commit(store: SqliteStore) -> None:
    """While another thread holds the writing side, in the middle of a transaction, everything can be read."""
    Author(store).turn()
    with store._transaction() as writer:
        writer.execute("UPDATE sessions SET name = 'half'")
        done: list[int] = []

        def read() -> None:
            done.append(len(store.read(S)) + len(store.sessions()) + len(store.projects()))
            store.trusted(PROJECT.id)
            assert store.sessions()[0].name == "default"

        thread = threading.Thread(target=read)
        thread.start()
        thread.join(10)
        assert done


def test_many_threads_append_and_read(store: SqliteStore) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            author = Author(store, f"s-{number}")
            for turn in range(5):
                author.turn(turn)
                assert list(store.read(author.session.id)) == author.events
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(store.sessions()) == 6
    assert verify(store.path) == []


def test_many_threads_that_register_one_directory_get_one_project(store: SqliteStore) -> None:
    for number in range(10):
        got: list[Project] = []
        gate = threading.Barrier(4)

        def register(which: int, number: int = number, got: list[Project] = got, gate: threading.Barrier = gate) -> None:
            gate.wait()
            got.append(store.project(Project(ProjectId(f"p-{number:04}000{which}"), "p", f"/{number}", 1.0)))

        threads = [threading.Thread(target=register, args=(which,)) for which in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 4
        assert len(set(got)) == 1
    assert len(store.projects()) == 11


def log_size(path: Path) -> int:
    return path.with_name(path.name + "-wal").stat().st_size


def test_the_log_is_moved_into_the_database_when_it_is_due_and_does_not_grow_for_ever(store: SqliteStore, path: Path) -> None:
    big, written = e.UserSaid("x" * 500_000), 0
    before = path.stat().st_size
    store.append([write_of(S, 0, (big,), store.epoch)])
    store.tidy()
    assert path.stat().st_size == before
    for seq in range(1, 60):
        store.append([write_of(S, seq, (big,), store.epoch)])
        store.tidy()
        written += 500_000
    assert path.stat().st_size > written * 0.8
    assert log_size(path) < 3 * CHECKPOINT_DUE


def test_it_is_moved_even_if_nobody_tidies(store: SqliteStore, path: Path) -> None:
    big = e.UserSaid("x" * 1_000_000)
    for seq in range(50):
        store.append([write_of(S, seq, (big,), store.epoch)])
    assert log_size(path) < 2 * CHECKPOINT_OVERDUE
    assert path.stat().st_size > 30_000_000


def test_a_reader_that_stays_does_not_keep_the_log_from_being_moved_later(store: SqliteStore, path: Path) -> None:
    other = engine.connect(path, writing=False)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM events").fetchone()
    big = e.UserSaid("x" * 1_000_000)
    for seq in range(10):
        store.append([write_of(S, seq, (big,), store.epoch)])
        store.tidy()
    assert log_size(path) > 8_000_000
    other.execute("COMMIT")
    other.close()
    store.tidy()
    assert path.stat().st_size > 9_000_000


def test_who_does_not_own_it_any_more_writes_nothing_at_all(path: Path) -> None:
    """A stopped owner whose lock file was removed goes on after another has taken over."""
    with closing(open_at(path)) as stopped:
        author = Author(stopped)
        author.turn()
        author.append(e.Closed(), e.Trashed(True))
        session = author.session.id
        lock_path(path).unlink()
        with closing(open_at(path)) as owner:
            before = list(owner.read(session))
            for write in (
                lambda: stopped.append([write_of(session, author.session.seq, (e.Noted("late"),), stopped.epoch)]),
                lambda: stopped.keep_draft(Draft(session, "late", 0), 1.0),
                lambda: stopped.trust(PROJECT.id, "digest", True, 1.0),
                lambda: stopped.purge([session]),
                lambda: stopped.project(Project(ProjectId("other-00000000"), "other", "/other", 1.0)),
                stopped.index,
            ):
                with pytest.raises(StoreError, match="has taken the database over"):
                    write()
            assert (list(owner.read(session)), list(owner.drafts()), owner.trusted(PROJECT.id)) == (before, [], None)
            assert [one.id for one in owner.projects()] == [PROJECT.id]
