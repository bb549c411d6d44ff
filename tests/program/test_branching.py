"""Going back, branching off and coming back, on the real terminal and over kills."""

from __future__ import annotations

import signal

import pytest

from plait.core import events as e
from plait.core.states import SessionState
from tests.program.many import alt, at, chooses, goes, joined, streamed, told, write_script
from tests.program.running import Place, Plait

EDITOR = "#!/bin/sh\nprintf 'one, put better' > \"$1\"\n"


def says(plait: Plait, *texts: str) -> None:
    """Say these, and wait for the echo of each."""
    for text in texts:
        before = plait.everything.count(text)
        plait.enter(text)
        plait.until(lambda text=text, before=before: plait.everything.count(text) >= before + 2)  # type: ignore[misc]
        plait.idle()


def in_line(plait: Plait, text: str) -> None:
    """Wait until the text stands in the input line."""
    plait.until(lambda: plait.input_row.endswith(text))


def test_back_and_forth_in_one_session(place: Place) -> None:
    editor = place.root / "editor"
    editor.write_text(EDITOR)
    editor.chmod(0o700)
    with place.start(EDITOR=str(editor)) as plait:
        plait.ready()
        says(plait, "one thing", "second thing", "third thing")
        told(plait, "/undo", "Taken back: 'third thing' and the answer to it. /redo brings it back.")
        told(plait, "/redo", "Brought back: 'third thing' and the answer to it.")
        plait.type("\x1b\x1b")
        plait.until(lambda: " 3      third thing" in plait.text)
        plait.type("sec")
        plait.until(lambda: " 3      third thing" not in plait.text)
        plait.send("\r")
        plait.shows("Taken back: 'second thing' and the 3 messages after it.")
        in_line(plait, "second thing")
        plait.type(", better\r")
        plait.until(lambda: plait.everything.count("second thing, better") == 2)
        plait.idle()
        plait.enter("/edit")
        plait.until(lambda: plait.everything.count("one, put better") == 2)
        plait.idle()
        plait.enter("/history")
        plait.until(lambda: plait.everything.count("taken back · ") == 3)
        assert plait.leave() == 0
        assert "To resume: plait -r default" in joined(plait)
    said = [event.text for event in place.events() if isinstance(event, e.UserSaid)]
    assert said == ["one thing", "second thing", "third thing", "second thing, better", "one, put better"]
    with place.start() as plait:
        plait.ready()
        plait.until(lambda: plait.text.count("one, put better") == 2)
        assert "second thing" not in plait.text, "what was taken back is not shown again"
        assert plait.leave() == 0


def test_a_fork_while_the_original_streams(place: Place) -> None:
    write_script(place, streamed("one", 200, per_second=40))
    with place.start(columns=100) as plait:
        plait.ready()
        says(plait, "first thing")
        plait.enter("tell one")
        plait.shows("one-003")
        told(plait, "/undo", "A turn is running in 'default', so nothing can be taken back now.")
        goes(plait, "/fork", "default-2")
        plait.shows("'default' goes on in the background; /back goes there.")
        says(plait, "another way")
        alt(plait, "1", "default")
        plait.shows("one-199")
        plait.idle()
        goes(plait, "/fork early 1", "early")
        assert plait.leave() == 0
    rows = {row.name: row for row in place.sessions()}
    assert set(rows) == {"default", "default-2", "early"}
    assert rows["early"].messages == 2
    assert rows["default-2"].forked_from == rows["default"].id
    texts = [event.text for event in place.events(rows["default-2"]) if isinstance(event, e.UserSaid)]
    assert texts == ["first thing", "another way"]


def test_coming_back_by_name_or_to_the_last_one_or_where_the_directory_is_gone(place: Place) -> None:
    gone = place.root / "gone"
    gone.mkdir()
    with place.start("--session", "auth-fix", "-C", str(gone)) as plait:
        at(plait, "auth-fix")
        says(plait, "the login is broken")
        assert plait.leave() == 0
    gone.rmdir()
    with place.start("--session", "docs") as plait:
        at(plait, "docs")
        says(plait, "write the manual")
        plait.enter("/kill docs")
        plait.shows("Closed 'docs'")
        assert plait.leave() == 0
    with place.start("-c") as plait:
        at(plait, "docs")
        plait.shows("write the manual")
        assert plait.leave() == 0
    with place.start("-r", "login") as plait:
        plait.shows(f"'auth-fix' worked in {gone}")
        chooses(plait, "y/n", "y")
        plait.shows(f"This session works in {place.work}")
        assert plait.leave() == 0
    rows = {row.name: row for row in place.sessions()}
    assert rows["auth-fix"].directory == str(place.work)
    asked = {"_PLAIT_COMPLETE": "zsh_complete", "COMP_WORDS": "plait -r au", "COMP_CWORD": "2"}
    assert "auth-fix\nthe login is broken" in place.run(**asked).stdout
    refused = place.run("run", "-r", "nothing", "hello")
    assert refused.returncode == 2
    assert "No session is called 'nothing', and none is about that." in refused.stderr


def test_a_script_goes_on_in_the_last_session(place: Place) -> None:
    assert "Start plait without -c" in place.run("run", "-c", "hello").stderr
    assert place.run("run", "remember the number 7").returncode == 0
    assert place.run("run", "-c", "which number?").returncode == 0
    (row,) = place.sessions()
    assert (row.state, row.messages) == (SessionState.COMPLETED, 4)
    assert place.run("run", "-r", "number", "and now?").returncode == 0
    (row,) = place.sessions()
    assert (row.state, row.messages) == (SessionState.COMPLETED, 6)
    for arguments in (("run", "-c", "-r", "x", "y"), ("run", "--session", "a", "-c", "y"), ("run", "y", "-r")):
        refused = place.run(*arguments)
        assert refused.returncode == 2, refused


