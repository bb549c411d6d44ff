"""The keys that go from session to session, and the chooser, on a real terminal."""

from __future__ import annotations

import signal

import pytest

from plait.core import events as e
from tests.program.running import Place, Plait
from tests.timing import within

CHOOSES = "\x0f"  # Ctrl+O


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A home with an echoing model."""
    place = Place(tmp_path_factory.mktemp("p"))
    place.work.mkdir()
    place.script.write_text('[[reply]]\nmatch = "endless"\nwords = 100000\nper_second = 50\n')
    return place


def row(plait: Plait) -> str:
    """The row with the prompt, whatever session it names."""
    return next((line for line in reversed(plait.text.splitlines()) if line.startswith("(")), "")


def reads(plait: Plait, text: str) -> None:
    """Wait until the prompt's row is this."""
    plait.until(lambda: row(plait) == text)


def menu(plait: Plait, prompt: str) -> str:
    """What stands below this row."""
    return plait.text.rpartition(prompt)[2]


def three(place: Place) -> Plait:
    """plait with the sessions default, docs and auth-fix, the first one shown."""
    plait = place.start(columns=120).ready()
    for name in ("docs", "auth-fix"):
        plait.send(f"/new {name}\r")
        reads(plait, f"({name}) >")
    plait.send("\x1b1")
    reads(plait, "(default) >")
    return plait


def test_each_key_goes_where_it_says_and_takes_the_draft_along(place: Place) -> None:
    with three(place) as plait:
        plait.type("a draft")
        plait.send("\x1b2")
        reads(plait, "(docs) >")
        plait.send("\x183")  # Ctrl+X 3
        reads(plait, "(auth-fix) >")
        plait.send("\x1bp")
        reads(plait, "(docs) >")
        plait.send("\x181")
        reads(plait, "(default) > a draft")
        plait.send("\x1bb!")  # Alt+B is readline's
        reads(plait, "(default) > a !draft")
        plait.send("\x1b7")
        plait.shows("There is no session")
        reads(plait, "(default) > a !draft")
        plait.type("\x05\x15/vim\r")
        plait.shows("The keys of vi are on")
        plait.send("\x182")
        reads(plait, "(docs) >")
        plait.send("\x18p")
        reads(plait, "(default) >")
        plait.send("\x03\x03")
        assert plait.wait() == 0
        plait.assert_restored()


def test_keys_in_one_burst_are_taken_in_their_order(place: Place) -> None:
    """As a script, or a slow line, sends them."""
    with three(place) as plait:
        for burst, then in (("one\r", "▌ one"), ("\x1b2two\r", "▌ two"), ("\x1b3three\r", "▌ three")):
            plait.send(burst)  # the next one only when this one was read: two of them in one piece would be a paste
            plait.shows(then)
        plait.send("half\x1b1")
        reads(plait, "(default) >")
        plait.send("\x1b2and\x1b1")
        reads(plait, "(default) >")
        plait.send("\x1b2")
        reads(plait, "(docs) > and")
        plait.until(lambda: "▌ two" in plait.everything)
        plait.send("\x1b3")
        reads(plait, "(auth-fix) > half")
        plait.until(lambda: "▌ three" in plait.everything)
        plait.send("\x15\x03\x03")
        assert plait.wait() == 0
    said = [[one.text for one in place.events(info) if isinstance(one, e.UserSaid)] for info in place.sessions()]
    assert sorted(said) == [["one"], ["three"], ["two"]]


def test_the_chooser_filters_takes_and_gives_back(place: Place) -> None:
    with three(place) as plait:
        plait.type("half a thought")
        plait.send(CHOOSES)
        plait.until(lambda: "auth-fix" in plait.text and "docs" in plait.text)
        reads(plait, "(default) > /switch")
        plait.send("\x1b")  # Esc
        reads(plait, "(default) > half a thought")
        plait.send(CHOOSES)
        reads(plait, "(default) > /switch")
        plait.type("ufi")  # fuzzy
        plait.until(
            lambda: "docs" not in row(plait) and any("auth-fix" in line and not line.startswith("(") for line in plait.text.splitlines())
        )
        plait.send("\r")
        reads(plait, "(auth-fix) >")
        plait.send(CHOOSES)
        reads(plait, "(auth-fix) > /switch")
        plait.until(lambda: menu(plait, "(auth-fix) > /switch").count("docs") == 2)  # the menu, and the toolbar
        plait.type("\x1b[B")  # Down
        plait.until(lambda: row(plait) in ("(auth-fix) > /switch default", "(auth-fix) > /switch docs"))
        chosen = row(plait).rpartition(" ")[2]
        plait.send("\r")
        plait.until(lambda: row(plait).startswith(f"({chosen}) >"))
        plait.send("\x1b1")
        reads(plait, "(default) > half a thought")


def test_a_chooser_that_is_emptied_or_finds_nothing_sends_nothing(place: Place) -> None:
    with three(place) as plait:
        plait.type("half a thought")
        plait.send(CHOOSES)
        reads(plait, "(default) > /switch")
        plait.send("\x15")  # Ctrl+U
        reads(plait, "(default) >")
        plait.send("\r")
        reads(plait, "(default) > half a thought")
        plait.send(CHOOSES)
        reads(plait, "(default) > /switch")
        plait.type("zzz")
        plait.send("\r")
        plait.shows("zzz")
        reads(plait, "(default) > half a thought")
        plait.send(CHOOSES + CHOOSES)
        plait.until(lambda: row(plait).startswith("(default) > /switch"))
        plait.send("\x1b2")  # Esc first
        reads(plait, "(default) > half a thought2")
        plait.send("\x15\x03\x03")
        assert plait.wait() == 0
    assert not any(isinstance(one, e.UserSaid) for info in place.sessions() for one in place.events(info))


def test_leaving_with_work_asks_and_a_signal_does_not(place: Place) -> None:
    with three(place) as plait:
        plait.enter("endless")
        plait.until(lambda: "word3" in plait.text)
        plait.send("\x1b2")
        reads(plait, "(docs) >")
        plait.send("\x04")
        reads(plait, "(wait/stop/stay) >")
        plait.pause(0.4)
        plait.send("stay\r")
        reads(plait, "(docs) >")
        plait.type("kept")
        with within(2):
            plait.child.kill(signal.SIGTERM)
            assert plait.wait() == 143
        plait.assert_restored()
    with place.start(columns=120) as plait:
        plait.ready().send("\x1b2")
        reads(plait, "(docs) > kept")
        plait.type("\x15\x04")
        assert plait.wait() == 0
