"""One gate for all sessions: no more calls than it lets through, places in the queue, and a provider that asks for a pause."""

from __future__ import annotations

import threading
from itertools import count

import anyio

from tests.models import wires
from tests.models.fake_provider import Exchange, refuses, says
from tests.program.many import alt, assert_once, at, goes, joined, streamed, told, waiting, write_script
from tests.program.running import Place
from tests.program.serving import served

HELD = '[[reply]]\nmatch = "hold"\nwait = 3600\n'


def test_what_does_not_go_through_the_gate_waits_its_turn_and_is_told_its_place(place: Place) -> None:
    write_script(place, HELD)
    with place.start("hold one", columns=200, rows=40) as plait:
        plait.until(lambda: "llm" not in plait.toolbar and "Ctrl+C stops" in plait.toolbar)
        for number in range(2, 8):
            goes(plait, f"/new s{number} -- hold {number}", f"s{number}")
        plait.until(lambda: "llm 5/5, 2 queued" in plait.toolbar)
        plait.until(lambda: "waiting for its turn, place 1" in plait.toolbar)
        told(plait, "/debug gate", "5 of at most 5 model calls")
        alt(plait, "6", "s6")
        plait.until(lambda: "waiting for its turn, place " in plait.toolbar)
        plait.send("\x03")
        plait.until(lambda: "llm 5/5, 1 queued" in plait.toolbar)
        plait.shows("! Interrupted.")
        told(plait, "/interrupt default", "Stopped the turn of 'default'.")
        plait.until(lambda: plait.toolbar.endswith("llm 5/5"))  # s7 has gone through
        told(plait, "/debug gate", "waiting 0")
        plait.enter("/exit")
        plait.until(lambda: "5 sessions are still at work" in joined(plait))
        plait.send("\x04")
        assert plait.wait() == 0


def test_a_pause_of_one_provider_holds_its_sessions_and_all_go_on_by_themselves(place: Place) -> None:
    numbers, times = count(), []
    lock = threading.Lock()

    async def slow_down_once(exchange: Exchange) -> None:
        with lock:
            number = next(numbers)
            times.append(anyio.current_time())
        asked = str(exchange.json["messages"][-1]["content"])
        scenario = (
            refuses(429, "Slow down.", "rate_limit_exceeded", retry_after="2") if not number else says(wires.Said(text=(f"Re: {asked}",)))
        )
        await scenario(exchange)

    write_script(place, streamed("long", 40))
    with served(place, slow_down_once), place.start(model="lab:x", LAB_KEY="k", columns=140, rows=40) as plait:
        plait.ready().enter("first")
        plait.until(lambda: "lab waits" in joined(plait) or "Trying again in" in plait.everything)
        goes(plait, "/new second -- and second", "second")
        goes(plait, "/new third -- and third", "third")
        plait.until(lambda: "lab waits" in plait.toolbar)
        goes(plait, "/new elsewhere", "elsewhere")
        told(plait, f"/model {place.model}", "(set for this session)")
        plait.enter("tell long")  # another provider does not wait
        plait.until(lambda: "long-005" in plait.everything)
        plait.until(lambda: sorted(waiting(plait).split()) == ["[default]", "[second]", "[third]"])
        plait.shows("long-039")
        assert_once(plait, ("long", 40))
        for number, text in (("1", "Re: first"), ("2", "Re: and second"), ("3", "Re: and third")):
            plait.send(f"\x1b{number}")
            plait.shows(text)
        assert "✗" not in plait.everything
    assert len(times) == 4
    assert min(times[1:]) - times[0] >= 1.9  # nobody asked the provider before the time that it had named


def test_a_refused_key_stops_the_sessions_of_that_provider_alone(place: Place) -> None:
    write_script(place, streamed("long", 60))
    with served(place), place.start(columns=140, rows=40, LAB_KEY="k") as plait:
        plait.ready().enter("tell long")
        plait.until(lambda: "long-003" in plait.text)
        goes(plait, "/new locked", "locked")
        told(plait, "/model lab:no-key", "(set for this session)")
        told(plait, "open", "✗ 127.0.0.1")
        goes(plait, "/new here", "here")
        plait.until(lambda: waiting(plait) == "[default]")
        alt(plait, "1", "default")
        plait.shows("long-059")
        assert_once(plait, ("long", 60))
        at(plait, "default")
