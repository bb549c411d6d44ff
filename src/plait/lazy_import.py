"""Imports in a thread, while the event loop goes on taking keys."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

import anyio.to_thread

SLICE = 0.0005
"""Seconds after which the importing thread makes way. Python's own 0.005 delay a key by as much for each step of its way to the screen."""


async def imported(name: str) -> ModuleType:
    """The module of that name."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SLICE)
    try:
        return await anyio.to_thread.run_sync(import_module, name)
    finally:
        sys.setswitchinterval(max(before, 0.005))
