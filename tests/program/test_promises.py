"""What programs of this kind have got wrong: settings that nobody reads, answers to the wrong question, what leaks, what is forgotten."""

from __future__ import annotations

import json
import time

from tests.program.many import QUESTION, alt, answers, assert_once, at, chooses, goes, joined, streamed, told, waiting, write_script
from tests.program.running import Place

ASKS_LATE = """
[[reply]]
match = "think, then ask"
text = "Let me think. One thing is not clear."
chunk = 5
per_second = 8
calls = [{ name = "ask_user", arguments = { question = "Which database shall it be?", choices = ["sqlite", "postgres"] } }]
"""


def test_what_was_begun_before_a_question_is_no_answer_to_it(place: Place) -> None:
    write_script(place, ASKS_LATE)
    with place.start(columns=120, rows=40) as plait:
        plait.ready().enter("think, then ask")
        plait.type("use mysql")
        plait.until(lambda: plait.input_row.startswith("(default ?) > use mysql"))
        plait.send("\r")
        plait.until(lambda: plait.input_row == "(default ?) >")
        assert "▌ use mysql" not in plait.everything
        plait.pause(0.4)
        plait.enter("3")
        plait.until(lambda: "There is no choice 3" in joined(plait))
        goes(plait, "/new other", "other")
        plait.enter("2")  # an answer meant for another session is a message here
        plait.until(lambda: plait.everything.count("▌ 2") == 1)
        plait.until(lambda: waiting(plait) == "[default ?]")
        alt(plait, "1", "default")
        answers(plait, "default", "2")
        plait.shows("  Then it is postgres.")
        plait.until(lambda: plait.input_row == "(default) > use mysql")
        assert plait.everything.count(QUESTION) == 2  # when it was asked, and when its session was shown again


def test_settings_are_read(place: Place) -> None:
    write_script(place, '[[reply]]\nmatch = "hold"\nwait = 3600\n')
    place.settings("max_sessions = 3\nmax_concurrent_calls = 1\nindicator_sessions = 1\nterminal_title = false\n")
    with place.start("hold", columns=160, rows=40) as plait:
        plait.until(lambda: "Ctrl+C stops" in plait.toolbar)
        goes(plait, "/new two -- good day", "two")
        plait.until(lambda: "llm 1/1, 1 queued" in plait.toolbar)
        told(plait, "/interrupt default", "Stopped the turn")
        plait.until(lambda: plait.everything.count("good day") == 3)
        goes(plait, "/new three -- hi", "three")
        told(plait, "/say two hello", "Sent to 'two'")
        plait.until(lambda: "two ✓" in plait.toolbar)
        assert waiting(plait) == "[default !] +1 more"
        plait.enter("/new four")
        chooses(plait, "y/n", "n")
        assert "3 of 3 sessions with messages are open." in joined(plait)
        assert b"\x1b]2;" not in plait.sent
        assert plait.leave() == 0


def test_what_does_not_fit_into_the_buffer_is_counted_and_in_the_history(place: Place) -> None:
    write_script(place)
    with place.start(columns=120, rows=40, PLAIT_BUFFER_EVENTS="16") as plait:
        plait.ready()
        goes(plait, "/new here", "here")
        for number in range(12):
            told(plait, f"/say default note {number:02} of many", "Sent to 'default'")
        plait.until(lambda: "default ✓" in plait.toolbar)
        told(plait, "/sessions", "24 messages")
        alt(plait, "1", "default")
        plait.until(lambda: "lines before them are only in /history" in joined(plait))
        plait.until(lambda: plait.everything.count("  note 11 of many") == 1)
        assert "▌ note 00 of many" not in plait.everything
        told(plait, "/history 24", "▌ note 00 of many")


def test_closing_goes_to_the_session_used_last_and_the_last_one_is_followed_by_a_fresh_one(place: Place) -> None:
    write_script(place)
    with place.start("hello", columns=120) as plait:
        plait.until(lambda: plait.text.count("hello") == 2)
        for name in ("one", "two", "three"):
            goes(plait, f"/new {name}", name)
        goes(plait, "/switch two", "two")
        goes(plait, "/switch three", "three")
        goes(plait, "/close", "two")
        goes(plait, "/close", "one")
        goes(plait, "/close one", "default")
        plait.enter("/close")
        plait.until(lambda: "Closed 'default' with 2 messages" in joined(plait))
        at(plait, "default")
        plait.enter("fresh")
        plait.until(lambda: plait.text.count("fresh") == 2)
        assert plait.leave() == 0
    assert sorted((row.name, row.state) for row in place.sessions() if row.messages) == [("default", "Active"), ("default", "Completed")]


def test_settings_of_one_session_are_not_those_of_another_and_times_are_true(place: Place) -> None:
    began = time.time()
    write_script(place)
    with place.start("hello", columns=200, rows=50) as plait:
        plait.until(lambda: plait.text.count("hello") == 2)
        told(plait, "/set temperature 0.25", "0.25")
        told(plait, "/system Answer in verse.", "Answer in verse.")
        goes(plait, "/new other", "other")
        plait.enter("/status")
        plait.until(lambda: "directory" in plait.everything.rpartition("· /status")[2])
        plait.idle()
        status = plait.everything.rpartition("· /status")[2]
        assert "0.25" not in status
        assert "verse" not in status
        told(plait, "/sessions --json", '"completed": false}]'.replace("]", ""))
        listed = plait.everything.rpartition("· /sessions --json")[2]
    rows = json.loads("".join(row.strip() for row in listed[listed.index("[") : listed.rindex("]") + 1].splitlines()))
    assert [row["name"] for row in rows] == ["default", "other"]
    assert all(began <= row["createdAt"] <= row["lastAt"] <= time.time() for row in rows)


def test_names_are_completed_and_a_stopped_turn_leaves_its_session_ready(place: Place) -> None:
    write_script(place, streamed("long", 400))
    with place.start(columns=120) as plait:
        plait.ready()
        goes(plait, "/new api-errors", "api-errors")
        goes(plait, "/new docs-build", "docs-build")
        plait.type("/switch aer\t")
        plait.until(lambda: plait.input_row.rstrip() == "(docs-build) > /switch api-errors")
        plait.pause()
        plait.send("\r")  # takes what Tab has chosen
        plait.pause()
        plait.send("\r")
        at(plait, "api-errors")
        plait.enter("tell long")
        plait.until(lambda: "long-005" in plait.text)
        goes(plait, "/switch docs", "docs-build")
        told(plait, "/interrupt api", "Stopped the turn of 'api-errors'.")
        plait.until(lambda: waiting(plait) == "[api-errors !]")
        alt(plait, "2", "api-errors")
        plait.shows("! Interrupted.")
        shown = [word for word in plait.everything.split() if word.startswith("long-")]
        assert_once(plait, ("long", len(shown)))
        plait.enter("and on")
        plait.until(lambda: plait.everything.count("and on") == 2)
        told(plait, "/sessions", "api-errors · ready")
