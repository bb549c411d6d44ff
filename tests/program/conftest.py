"""A place of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.program.running import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A fresh home, an empty directory and an empty script, with which the model echoes."""
    place = Place(tmp_path)
    place.work.mkdir()
    place.script.write_text("")
    return place
