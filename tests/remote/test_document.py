"""The page about the protocol is made from the types, and its example was recorded."""

from __future__ import annotations

from pathlib import Path

import anyio

from plait.remote.document import page
from tests.remote.recording import recorded

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
TRIES = 5
"""An answer that is slow to come is saved in parts: one event more than on the page."""


def test_the_page_says_what_is_there() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert any(page(anyio.run(recorded)) == written for _ in range(TRIES)), "python -m tests.remote.recording > docs/protocol.md"
