"""Commands, shell lines, pastes and the editor, at the real prompt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plait.core import events as e
from tests.program.running import Place, Plait
from tests.timing import within


def asked(plait: Plait, line: str, answer: str) -> None:
    """Enter a line and wait for words of its answer that were not there."""
    before = plait.everything.count(answer)
    plait.enter(line)
    plait.until(lambda: plait.everything.count(answer) > before)


def test_settings_of_the_session(place: Place) -> None:
    other = place.root / "other.toml"
    other.write_text('[[reply]]\nmatch = "who"\ntext = "The other one."\n')
    with place.start(columns=140, rows=40) as plait:
        plait.ready()
        asked(plait, "/sttus", "Did you mean /status?")
        asked(plait, "/set temperature 9", "temperature")
        assert "✗" in plait.text.splitlines()[plait.text.splitlines().index("· /set temperature 9") + 1]
        asked(plait, "/set temperature 0.25", "0.25")
        asked(plait, "/system Answer in verse.", "Answer in verse.")
        asked(plait, f"/model scripted:{other}", "other.toml")
        asked(plait, "who is there?", "The other one.")
        plait.idle()
        asked(plait, "/stat", "Answer in verse.")
        for words in ("0.25", str(other), "default"):
            assert words in plait.text.rpartition("· /stat")[2], words
        assert "(default) > " not in "".join(plait.text.splitlines()[:-2])
        plait.leave()
    with place.start(columns=140, rows=40, model="") as plait:  # a session keeps its settings
        plait.ready()
        asked(plait, "who is there?", "The other one.")
        asked(plait, "/status", "Answer in verse.")
        assert "0.25" in plait.text.rpartition("· /status")[2]


def test_clear_begins_afresh_and_the_old_session_goes_on_by_its_id(place: Place) -> None:
    with place.start(rows=40) as plait:
        plait.ready()
        asked(plait, "/clear", "There is nothing to clear.")
        asked(plait, "remember the milk", "  remember the milk")
        plait.idle()
        asked(plait, "/clear", "A fresh session.")
        plait.send("\x1b[A")  # the history is that of the session
        asked(plait, "hello again", "  hello again")
        plait.idle()
        assert plait.leave() == 0
    old = next(row for row in place.sessions() if row.state == "Completed")
    assert (old.messages, len(place.sessions())) == (2, 2)
    assert place.run("run", "--session", old.id, "still there?").stdout == "still there?\n"
    assert [event.text for event in place.events(old) if isinstance(event, e.UserSaid)] == ["remember the milk", "still there?"]


def test_shell_lines(place: Place) -> None:
    with place.start(rows=40) as plait:
        plait.ready()
        asked(plait, "!echo some; pwd", f"  {place.work}")
        asked(plait, "!ls /nowhere", "The command ended with status")
        asked(plait, "!exit 7", "The command ended with status 7.")
        asked(plait, r"!printf '\033[2J\033]52;c;aGFoYQ==\007\r\b\302\233x\377(default) > \n\342\226\214 you'", "␛[2J␛]52;c;aGFoYQ==␇␍␈")
        assert b"\x1b]52" not in plait.sent
        plait.enter("!sleep 1000 & sleep 1000")
        plait.until(lambda: len(plait.descendants) >= 2)
        plait.send("\x03")
        plait.shows("Interrupted. The command and what it had started were ended.", promised=2)
        plait.until(lambda: not plait.descendants)
        asked(plait, "and now to the model", "  and now to the model")


def test_a_shell_command_does_not_outlive_the_program(place: Place) -> None:
    with place.start() as plait:
        plait.ready().enter("!echo here; exec sleep 1000")
        plait.shows("  here")
        plait.until(lambda: bool(plait.descendants))
        children = plait.descendants
        with within(2):
            plait.send("\x04")
            assert plait.wait() == 0
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_a_paste_of_a_megabyte_arrives_whole(place: Place) -> None:
    text = "\n".join(f"{number:05} /exit @nothing.txt !ls" + "x" * 36 for number in range(16_500))
    place.script.write_text('[[reply]]\ntext = "Received."\n')
    with place.start() as plait:
        plait.ready().send(f"\x1b[200~{text}\x1b[201~")
        plait.until(lambda: "[pasted 16,500 lines" in plait.input_row)
        plait.pause()
        plait.send("\r")
        plait.shows("Received.")
        assert "16,500 lines" in plait.everything
        assert len(plait.everything.splitlines()) < 30  # collapsed on the screen
        assert plait.leave() == 0
    (said,) = [event for event in place.events() if isinstance(event, e.UserSaid)]
    assert said.text == text
    assert said.attachments == ()


def test_only_what_was_typed_is_a_command_or_names_a_file(place: Place) -> None:
    (place.work / "secret.txt").write_text("the secret")
    pasted = "/exit\n@secret.txt\nthree\nfour\nfive"
    with place.start() as plait:
        plait.ready().send(f"\x1b[200~{pasted}\x1b[201~")
        plait.until(lambda: "[pasted 5 lines" in plait.input_row)
        plait.pause()
        plait.send("\r")
        plait.until(lambda: plait.everything.count("@secret.txt") == 2)
        assert plait.leave() == 0
    (said,) = [event for event in place.events() if isinstance(event, e.UserSaid)]
    assert (said.text, said.attachments) == (pasted, ())


@pytest.mark.parametrize("key", ["\x07", "\x18\x05"], ids=["ctrl-g", "ctrl-x-ctrl-e"])
def test_the_editor_changes_the_line(place: Place, key: str) -> None:
    editor = place.root / "editor"
    editor.write_text('#!/bin/sh\nprintf "%s and more" "$(cat "$1")" > "$1.new" && mv "$1.new" "$1"\n')
    editor.chmod(0o700)
    with place.start(EDITOR=str(editor)) as plait:
        plait.ready().type("some")
        plait.until(lambda: plait.input_row.endswith("some"))
        plait.send(key)
        plait.until(lambda: plait.input_row == "(default) > some and more")
        plait.send("\r")
        plait.until(lambda: plait.text.count("some and more") == 2)


def test_an_editor_that_is_not_there_is_told(place: Place) -> None:
    with place.start(EDITOR="/nowhere/editor", columns=120) as plait:
        plait.ready().type("kept")
        plait.until(lambda: plait.input_row.endswith("kept"))
        plait.send("\x07")
        plait.shows("/nowhere/editor")
        assert plait.input_row == "(default) > kept"


def test_files_are_attached_or_refused_with_the_text_kept(place: Place) -> None:
    work = place.work
    (work / "note.txt").write_text("the text of the note")
    (work / "directory").mkdir()
    os.mkfifo(work / "fifo")
    (work / "huge.txt").write_bytes(b"x" * 2_000_000)
    (work / "binary.txt").write_bytes(b"\0\1\2")
    (work / "link.txt").symlink_to("/dev/zero")
    refused = {
        "directory": "is a directory",
        "fifo": "is a FIFO",
        "huge.txt": "is larger than",
        "binary.txt": "is a binary file",
        "missing.txt": "does not exist",
        "link.txt": "is a device",
    }
    with place.start(columns=120, rows=50) as plait:
        plait.ready()
        for path, reason in refused.items():
            plait.enter(f"see @{path} please")
            plait.shows(f"'{path}' {reason}")
            plait.until(lambda path=path: plait.input_row == f"(default) > see @{path} please")  # type: ignore[misc]  # a lambda's default
            plait.send("\x15")
            plait.until(lambda: plait.input_row == "(default) >")
        plait.enter("see @note.txt please")
        plait.shows("  see @note.txt please")
        plait.shows("[note.txt: 20 characters]")
        plait.idle()
        assert plait.leave() == 0
    (said,) = [event for event in place.events() if isinstance(event, e.UserSaid)]
    assert [(one.path, one.text) for one in said.attachments] == [("note.txt", "the text of the note")]
