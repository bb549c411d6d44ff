"""Many sessions after a kill: everything that was on disk is there, nothing is repeated, and what waited goes on."""

from __future__ import annotations

import signal

from plait.core import events as e
from tests.program.many import QUESTION, alt, answers, at, goes, joined, streamed, told, waiting, write_script
from tests.program.running import Place, Plait


def five_sessions(plait: Plait) -> None:
    """One answers and has a message queued, one asks, one has answered unseen, one is paused with a message, one has a draft."""
    plait.ready().enter("endless")
    plait.until(lambda: "word5 " in plait.text)
    plait.enter("the queued one")
    plait.until(lambda: "1 queued" in plait.toolbar)
    goes(plait, "/new asking -- ask me", "asking")
    plait.until(lambda: plait.input_row.startswith("(asking ?) >"))
    goes(plait, "/new unseen", "unseen")
    goes(plait, "/new held", "held")
    told(plait, "/pause", "'held' is paused")
    plait.enter("wait for it")
    plait.until(lambda: "1 queued" in plait.toolbar)
    told(plait, "/say unseen good morning", "Sent to 'unseen'")
    plait.until(lambda: "[unseen]" in waiting(plait))
    goes(plait, "/new drafty", "drafty")
    plait.type("half a thought")
    alt(plait, "1", "default")  # a draft is on disk once its session is left
    plait.until(lambda: plait.everything.count("word") > 40)


def test_a_kill_in_the_middle_of_five_sessions(place: Place) -> None:
    write_script(place)
    with place.start(columns=110, rows=40) as plait:
        five_sessions(plait)
        plait.child.kill(signal.SIGKILL)
        plait.wait()
    place.script.write_text(place.script.read_text().replace("words = 100000", 'text = "In short."'))
    with place.start(columns=110, rows=40) as plait:
        at(plait, "default")
        plait.shows("5 sessions are open, 2 of them wait for you (/inbox). /sessions lists them.")
        plait.until(lambda: waiting(plait) == "[asking ?] [unseen]")
        for name in ("1 default*", "2 asking ?", "3 unseen ✓", "4 held ‖", "5 drafty"):
            plait.until(lambda name=name: name in plait.toolbar)  # type: ignore[misc]  # a lambda's default
        cut_off(plait)
        rest(plait)
        assert plait.leave() == 0
    (first,) = [row for row in place.sessions() if row.name == "default"]
    said = [event.text for event in place.events(first) if isinstance(event, e.UserSaid)]
    assert said == ["endless", "the queued one"]


def cut_off(plait: Plait) -> None:
    """The turn that was cut off is marked and waits for /retry; the message after it is answered without being sent again."""
    plait.shows("! plait stopped in the middle of this turn")
    assert "/retry asks the model again" in joined(plait)
    plait.until(lambda: plait.everything.count("the queued one") == 2)
    assert "In short." not in plait.everything


def rest(plait: Plait) -> None:
    """The others are what they were."""
    alt(plait, "n", "asking")
    plait.until(lambda: plait.everything.count(QUESTION) == 1)
    answers(plait, "asking", "1")
    plait.shows("  Then it is sqlite.")
    alt(plait, "n", "unseen")
    plait.until(lambda: plait.everything.count("good morning") == 2)
    alt(plait, "4", "held")
    plait.until(lambda: "paused, /unpause goes on" in plait.toolbar)
    assert "▌ wait for it" not in plait.everything
    told(plait, "/unpause", "▌ wait for it")
    plait.until(lambda: plait.everything.count("wait for it") == 2)
    alt(plait, "5", "drafty")
    plait.until(lambda: plait.input_row == "(drafty) > half a thought")
    alt(plait, "1", "default")


def test_retry_in_another_session_after_a_kill(place: Place) -> None:
    write_script(place, streamed("long", 400))
    with place.start(columns=110) as plait:
        plait.ready().enter("hello")
        plait.until(lambda: plait.text.count("hello") == 2)
        goes(plait, "/new other -- tell long", "other")
        plait.until(lambda: "long-035" in plait.text)
        alt(plait, "1", "default")
        plait.enter("hello again")
        plait.until(lambda: plait.text.count("hello again") == 2)
        plait.child.kill(signal.SIGKILL)
        plait.wait()
    write_script(place, streamed("long", 30, 0))
    with place.start(columns=110, rows=50) as plait:
        at(plait, "default")
        plait.until(lambda: waiting(plait) == "[other !]")
        goes(plait, "/next", "other")
        plait.until(lambda: "/retry asks the model again" in joined(plait))
        assert "long-020" in plait.everything
        assert plait.everything.count("long-000") == 1
        plait.enter("/retry")
        plait.until(lambda: plait.everything.count("long-029") == 2)
        plait.idle()
        assert plait.leave() == 0


def test_a_paste_that_was_not_sent_is_no_command_after_a_restart(place: Place) -> None:
    write_script(place)
    pasted = "!touch ran\r" * 5
    with place.start() as plait:
        plait.ready().enter("hello")
        plait.idle()
        plait.send(f"\x1b[200~{pasted}\x1b[201~")
        plait.until(lambda: "[pasted 5 lines" in plait.text)
        plait.child.kill(signal.SIGTERM)
        plait.wait()
    with place.start() as plait:
        plait.until(lambda: "[pasted 5 lines" in plait.input_row)
        plait.pause()
        plait.send("\r")
        plait.shows("▌ !touch ran")
        plait.idle()
    assert not (place.work / "ran").exists()
