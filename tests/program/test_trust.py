"""The question about the project's AGENTS.md: once for what it holds, never answered by typing ahead, never without a terminal."""

from __future__ import annotations

import os

from plait.core import events as e
from tests.program.running import Place, Plait

QUESTION = "This project has instructions for the model"
ASKS = "(y/n/v) >"


def answered(plait: Plait, line: str, told: str) -> None:
    """Answer the question, once it has stood there for as long as nobody's typing ahead takes."""
    plait.ready(ASKS)
    plait.pause(0.4)
    plait.send(line + "\r")
    plait.shows(told)
    plait.ready()


def given(place: Place, *words: str) -> str:
    """What the model is given as instructions, as `/status` tells."""
    with place.start(*words, columns=140, rows=40) as plait:
        plait.ready().enter("/status")
        plait.shows("instructions")
        status = plait.everything.rpartition("· /status")[2]
        plait.leave()
        assert QUESTION not in plait.everything
    return next(row for row in status.splitlines() if "instructions" in row)


def test_it_is_asked_once_and_again_when_the_file_changes(place: Place) -> None:
    file = place.work / "AGENTS.md"
    file.write_text("Use tabs.")
    with place.start(columns=140) as plait:
        answered(plait, "y", "They are given to the model.")
        plait.leave()
    assert str(file) in given(place)
    file.write_text("Use spaces.")
    with place.start(columns=140) as plait:
        plait.ready(ASKS)
        assert QUESTION in plait.text
        answered(plait, "no", "They are left out.")
        plait.leave()
    assert str(file) not in given(place)


def test_it_is_never_answered_by_typing_ahead(place: Place) -> None:
    (place.work / "AGENTS.md").write_text("Use tabs.")
    with place.start() as plait:
        plait.send("y\r")
        plait.ready(ASKS)
        plait.until(lambda: plait.text.splitlines()[-2].endswith("(y/n/v) > y"))  # kept, not taken
        plait.pause(0.4)
        plait.send("\r")
        plait.shows("They are given to the model.")


def test_a_message_does_not_answer_it_and_is_kept(place: Place) -> None:
    (place.work / "AGENTS.md").write_text("Use tabs.")
    with place.start("the first question") as plait:
        plait.ready(ASKS)
        assert "▌ the first question" not in plait.text  # no model sees anything before the answer
        plait.type("something else")
        plait.send("\r")
        plait.until(lambda: "Answer y, n or v first" in plait.text)
        assert plait.text.splitlines()[-2].endswith("(y/n/v) >")
        plait.enter("/status")
        plait.shows("instructions")
        plait.type("yes\r")
        plait.until(lambda: plait.everything.count("the first question") == 2)
        plait.until(lambda: plait.text.splitlines()[-2].endswith("> something else"))  # comes back
        plait.send("\x15")
        plait.leave()
    (said,) = [event for event in place.events() if isinstance(event, e.UserSaid)]
    assert said.text == "the first question"


def test_without_a_terminal_it_is_left_out_and_told(place: Place) -> None:
    file = place.work / "AGENTS.md"
    file.write_text("Use tabs.")
    done = place.run("run", "hello")
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert str(file) in done.stderr
    assert "left out" in done.stderr


def test_what_cannot_be_read_is_told_at_the_prompt_and_on_stderr(place: Place) -> None:
    os.mkfifo(place.work / "AGENTS.md")
    done = place.run("run", "hello")
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert "it is not a regular file" in done.stderr
    with place.start(columns=200) as plait:
        plait.ready().shows("it is not a regular file")
        assert QUESTION not in plait.everything
