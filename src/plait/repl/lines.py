"""What a prompt gives to its caller: lines, and at last the reason why there are no more. Shared by the live and the plain screen."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum

import anyio

TWICE = 2.0
"""Seconds in which a second Ctrl+C leaves."""
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Line:
    """A submitted message: `text` whole, `shown` as it stood on the screen (long pastes as placeholders).

    `began` is when its first key came, in the event loop's seconds; 0 for a draft that was kept, and where the terminal itself edits lines,
    when the line came. `by_key` is whether it was not typed, but stands for a key that has a command.
    """

    text: str
    shown: str
    began: float = 0.0
    by_key: bool = False


@dataclass(frozen=True, slots=True)
class LeaveAsked:
    """The user wants to leave, and whoever takes the lines wants to be asked first."""


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
        self._send, self._receive = anyio.create_memory_object_stream[Line | LeaveAsked](math.inf)

    def put(self, line: Line | LeaveAsked) -> None:
        """Add a line, or the wish to leave; after the end it is dropped."""
        if self.ended is None:
            self._send.send_nowait(line)

    def end(self, ended: Ended, failure: BaseException | None = None) -> None:
        """No more lines. The first reason counts."""
        if self.ended is None:
            self.ended = ended
            self.failure = failure
            self._send.close()

    async def read(self) -> Line | LeaveAsked | Ended:
        """The next line or wish to leave; `Ended` after the last. Raises what a callback of the caller raised."""
        try:
            return await self._receive.receive()
        except anyio.EndOfStream:
            if self.failure is not None:
                raise self.failure from None
            assert self.ended is not None
            return self.ended

    def close(self) -> None:
        """Release both ends."""
        self._send.close()
        self._receive.close()
