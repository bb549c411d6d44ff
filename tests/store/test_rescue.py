"""What could not be written when plait was left: in a file for the user alone, and in the database after the next start, once."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.commands import Draft
from plait.core.messages import SessionId
from plait.store.memory import MemoryStore
from plait.store.rescue import take_back, write_rescue
from plait.store.verify import verify
from tests.store.writing import PROJECT, Author, open_at

S = SessionId("s-1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "plait.db"


@pytest.fixture
def unsaved(path: Path) -> list[e.Stamped]:
    """Events of two sessions that follow what is stored: the one goes on, the other is new."""
    memory = MemoryStore()
    memory.project(PROJECT)
    with closing(open_at(path)) as store:
        Author(store, "s-1").turn()
        ahead = Author(memory, "s-1")
        for stamped in store.read(S):
            ahead.append(stamped.event)
        written = len(ahead.events)
        ahead.turn(2)
        new = Author(memory, "s-2")
        new.turn()
    return [*ahead.events[written:], *new.events]


def rescued(path: Path, events: list[e.Stamped], *drafts: Draft) -> Path:
    file = write_rescue([path.parent], path, 1.0, events, drafts)
    assert file is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return file


def test_what_was_kept_is_taken_in_once(path: Path, unsaved: list[e.Stamped]) -> None:
    file = rescued(path, unsaved, Draft(S, "not sent \U0001f600", 3))
    with closing(open_at(path)) as store:
        (told,) = take_back(store, path, 2.0)
        assert (told.taken, told.left) == (len(unsaved) + 1, 0)
        assert str(file) in told.text
        assert [one for name in ("s-1", "s-2") for one in store.read(SessionId(name))][-len(unsaved) :] == unsaved[-len(unsaved) :]
        assert list(store.read(S))[-1] in unsaved
        assert [draft.text for draft in store.drafts()] == ["not sent \U0001f600"]
        assert take_back(store, path, 2.0) == []
    assert [one.name for one in path.parent.glob("*.rescue-*")] == [file.name + ".taken"]
    assert verify(path) == []


def test_any_character_that_ends_a_line_elsewhere_comes_back(path: Path) -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\rh\r\ni\nj\0k"
    memory = MemoryStore()
    memory.project(PROJECT)
    author = Author(memory, "s-1")
    author.open()
    author.append(e.UserSaid(text))
    with closing(open_at(path)) as store:
        rescued(path, author.events, Draft(S, text, 1))
        (told,) = take_back(store, path, 2.0)
        assert (told.taken, told.left) == (3, 0), told.reason
        assert list(store.read(S)) == author.events
        assert [draft.text for draft in store.drafts()] == [text]


def test_what_is_there_already_is_not_taken_in_again(path: Path, unsaved: list[e.Stamped]) -> None:
    """The last commit was made, and nobody heard of it; or a start was killed after it had taken in the file."""
    file = rescued(path, unsaved)
    with closing(open_at(path)) as store:
        for again in range(2):
            (told,) = take_back(store, path, 2.0)
            assert (told.taken, told.left) == (len(unsaved), 0), again
            file.with_name(file.name + ".taken").rename(file)
        assert len(store.read(SessionId("s-2"))) == sum(one.session == "s-2" for one in unsaved)
    assert verify(path) == []


def test_what_does_not_fit_stays_and_is_told(path: Path, unsaved: list[e.Stamped]) -> None:
    file = rescued(path, unsaved)
    with closing(open_at(path)) as store:
        Author(store, "s-1").append(e.Noted("something else came first"))
        (told,) = take_back(store, path, 2.0)
        assert told.left == sum(one.session == "s-1" for one in unsaved)
        assert len(store.read(SessionId("s-2"))) == told.taken
        assert "move the file away" in told.text
    assert file.exists()
    assert verify(path) == []


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b'{"type":"Nothing"}\n', b"[]\n"])
def test_a_file_that_cannot_be_read_stays(path: Path, unsaved: list[e.Stamped], content: bytes) -> None:
    file = rescued(path, unsaved)
    file.write_bytes(content)
    with closing(open_at(path)) as store:
        (told,) = take_back(store, path, 2.0)
        assert "cannot be read" in told.text
        assert len(store.sessions()) == 1
    assert file.read_bytes() == content


def test_of_a_file_that_is_cut_off_the_whole_lines_are_taken_in(path: Path, unsaved: list[e.Stamped]) -> None:
    """A kill, or the disk once more, came while it was written."""
    file = rescued(path, unsaved)
    content = file.read_bytes()
    file.write_bytes(content[: -len(content.splitlines()[-1]) // 2])
    with closing(open_at(path)) as store:
        (told,) = take_back(store, path, 2.0)
        assert (told.taken, told.left) == (len(unsaved) - 1, 1)
        assert "cannot be read" in told.text
        assert len(store.sessions()) == 2
    assert file.exists()
    assert verify(path) == []


def test_what_is_neither_an_event_nor_a_draft_is_told(path: Path, unsaved: list[e.Stamped]) -> None:
    file = rescued(path, unsaved)
    file.write_bytes(file.read_bytes() + b'{"type":"Cursor","epoch":1,"seq":1}\n')
    with closing(open_at(path)) as store:
        (told,) = take_back(store, path, 2.0)
    assert (told.taken, told.left) == (len(unsaved), 1)
    assert file.exists()


def test_the_first_place_that_takes_it_gets_it(path: Path, unsaved: list[e.Stamped], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = write_rescue([tmp_path / "none", tmp_path / "file", tmp_path], path, 1.0, unsaved, ())
    assert file is not None
    assert file.parent == tmp_path
    assert write_rescue([tmp_path / "none"], path, 1.0, unsaved, ()) is None
