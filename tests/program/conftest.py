"""A place of its own for each test."""

from __future__ import annotations

import pytest

from tests.program.running import Place


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A fresh home, an empty directory and an empty script, with which the model echoes. Its path is short: it is told on the screen."""
    place = Place(tmp_path_factory.mktemp("p"))
    place.work.mkdir()
    (place.root / "run").mkdir(0o700)
    place.script.write_text("")
    return place
