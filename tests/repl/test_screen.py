"""The live prompt on a pty: typing while text streams, history, search, completion, editing, the ladder of Ctrl+C and Ctrl+D."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plait.repl.application import PRIVATE_NAMES, missing_private_names
from tests.repl.harness import Pty


def streamed(pty: Pty) -> list[int]:
    """Numbers of the streamed lines, in the order in which they stand in scrollback and screen."""
    return [int(number) for number in re.findall(r"line (\d{5}) ", pty.everything)]


def test_the_private_names_of_prompt_toolkit_are_there() -> None:
    assert PRIVATE_NAMES
    assert missing_private_names() == ()


def test_a_line_is_submitted_and_echoed_and_the_prompt_stays() -> None:
    with Pty() as pty:
        pty.ready().enter("hello")
        pty.until(lambda: "got 5 characters: 'hello'" in pty.text)
        assert pty.text.splitlines()[0] == "> hello"
        assert pty.input_row == "(demo) >"
        assert pty.text.splitlines()[-1] == "toolbar: idle"
        assert pty.text.splitlines()[-3].endswith(" 2 waiting")
        assert len(pty.text.splitlines()[-3]) == 80


def test_typing_during_a_stream_is_shown_and_kept_and_no_line_is_lost() -> None:
    with Pty(columns=40, rows=12) as pty:
        pty.ready().enter("/stream 60 400")
        pty.until(lambda: "line 00002" in pty.everything)
        pty.type("draft under way")
        pty.until(lambda: pty.input_row == "(demo) > draft under way")
        assert "streaming" in pty.text
        pty.until(lambda: "[stream ended]" in pty.text and "idle" in pty.text)
        assert pty.input_row == "(demo) > draft under way"
        assert streamed(pty) == list(range(60))
        assert pty.everything.count("(demo) >") == 1
        assert pty.everything.count("toolbar:") == 1


def test_enter_typed_before_the_prompt_submits() -> None:
    with Pty() as pty:
        pty.send("early\r")  # which the shell's terminal mode makes a line feed of
        pty.until(lambda: "got 5 characters: 'early'" in pty.text)


def test_new_lines_and_moving_in_them() -> None:
    with Pty() as pty:
        pty.ready().type("one\x1b\rtwo\nthree")
        pty.until(lambda: "three" in pty.text)
        pty.type("\x1b[A\x1b[A!")  # Up, Up: still in the text
        pty.until(lambda: "one!" in pty.text)
        pty.type("\r")
        pty.until(lambda: r"got 14 characters: 'one!\ntwo\nthree'" in pty.text)


def test_up_and_down_walk_the_history_and_come_back_to_what_was_typed() -> None:
    with Pty() as pty:
        pty.ready().enter("first")
        pty.enter("second")
        pty.until(lambda: "got 6" in pty.text)
        pty.type("half")
        pty.type("\x1b[A")
        pty.until(lambda: pty.input_row == "(demo) > second")
        pty.type("\x1b[A")
        pty.until(lambda: pty.input_row == "(demo) > first")
        pty.type("\x1b[B\x1b[B")
        pty.until(lambda: pty.input_row == "(demo) > half")


def test_control_r_searches_the_history() -> None:
    with Pty() as pty:
        pty.ready().enter("alpha beta")
        pty.enter("gamma")
        pty.until(lambda: "got 5 characters: 'gamma'" in pty.text)
        pty.type("\x12bet")
        pty.until(lambda: pty.input_row == "(demo) > alpha beta")
        assert "I-search backward: bet" in pty.text
        pty.type("\r")
        pty.until(lambda: "I-search" not in pty.text)
        pty.type("\r")
        pty.until(lambda: pty.text.count("got 10 characters: 'alpha beta'") == 2)


def test_tab_completes_also_while_text_streams() -> None:
    with Pty() as pty:
        pty.ready().enter("/stream 40 200")
        pty.until(lambda: "line 00001" in pty.text)
        pty.type("/ex\t")
        pty.until(lambda: pty.input_row == "(demo) > /exit")
        pty.type("\x15/st")
        pty.until(lambda: "/status" in pty.text.split("(demo) >")[1])  # the menu
        pty.type("\x1b[B")
        pty.until(lambda: "(demo) > /str" in pty.text or "(demo) > /sta" in pty.text)
        chosen = pty.input_row
        pty.type("\r")  # takes it, and does not send
        pty.until(lambda: "/status" not in pty.text.split("(demo) >")[1].replace(chosen, "").replace("/status", "", 1))
        assert pty.input_row == chosen


def test_vi_mode_can_be_switched_at_run_time() -> None:
    with Pty() as pty:
        pty.ready().enter("/vim")
        pty.until(lambda: "> /vim" in pty.text)
        pty.type("hello")
        pty.type("\x1b")
        pty.pause(0.7)
        pty.type("0xi")
        pty.type("J")
        pty.until(lambda: pty.input_row == "(demo) > Jello")
        pty.type("\r")
        pty.until(lambda: "'Jello'" in pty.text)


@pytest.mark.parametrize("key", ["\x07", "\x18\x05"], ids=["ctrl-g", "ctrl-x ctrl-e"])
def test_the_editor_gets_the_text_while_the_stream_goes_on(tmp_path: Path, key: str) -> None:
    script = tmp_path / "editor"
    script.write_text(
        '#!/bin/sh\nstty -a > "$0.modes"\nprintf "EDITING\\n"\nread answer < /dev/tty\nprintf "%s and $answer" "$(cat "$1")" > "$1"\n'
    )
    script.chmod(0o755)
    with Pty(EDITOR=str(script)) as pty:
        pty.ready().enter("/stream 12 100")
        pty.until(lambda: "line 00001" in pty.text)
        pty.type("draft")
        pty.type(key)
        pty.until(lambda: "EDITING" in pty.text)
        assert "toolbar" not in pty.text
        before = len(streamed(pty))
        pty.pause(0.5)  # lines go on being streamed, and wait
        assert len(streamed(pty)) == before
        pty.send("more\n")
        pty.until(lambda: pty.input_row == "(demo) > draft and more")
        pty.until(lambda: "[stream ended]" in pty.text)
        assert streamed(pty) == list(range(12))
        modes = Path(f"{script}.modes").read_text().split()
        assert "icanon" in modes
        assert "echo" in modes
        assert "icrnl" in modes
        pty.type("\r")
        pty.until(lambda: "got 14 characters: 'draft and more'" in pty.text)


def test_an_editor_that_is_not_there_is_said() -> None:
    with Pty(EDITOR="/nonexistent/editor") as pty:
        pty.ready().type("kept")
        pty.type("\x07")
        pty.until(lambda: "could not be used" in pty.text)
        assert pty.input_row == "(demo) > kept"


def test_control_c_stops_the_stream_then_clears_then_hints_then_leaves() -> None:
    with Pty() as pty:
        pty.ready().enter("/stream 500 200")
        pty.until(lambda: "line 00001" in pty.text)
        pty.type("text")
        pty.type("\x03")
        pty.until(lambda: "[stopped]" in pty.text, promised=2)
        assert pty.input_row == "(demo) > text"
        pty.type("\x03")
        pty.until(lambda: pty.input_row == "(demo) >")
        pty.type("\x1b[A")
        pty.until(lambda: pty.input_row == "(demo) > text")
        pty.type("\x03\x03")
        pty.until(lambda: "Press Ctrl+C again to leave." in pty.text)
        pty.type("\x03")
        assert pty.wait() == 0
        assert "bye" in pty.text
        pty.assert_restored()


def test_the_hint_of_control_c_goes_away_and_so_does_its_effect() -> None:
    with Pty() as pty:
        pty.ready().type("\x03")
        pty.until(lambda: "again" in pty.text)
        pty.until(lambda: "again" not in pty.text)
        pty.type("\x03")
        pty.until(lambda: "again" in pty.text)


def test_control_d_deletes_in_a_text_and_leaves_on_an_empty_line() -> None:
    with Pty() as pty:
        pty.ready().type("ab\x01\x04")
        pty.until(lambda: pty.input_row == "(demo) > b")
        pty.type("\x04\x04")
        assert pty.wait() == 0
        pty.assert_restored()


def test_control_l_draws_everything_again() -> None:
    with Pty() as pty:
        pty.ready().type("abc")
        pty.until(lambda: "abc" in pty.text)
        pty.screen.erase_in_line(2)  # something else wrote over it
        pty.type("\x0c")
        pty.until(lambda: pty.input_row == "(demo) > abc")


@pytest.mark.parametrize("text", ["漢字かな", "👍🏽 ok", "שלום", "e\u0301te\u0301"])
def test_wide_and_joined_characters_keep_the_line_and_the_cursor(text: str) -> None:
    with Pty(columns=30) as pty:
        pty.ready().send(text)
        pty.pause(0.2)
        pty.type("x")
        pty.until(lambda: pty.input_row.replace(" ", "").endswith("x"))
        assert pty.screen.buffer[pty.screen.cursor.y][pty.screen.cursor.x - 1].data == "x"
        pty.type("\r")
        pty.until(lambda: f"got {len(text) + 1} characters" in pty.text)
        assert pty.text.count("(demo) >") == 1


def test_a_failing_callback_ends_the_program_with_the_terminal_restored() -> None:
    with Pty() as pty:
        pty.ready().enter("/boom")
        assert pty.wait() == 1
        assert "boom" in pty.everything
        pty.assert_restored()


@pytest.mark.parametrize(("columns", "rows"), [(20, 24), (300, 60), (20, 4), (8, 3)])
def test_narrow_wide_and_low_terminals(columns: int, rows: int) -> None:
    with Pty(columns=columns, rows=rows) as pty:
        pty.until(lambda: "(demo)" in pty.text)
        pty.type("/stream 3 200")
        pty.type("\r")
        pty.until(lambda: "[streamended]" in "".join(pty.everything.split()))
        whole = "".join(pty.everything.split())
        assert [whole.count(f"line{number:05}") for number in range(3)] == [1, 1, 1]
        assert whole.count("(demo)>") == 1
