"""The trash, from the prompt to the last of it: put there while it works, taken out, and erased beside a running plait and without."""

from __future__ import annotations

import io

import pytest

from plait.cli.trash import asked
from plait.core.errors import UsageError
from tests.program.many import chooses
from tests.program.running import Place

SLOW = '[[reply]]\nmatch = "slow"\ntext = "It goes on"\nhang = true\n[[reply]]\nmatch = ""\ntext = "Fine."\n'


def test_a_session_goes_into_the_trash_and_out_of_it_for_good(place: Place) -> None:
    place.script.write_text(SLOW)
    for name in ("one", "two", "three"):
        assert place.run("run", "--session", name, f"hello {name}").returncode == 0
    with place.start("--session", "one", columns=60) as plait:
        plait.ready("(one) >").enter("slow")
        plait.shows("It goes on")
        plait.enter("/delete one")
        plait.shows("it is working) into the trash?")
        chooses(plait, "y/n", "y")
        plait.until(lambda: plait.name in ("two", "three"))
        plait.enter("/delete two")
        plait.shows("Put 'two' (2 messages) into the trash?")
        chooses(plait, "y/n", "y")
        plait.shows("'two' is in the trash")
        beside = place.run("trash")
        assert beside.stdout.splitlines()[0].startswith("two  2 messages, ")
        assert "2 sessions, " in beside.stdout
        assert "is out of the trash, and closed." in place.run("trash", "restore", "two").stdout
        done = place.run("trash", "purge", "one")
        assert (done.returncode, done.stdout) == (2, "")
        assert "nobody can be asked here. Add --yes" in done.stderr
        done = place.run("trash", "purge", "two", "--yes")
        assert (done.returncode, "Nothing in the trash is called 'two'" in done.stderr) == (2, True)
        done = place.run("trash", "purge", "one", "--yes")
        assert (done.returncode, done.stdout.startswith("Erased 1 session with 4 messages.")) == (0, True), done.stderr
        plait.enter("/trash")
        plait.shows("The trash is empty.")
        plait.enter("/sessions --all hello")
        plait.shows("three")
        plait.enter("/reopen one")
        plait.shows("No closed session is called 'one'.")
        assert plait.leave() == 0
    assert sorted(row.name for row in place.sessions()) == ["three", "two"]


def test_the_trash_with_nobody_there(place: Place) -> None:
    for name in ("one", "two"):
        assert place.run("run", "--session", name, f"hello {name}fold").returncode == 0
    with place.start("--session", "one") as plait:
        plait.ready("(one) >").enter("/delete two")
        plait.shows("into the trash?")
        chooses(plait, "y/n", "y")
        plait.shows("'two' is in the trash")
        assert plait.leave() == 0
    assert "is out of the trash" in place.run("trash", "restore", "two").stdout
    assert place.run("trash").stdout.startswith("The trash is empty.")
    assert place.run("trash", "purge", "--all", "--yes").stdout.startswith("The trash is empty.")
    for words in ((), ("two", "--all")):
        done = place.run("trash", "purge", *words)
        assert (done.returncode, "Nothing was erased" in done.stderr) == (2, True)
    assert place.run("export", "--all", "--format", "json").stdout.count('"SessionOpened"') == 2
    with place.start("--session", "one") as plait:
        plait.ready("(one) >").enter("/delete two")
        plait.shows("into the trash?")
        chooses(plait, "y/n", "y")
        plait.shows("'two' is in the trash")
        assert plait.leave() == 0
    assert place.run("export", "--all", "--format", "json").stdout.count('"SessionOpened"') == 1
    done = place.run("export", "two")
    assert (done.returncode, "'two' is in the trash. plait trash restore two takes it out." in done.stderr) == (2, True)
    done = place.run("trash", "purge", "--all", "--yes")
    assert done.stdout.startswith("Erased 1 session with 2 messages. Single words stay in the index of the file until plait vacuum")
    assert place.run("vacuum").returncode == 0
    assert b"twofold" not in place.database.read_bytes()
    assert [row.name for row in place.sessions()] == ["one"]
    assert place.run("doctor").stdout.rstrip().endswith("sound")
    empty = Place(place.root / "empty")
    empty.work.mkdir(parents=True)
    assert empty.run("trash", "purge", "--all", "--yes").stdout.startswith("The trash is empty.")
    assert not empty.home.exists(), "looking makes nothing"


class Terminal(io.StringIO):
    """Somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "erases"), [("purge\n", True), ("y\n", False), ("\n", False), ("", False), ("Purge\n", False)])
def test_only_the_whole_word_erases(typed: str, erases: bool) -> None:
    out = io.StringIO()
    assert asked(out, Terminal(typed))("2 sessions.") == erases
    assert out.getvalue() == "2 sessions.\nType purge to erase for good: "
    with pytest.raises(UsageError, match="Add --yes"):
        asked(out, io.StringIO("purge\n"))("2 sessions.")
