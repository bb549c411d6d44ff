"""Talking at the real prompt: streaming, typing meanwhile, queueing, interrupting, asking again, thinking, scripts of all directions."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator

import pytest
from wcwidth import wcswidth

from plait.core import events as e
from tests.program.running import Place, Plait
from tests.timing import keep

STREAMS = """
[[reply]]
match = "slow"
words = 90
per_second = 40

[[reply]]
match = "endless"
words = 100000
per_second = 50

[[reply]]
match = "think"
thinking = "First.\\n\\nSecond.\\n\\nThird.\\n\\nFourth."
text = "Thought through."
"""


def order(text: str, *parts: str) -> None:
    """The parts stand in the text, in this order."""
    places = [text.find(part) for part in parts]
    assert -1 not in places, (parts[places.index(-1)], text)
    assert places == sorted(places), text


def test_typing_goes_on_while_an_answer_streams_and_what_is_sent_waits_its_turn(place: Place) -> None:
    place.script.write_text(STREAMS)
    with place.start(columns=120) as plait:
        plait.ready().enter("a slow one")
        plait.shows("word3 ")
        plait.type("half")
        plait.until(lambda: plait.input_row == "(default) > half")
        assert "Ctrl+C stops" in plait.text
        plait.enter(" typed")
        plait.until(lambda: "1 queued" in plait.text)
        assert "▌ half typed" not in plait.everything  # it is echoed where its turn starts
        assert plait.input_row == "(default) >"
        plait.type("draft")
        plait.until(lambda: "word90" in plait.everything and plait.everything.count("half typed") == 2)
        plait.until(lambda: "Ctrl+C stops" not in plait.text)
        order(plait.everything, "▌ a slow one", "word1 ", "word90", "▌ half typed", "  half typed", "(default) > draft")
        plait.type("\x15\x1b[A")  # Ctrl+U, Up
        plait.until(lambda: plait.input_row == "(default) > half typed")
        plait.type("\x1b[A")
        plait.until(lambda: plait.input_row == "(default) > a slow one")


def test_control_c_stops_at_once_and_keeps_what_came(place: Place) -> None:
    place.script.write_text(STREAMS)
    with place.start() as plait:
        plait.ready()
        taken = []
        for number in range(1, 4):
            plait.enter(f"endless {number}")
            plait.until(lambda number=number: f"▌ endless {number}" in plait.everything and "word4" in plait.text.rpartition("▌")[2])  # type: ignore[misc]  # a lambda's default
            pressed = time.monotonic()
            plait.send("\x03")
            plait.until(lambda number=number: plait.everything.count("Interrupted.") == number)  # type: ignore[misc]
            taken.append(time.monotonic() - pressed)
        keep(0.1, min(taken))
        plait.idle()
        assert plait.leave() == 0
        plait.assert_restored()
    partial = [event for event in place.events() if isinstance(event, e.AssistantSaid)]
    assert len(partial) == 3
    assert all(not event.complete and event.message.text.startswith("word1 word2 word3 word4") for event in partial)


def test_control_c_with_a_queued_message_stops_the_running_turn_alone(place: Place) -> None:
    place.script.write_text(STREAMS)
    with place.start() as plait:
        plait.ready().enter("endless")
        plait.shows("word3 ")
        plait.enter("the next one")
        plait.until(lambda: "1 queued" in plait.text)
        plait.send("\x03")
        plait.until(lambda: plait.everything.count("the next one") == 2)
        order(plait.everything, "▌ endless", "word3", "Interrupted.", "▌ the next one", "  the next one")


def test_control_c_at_an_idle_prompt_clears_hints_and_leaves(place: Place) -> None:
    with place.start() as plait:
        plait.ready().type("never mind")
        plait.until(lambda: "never mind" in plait.input_row)
        plait.send("\x03")
        plait.until(lambda: plait.input_row == "(default) >")
        plait.send("\x03")
        plait.until(lambda: "Ctrl+C again to leave" in plait.text)
        plait.send("\x03")
        assert plait.wait() == 0
        assert "To resume: plait -r default" in plait.text
        plait.assert_restored()


def test_control_d_leaves_on_an_empty_line_only(place: Place) -> None:
    with place.start() as plait:
        plait.ready().type("text")
        plait.until(lambda: plait.input_row.endswith("text"))
        plait.send("\x04")
        plait.type("!")
        plait.until(lambda: plait.input_row == "(default) > text!")
        plait.send("\x15")
        plait.until(lambda: plait.input_row == "(default) >")
        assert plait.leave() == 0


def test_tab_completes_commands_models_and_paths(place: Place) -> None:
    (place.work / "page.txt").write_text("the page")
    with place.start() as plait:
        plait.ready().type("/mo\t")
        plait.until(lambda: plait.input_row.rstrip() == "(default) > /model")
        plait.send("\x15")
        plait.type("what is in @pa\t")
        plait.until(lambda: plait.input_row.rstrip() == "(default) > what is in @page.txt")


def test_a_prompt_on_the_command_line_is_asked_at_once(place: Place) -> None:
    with place.start("explain", "this") as plait:
        plait.until(lambda: plait.text.count("explain this") == 2)
        order(plait.text, "▌ explain this", "  explain this", "(default) >")


def test_what_was_typed_before_the_prompt_came_is_a_line(place: Place) -> None:
    with place.start() as plait:
        plait.send("early\r")
        plait.until(lambda: "▌ early" in plait.everything)
        plait.until(lambda: plait.input_row == "(default) >")


@pytest.mark.parametrize("key", ["\x1b\r", "\x0a"], ids=["alt-enter", "ctrl-j"])
def test_a_message_of_several_lines(place: Place, key: str) -> None:
    with place.start() as plait:
        plait.ready().type("one")
        plait.send(key)
        plait.type("two")
        plait.until(lambda: "two" in plait.text)
        assert "▌" not in plait.everything
        plait.type("\r")
        plait.shows("▌ one\n▌ two")
        plait.idle()
        plait.type("\x12on")  # Ctrl+R
        plait.until(lambda: "backward: on" in plait.text and plait.input_row == "(default) > one")
        plait.type("\r")
        plait.until(lambda: "backward" not in plait.text and plait.input_row == "(default) > one")
        assert plait.child.isalive()
        plait.send("\x03")
        plait.until(lambda: plait.input_row == "(default) >")
        plait.leave()
    assert [event.text for event in place.events() if isinstance(event, e.UserSaid)] == ["one\ntwo"]


def test_thinking_is_folded_and_shown_whole_on_request(place: Place) -> None:
    place.script.write_text(STREAMS)
    with place.start() as plait:
        plait.ready().enter("think hard")
        plait.shows("Thought through.")
        plait.idle()
        order(plait.text, "▌ think hard", "  First.", "more lines of thinking", "  Thought through.")
        assert "Fourth." not in plait.everything
        plait.enter("/history")
        plait.shows("Fourth.")


SCRIPTS = {
    "wide": "漢字かな交じり文はここで折り返す。" * 4,
    "emoji": "🌍🚀 " * 12,
    "hebrew": "שלום עולם זה טקסט ארוך " * 5,
    "marks": "e\u0301e\u0301e\u0301e\u0301 " * 16,  # no row is full: the emulator breaks a row before a mark in its last column
    "long": "a" * 300,
}


@pytest.mark.parametrize("columns", [20, 53])
def test_no_script_breaks_lines_or_the_cursor(place: Place, columns: int) -> None:
    place.script.write_text("".join(f'[[reply]]\nmatch = "{name}"\ntext = "{text}"\nchunk = 3\n' for name, text in SCRIPTS.items()))
    with place.start(columns=columns, rows=40) as plait:
        plait.ready()
        for name, text in SCRIPTS.items():
            plain = unicodedata.normalize("NFC", "".join(text.split()))
            plait.enter(name)
            plait.until(lambda plain=plain: "".join("".join(row.split()) for row in answer(plait)) == plain)  # type: ignore[misc]
            assert all(row.startswith("  ") for row in answer(plait) if row)
            plait.type(text[:2] + "|")
            plait.until(lambda: plait.input_row.endswith("|"))
            assert plait.screen.cursor.x == len("(default) > ") + wcswidth(text[:2]) + 1
            plait.send("\x15")


def answer(plait: Plait) -> list[str]:
    """The rows between the last echo and the prompt."""
    rows = plait.everything.splitlines()
    echo = max((place for place, row in enumerate(rows) if row.startswith("▌")), default=len(rows))
    end = next((place for place, row in enumerate(rows) if place > echo and row.startswith("(default) >")), len(rows))
    return rows[echo + 1 : end]


@pytest.fixture
def waiting(place: Place) -> Iterator[Plait]:
    """A prompt whose model does not begin to answer."""
    place.script.write_text('[[reply]]\nmatch = "still here"\n text = "Indeed."\n[[reply]]\nwait = 3600\n')
    with place.start() as plait:
        plait.ready().enter("hello")
        plait.until(lambda: "Ctrl+C stops" in plait.text)
        yield plait


def test_a_model_that_says_nothing_is_stopped_too(waiting: Plait) -> None:
    waiting.send("\x03")
    waiting.shows("Interrupted.", promised=2)
    waiting.enter("still here")
    waiting.shows("Indeed.")
