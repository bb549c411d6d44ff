"""An event loop whose clock jumps to the next timer instead of waiting for it: hours of pauses take no time, and always the same steps."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

import anyio


class _Jumping(selectors.DefaultSelector):
    """Where nothing is ready, the time that was to be waited has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `BaseSelector.select`. Raises `TimeoutError` where the loop would wait for ever."""
        ready = super().select(0)
        if not ready and timeout is None:
            raise TimeoutError("Everything waits, and no timer is set.")
        self.now += 0.0 if ready else max(0.0, timeout or 0.0)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop over such a clock, which begins at 0. No thread may be waited for in it."""

    def __init__(self) -> None:
        self._clock = _Jumping()
        super().__init__(self._clock)

    def time(self) -> float:
        """See `AbstractEventLoop.time`."""
        return self._clock.now


def run_jumping(function: Callable[..., Awaitable[object]], *arguments: Any) -> None:
    """Run a test in a `JumpingLoop`."""
    anyio.run(function, *arguments, backend_options={"loop_factory": JumpingLoop})
