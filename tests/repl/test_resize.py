"""Any number of changes of size while text streams: each line is there once, and there is one prompt.

In tmux, which breaks rows anew as the window narrows, moves rows into its history and back, and tells of a change later than it makes it;
and on a bare pty at 200 changes a second, where only the bytes count.
"""

from __future__ import annotations

import random
import re
import sys
import time

import pytest

from plait.repl.terminal import reflows, settle_time
from tests.repl.harness import DEMO, Pty, Tmux, needs_tmux
from tests.timing import within


def storm(seed: int, pauses: tuple[float, float], count: int, lines: int) -> str:
    """Stream lines, for as long as the storm takes, into a tmux window that changes its size at random; history and screen at the end."""
    chance = random.Random(seed)
    with Tmux(f"storm{seed}") as tmux:
        # With earlier lines on the screen: from a nearly empty one tmux moves broken rows into its history although there is room below.
        tmux.keys(f"seq 1000 1040; {sys.executable} {DEMO} {lines} 120", "Enter")
        tmux.until(lambda: "line 00001" in tmux.text)
        for _ in range(count):
            tmux.resize(chance.choice([chance.randint(20, 90), chance.randint(20, 300)]), chance.randint(8, 60))
            time.sleep(chance.uniform(*pauses))  # the storm itself, not a wait for something
        tmux.resize(100, 30)
        tmux.keys("typed")
        tmux.until(lambda: "[stream ended]" in tmux.everything and "toolbar: idle" in tmux.text and "> typed" in tmux.text)
        return tmux.everything


@needs_tmux
@pytest.mark.parametrize(
    ("seed", "pauses", "count", "lines"),
    [(1, (0.05, 0.5), 22, 45), (2, (0.0, 0.03), 150, 25), (3, (0.25, 0.45), 16, 42), (4, (0.35, 0.7), 10, 40)],
    ids=["mixed", "fast", "at tmux's own delay", "slow"],
)
def test_a_storm_in_tmux_leaves_each_line_once_and_one_prompt(seed: int, pauses: tuple[float, float], count: int, lines: int) -> None:
    text = storm(seed, pauses, count, lines)
    assert {number: text.count(f"line {number:05} ") for number in range(lines)} == dict.fromkeys(range(lines), 1)
    order = [int(number) for number in re.findall(r"line (\d{5}) ", text)]
    assert order == sorted(order)
    assert text.count("(demo) >") == 1
    assert text.count("toolbar:") == 1
    assert text.count("2 waiting") == 1


@pytest.mark.parametrize("extreme", [False, True], ids=["1 to 500", "1x1 and 0x0"])
def test_a_storm_of_200_a_second_loses_nothing_and_writes_little(extreme: bool) -> None:
    chance = random.Random(5)
    with Pty() as pty:
        pty.ready().enter("/stream 25 100")  # as long as the storm
        pty.emulate = False
        pty.sent, count, cells = b"", 0, 0
        end = time.monotonic() + 4
        while time.monotonic() < end:
            columns, rows = chance.choice([(1, 1), (0, 0)]) if extreme else (chance.randint(1, 500), chance.randint(1, 500))
            pty.child.setwinsize(rows, columns)
            count += 1
            cells += columns * rows
            pty.pause(0.005)
        pty.child.setwinsize(24, 80)
        pty.until(lambda: b"[stream ended]" in pty.sent)
        written = [
            int(number)
            for number in re.findall(
                rb"line (\d{5}) of the answer, with some words that make it longer than a narrow window \.\r", pty.sent
            )
        ]
        assert written == list(range(25))
        assert len(pty.sent) / count <= 20 * max(cells / count, 80)
        pty.emulate = True
        pty.screen.reset()
        pty.type("\x0cstill here")
        pty.until(lambda: "(demo) > still here" in pty.text)


def test_one_change_of_size_is_drawn_within_half_a_second() -> None:
    with Pty() as pty:
        pty.ready().type("text")
        pty.resize(40, 12)
        with within(1):
            pty.until(lambda: pty.screen.display[pty.screen.cursor.y - 1].rstrip().endswith("2 waiting"))
            pty.until(lambda: pty.input_row == "(demo) > text")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "XTERM_VERSION": "XTerm(370)"}, False),
        ({"TERM": "screen", "STY": "1.pts"}, False),
        ({"TERM": "screen", "STY": "1.pts", "TMUX": "x"}, True),
        ({"TERM": "linux"}, False),
    ],
)
def test_which_terminals_break_rows_anew(environment: dict[str, str], expected: bool) -> None:
    assert reflows(environment) is expected


def test_the_wait_covers_the_delay_of_tmux_and_ssh() -> None:
    assert settle_time({"TMUX": "x"}) > 0.25
    assert settle_time({"TERM": "tmux-256color"}) > 0.25
    assert settle_time({"SSH_CONNECTION": "x"}) > 0.25
    assert settle_time({"TERM": "xterm"}) < 0.2
