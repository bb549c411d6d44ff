"""The one thing that erases: what lies in the trash is gone from every table and every index; nothing else is, whatever goes wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.commands import Draft
from plait.core.errors import StoreError
from plait.core.messages import SessionId
from plait.core.ports import Store
from plait.core.searching import Query, phrases
from plait.store import engine
from plait.store.purging import STEP_CHARACTERS, STEP_EVENTS
from plait.store.verify import verify
from tests.store.kinds import KINDS
from tests.store.test_crashes import run_victim
from tests.store.writing import Author, open_at

LABELS = ["purge.step", "purge.step:2", "purge.erased", "purge.after"]
GONE, KEPT = SessionId("s-1"), SessionId("s-2")


@pytest.fixture(params=sorted(KINDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store of each kind with two sessions, one of them in the trash, everything in the index."""
    opened = KINDS[request.param](tmp_path)
    fill(opened)
    yield opened
    opened.close()


def fill(store: Store) -> None:
    for name in (GONE, KEPT):
        author = Author(store, name)
        author.turn()
        author.append(e.UserSaid("Größenwahn, 分かる and C++"), e.Closed())
        store.keep_draft(Draft(name, f"draft of {name}", 3), 1.0)
    Author(store, GONE).append(e.Trashed(True))
    index(store)


def index(store: Store) -> None:
    while store.index():
        pass


def found(store: Store, text: str) -> set[SessionId]:
    places = store.search(Query(phrases(text), tools=True, limit=100, trashed=True))
    assert (places.total, places.unindexed) == (len(places.found), 0)
    return {place.session for place in places.found}


def test_nothing_is_left_of_what_is_purged(store: Store) -> None:
    rows = {row.id: row for row in store.sessions()}
    kept = list(store.read(KEPT))
    assert found(store, "question") == {GONE, KEPT}
    store.purge([GONE])
    assert list(store.sessions()) == [rows[KEPT]]
    assert (list(store.read(GONE)), list(store.read(KEPT))) == ([], kept)
    assert [draft.session for draft in store.drafts()] == [KEPT]
    for text in ("question", "größenwahn", "分か", "C++", "2"):
        assert found(store, text) == {KEPT}, text
    Author(store, GONE).turn()  # its id is as free as if it had never been
    index(store)
    assert found(store, "question") == {GONE, KEPT}


def test_sizes_are_those_of_the_events(store: Store) -> None:
    sizes = store.sizes([GONE, KEPT, SessionId("nobody")])
    assert set(sizes) == {GONE, KEPT}
    before = sizes[KEPT]
    author = Author(store, KEPT)
    author.append(e.Reopened(), e.UserSaid("ö" * 5_000))
    assert 10_000 < store.sizes([KEPT])[KEPT] - before < 10_300


@pytest.mark.parametrize("wrong", [[KEPT], [GONE, KEPT], [GONE, SessionId("nobody")], [SessionId("*")]])
def test_only_the_trash_is_purged_and_all_or_nothing(store: Store, wrong: Sequence[SessionId]) -> None:
    before = list(store.sessions()), list(store.read(GONE)), list(store.drafts())
    with pytest.raises(StoreError, match="Nothing was erased"):
        store.purge(wrong)
    assert (list(store.sessions()), list(store.read(GONE)), list(store.drafts())) == before
    assert found(store, "question") == {GONE, KEPT}


def test_an_open_session_is_not_purged_whatever_its_row_says(store: Store) -> None:
    author = Author(store, GONE)
    author.append(e.Reopened())
    assert store.sessions()[0].trashed_at
    with pytest.raises(StoreError, match="Nothing was erased"):
        store.purge([GONE])


def test_purging_nothing_or_the_same_twice(store: Store) -> None:
    store.purge([])
    store.purge([GONE, GONE])
    assert [row.id for row in store.sessions()] == [KEPT]


def test_a_session_that_no_search_finds_yet_is_purged_too(store: Store) -> None:
    author = Author(store, "s-3")
    author.turn()
    author.append(e.Closed(), e.Trashed(True))
    store.purge([author.session.id])
    index(store)
    assert found(store, "question") == {GONE, KEPT}


def test_a_long_session_leaves_the_index_in_steps(store: Store) -> None:
    author = Author(store, "s-3")
    author.turn()
    author.append(*(e.Noted("nothing to find") for _ in range(STEP_EVENTS)))
    for letter in "abc":
        author.append(e.UserSaid(f"x{letter} " * (STEP_CHARACTERS // 2)))
    author.append(e.Closed(), e.Trashed(True))
    index(store)
    assert found(store, "xb") == {author.session.id}
    store.purge([author.session.id])
    assert found(store, "xa") == found(store, "xb") == set()
    assert found(store, "question") == {GONE, KEPT}


def test_the_words_are_in_no_file_any_more(tmp_path: Path) -> None:
    path = tmp_path / "data" / "plait.db"
    store = open_at(path)
    author = Author(store, GONE)
    author.turn()
    author.append(e.UserSaid("xylophonist " * 50), e.Closed(), e.Trashed(True))
    store.purge([GONE])  # before the index has it: that keeps words until it merges its parts
    store.close()
    assert b"xylophonist" not in path.read_bytes()
    assert verify(path) == []


def test_what_is_erased_is_in_no_log_either_while_plait_runs(tmp_path: Path) -> None:
    path = tmp_path / "data" / "plait.db"
    with closing(open_at(path)) as store:
        author = Author(store, GONE)
        author.turn()
        author.append(e.UserSaid("xylophonist " * 50))
        assert holds(path, "xylophonist") == ["plait.db-wal"]
        author.append(e.Closed(), e.Trashed(True))
        store.purge([GONE])
        assert holds(path, "xylophonist") == []
        Author(store, KEPT).turn()
        assert len(store.read(KEPT)) > 1
    assert verify(path) == []


def holds(path: Path, word: str) -> list[str]:
    """The database's files in which a word stands; this process must not open them."""
    done = subprocess.run(["grep", "-l", word, *sorted(map(str, path.parent.glob("plait.db*")))], stdout=subprocess.PIPE, check=False)
    return [Path(line).name for line in done.stdout.decode().splitlines()]


@pytest.mark.parametrize("label", LABELS)
def test_killed_in_a_purge(tmp_path: Path, label: str) -> None:
    path = tmp_path / "data" / "plait.db"
    acked = run_victim(path, "purge", label)
    assert acked[GONE]
    assert verify(path) == []
    store = open_at(path)
    purged = GONE not in {row.id for row in store.sessions()}
    assert purged == (label == "purge.after")
    index(store)
    assert found(store, "question") == ({KEPT} if purged else {GONE, KEPT})
    assert len(store.read(GONE)) == (0 if purged else acked[GONE])
    store.close()
    connection = engine.connect(path, writing=True)
    connection.execute("INSERT INTO search_words (search_words, rank) VALUES ('integrity-check', 0)")
    connection.close()


def test_the_row_decides_and_not_who_asks(store: Store) -> None:
    Author(store, GONE).append(e.Trashed(False))
    row = next(row for row in store.sessions() if row.id == GONE)
    assert row == replace(row, trashed_at=0.0)
    with pytest.raises(StoreError):
        store.purge([GONE])
