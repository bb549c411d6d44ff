"""What was said is there at the next start, however the last one ended; and one process has the database."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import termios
import time
from pathlib import Path

from plait.core import events as e
from plait.core.commands import info_of
from plait.core.messages import AssistantMessage, ProjectId, SessionId, Turn
from plait.core.ports import Project, Write
from plait.core.session import Session
from plait.store.owner import take_ownership
from plait.store.sqlite import open_store
from tests.program.running import Place
from tests.timing import LIMIT

ENDLESS = '[[reply]]\nmatch = "endless"\nwords = 100000\nper_second = 50\n'


def test_a_kill_in_the_middle_of_an_answer(place: Place) -> None:
    place.script.write_text(ENDLESS)
    with place.start() as plait:
        plait.ready().enter("hello")
        plait.until(lambda: plait.text.count("hello") == 2)
        plait.idle()
        plait.enter("endless")
        plait.shows("word30 ")  # 600 ms: at least one piece of it is on the disk
        plait.enter("the queued one")
        plait.until(lambda: "1 queued" in plait.toolbar)
        plait.child.kill(signal.SIGKILL)
        plait.wait()
    place.script.write_text('[[reply]]\nmatch = "endless"\ntext = "In short."\n')
    with place.start(rows=40) as plait:
        plait.ready()
        plait.until(lambda: plait.everything.count("the queued one") == 2)  # it had been taken, so it is sent now
        text = plait.everything
        assert text.count("hello") == 2
        assert text.index("▌ endless") < text.index("  word1 word2") < text.index("! plait stopped in the middle of this turn")
        plait.idle()
        plait.type("\x1b[A")
        plait.until(lambda: plait.input_row == "(default) > the queued one")
        plait.type("\x1b[A")
        plait.until(lambda: plait.input_row == "(default) > endless")
        assert plait.child.isalive()
        plait.send("\x15")
        plait.leave()
    (partial,) = [event for event in place.events() if isinstance(event, e.AssistantSaid) and not event.complete]
    assert partial.message.text.startswith("word1 word2 ")


def test_retry_after_a_kill_asks_again(place: Place) -> None:
    place.script.write_text(ENDLESS)
    with place.start("endless") as plait:
        plait.shows("word30 ")
        plait.child.kill(signal.SIGKILL)
        plait.wait()
    place.script.write_text('[[reply]]\nmatch = "endless"\ntext = "In short."\n')
    with place.start() as plait:
        plait.ready().until(lambda: "/retry asks the model again" in " ".join(plait.text.split()))
        plait.enter("/retry")
        plait.shows("  In short.")


def test_a_database_that_somebody_has_and_shares_with_nobody_is_said_and_waited_for(place: Place) -> None:
    place.database.parent.mkdir(parents=True)
    lock = take_ownership(place.database)
    with place.start() as plait:
        plait.shows(f"process {os.getpid()}")
        assert plait.wait() == 75
        assert termios.tcgetattr(plait.child.child_fd) == plait.before
    with place.process("run", "--model", place.model, "and mine") as waiting:
        assert waiting.stderr is not None
        assert f"process {os.getpid()}" in waiting.stderr.readline()
        lock.release()
        out, _ = waiting.communicate(timeout=LIMIT)
        assert (waiting.returncode, out) == (0, "and mine\n")


def test_a_long_pause_is_shown_as_one(place: Place) -> None:
    said_at = time.time() - 6.5 * 3600
    write_conversation(place, said_at)
    with place.start(columns=120) as plait:
        plait.ready().shows("6 hours ago")
        plait.enter("back again")
        plait.until(lambda: plait.text.count("back again") == 2)
        text = plait.text
        assert text.index("  an old answer") < text.index("6 hours later") < text.index("▌ back again")
        plait.idle()
        plait.enter("once more")
        plait.until(lambda: plait.text.count("once more") == 2)
        assert plait.text.count("later") == 1


def write_conversation(place: Place, at: float) -> None:
    """A question and its answer, as they were recorded at that time."""
    session, turn = Session(SessionId("0123456789ab")), Turn(2)
    place.database.parent.mkdir(parents=True, mode=0o700)
    with contextlib.closing(open_store(place.database, now=at, report=lambda finding: None)) as store:
        project = store.project(Project(ProjectId("work-00000000"), "work", str(place.work), at))
        events: tuple[e.Event, ...] = (
            e.SessionOpened("default", "development", project.id, str(place.work)),
            e.UserSaid("an old question"),
            e.TurnStarted(turn),
            e.AssistantSaid(turn, AssistantMessage("an old answer"), "end"),
            e.TurnEnded(turn, "done", seen=True),
        )
        stamped = tuple(e.Stamped(session.id, seq, at, event) for seq, event in enumerate(events, 1))
        for one in stamped:
            session.apply(one)
        store.claim(session.id, "test")
        store.append([Write(info_of(session, draft=False), 0, store.epoch, stamped)])


def test_everything_is_private_whatever_the_umask(place: Place) -> None:
    old = os.umask(0)
    try:
        with place.start("hello") as plait:
            plait.until(lambda: plait.text.count("hello") == 2)
            plait.enter("/vim")
            private(place.home)
            plait.leave()
        place.run("run", "hello")
        place.run("config", "set", "temperature", "1")
    finally:
        os.umask(old)
    private(place.home)
    assert {path.name for path in place.home.rglob("*")} >= {"plait.db", "config.toml"}


def private(directory: Path) -> None:
    """All below the directory, itself included, is for its owner alone."""
    for path in (directory, *directory.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), (path, oct(mode))


def test_a_database_that_is_taken_away_is_told_and_nothing_is_promised(place: Place) -> None:
    with place.start(columns=200) as plait:
        plait.ready().enter("hello")
        plait.until(lambda: plait.text.count("hello") == 2)
        plait.idle()
        place.database.unlink()
        plait.enter("and this?")
        plait.shows("was deleted or moved away")
        plait.until(lambda: "NOT SAVED" in plait.toolbar)
        plait.send("\x04")
        plait.shows("1 session is still at work: default.")  # for what waits for the disk
        plait.send("\x04")
        assert plait.wait() == 1
        assert "To resume:" not in plait.everything
        assert "events could not be saved" in plait.text
