"""Many sessions where nothing is redrawn: in words, without any escape sequence, and what happens elsewhere is said."""

from __future__ import annotations

import re

import pytest

from tests.program.many import QUESTION, at, goes, joined, told, write_script
from tests.program.running import Place, Plait

WAYS = {"screen-reader": ((), {"PLAIT_SCREEN_READER": "1"}), "plain": (("--plain",), {}), "dumb": ((), {"TERM": "dumb"})}


def shows(plait: Plait, text: str) -> None:
    """Wait for words, wherever the lines are broken."""
    plait.until(lambda: text in joined(plait))


@pytest.mark.parametrize("way", WAYS)
def test_everything_is_text_and_what_happens_elsewhere_is_said(place: Place, way: str) -> None:
    write_script(place)
    arguments, environ = WAYS[way]
    with place.start(*arguments, columns=100, rows=60, **environ) as plait:
        plait.ready()
        goes(plait, "/new docs", "docs")
        goes(plait, "/new ops", "ops")
        plait.enter("/say docs good day")
        shows(plait, "docs has answered. /switch docs shows it.")
        plait.enter("/say default ask me")
        shows(plait, "default asks you something. /inbox shows it, /switch default goes there.")
        plait.enter("/say docs fail")
        shows(plait, "docs failed. /switch docs shows why; /retry there asks again.")
        told(plait, "/inbox", QUESTION)
        told(plait, "/sessions", "3 ops, shown now: ready, development, 0 messages")
        assert "1 default: asks you" in joined(plait)
        goes(plait, "/next", "default")
        plait.until(lambda: plait.input_row.startswith("(default ?) >"))
        plait.pause(0.4)
        plait.enter("2")
        shows(plait, "Then it is postgres.")
        goes(plait, "/switch docs", "docs")
        shows(plait, "error: The door is closed.")
        goes(plait, "/back", "default")
        plait.enter("/exit")
        assert plait.wait() == 0
        shows(plait, "3 sessions are kept.")
        assert b"\x1b" not in plait.sent
        assert not re.search("[\u2500-\u259f✓✗·▌…‖•]", plait.everything)
        assert b"\x07" not in plait.sent


def test_the_indicator_in_words_and_without_colours(place: Place) -> None:
    write_script(place)
    with place.start(columns=100, rows=30, PLAIT_TEXT_ONLY_INDICATOR="1", PLAIT_HIGH_CONTRAST="1") as plait:
        plait.ready()
        goes(plait, "/new docs", "docs")
        goes(plait, "/new ops", "ops")
        told(plait, "/say docs good day", "Sent to")
        plait.until(lambda: "Waiting: docs" in plait.text)
        told(plait, "/say default ask me", "Sent to")
        plait.until(lambda: "Waiting: docs, default (question)" in plait.text)
        at(plait, "ops")
