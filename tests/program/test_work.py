"""Sessions that work beside each other: the limit, pauses, leaving in the middle, a failure, shell commands and the editor."""

from __future__ import annotations

import json
import signal

from plait.core import events as e
from tests.program.many import QUESTION, alt, assert_once, at, chooses, goes, joined, streamed, told, waiting, write_script
from tests.program.running import Place


def test_the_eleventh_session(place: Place) -> None:
    write_script(place)
    with place.start("hello", columns=140, rows=40) as plait:
        plait.until(lambda: plait.text.count("hello") == 2)
        for number in range(2, 11):
            goes(plait, f"/new s{number} -- hi {number}", f"s{number}")
            plait.until(lambda number=number: plait.everything.count(f"hi {number}") == 3)  # type: ignore[misc]  # a lambda's default
        plait.enter("/new eleven")
        chooses(plait, "y/n", "n")
        at(plait, "s10")
        said = joined(plait)
        assert "10 of 10 sessions with messages are open." in said
        for way_out in ("/close default", "plait --session ", "plait config set max_sessions 20"):
            assert way_out in said
        assert "Close 'default' (ready, last used just now) and go on?" in said
        assert "go on? (" not in said, "the answers stand before the line alone"
        plait.enter("/new eleven -- hi 11")
        chooses(plait, "y/n", "y")
        at(plait, "eleven")
        assert "Closed 'default' with 2 messages" in joined(plait)
        plait.until(lambda: plait.everything.count("hi 11") == 3)
        told(plait, "/sessions --all", "default")
        plait.enter("/reopen default")
        chooses(plait, "y/n", "n")
        at(plait, "eleven")
        assert plait.leave() == 0


def test_a_pause_holds_what_comes_and_lets_it_go_again(place: Place) -> None:
    write_script(place, streamed("long", 40))
    with place.start(columns=120) as plait:
        plait.ready().enter("tell long")
        plait.until(lambda: "long-005" in plait.text)
        goes(plait, "/new other", "other")
        told(plait, "/pause default", "What runs now is finished first.")
        told(plait, "/say default and then?", "It is paused, so the message waits")
        plait.until(lambda: "1 default ‖" in plait.toolbar)
        told(plait, "/pause default", "is paused already")
        alt(plait, "1", "default")
        plait.shows("long-039")
        plait.until(lambda: "paused, /unpause goes on" in plait.toolbar and "1 queued" in plait.toolbar)
        assert "▌ and then?" not in plait.everything
        alt(plait, "2", "other")
        told(plait, "/unpause default", "'default' goes on.")
        plait.until(lambda: waiting(plait) == "[default]")
        alt(plait, "1", "default")
        plait.until(lambda: plait.everything.count("and then?") == 3)  # said, sent, answered
        assert_once(plait, ("long", 40))


def test_one_can_stay_or_wait_and_then_it_leaves_by_itself(place: Place) -> None:
    write_script(place, streamed("long", 100))
    with place.start(columns=120) as plait:
        plait.ready().enter("tell long")
        plait.until(lambda: "long-005" in plait.text)
        goes(plait, "/new other", "other")
        plait.send("\x04")
        chooses(plait, "wait/stop/stay", "stay")
        at(plait, "other")
        assert "1 session is still at work: default." in joined(plait)
        plait.enter("/exit")
        chooses(plait, "wait/stop/stay", "wait")
        plait.shows("plait leaves when the work is done.")
        at(plait, "other")
        plait.send("\x03")
        plait.shows("plait stays.")
        plait.send("\x04")
        chooses(plait, "wait/stop/stay", "wait")
        alt(plait, "1", "default")  # one can go on meanwhile
        assert plait.wait() == 0
        assert_once(plait, ("long", 100))
    (row,) = [row for row in place.sessions() if row.name == "default"]
    assert [event.ending for event in place.events(row) if isinstance(event, e.TurnEnded)] == ["done"]


