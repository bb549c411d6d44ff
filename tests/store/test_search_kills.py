"""kill -9 while the index is written: nothing is left out of it, nothing is in it twice, and the messages do not notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.core.searching import Query, phrases
from plait.store import engine
from plait.store.sqlite import SqliteStore
from plait.store.verify import verify
from tests.store.test_crashes import run_victim
from tests.store.writing import Author, open_at


def indexed(store: SqliteStore) -> int:
    """Goes on to the end; the steps that it took."""
    steps = 0
    while store.index():
        steps += 1
    return steps


def found(store: SqliteStore, words: str, *, tools: bool = False) -> list[tuple[str, int]]:
    places = store.search(Query(phrases(words), tools=tools, limit=1000))
    assert (len(places.found), places.unindexed) == (places.total, 0)
    return sorted((place.session, place.seq) for place in places.found)


@pytest.mark.parametrize("where", ["index.taken", "append.committed:28", "index.taken:2", "append.identified:53"])
def test_killed_in_the_index(tmp_path: Path, where: str) -> None:
    path = tmp_path / "data" / "plait.db"
    acked = run_victim(path, "index", where)
    assert acked
    assert verify(path) == []
    store = open_at(path)
    for name in ("s-1", "s-2"):
        Author(store, name).turn(7)
    indexed(store)
    events = [(one.session, one.seq, type(one.event).__name__) for name in acked for one in store.read(name)]
    expected = {kind: sorted((session, seq) for session, seq, name in events if name == kind) for kind in ("UserSaid", "ToolReturned")}
    assert len(expected["UserSaid"]) >= 4
    assert found(store, "question") == expected["UserSaid"]
    assert set(found(store, "2", tools=True)) >= set(expected["ToolReturned"])
    store.close()
    connection = engine.connect(path, writing=False)
    for table in ("search_documents", "search_words"):
        rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        assert rows == connection.execute("SELECT count(DISTINCT session || ' ' || seq || ' ' || role) FROM search_documents").fetchone()[0]
    connection.close()
    assert verify(path) == []
