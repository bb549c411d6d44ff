"""Going to and fro while all stream, on the real terminal: no character is lost, none comes twice, none comes to the wrong session."""

from __future__ import annotations

import random

from plait.core import events as e
from tests.program.many import alt, assert_once, goes, streamed, told, words, write_script
from tests.program.running import Place

STREAMS = {"1": ("default", "one"), "2": ("beta", "two"), "3": ("gamma", "three")}
COUNT = 160


def test_many_switches_between_three_answers(place: Place) -> None:
    write_script(place, *(streamed(stem, COUNT, per_second=45) for _, stem in STREAMS.values()))
    keys = random.Random(3)
    with place.start("tell one", columns=120, rows=20) as plait:
        plait.until(lambda: "one-003" in plait.everything)
        goes(plait, "/new beta -- tell two", "beta")
        goes(plait, "/new gamma -- tell three", "gamma")
        at, switches = "3", 0
        while "llm " in plait.toolbar or "Ctrl+C stops" in plait.toolbar:
            at = keys.choice([key for key in STREAMS if key != at])
            alt(plait, at, STREAMS[at][0])
            plait.pause(keys.random() / 8)
            switches += 1
        assert switches > 10
        for key, (name, stem) in STREAMS.items():
            if plait.name != name:
                alt(plait, key, name)
            plait.shows(f"{stem}-{COUNT - 1}")
        told(plait, "/sessions", "* 3 gamma · ready")
        assert_once(plait, *((stem, COUNT) for _, stem in STREAMS.values()))
        assert plait.leave() == 0
    for row in place.sessions():
        (said,) = [event.message.text for event in place.events(row) if isinstance(event, e.AssistantSaid)]
        assert said.split() == words(dict(STREAMS.values())[row.name], COUNT)


def test_a_paste_in_a_draft_is_still_a_paste_when_one_comes_back(place: Place) -> None:
    """What was pasted is never a command, whatever it begins with, and what is typed beside it stays to be seen."""
    write_script(place)
    with place.start("hello", columns=120, rows=20) as plait:
        plait.until(lambda: plait.text.count("hello") == 2)
        goes(plait, "/new other", "other")
        plait.send("\x1b[200~!touch pasted\ntwo\nthree\nfour\x1b[201~")
        plait.until(lambda: plait.input_row == "(other) > [pasted 4 lines, 28 B #1]")
        plait.type(" and why?")
        row = "(other) > [pasted 4 lines, 28 B #1] and why?"
        plait.until(lambda: plait.input_row == row)
        alt(plait, "1", "default")
        alt(plait, "2", "other")
        plait.until(lambda: plait.input_row == row)
        plait.enter("")
        plait.shows("▌ four and why?")
        assert not (place.work / "pasted").exists()
        assert plait.leave() == 0
