"""The README's picture says what the program shows."""

from __future__ import annotations

import re
from pathlib import Path

from tests.program.picture import PICTURE, make, said_by, still


def test_the_picture_is_what_a_run_shows(tmp_path: Path) -> None:
    drawn = said_by(make(tmp_path))
    assert drawn == said_by(PICTURE.read_text(encoding="utf-8")), "docs/three-sessions.svg is old; run python -m tests.program.picture"


def test_the_picture_shows_three_sessions_at_work_and_no_path() -> None:
    svg = PICTURE.read_text(encoding="utf-8")
    told = " ".join(said_by(svg))
    for text in ("[plan-release ?]", "[parser]", "1 login-token-cache*", "2 parser", "3 plan-release", "answering", "token_for", "/switch"):
        assert text in told
    assert not re.search(r"/(tmp|home|root|private|var)\b", svg)


def test_what_differs_from_run_to_run_is_drawn_as_the_same() -> None:
    assert still("── a: 1 new line since 23:59 ──") == still("── a: 1 new line since 00:00 ──")
    assert still("│ answering 0 s ·") == still("│ answering 117 s ·")
