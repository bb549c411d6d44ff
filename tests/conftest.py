"""What every test shares: one asyncio backend, and a home of its own so that no test touches the user's."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """plait runs on asyncio only (prompt_toolkit and aiolimiter do)."""
    return "asyncio"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh `PLAIT_HOME`, and no key of any provider in the environment."""
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / "home"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "PLAIT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"
