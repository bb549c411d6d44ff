"""The elements of one large JSON list, one after the other, without the list ever being in memory.

`json.JSONDecoder.raw_decode` reads one element from a buffer. Where it fails, either the element is not there to its end yet, which its
error tells, or it is broken: then the next place that looks like the beginning of an element is searched for.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from plait.exchange.imports.found import Left
from plait.exchange.imports.lines import LONGEST, Lines

CHUNK = 1024 * 1024
MUCH = 8 * CHUNK
NEAR_END = 16
"""Characters before the buffer's end in which an error may come from the cut alone; the longest token that can be cut is `-Infinity`."""
_FILLER = re.compile(r"[\s,\ufeff]*")


class _Buffer:
    """The decoded text from a place on; grows at its end, is cut at its beginning."""

    def __init__(self, stream: Lines) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = ""
        self.place = 0
        self.ended = False

    def grow(self) -> None:
        """More text; each time as much again, so that a large element is not read anew too often."""
        raw = self._stream.read(max(CHUNK, len(self.text) - self.place))
        self.ended = not raw
        self.text = self.text[self.place :] + self._decoder.decode(raw, final=self.ended)
        self.place = 0

    def drop(self) -> None:
        """Forget what has been read, where that is much."""
        if self.place > MUCH:
            self.text, self.place = self.text[self.place :], 0

    def skip_filler(self) -> str:
        """The next character that is neither white space nor a comma; empty at the end."""
        while True:
            match = _FILLER.match(self.text, self.place)
            self.place = match.end() if match else self.place
            if self.place < len(self.text):
                return self.text[self.place]
            if self.ended:
                return ""
            self.grow()

    def seek(self, beginning: re.Pattern[str]) -> bool:
        """Go to the next match of `beginning` after this place; False if there is none."""
        self.place += 1
        while not (match := beginning.search(self.text, self.place)):
            if self.ended:
                return False
            self.place = max(self.place, len(self.text) - 4096)
            self.grow()
        self.place = match.start()
        return True


def elements(stream: Lines, origin: str, beginning: re.Pattern[str]) -> Iterator[tuple[int, Any] | Left]:
    """Each element of the list with its number from 1, or the one object where the stream is no list.

    `beginning` matches where an element begins, and nowhere else in one.
    """
    buffer = _Buffer(stream)
    first = buffer.skip_filler()
    if first == "[":
        buffer.place += 1
    elif first != "{":
        yield Left(origin, "this is not a JSON list of conversations")
        return
    number = 0
    while (char := buffer.skip_filler()) and char != "]":
        number += 1
        value, reason = _element(buffer)
        if not reason:
            buffer.drop()
            yield number, value
            continue
        yield Left(f"{origin}, conversation {number}", reason)
        if not buffer.seek(beginning):
            return
    if first == "[" and char != "]":
        yield Left(origin, "the file ends before its list does")


def _element(buffer: _Buffer) -> tuple[Any, str]:
    """The element at the buffer's place, which moves behind it; or why there is none, the place unmoved."""
    decoder = json.JSONDecoder()
    while True:
        try:
            value, buffer.place = decoder.raw_decode(buffer.text, buffer.place)
        except json.JSONDecodeError as error:
            cut = error.msg.startswith("Unterminated") or error.pos >= len(buffer.text) - NEAR_END
            if not cut:
                return None, "it is not valid JSON"
            if buffer.ended:
                return None, "it is cut off"
            if len(buffer.text) - buffer.place > LONGEST:
                return None, f"it has no end within {LONGEST // 2**20} MB"
            buffer.grow()
        except (ValueError, RecursionError):
            return None, "it is nested too deep, or holds a number that is too large"
        else:
            return value, ""
