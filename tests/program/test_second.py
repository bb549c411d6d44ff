"""The second terminal: the same sessions at two prompts, and what becomes of them when the plait that owns them leaves or is killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from plait.core import events as e
from plait.core.messages import Turn
from plait.core.session import SessionState
from plait.runtime.recovery import CUT_OFF
from plait.store.owner import announced
from tests.program.running import Place, Plait
from tests.program.test_leaving import SOON, alive, state
from tests.timing import until, within

STREAM = """\
[[reply]]
match = "stream"
words = 60
per_second = 30

[[reply]]
match = "endless"
words = 100000
per_second = 30
"""
SHARED = "runs the sessions; this one shares them."
TAKEN_OVER = "This one owns the sessions now"


@contextmanager
def two(place: Place, **second: int) -> Iterator[tuple[Plait, Plait]]:
    """The owner at its prompt, and another one attached to it."""
    with place.start() as owner:
        owner.ready()
        with place.start(**second) as other:  # type: ignore[arg-type]  # columns and rows
            other.ready()
            assert str(owner.child.pid) in other.text
            yield owner, other


def owner_of(place: Place) -> int | None:
    return announced(place.database)[0]


def test_both_see_the_same_as_it_happens(place: Place) -> None:
    place.script.write_text(STREAM)
    with two(place, columns=60) as (owner, other):
        assert SHARED in " ".join(other.text.split())
        other.enter("stream from here")
        for one in (owner, other):
            one.shows("word5 ")
        owner.enter("and from there")
        for one in (owner, other):
            one.until(lambda one=one: one.text.count("and from there") == 2 and "word60" in one.everything)  # type: ignore[misc]  # no type
            one.idle()
        run = place.run("run", "beside them")
        assert (run.returncode, run.stdout, run.stderr) == (0, "beside them\n", "")
        (row,) = json.loads(place.run("sessions", "--json").stdout)
        assert (row["name"], row["state"]) == ("default", "Active")
        other.enter("/new own-work")
        other.ready("(own-work) >")
        assert owner.name == "default"  # each has its own foreground
        assert other.leave() == 0
        owner.enter("still here")
        owner.until(lambda: owner.text.count("still here") == 2)
        owner.idle()
        assert owner.leave() == 0


def test_the_owner_leaves_in_the_middle_and_the_answer_is_begun_again(place: Place) -> None:
    place.script.write_text(STREAM)
    with two(place) as (owner, other):
        owner.enter("stream something")
        owner.enter("queued behind it")
        other.shows("word20 ")
        other.type("half a mess")
        other.until(lambda: other.input_row.endswith("half a mess"))
        with within(SOON):
            assert owner.leave() == 0  # and asks nothing: the other has the work
        owner.assert_restored()
        other.shows(TAKEN_OVER)
        other.shows("The model is asked once more.")
        other.until(lambda: other.everything.count("word60") == 1 and other.text.count("queued behind it") == 2)
        other.idle()
        assert other.input_row.endswith("half a mess")
        assert owner_of(place) == other.child.pid
        other.send("\x15")
        assert other.leave() == 0
    events = place.events()
    (handed,) = [event for event in events if isinstance(event, e.HandedOver)]
    answers = {event.turn: event for event in events if isinstance(event, e.AssistantSaid)}
    assert [event.complete for event in answers.values()] == [True, True]
    assert answers[handed.turn].message.text.rstrip().endswith("word60")
    assert [event.ending for event in events if isinstance(event, e.TurnEnded)] == ["done", "done"]


def test_a_killed_owner_is_followed_within_a_second_and_nothing_acknowledged_is_lost(place: Place) -> None:
    place.script.write_text(STREAM)
    with two(place) as (owner, other), place.start() as third:
        third.ready()
        other.enter("endless")
        for one in (other, third):
            one.shows("word20 ")
        owner.child.kill(signal.SIGKILL)
        began = time.monotonic()
        other.enter("after it")
        heirs = (other, third)
        until(lambda: owner_of(place) in [one.child.pid for one in heirs] and announced(place.database)[1] != "", 1.5)
        assert time.monotonic() - began < 60
        for one in heirs:
            one.until(lambda one=one: one.text.count("after it") >= 2)  # type: ignore[misc]  # no type
            one.idle()
            assert "word20 " in one.everything
            assert "Nothing was repeated; /retry asks the model again." in " ".join(one.everything.split())
        assert sum(TAKEN_OVER in one.everything for one in heirs) == 1
        heir, other = sorted(heirs, key=lambda one: one.child.pid != owner_of(place))
        assert other.leave() == 0
        assert heir.leave() == 0
    events = place.events()
    said = [event.text for event in events if isinstance(event, e.UserSaid)]
    assert said == ["endless", "after it"]
    assert [(event.ending, event.detail) for event in events if isinstance(event, e.TurnEnded)] == [("interrupted", CUT_OFF), ("done", "")]
    (partial, _) = [event for event in events if isinstance(event, e.AssistantSaid)]
    assert not partial.complete
    assert len(partial.message.text) > len("word1 ") * 10
    assert partial.turn == Turn(2)


def test_eight_at_once_are_one_owner_and_seven_guests(place: Place) -> None:
    with ExitStack() as stack:
        prompts = [stack.enter_context(place.start()) for _ in range(8)]
        for one in prompts:
            one.ready()
        shared = [SHARED in " ".join(one.everything.split()) for one in prompts]
        assert sorted(shared) == [False] + [True] * 7
        assert owner_of(place) == prompts[shared.index(False)].child.pid
        prompts[0].enter("for all")
        for one in prompts:
            one.until(lambda one=one: one.text.count("for all") == 2)  # type: ignore[misc]  # no type
        assert not any("locked" in one.everything for one in prompts)
        for one in prompts:
            one.child.kill(signal.SIGTERM)
        assert [one.wait() for one in prompts] == [143] * 8
    assert [event for event in place.events() if isinstance(event, e.UserSaid)] == [e.UserSaid("for all")]


def test_an_owner_that_is_stopped_is_named_and_one_can_leave_it(place: Place) -> None:
    with two(place) as (owner, other):
        os.kill(owner.child.pid, signal.SIGSTOP)
        until(lambda: state(owner.child.pid) == "T")
        try:
            other.type("hello")
            other.until(lambda: f"(process {owner.child.pid}) does not answer" in " ".join(other.text.split()))
            other.send("\x15")
            other.until(lambda: other.input_row == "(default) >")
            with within(SOON):
                assert other.leave() == 0
            other.assert_restored()
        finally:
            os.kill(owner.child.pid, signal.SIGCONT)
        owner.enter("I am back")
        owner.until(lambda: owner.text.count("I am back") == 2)


def test_a_stopped_owner_that_goes_on_has_lost_nothing(place: Place) -> None:
    with two(place) as (owner, other):
        other.enter("hello")  # from then on it takes lines
        other.until(lambda: other.text.count("hello") == 2)
        os.kill(owner.child.pid, signal.SIGSTOP)
        until(lambda: state(owner.child.pid) == "T")
        other.enter("are you there?")
        other.until(lambda: "does not answer" in " ".join(other.text.split()))
        waits = "This message is not taken yet. It is sent as soon as it can be: are you there?"
        other.until(lambda: waits in " ".join(other.text.split()))
        os.kill(owner.child.pid, signal.SIGCONT)
        owner.until(lambda: owner.text.count("are you there?") == 2)
        other.until(lambda: other.text.count("are you there?") == 3)
        other.shows("answers again")


def test_control_z_is_refused_where_others_would_stand_still(place: Place) -> None:
    place.script.write_text(STREAM)
    with two(place) as (owner, other):
        owner.send("\x1a")
        owner.shows("Another plait shares these sessions")
        assert state(owner.child.pid) != "T"
        other.send("\x1a")  # it may; on this terminal nobody could bring it back, and so it goes on at once
        other.enter("still here")
        for one in (owner, other):
            one.until(lambda one=one: one.text.count("still here") == 2)  # type: ignore[misc]  # no type
        assert other.leave() == 0
        owner.enter("endless")
        owner.shows("word3 ")
        owner.send("\x1a")
        owner.shows("Sessions are at work")
        owner.send("\x03")
        owner.idle()


def test_a_script_is_no_company_that_would_go_on_with_the_work(place: Place) -> None:
    """The user is asked as if nobody else were there; what the script waits for goes on in it."""
    place.script.write_text(STREAM)
    with place.start() as plait:
        plait.ready().enter("endless")
        plait.shows("word3 ")
        with place.process("run", "--model", place.model, "stream for a script") as script:
            plait.until(lambda: "default-2" in plait.text)  # its session, in the toolbar
            plait.send("\x04")
            plait.until(lambda: plait.input_row == "(wait/stop/stay) >")
            plait.pause(0.4)
            plait.enter("stop")
            with within(SOON):
                assert plait.wait() == 0
            out, _ = script.communicate(timeout=60)
        partial, _, whole = out.partition("\n\n")
        assert script.returncode == 0
        assert partial.startswith("word1 ")
        assert (whole.split()[0], whole.split()[-1]) == ("word1", "word60")
    assert not any(row.state is SessionState.PROCESSING for row in place.sessions())


def test_flags_of_the_second_are_for_the_session_that_it_opens(place: Place) -> None:
    other_script = place.root / "other.toml"
    other_script.write_text('[[reply]]\nmatch = ""\ntext = "From the other model."\n')
    with place.start("--session", "first-one") as owner:
        owner.ready("(first-one) >")
        with place.start("--session", "second-one", model=f"scripted:{other_script}") as second:
            second.ready("(second-one) >")
            said = " ".join(second.everything.split())
            assert f"model is scripted:{other_script}" in said
            assert "In this session, from now on" in said
            second.enter("hello")
            second.shows("From the other model.")
        run = place.process("run", "--model", f"scripted:{other_script}", "hi")
        out, _ = run.communicate(timeout=60)
        assert (run.returncode, out) == (0, "From the other model.\n")
        owner.enter("hello")
        owner.until(lambda: owner.text.count("hello") == 2)


def test_no_private_place_is_told_and_plait_works_alone(place: Place) -> None:
    folder = place.root / f"plait-{os.geteuid()}"
    folder.mkdir()
    folder.chmod(0o755)
    with place.start(XDG_RUNTIME_DIR="", TMPDIR=str(place.root)) as plait:
        plait.ready()
        assert "is open to other users, so no second plait can attach" in " ".join(plait.everything.split())
        plait.enter("alone")
        plait.until(lambda: plait.text.count("alone") == 2)
        with place.start(XDG_RUNTIME_DIR="", TMPDIR=str(place.root)) as second:
            assert second.wait() == 75
            assert str(plait.child.pid) in second.text


def test_nothing_of_the_environment_crosses(place: Place) -> None:
    """What is sent can be read off the protocol; here, what the owner's process holds after another one with a key was attached."""
    with two(place), place.start(OPENAI_API_KEY="sk-very-secret-4711") as third:
        third.ready().enter("hello")
        third.until(lambda: third.text.count("hello") == 2)
    stored = b"".join(path.read_bytes() for path in place.home.rglob("*") if path.is_file())
    assert b"sk-very-secret" not in stored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_owner_that_is_told_to_end_hands_over_too(place: Place, number: signal.Signals) -> None:
    place.script.write_text(STREAM)
    with two(place) as (owner, other):
        owner.enter("stream")
        other.shows("word9 ")
        with within(SOON):
            owner.child.kill(number)
            assert owner.wait() == 128 + number
        other.until(lambda: "word60" in other.everything)
        other.idle()
        assert not alive(owner.child.pid)
        assert other.leave() == 0
    assert [event.ending for event in place.events() if isinstance(event, e.TurnEnded)] == ["done"]
    assert not list((place.root / "run" / "plait").iterdir())  # the last one takes its socket away
