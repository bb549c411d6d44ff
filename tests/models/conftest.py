"""The real bundled model, for tests that need it: they skip with a reason where it is not there."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from plait.models.bundle import installed, model_path
from plait.paths import find_paths

_DATA = find_paths(os.environ).data  # before any test moves PLAIT_HOME


@pytest.fixture(scope="session")
def bundled_model() -> Path:
    """The file of the bundled model."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("the extra 'offline' is not installed")
    if not installed(_DATA):
        pytest.skip(f"the bundled model is not in {_DATA}; 'plait models fetch' gets it")
    return model_path(_DATA)
