"""What words for sessions mean at the real prompt: names that look like options, commands or numbers, and those that cannot be names."""

from __future__ import annotations

import pytest

from tests.program.many import NAMES, at, goes, joined, told, write_script
from tests.program.running import Place

STRANGE = ["help", "h", "2", "30", "exit", "日本語", "größe", "пример"]


def test_a_name_is_a_name_whatever_it_looks_like(place: Place) -> None:
    write_script(place)
    with place.start(columns=140, rows=40) as plait:
        plait.ready()
        for name in STRANGE:
            goes(plait, f"/new {name}", name)
        for name in STRANGE:
            goes(plait, f"/switch {name}", name)
        goes(plait, "/switch 3", "h")  # no session is called so
        goes(plait, "/s 30", "30")
        goes(plait, "/4", "2")
        goes(plait, "/rename help helper", "2")
        plait.until(lambda: "2 helper" in plait.toolbar)
        goes(plait, "/switch HELPER", "helper")
        goes(plait, "/close 2", "helper")  # the one of that name, not the second
        plait.until(lambda: "helper*" in plait.toolbar and " 2 ·" not in plait.toolbar)
        assert "Commands" not in plait.everything
        assert plait.leave() == 0


@pytest.mark.parametrize("name", ["-h", "two words", "Größe", "a/b", "x" * 21, "..", "a--b"])
def test_what_cannot_be_a_name_is_refused_with_a_way_out(place: Place, name: str) -> None:
    write_script(place)
    with place.start(columns=200) as plait:
        plait.ready()
        for line in (f"/new {name}", f"/rename {name}", f"/session-name {name}"):
            plait.enter(line)
            plait.until(lambda line=line: "✗" in plait.everything.rpartition(f"· {line}")[2])  # type: ignore[misc]  # a lambda's default
        assert plait.name == "default"
        told(plait, "/switch nobody", "No open session is called 'nobody'.")
        told(plait, "/switch", "/switch needs a session to go to")
        told(plait, "/swich x", "Did you mean /switch?")


def test_names_come_from_what_is_said_and_give_way_to_those_that_are_given(place: Place) -> None:
    write_script(place)
    with place.start(columns=140, rows=40, **NAMES) as plait:
        plait.ready().enter("why does the payment webhook stop with a timeout?")
        plait.until(lambda: plait.name not in ("", "default"))
        first = plait.name
        assert 0 < len(first) <= 20
        plait.until(lambda: plait.screen.title == f"plait: {first}")
        goes(plait, "/new", "default")
        plait.enter("hm")
        plait.until(lambda: plait.name.endswith("-1"))  # a type and a number
        goes(plait, "/new mine -- why does the payment webhook stop?", "mine")
        plait.until(lambda: joined(plait).count("why does the payment webhook stop?") == 3)
        plait.enter("and the webhook retries, who does them?")
        plait.until(lambda: joined(plait).count("who does them?") == 2)
        at(plait, "mine")
        told(plait, "/rename mine", "'mine' is called 'mine' from now on")
        told(plait, f"/rename {first}", "✗")
        assert plait.name == "mine"
