"""A real small disk that gets full under the prompt: told at once, nothing lost, and it goes on by itself."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plait.core import events as e
from plait.store import files
from plait.store.verify import verify
from tests.kill.witness import read_all
from tests.program.many import joined
from tests.program.running import Place, Plait
from tests.store.test_disks import mounts
from tests.store.victim import fill_up
from tests.timing import keep

TOLD_WITHIN = 1.0
FULL, WORKS, NOT_SAVED = "The disk is full", "Saving works again; nothing was lost.", "NOT SAVED"


class SmallDisk(Plait):
    """The program with its home on a tmpfs of 2 MB, in a namespace of its own, into which the test looks through /proc."""

    def __init__(self, place: Place) -> None:
        mount = f'mkdir -p {place.home} && mount -t tmpfs -o size=2m,mode=0700 tmpfs {place.home} && exec sh -c "$0"'
        super().__init__(
            [sys.executable, "-m", "plait", "--model", place.model], place, 150, 40, {}, through=["unshare", "-Urm", "sh", "-c", mount]
        )

    def __enter__(self) -> SmallDisk:
        return self

    @property
    def home(self) -> Path:
        return Path(f"/proc/{self.child.pid}/root{self.place.home}")

    def fill(self) -> None:
        fill_up(self.home / "filler")

    def empty(self) -> None:
        (self.home / "filler").unlink()

    def grow(self) -> None:
        enter = ["nsenter", "--preserve-credentials", "-t", str(self.child.pid), "-U", "-m"]
        subprocess.run([*enter, "mount", "-o", "remount,size=8m", str(self.place.home)], check=True, timeout=30)

    def messages(self, copy: Path) -> list[str]:
        """What lies on the disk now."""
        copy.mkdir(mode=0o700)
        for name in ("plait.db", "plait.db-wal"):
            shutil.copy(self.home / "data" / name, copy / name)
            (copy / name).chmod(0o600)
        assert verify(copy / "plait.db") == []
        return [one.event.text for events in read_all(copy / "plait.db").values() for one in events if isinstance(one.event, e.UserSaid)]


def says(plait: Plait, text: str) -> None:
    plait.enter(text)
    plait.until(lambda: plait.text.count(text) == 2)  # the model repeats it
    plait.idle()


def meets_the_fault(plait: Plait, text: str, told: str) -> None:
    """A message is not saved: that is told within a second, and the message is kept."""
    before = joined(plait).count(told)
    plait.enter(text)
    began = time.monotonic()
    plait.until(lambda: joined(plait).count(told) > before and NOT_SAVED in plait.toolbar)
    keep(TOLD_WITHIN, time.monotonic() - began, "telling of the fault")


@mounts
def test_a_disk_that_is_full_and_full_again(place: Place, tmp_path: Path) -> None:
    with SmallDisk(place) as plait:
        plait.ready()
        says(plait, "before")
        plait.fill()
        meets_the_fault(plait, "while it is full " + "x" * 60, FULL)
        plait.enter("and one more")
        plait.type("a draft")
        assert "▌ and one more" not in plait.everything  # nothing unsaved looks as if it were
        plait.empty()
        plait.shows(WORKS)
        plait.until(lambda: plait.text.count("and one more") >= 2 and NOT_SAVED not in plait.toolbar)
        assert plait.input_row == "(default) > a draft"
        plait.send("\x15")
        plait.fill()
        while NOT_SAVED not in plait.toolbar:  # the log has room from before: some more are saved
            plait.enter(f"again {len(plait.everything)}")
        plait.grow()
        plait.until(lambda: plait.everything.count(WORKS) == 2)
        says(plait, "after")
        said = plait.messages(tmp_path / "copy")
        assert said[:3] == ["before", "while it is full " + "x" * 60, "and one more"]
        assert said[-1] == "after"
        assert plait.leave() == 0


def test_a_limit_on_the_size_of_files_is_met_and_lifted(place: Place) -> None:
    with place.start(columns=150) as plait:
        plait.ready()
        says(plait, "before")
        log = files.wal_path(place.database)
        resource.prlimit(plait.child.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, resource.RLIM_INFINITY))
        meets_the_fault(plait, "over the limit", "its limits")
        resource.prlimit(plait.child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        plait.shows(WORKS)
        plait.until(lambda: plait.text.count("over the limit") >= 2)
        plait.idle()
        assert plait.leave() == 0
    assert [event.text for event in place.events() if isinstance(event, e.UserSaid)] == ["before", "over the limit"]


@pytest.mark.parametrize("crash_at", ["", "rescue.taken"])
def test_what_could_not_be_saved_until_the_end_is_there_at_the_next_start(place: Place, crash_at: str) -> None:
    with place.start(columns=150) as plait:
        plait.ready()
        says(plait, "before")
        size = files.wal_path(place.database).stat().st_size
        resource.prlimit(plait.child.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        meets_the_fault(plait, "over the limit", "its limits")
        plait.type("a draft")
        plait.send("\x15")
        plait.send("\x04")
        plait.shows("still at work")  # for what waits for the disk
        plait.send("\x04")
        assert plait.wait() == 1
        assert "the next start takes them in" in joined(plait)
    (file,) = place.database.parent.glob("*.rescue-*.jsonl")
    if crash_at:
        assert place.run("run", "hello", PLAIT_CRASH_AT=crash_at).returncode == -signal.SIGKILL
        assert file.exists()
    with place.start(columns=150) as plait:
        plait.shows("is in the database now")
        plait.shows("▌ over the limit")
        plait.idle()
        assert plait.leave() == 0
    assert not file.exists()
    assert [event.text for event in place.events() if isinstance(event, e.UserSaid)] == ["before", "over the limit"]
    assert verify(place.database) == []
