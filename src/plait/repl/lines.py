"""What a prompt gives to its caller: lines, and at last the reason why there are no more. Shared by the live and the plain screen."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum

import anyio

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Line:
    """A submitted message: `text` whole, `shown` as it stood on the screen (long pastes as placeholders)."""

    text: str
    shown: str


class EndReason(Enum):
    """Why the prompt ended."""

    EOF = "Ctrl+D on an empty line"
    INTERRUPT = "Ctrl+C twice"
    HANGUP = "the terminal is gone"
    SIGNAL = "a signal"
    CLOSED = "the program closed it"


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the lines; `exit_code` is what the process should leave with."""

    reason: EndReason
    exit_code: int = 0


def clean(text: str) -> str:
    """`text` without lone surrogates, which no database and no wire takes."""
    return _SURROGATE.sub("\ufffd", text)


class LineQueue:
    """Lines on their way to the caller, and the end after them."""

    def __init__(self) -> None:
        self.ended: Ended | None = None
        self.failure: BaseException | None = None
        self._send, self._receive = anyio.create_memory_object_stream[Line](math.inf)

    def put(self, line: Line) -> None:
        """Add a line; after the end it is dropped."""
        if self.ended is None:
            self._send.send_nowait(line)

    def end(self, ended: Ended, failure: BaseException | None = None) -> None:
        """No more lines. The first reason counts."""
        if self.ended is None:
            self.ended = ended
            self.failure = failure
            self._send.close()

    async def read(self) -> Line | Ended:
        """The next line; `Ended` after the last. Raises what a callback of the caller raised."""
        try:
            return await self._receive.receive()
        except anyio.EndOfStream:
            if self.failure is not None:
                raise self.failure from None
            assert self.ended is not None
            return self.ended

    async def lines(self) -> AsyncIterator[Line]:
        """All lines until the end."""
        while isinstance(line := await self.read(), Line):
            yield line

    def close(self) -> None:
        """Release both ends."""
        self._send.close()
        self._receive.close()
