"""The database is deleted or locked under the prompt: told at once, and everything is there again afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from plait.core import events as e
from plait.store import engine
from plait.store.verify import verify
from tests.program.running import Place
from tests.program.test_full_disk import WORKS, meets_the_fault, says


def delete(database: Path) -> None:
    database.unlink()


def move(database: Path) -> None:
    database.rename(database.with_name("moved.db"))


def delete_all(database: Path) -> None:
    for path in database.parent.glob("plait.db*"):
        path.unlink()


@pytest.mark.parametrize("fault", [delete, move, delete_all])
def test_a_database_that_is_taken_away_is_back_at_the_next_start(place: Place, fault: Callable[[Path], None]) -> None:
    with place.start(columns=150) as plait:
        plait.ready()
        says(plait, "before")
        fault(place.database)
        meets_the_fault(plait, "and this?", "was deleted or moved away")
        plait.send("\x04")
        plait.shows("still at work")  # for what waits for the disk
        plait.send("\x04")
        assert plait.wait() == 1
    assert verify(place.database) == []
    with place.start(columns=150) as plait:
        plait.shows("is in the database now")
        plait.shows("▌ and this?")
        plait.idle()
        assert plait.leave() == 0
    assert [event.text for event in place.events() if isinstance(event, e.UserSaid)] == ["before", "and this?"]
    assert verify(place.database) == []


def test_a_database_that_another_program_holds_is_written_once_it_lets_go(place: Place) -> None:
    with place.start(columns=150) as plait:
        plait.ready()
        says(plait, "before")
        other = engine.connect(place.database, writing=True)
        other.execute("BEGIN IMMEDIATE")
        plait.enter("while it is locked")
        plait.shows("Another program holds the database")
        plait.type("keys still come")
        assert plait.input_row == "(default) > keys still come"
        plait.send("\x15")
        other.execute("ROLLBACK")
        other.close()
        plait.shows(WORKS)
        plait.until(lambda: plait.text.count("while it is locked") >= 2)
        plait.idle()
        assert plait.leave() == 0
    assert [event.text for event in place.events() if isinstance(event, e.UserSaid)] == ["before", "while it is locked"]
