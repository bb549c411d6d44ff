"""Reading beside the owner: one moment, nothing written, and a sentence where there is nothing to read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.commands import Draft
from plait.core.errors import StoreError
from plait.core.messages import AssistantMessage, Turn, Usage
from plait.store import engine, schema
from plait.store.reading import reading
from plait.store.sqlite import open_store
from tests.store.writing import PROJECT, Author, open_at


def test_it_reads_what_the_owner_has_and_goes_on_writing(tmp_path: Path) -> None:
    path = tmp_path / "data" / "plait.db"
    store = open_at(path)
    author = Author(store)
    author.turn()
    store.keep_draft(Draft(author.session.id, "not sent", 3), 1.0)
    with reading(path) as reader:
        assert reader is not None
        before = reader.sessions()
        author.turn(2)  # while it is being read
        assert reader.sessions() == before == [row for row in before if row.id == author.session.id and row.draft]
        assert len(reader.events(author.session.id)) == before[0].seq < author.session.seq
        assert reader.drafts() == {author.session.id: Draft(author.session.id, "not sent", 3)}
        assert reader.projects() == [PROJECT]
    with reading(path) as reader:
        assert reader is not None
        assert reader.events(author.session.id) == author.events == list(store.read(author.session.id))
    store.close()


def test_where_nothing_is_stored_nothing_is_made(tmp_path: Path) -> None:
    with reading(tmp_path / "none" / "plait.db") as reader:
        assert reader is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "plait.db").touch()
    with reading(tmp_path / "plait.db") as reader:
        assert reader is None  # one that is being made
    (tmp_path / "plait.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="is not a database"), reading(tmp_path / "plait.db"):
        pass


def test_an_older_database_is_left_to_a_start(tmp_path: Path) -> None:
    path, old = tmp_path / "data" / "plait.db", tmp_path / "migrations"
    old.mkdir()
    first = sorted(schema.migrations_directory().glob("m*.py"))[0]
    (old / first.name).write_text(first.read_text(encoding="utf-8"), encoding="utf-8")
    open_store(path, now=time.time(), report=lambda finding: None, migrations=old).close()
    with pytest.raises(StoreError, match=r"Start plait once"), reading(path):
        pass
    open_at(path).close()
    with reading(path) as reader:
        assert reader is not None


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Days begin at midnight in Greenwich."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_utc")
def test_usage_by_day_model_and_project(tmp_path: Path) -> None:
    path = tmp_path / "data" / "plait.db"
    store = open_at(path)
    author = Author(store)
    author.turn()  # of its calls the provider reported nothing
    turn = Turn(author.session.seq + 1)
    author.append(e.UserSaid("go"), e.TurnStarted(turn))
    author.append(e.AssistantSaid(turn, AssistantMessage("a"), "end", "openai:big", Usage(10, 5, 2), 0.5))
    author.append(e.AssistantSaid(turn, AssistantMessage("b"), "end", "openai:big", Usage(1, 2), None))
    author.append(e.AssistantSaid(turn, AssistantMessage("c"), "end", "ollama:small", Usage(7, 7), 0.0))
    author.append(e.Compacted(turn, 3, "short", "openai:big", usage=Usage(100, 10), cost=0.25))
    with reading(path) as reader:
        assert reader is not None
        used = reader.usage()
    store.close()
    assert [(one.model, one.project, one.day) for one in used] == [
        ("ollama:small", PROJECT.id, "1970-01-01"),
        ("openai:big", PROJECT.id, "1970-01-01"),
    ]
    assert (used[1].calls, used[1].input, used[1].output, used[1].cached, used[1].cost, used[1].unpriced) == (3, 111, 17, 2, 0.75, 1)
    assert author.session.usage == sum((Usage(one.input, one.output, one.cached) for one in used), Usage())
    assert author.session.unpriced == sum(one.unpriced for one in used)


def test_events_that_cannot_be_read_do_not_stop_the_figures(tmp_path: Path) -> None:
    path = tmp_path / "data" / "plait.db"
    store = open_at(path)
    Author(store).turn()
    store.close()
    writer = engine.connect(path, writing=True)
    writer.execute("UPDATE events SET data = 'not JSON' WHERE type = 'AssistantSaid' AND seq = 5")
    writer.close()
    with reading(path) as reader:
        assert reader is not None
        assert reader.usage() == []
