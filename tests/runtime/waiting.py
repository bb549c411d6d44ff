"""Waiting for a condition, with a time limit; never for a time."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import anyio.lowlevel

LIMIT = 60.0
"""Seconds after which a test that waits has failed; many times what any of them needs."""


async def until(condition: Callable[[], bool], limit: float = LIMIT) -> None:
    """Return when `condition` holds. Raises `TimeoutError`."""
    with anyio.fail_after(limit):
        while not condition():
            await anyio.lowlevel.checkpoint()
