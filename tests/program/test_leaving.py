"""Every way out: the exit code, the terminal as it was, nothing left running, all within two seconds."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from plait.core import events as e
from tests.program.running import Place, Plait
from tests.timing import until, within

STREAM = '[[reply]]\nmatch = "endless"\nwords = 100000\nper_second = 50\n'


SOON = 2.5
"""Seconds. The promise is 2, of which a command that ignores SIGTERM is given 1.5; the rest is for a machine that does other things too."""


def idle(plait: Plait) -> None:
    """Nothing runs."""


def streaming(plait: Plait) -> None:
    """An answer comes."""
    plait.enter("endless")
    plait.shows("word3 ")


def in_a_command(plait: Plait) -> None:
    """A shell command runs that does not care about SIGTERM, and one in the background."""
    plait.enter("!trap '' TERM; sleep 1000 & sleep 1000 || sleep 1000; sleep 1000")
    plait.until(lambda: len(plait.descendants) >= 2)


def drafting(plait: Plait) -> None:
    """A message is half typed."""
    plait.type("half a mess")
    plait.until(lambda: plait.input_row.endswith("half a mess"))


SIGNALS = [(signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def test_control_c_ends_one_answer_on_a_terminal(place: Place) -> None:
    place.script.write_text(STREAM)
    with place.start("run", "endless") as plait:
        plait.shows("word9 ")
        with within(SOON):
            plait.send("\x03")
            assert plait.wait() == 130
        assert "Traceback" not in plait.text


@pytest.mark.parametrize(("number", "code"), SIGNALS, ids=["term", "hup"])
@pytest.mark.parametrize("doing", [streaming, in_a_command, drafting])
def test_a_signal(place: Place, number: signal.Signals, code: int, doing: Callable[[Plait], None]) -> None:
    place.script.write_text(STREAM)
    with place.start() as plait:
        plait.ready()
        doing(plait)
        children = plait.descendants
        with within(SOON):
            plait.child.kill(number)
            assert plait.wait() == code
        plait.assert_restored()
    until(lambda: not any(map(alive, children)), 0.5)  # what was killed may need a moment to be gone
    ended = [event for event in place.events() if isinstance(event, e.TurnEnded)]
    assert [event.ending for event in ended] == (["interrupted"] if doing is streaming else [])


@pytest.mark.parametrize("doing", [idle, streaming, in_a_command])
def test_a_terminal_that_is_closed(place: Place, doing: Callable[[Plait], None]) -> None:
    place.script.write_text(STREAM)
    with place.start() as plait:
        plait.ready()
        doing(plait)
        children = plait.descendants
        plait.child.ptyproc.fileobj.close()
        until(lambda: not plait.child.isalive(), SOON)
        assert (plait.child.exitstatus, plait.child.signalstatus) in ((129, None), (None, signal.SIGHUP), (141, None))
    until(lambda: not any(map(alive, children)), 0.5)  # what was killed may need a moment to be gone
    place.events()  # the database is free, and readable


@pytest.mark.parametrize("line", ["/exit", "/quit", "/q"])
def test_a_command(place: Place, line: str) -> None:
    place.script.write_text(STREAM)
    with place.start() as plait:
        plait.ready()
        if line == "/exit":
            streaming(plait)
        plait.enter(line)
        if line == "/exit":
            plait.until(lambda: plait.input_row == "(wait/stop/stay) >")
            plait.pause(0.4)  # answers count from 0.3 s after the question
            plait.enter("stop")
        assert plait.wait() == 0
        assert plait.text.endswith("To resume: plait -r default")
        plait.assert_restored()


def test_the_session_shown_last_is_the_one_that_comes_back(place: Place) -> None:
    for arguments, prompt, kept in (
        ((), "(default) >", "default is"),
        (("--session", "shop-work"), "(shop-work) >", "2 sessions are"),
    ):
        with place.start(*arguments) as plait:
            plait.ready(prompt).enter(f"hello {prompt[1:5]}")
            plait.until(lambda: plait.text.count("hello") == 2)
            plait.send("\x04")
            assert plait.wait() == 0
            assert f"{kept} kept. To resume: plait -r {prompt[1:-3]}" in plait.text
    with place.start() as plait:
        plait.ready("(shop-work) >")
        plait.until(lambda: plait.text.count("hello shop") == 2)


def test_control_z_and_sigcont_keep_the_prompt(place: Place) -> None:
    with place.start() as plait:
        plait.ready().type("dra")
        plait.until(lambda: plait.input_row.endswith("dra"))
        os.kill(plait.child.pid, signal.SIGSTOP)
        until(lambda: state(plait.child.pid) == "T")
        os.kill(plait.child.pid, signal.SIGCONT)
        plait.type("ft")
        plait.until(lambda: plait.input_row == "(default) > draft")


def alive(pid: int) -> bool:
    """Whether a process is there and not only waiting to be asked for its end."""
    return state(pid) not in ("", "Z")


def state(pid: int) -> str:
    """The letter of a process's state; empty if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
