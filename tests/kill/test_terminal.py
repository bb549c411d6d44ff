"""kill -9 at the prompt, with eight sessions at work, loses nothing of what the screen said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.kill import broken
from tests.kill.terminal import Terminal
from tests.program.running import Place

KILLS = int(os.environ.get("PLAIT_TERMINAL_KILLS", "20"))
"""A nightly run takes 2,000."""


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("k"))


@pytest.mark.timeout(120 + 5 * KILLS)
def test_kills_at_the_prompt_lose_nothing_that_the_screen_said(place: Place) -> None:
    report = Terminal(place, int.from_bytes(os.urandom(3))).run(KILLS)
    assert report.problems == []
    assert (report.kills, report.vacuous) == (KILLS, 0)
    assert report.acknowledged >= KILLS
    assert report.cut_turns >= KILLS  # it was in the middle of turns


def test_a_program_that_acknowledges_before_the_commit_is_noticed(place: Place) -> None:
    report = Terminal(place, 1, [sys.executable, str(Path(broken.__file__)), "early"]).run(20)
    assert any("was acknowledged, and is there 0 times" in problem for problem in report.problems), report
