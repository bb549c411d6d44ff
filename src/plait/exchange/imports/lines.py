"""Lines of a stream of bytes, and lines that are JSON: a broken one costs itself alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from plait.exchange.imports.found import Left

LONGEST = 64 * 1024 * 1024
"""Bytes of the longest line, or element of a list, that is read; a longer one would not fit into the memory that an import may take."""


ALIKE = 12
"""Characters by which a line that was begun twice is known; the time in it may be another."""
MOST_TRIES = 8
REPLACED = "bytes that are not UTF-8 were replaced by �"
"""What is told where that was done."""


class Rejoined:
    """A stream with something before it: what has been read of it already."""

    def __init__(self, first: bytes, stream: IO[bytes] | Rejoined) -> None:
        self._first, self._stream = first, stream

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; what stands before the stream comes by itself."""
        first, self._first = self._first, b""
        return first or self._stream.read(size)

    def readline(self, size: int = -1) -> bytes:
        """The next line, or `size` bytes of it."""
        end = self._first.find(b"\n") + 1 or len(self._first)
        first, self._first = self._first[:end], self._first[end:]
        return first if first.endswith(b"\n") else first + self._stream.readline(size)


Lines = IO[bytes] | Rejoined


def lines(stream: Lines, origin: str) -> Iterator[tuple[int, str] | Left]:
    """Each line with its number, its end included; bytes that are not UTF-8 become U+FFFD, and that is told."""
    return _LineByLine(stream, origin)


class _LineByLine:
    """An iterator, and no generator: nothing holds a line, which may be large, when it is with whoever reads it."""

    def __init__(self, stream: Lines, origin: str) -> None:
        self._stream, self._origin = stream, origin
        self._number = 0
        self._replaced = False

    def __iter__(self) -> Iterator[tuple[int, str] | Left]:
        return self

    def __next__(self) -> tuple[int, str] | Left:
        if self._replaced:
            self._replaced = False
            return self._left(REPLACED)
        raw = self._stream.readline(LONGEST)
        if not raw:
            raise StopIteration
        self._number += 1
        if len(raw) == LONGEST and not raw.endswith(b"\n"):
            while (more := self._stream.readline(LONGEST)) and not more.endswith(b"\n"):
                pass
            return self._left(f"the line is longer than {LONGEST // 2**20} MB")
        if self._number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            return self._number, raw.decode()
        except UnicodeDecodeError:
            self._replaced = True
            return self._number, raw.decode(errors="replace")

    def _left(self, reason: str) -> Left:
        return Left(f"{self._origin}:{self._number}", reason)


def _repeated(line: str) -> Any:
    """The object that stands behind the beginning of itself: a program was stopped in mid-line, and wrote the line again. Or None."""
    place = 0
    for _ in range(MOST_TRIES):
        place = line.find('{"', place + 1)
        if place < 0:
            return None
        if not line.startswith(line[: min(place, ALIKE)], place):
            continue
        try:
            return json.loads(line[place:])
        except (ValueError, RecursionError):
            continue
    return None


def records(stream: Lines, origin: str) -> Iterator[tuple[int, dict[str, Any]] | Left]:
    """The JSON object in each line, with the line's number; a line that holds none is told, empty lines are not."""
    for found in lines(stream, origin):
        if isinstance(found, Left):
            yield found
            continue
        number, line = found
        del found
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = _repeated(line)
            if value is None:
                cut = not line.endswith("\n")
                yield Left(f"{origin}:{number}", "the last line is cut off" if cut else "the line is not valid JSON")
                continue
            yield Left(f"{origin}:{number}", "a line that is cut off, with the whole one behind it", loss=False)
        del line
        if isinstance(value, dict):
            yield number, value
        else:
            yield Left(f"{origin}:{number}", "the line is not a JSON object")
