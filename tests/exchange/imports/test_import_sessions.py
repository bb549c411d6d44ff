"""Conversations in the store: twice is once, a grown file appends, a changed one stands beside, and the database is sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plait.cli.import_sessions import session_id
from plait.core import events as e
from plait.core.errors import StoreError
from plait.core.messages import SessionId, Turn
from plait.core.ports import Write
from plait.core.replies import info_of
from plait.core.session import Session, SessionState
from plait.exchange.imports.found import Conversation, Said
from plait.store.sqlite import SqliteStore
from plait.store.verify import verify
from tests.exchange.imports.reading import FILES, NOW, fixture, import_all, importer_into, store_at

TALK = Conversation("jsonl", "id", (Said("user", "a", 1.0e9), Said("assistant", "b"), Said("user", "c"), Said("assistant", "d")), "Title")


def every_fixture() -> list[Conversation]:
    return [one for file in FILES for one in fixture(file)[0]]


def told(store: SqliteStore, session: SessionId) -> list[str]:
    """The texts of a session in order."""
    texts = []
    for one in store.read(session):
        match one.event:
            case e.UserSaid(text=text):
                texts.append(text)
            case e.AssistantSaid(message=message):
                texts.append(message.text)
    return texts


def test_every_fixture_becomes_a_completed_session_and_the_database_is_sound(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    talks = every_fixture()
    counts = import_all(store, tmp_path, talks).counts
    rows = store.sessions()
    store.close()
    assert (counts.new, counts.known, counts.empty) == (len(talks), 0, 0)
    assert {row.state for row in rows} == {SessionState.COMPLETED}
    assert len({row.name for row in rows}) == len(rows) == len(talks)
    assert not any(row.unread or row.queued or row.waiting_for for row in rows)
    assert {row.directory for row in rows} == {str(tmp_path)}
    assert verify(tmp_path / "data" / "plait.db") == []


def test_twice_is_once(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    talks = every_fixture()
    import_all(store, tmp_path, talks)
    before = [store.read(row.id) for row in store.sessions()]
    counts = import_all(store, tmp_path, [*talks, *talks]).counts
    assert (counts.new, counts.grown, counts.known) == (0, 0, 2 * len(talks))
    assert [store.read(row.id) for row in store.sessions()] == before
    store.close()


@pytest.mark.parametrize("at_once", [True, False])
def test_a_file_that_grew_is_appended_to(tmp_path: Path, at_once: bool) -> None:
    store = store_at(tmp_path)
    parts = [replace(TALK, said=TALK.said[:cut]) for cut in range(1, 5)]
    for group in [parts] if at_once else [[one] for one in parts]:
        import_all(store, tmp_path, group)
    (row,) = store.sessions()
    assert told(store, row.id) == ["a", "", "b", "c", "", "d"]  # an answer that came later begins its turn with an empty message
    assert (row.state, row.title) == (SessionState.COMPLETED, "Title")
    older = import_all(store, tmp_path, parts[:2]).counts
    assert (older.known, older.new, older.grown) == (2, 0, 0)
    store.close()
    assert verify(tmp_path / "data" / "plait.db") == []


def test_a_talk_that_changed_or_went_on_in_plait_is_imported_beside(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    import_all(store, tmp_path, [TALK])
    edited = replace(TALK, said=(*TALK.said[:2], Said("user", "edited"), Said("assistant", "e")))
    assert import_all(store, tmp_path, [edited, edited]).counts.new == 1
    go_on(store, session_id(TALK, 1))
    grown = replace(TALK, said=(*TALK.said, Said("user", "more")))
    counts = import_all(store, tmp_path, [grown, TALK, edited, grown]).counts
    assert (counts.new, counts.grown, counts.known) == (1, 0, 3)
    assert [told(store, session_id(TALK, number))[-1] for number in (1, 2, 3)] == ["said in plait", "e", "more"]
    store.close()
    assert verify(tmp_path / "data" / "plait.db") == []


def go_on(store: SqliteStore, name: SessionId) -> None:
    """The user opens an imported session again and says something in it."""
    session = Session(name)
    for stamped in store.read(name):
        session.apply(stamped)
    before, events = session.seq, []
    turn = Turn(before + 2)
    for event in (e.Reopened(), e.UserSaid("said in plait"), e.TurnStarted(turn), e.TurnEnded(turn, "interrupted", seen=True)):
        events.append(e.Stamped(name, session.seq + 1, NOW, event))
        session.apply(events[-1])
    store.append([Write(info_of(session, draft=False), before, store.epoch, tuple(events))])


def test_a_session_that_was_only_opened_again_still_grows_and_stays_open(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    import_all(store, tmp_path, [TALK])
    name = session_id(TALK, 1)
    session = Session(name)
    for stamped in store.read(name):
        session.apply(stamped)
    reopened = e.Stamped(name, session.seq + 1, NOW, e.Reopened())
    session.apply(reopened)
    store.append([Write(info_of(session, draft=False), session.seq - 1, store.epoch, (reopened,))])
    assert import_all(store, tmp_path, [replace(TALK, said=(*TALK.said, Said("user", "more")))]).counts.grown == 1
    assert store.sessions()[0].state is SessionState.ACTIVE
    store.close()
    assert verify(tmp_path / "data" / "plait.db") == []


def test_the_directory_is_used_where_it_is_there_and_noted_where_not(tmp_path: Path) -> None:
    (tmp_path / "work" / ".git").mkdir(parents=True)
    (tmp_path / "work" / "deep").mkdir()
    store = store_at(tmp_path)
    here = replace(TALK, id="here", directory=str(tmp_path / "work" / "deep"))
    odd = [replace(TALK, id=str(n), directory=one) for n, one in enumerate(("../../etc", "C:\\Users\\x", "/gone\ud800", "/a\0b", ""))]
    import_all(store, tmp_path, [here, *odd])
    rows = {row.id: row for row in store.sessions()}
    row = rows[session_id(here, 1)]
    assert row.directory == str(tmp_path / "work" / "deep")
    assert {project.directory for project in store.projects()} == {str(tmp_path / "work"), str(tmp_path)}
    assert {row.directory for row in rows.values() if row.id != session_id(here, 1)} == {str(tmp_path)}
    notes = [sum(isinstance(one.event, e.Noted) for one in store.read(session_id(one, 1))) for one in (here, *odd)]
    assert notes == [0, 1, 1, 1, 1, 0]
    store.close()


def test_nothing_is_written_of_a_group_that_cannot_be(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    importer = importer_into(store, tmp_path)
    importer.take(TALK)
    store.close()
    with pytest.raises(StoreError):
        importer.flush()
    assert importer.counts.new == 0
    store = store_at(tmp_path)
    assert not store.sessions()
    assert import_all(store, tmp_path, [TALK, replace(TALK, id="x", said=(Said("user", "  "),))]).counts.empty == 1
    store.close()
