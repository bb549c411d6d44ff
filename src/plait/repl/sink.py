"""Bytes to the terminal, without ever blocking the event loop.

What the terminal does not take at once is kept, and sent when it is ready. Nobody paints while something is kept (`busy`), so it is never
more than one frame.
"""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Callable

LAST_TIME = 0.5  # seconds; leaving has to be done within 2 s even if nobody reads


class Sink:
    """A non-blocking writer on a descriptor; `on_drained` is called when a kept rest has gone out, `on_lost` when the terminal is gone."""

    def __init__(self, fd: int, on_drained: Callable[[], None], on_lost: Callable[[], None]) -> None:
        self._fd = fd
        self._rest = b""
        self._on_drained = on_drained
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._lost = False
        self.written = 0  # bytes, for the benchmark of bytes per token

    @property
    def busy(self) -> bool:
        """Whether the terminal still has to take what was written before."""
        return bool(self._rest)

    def write(self, text: str) -> None:
        """Send `text`; lone surrogates become question marks."""
        if self._lost:
            return
        data = text.encode("utf-8", "replace")
        self.written += len(data)
        if self._rest:
            self._rest += data
            return
        self._rest = data
        self._send()
        if self._rest:
            self._loop.add_writer(self._fd, self._ready)

    def _send(self) -> None:
        while self._rest:
            try:
                count = os.write(self._fd, self._rest)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # EIO: hung up; EPIPE, EBADF: closed
                self._rest = b""
                self._lost = True
                self._on_lost()
                return
            self._rest = self._rest[count:]

    def _ready(self) -> None:
        self._send()
        if not self._rest:
            self._loop.remove_writer(self._fd)
            if not self._lost:
                self._on_drained()

    def finish(self, text: str) -> None:
        """Send `text` after what is kept, waiting for the terminal, but not longer than `LAST_TIME`; what it did not take is dropped."""
        self.write(text)
        deadline = time.monotonic() + LAST_TIME
        while self._rest and (left := deadline - time.monotonic()) > 0 and select.select([], [self._fd], [], left)[1]:
            self._send()
        self.close()

    def close(self) -> None:
        """Stop; a rest that the terminal did not take is dropped."""
        self._rest = b""
        self._loop.remove_writer(self._fd)
