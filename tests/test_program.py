"""What every way of running plait begins with."""

from __future__ import annotations

import pytest

from plait.program import tell


def test_a_sentence_on_stderr_may_quote_anything(capsys: pytest.CaptureFixture[str]) -> None:
    tell("The database /home/\x1b[2J/plait.db is locked. Wait.")
    assert capsys.readouterr() == ("", "plait: The database /home/␛[2J/plait.db is locked. Wait.\n")