@pytest.mark.parametrize(("columns", "rows"), [(100, 16), (40, 9)])
def test_choosing_a_session(place: Place, columns: int, rows: int) -> None:
    for name, text in (("auth-fix", "the login is broken"), ("parser", "tokens are lost")):
        assert place.run("run", "--session", name, text).returncode == 0
    assert place.run("-C", str(place.root), "run", "--session", "elsewhere", "far away").returncode == 0
    with place.start("-r", columns=columns, rows=rows) as plait:
        plait.until(lambda: plait.text.startswith("resume >"))
        plait.until(lambda: all(f" {name}" in plait.text for name in ("parser", "auth-fix", "elsewhere")))
        plait.send("\x01")
        plait.until(lambda: " elsewhere" not in plait.text)
        plait.send("\x01")
        plait.until(lambda: " elsewhere" in plait.text)
        plait.type("zz")
        plait.until(lambda: " parser" not in plait.text)
        plait.send("\r")
        plait.until(lambda: "No session is called 'zz'" in joined(plait))
        plait.type("\x7f\x7fLOGIN b")
        plait.until(lambda: " auth-fix" in plait.text)
        plait.send("\r")
        at(plait, "auth-fix")
        plait.shows("the login is broken")
        assert plait.leave() == 0
        plait.assert_restored()
    with place.start("-r", columns=columns) as plait:
        plait.until(lambda: " parser" in plait.text)
        plait.send("\x03")
        assert plait.wait() == 0
        plait.assert_restored()


def test_nobody_chooses_a_message_in_vain_while_a_turn_runs(place: Place) -> None:
    write_script(place, '[[reply]]\nmatch = "never ends"\nwords = 100000\nper_second = 50\n')
    with place.start() as plait:
        plait.ready()
        says(plait, "one thing")
        plait.enter("never ends")
        plait.until(lambda: "▌ never ends" in plait.everything)
        plait.type("\x1b\x1b")
        plait.shows("A turn is running here. Stop it with Ctrl+C, or wait for its end.")
        assert "/rewind" not in plait.text
        plait.send("\x03")
        plait.idle()
        plait.type("\x1b\x1b")
        plait.until(lambda: "/rewind" in plait.input_row and " one thing" in plait.text.rpartition("/rewind")[2])


def test_words_that_several_sessions_are_about_narrow_what_is_offered(place: Place) -> None:
    for name, text in (("auth-fix", "the login is broken"), ("auth-docs", "the login is described"), ("parser", "tokens are lost")):
        assert place.run("run", "--session", name, text).returncode == 0
    with place.start("-r", "login") as plait:
        plait.until(lambda: plait.text.startswith("resume > login"))
        plait.until(lambda: all(f" {name}" in plait.text for name in ("auth-docs", "auth-fix")))
        assert " parser" not in plait.text
        plait.type(" broken")
        plait.until(lambda: " auth-docs" not in plait.text and " auth-fix" in plait.text)
        plait.send("\r")
        at(plait, "auth-fix")
        assert plait.leave() == 0
    with place.start("--plain", "-r", "login") as plait:
        plait.shows("2 auth-docs")
        assert "parser" not in plait.text
        plait.enter("2")
        plait.shows("(auth-docs) >")
        assert plait.leave() == 0
    refused = place.run("run", "-r", "login", "hello")
    assert (refused.returncode, "'login' can mean 2 sessions: auth-" in refused.stderr) == (2, True)


def test_choosing_from_a_printed_list(place: Place) -> None:
    for name, text in (("auth-fix", "the login is broken"), ("auth-docs", "the login is described"), ("parser", "tokens are lost")):
        assert place.run("run", "--session", name, text).returncode == 0
    with place.start("--plain", "-r") as plait:
        plait.shows("3 auth-fix")
        plait.enter("login")
        plait.shows("1 auth-docs")
        plait.enter("2")
        plait.shows("(auth-fix) >")
        plait.enter("/rewind")
        plait.shows("Type /rewind and a number.")
        assert plait.leave() == 0


@pytest.mark.parametrize("label", ["append.inserted", "append.committed"])
@pytest.mark.parametrize("line", ["/edit other words", "/fork"])
def test_killed_in_the_middle_of_a_commit_leaves_all_or_nothing(place: Place, line: str, label: str) -> None:
    """Each append from the second message on is the one that kills, until the command has been carried out."""
    with place.start() as plait:
        plait.ready()
        says(plait, "one thing", "second thing")
        assert plait.leave() == 0
    for times in range(1, 8):
        with place.start(PLAIT_CRASH_AT=f"{label}:{times}") as plait:
            plait.until(lambda: "(default) >" in plait.text)
            plait.send(f"{line}\r")
            killed = plait.wait() == 128 + signal.SIGKILL if _ends(plait) else False
        rows = place.sessions()
        log = place.events(next(row for row in rows if row.name == "default"))
        rewound = [event for event in log if isinstance(event, e.Rewound)]
        assert len(rewound) == sum(isinstance(event, e.UserSaid) for event in log) - 2, "what was taken back was not replaced"
        for row in rows:
            if row.name != "default":
                copy = place.events(row)
                assert any(isinstance(event, e.Forked) for event in copy), "a fork is there in part"
                assert sum(isinstance(event, e.UserSaid) for event in copy) == 2
        if not killed or rewound or len(rows) > 1:
            break
    assert rewound or len(rows) > 1, "the command was never carried out"


def _ends(plait: Plait) -> bool:
    """Whether the program ends by itself, rather than showing that the command was carried out."""
    while plait.read(0.02):
        text = joined(plait)
        if "Opened 'default-2'" in text or plait.everything.count("other words") >= 3:
            return False
    return True
