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
