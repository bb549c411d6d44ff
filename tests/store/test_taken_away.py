"""Files that are deleted, moved, replaced or cut short while the store has them open: nothing more is acknowledged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.errors import SequenceConflict, StoreError
from plait.core.messages import SessionId
from plait.store.verify import verify
from tests.store.writing import Author, open_at, write_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "plait.db"


def unlink(path: Path) -> None:
    path.unlink()


def rename(path: Path) -> None:
    path.rename(path.with_suffix(".gone"))


def replace(path: Path) -> None:
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    copy.rename(path)


def truncate(path: Path) -> None:
    os.truncate(path, 0)


@pytest.mark.parametrize(
    ("fault", "suffix"), [(fault, suffix) for fault in (unlink, rename, replace) for suffix in ("", "-wal")] + [(truncate, "")]
)
def test_nothing_is_acknowledged_into_files_that_were_taken_away(path: Path, fault: Callable[[Path], None], suffix: str) -> None:
    store = open_at(path)
    author = Author(store)
    author.turn()
    fault(path.with_name(path.name + suffix))
    for _ in range(2):
        with pytest.raises(StoreError, match="while plait was using it"):
            author.append(e.UserSaid("lost"))
        author.session.seq -= 1
        author.session.queue.pop()
    acknowledged = list(author.events)
    gone = not path.exists()
    store.close()
    assert path.exists() or suffix
    if gone:  # it comes back under its name, with all that was acknowledged
        with closing(open_at(path)) as again:
            assert list(again.read(author.session.id)) == acknowledged
        assert verify(path) == []


def test_a_file_that_comes_back_is_written_again_and_what_was_in_doubt_is_there_once(path: Path) -> None:
    """The commit goes into the file that was just taken away, and is not acknowledged; the same write is tried until it is."""
    store = open_at(path)
    Author(store).turn()
    away = path.with_suffix(".away")
    seen = threading.Event()
    assert store._writer is not None

    def take_away(statement: str) -> None:
        if statement == "COMMIT" and not seen.is_set():
            seen.set()
            path.rename(away)

    store._writer.set_trace_callback(take_away)
    write = write_of(SessionId("s-2"), 0, (e.UserSaid("in doubt"),), store.epoch)
    with pytest.raises(StoreError, match="moved away"):
        store.append([write])
    assert seen.is_set()
    with pytest.raises(StoreError, match="moved away"):
        store.append([write])
    away.rename(path)
    store.append([write])
    assert list(store.read(SessionId("s-2"))) == list(write.events)
    with pytest.raises(SequenceConflict):
        store.append([write])
    store.close()
