"""--ephemeral and `persist = false`: everything works, and nothing of it is on the disk, neither then nor afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest

from plait.cli.outcome import guarded
from plait.program import NOTHING_KEPT
from tests.program.running import PLAIT, Place
from tests.timing import LIMIT

NOT_KEPT = "(default, not kept) >"


def files(directory: Path) -> list[str]:
    """Everything below a directory, with its size: what was written shows."""
    return sorted(f"{path.relative_to(directory)} {path.stat().st_size}" for path in directory.rglob("*"))


@pytest.fixture
def temporary(place: Place) -> Path:
    """Where temporary files go."""
    directory = place.root / "tmp"
    directory.mkdir()
    return directory


def test_nothing_is_written_and_all_works(place: Place, temporary: Path) -> None:
    place.script.write_text('[[reply]]\nmatch = "slow"\ntext = "It goes on"\nhang = true\n[[reply]]\nmatch = ""\ntext = "Fine."\n')
    with place.start("--ephemeral", columns=100, rows=40, TMPDIR=str(temporary)) as plait:
        plait.ready(NOT_KEPT).enter("hello")
        plait.shows("Fine.")
        plait.enter("/new docs")
        plait.ready("(docs, not kept) >").enter("slow")
        plait.shows("It goes on")
        plait.send("a draft")
        assert not place.home.exists()
        plait.send("\x15")
        plait.enter("/switch default")
        plait.ready(NOT_KEPT)
        plait.enter("/search hello")
        plait.shows("1 hit.")
        plait.enter("/session save")
        plait.shows("Nothing of this run is kept on disk")
        plait.enter("/export talk.md")
        plait.shows("'default' is in ")
        plait.enter("/debug metrics")
        plait.shows("not kept. It stays on this machine")
        plait.enter("/kill docs")
        plait.shows("Closed 'docs'")
        assert plait.leave() == 0
        assert "Nothing of this was kept." in plait.everything
    assert not place.home.exists(), "no database, no lock, no log, no metrics"
    assert (files(temporary), os.listdir(place.work)) == ([], ["talk.md"])
    assert "hello" in (place.work / "talk.md").read_text()


@pytest.mark.parametrize("way", ["flag", "variable", "file"])
def test_one_answer_in_each_way_of_saying_so(place: Place, temporary: Path, way: str) -> None:
    place.settings("persist = false\n" if way == "file" else "")
    before = files(place.home)
    flags = ["--ephemeral"] if way == "flag" else []
    environ = {"PLAIT_PERSIST": "0"} if way == "variable" else {}
    done = place.run("run", *flags, "hello", "--output-format", "json", TMPDIR=str(temporary), **environ)
    assert (done.returncode, json.loads(done.stdout)["ending"]) == (0, "done")
    assert (files(place.home), files(temporary)) == (before, [])


def test_what_is_on_disk_is_neither_shown_nor_touched(place: Place) -> None:
    assert place.run("run", "--session", "stored", "hello").returncode == 0
    with place.start("--session", "stored") as owner:
        owner.ready("(stored) >")
        before = files(place.home / "data")
        with place.start("--ephemeral", "--session", "stored") as plait:
            plait.ready("(stored, not kept) >").enter("/sessions --all")
            plait.shows("0 messages")
            plait.enter("/history")
            plait.shows("Nothing has been said")
            assert plait.leave() == 0
        assert files(place.home / "data") == before
        assert "shares them" not in plait.everything
        owner.enter("/sessions")
        owner.shows("2 messages")
        assert owner.leave() == 0
    assert [row.messages for row in place.sessions()] == [2]


@pytest.mark.parametrize(
    "arguments", [["--ephemeral", "backup"], ["--ephemeral", "sessions"], ["--ephemeral", "-c"], ["run", "--ephemeral", "-r", "x", "y"]]
)
def test_what_needs_the_disk_says_so(place: Place, arguments: list[str]) -> None:
    done = place.run(*arguments)
    assert done.returncode == 2
    assert "--ephemeral" in done.stderr
    assert "on disk" in done.stderr
    assert not place.home.exists()


def test_without_a_place_for_temporary_files_it_says_so(place: Place) -> None:
    file = place.root / "file"
    file.write_text("")
    command = [*PLAIT[:1], "-c", f"import tempfile; tempfile.tempdir = {str(file)!r}; from plait.cli import main; main()"]
    with place.process("run", "--ephemeral", "hello", command=command) as process:
        _, told = process.communicate(timeout=LIMIT)
    assert (process.returncode, "Set TMPDIR to a directory" in told) == (2, True), told
    assert not place.home.exists()


def test_no_file_tells_of_a_fault(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    @click.option("--note", default="")
    def failing(note: str) -> None:
        error = KeyError("what was said")
        if note:
            error.add_note(note)
        raise error

    assert guarded(failing, ["--note", NOTHING_KEPT]) == 1
    told = capsys.readouterr().err
    assert "nobody foresaw (KeyError). Nothing could be written about it." in told
    assert "what was said" not in told
    assert not home.exists() or files(home) == []
    assert guarded(failing, []) == 1
    assert any("crash-" in name for name in files(home))