def test_a_signal_asks_nothing_whatever_works(place: Place) -> None:
    write_script(place)
    with place.start(columns=120) as plait:
        plait.ready().enter("endless")
        plait.until(lambda: "word3 " in plait.text)
        goes(plait, "/new other -- endless", "other")
        plait.until(lambda: "word3 " in plait.text)
        goes(plait, "/new third -- ask me", "third")
        plait.shows(QUESTION)
        plait.child.kill(signal.SIGTERM)
        assert plait.wait() == 143
        assert "still at work" not in plait.everything
        plait.assert_restored()
    endings = {row.name: [event.ending for event in place.events(row) if isinstance(event, e.TurnEnded)] for row in place.sessions()}
    assert endings == {"default": ["interrupted"], "other": ["interrupted"], "third": []}


def test_a_failure_and_a_stop_concern_one_session_alone(place: Place) -> None:
    write_script(place, streamed("long", 80))
    with place.start(columns=120) as plait:
        plait.ready().enter("tell long")
        goes(plait, "/new broken -- fail", "broken")
        plait.shows("✗ The door is closed. Ask for the key.")
        goes(plait, "/new third -- endless", "third")
        plait.until(lambda: "word3 " in plait.text)
        told(plait, "/say broken fail again", "Sent to 'broken'")
        plait.until(lambda: "[broken ✗]" in waiting(plait))
        goes(plait, "/new here", "here")
        told(plait, "/interrupt third", "Stopped the turn of 'third'.")
        plait.until(lambda: "third !" in waiting(plait))
        alt(plait, "1", "default")
        plait.shows("long-079")
        assert_once(plait, ("long", 80))
        alt(plait, "2", "broken")
        plait.until(lambda: plait.everything.count("✗ The door is closed.") == 2)
        other = place.root / "other.toml"
        other.write_text('[[reply]]\ntext = "Open now."\n')
        told(plait, f"/model scripted:{other}", "other.toml (set for this session)")
        told(plait, "/retry", "Open now.")


def test_shell_commands_and_the_editor_leave_the_others_running(place: Place) -> None:
    write_script(place, streamed("long", 50), streamed("more", 50))
    editor = place.root / "editor"  # it returns when the other session has answered
    editor.write_text('#!/bin/sh\nuntil grep -q done "$PLAIT_HOME/told"; do sleep 0.05; done; echo edited > "$1"\n')
    editor.chmod(0o700)
    place.settings('notify = "done=command"\nnotify_command = \'cat >> "$PLAIT_HOME/told"\'\nnotify_cooldown = 0\n')
    with place.start(columns=120, EDITOR=str(editor)) as plait:
        plait.ready().enter("tell long")
        plait.until(lambda: "long-003" in plait.text)
        goes(plait, "/new here", "here")
        plait.send("\x07")
        plait.until(lambda: plait.input_row == "(here) > edited")
        told_by = [json.loads(line) for line in (place.home / "told").read_text().splitlines()]
        assert [(one["kind"], one["name"], one["state"], one["directory"]) for one in told_by] == [
            ("done", "default", "WaitingForInput", str(place.work))
        ]
        plait.send("\x15")
        told(plait, "/say default tell more", "Sent to 'default'")
        (place.home / "told").unlink()
        plait.enter("!until [ -e $PLAIT_HOME/told ]; do sleep 0.05; done; echo it has answered")
        plait.until(lambda: "\n  it has answered" in plait.everything)
        assert (place.home / "told").exists()
        alt(plait, "1", "default")
        plait.shows("more-049")
        assert_once(plait, ("long", 50), ("more", 50))


def test_words_for_all_and_a_look_at_one(place: Place) -> None:
    write_script(place)
    with place.start(columns=120, rows=40) as plait:
        plait.ready()
        goes(plait, "/new left", "left")
        goes(plait, "/new right", "right")
        told(plait, "/broadcast the branch is frozen", "Sent to 'default', 'left' and 'right'.")
        plait.until(lambda: waiting(plait) in ("[default] [left]", "[left] [default]"))
        told(plait, "/peek left", "the branch is frozen")
        assert "Nothing of it is marked as seen." in joined(plait)
        plait.until(lambda: "[left]" in waiting(plait))
        told(plait, "/sessions --waiting", "1 unread")
        told(plait, "/debug gate", "0 of at most 5 model calls")
        plait.enter("/kill left")
        plait.until(lambda: waiting(plait) == "[default]")
        plait.enter("/close")
        plait.until(lambda: plait.name in ("default", "right"))
        told(plait, "/sessions --json", '"name": "default"')
