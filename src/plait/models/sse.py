"""Server-sent events, as far as model servers use them: bytes -> lines -> JSON objects. Pure; any cut gives what the whole gives.

Rules:
1. A line ends at LF, CR or CRLF. Bad UTF-8 is replaced; since no code point holds a line end, a cut inside one does no harm.
2. Only `data` counts; comments, other fields and unknown ones are passed over. Each data line that is a JSON value by itself is one,
   blank line or not; lines that are not are joined up to the next blank line, as the standard has it.
3. A line of over `MAX_LINE` bytes, and over `MAX_NOISE` bytes without one object, are a `BadAnswer`: memory and patience have an end.
4. An error never takes away what came before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from plait.core.errors import BadAnswer
from plait.models.faults import excerpt

MAX_LINE = 10_000_000
MAX_NOISE = 64_000_000

DONE = "[DONE]"
"""The line that ends a stream of the OpenAI kind."""

_BOM = b"\xef\xbb\xbf"
# Servers pass control characters of the model through unescaped; that is no reason to lose the answer.
_parse = json.JSONDecoder(strict=False).decode


class EventReader:
    """Takes bytes, gives JSON values, and `DONE`. `place` names the server in errors."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._partial: list[bytes] = []
        self._size = 0
        self._skip_line_feed = False
        self._first = True
        self._pending: list[str] = []
        self._noise = 0
        self.lines = 0
        """Complete lines so far: the sign of life of a server, comments included."""

    def feed(self, data: bytes) -> Iterator[Any]:
        """What is complete with `data`. Raises `BadAnswer`."""
        if self._skip_line_feed and data:
            self._skip_line_feed = False
            if data[0] == 10:
                data = data[1:]
        if not data:
            return
        self._noise += len(data)
        lines = data.splitlines()
        last = data[-1]
        if last not in b"\r\n":
            rest = lines.pop()
            if lines:
                yield from self._complete(lines)
            self._partial.append(rest)
            self._size += len(rest)
            if self._size > MAX_LINE:
                raise self._line_too_long()
        else:
            self._skip_line_feed = last == 13
            yield from self._complete(lines)
        if self._noise > MAX_NOISE:
            raise BadAnswer(f"{self._place} sends {MAX_NOISE:,} bytes without a word of an answer. Use /retry, or another model.")

    def finish(self) -> Iterator[Any]:
        """What the end of the stream completes: a last line without its end."""
        if self._partial:
            yield from self._complete([b""])
        if self._pending:
            yield from self._end_event()

    def _complete(self, lines: list[bytes]) -> Iterator[Any]:
        if self._partial:
            lines[0] = b"".join((*self._partial, lines[0]))
            self._partial.clear()
            self._size = 0
        if self._first:
            self._first = False
            lines[0] = lines[0].removeprefix(_BOM)
        for line in lines:
            self.lines += 1
            if len(line) > MAX_LINE:
                raise self._line_too_long()
            if line.startswith(b"data:"):
                yield from self._data(line[5:].decode("utf-8", "replace").strip())
            elif not line and self._pending:
                yield from self._end_event()

    def _data(self, text: str) -> Iterator[Any]:
        if not text:
            return
        if text == DONE and not self._pending:
            yield DONE
            return
        if not self._pending:
            try:
                value = _parse(text)
            except (ValueError, RecursionError):
                pass
            else:
                self._noise = 0
                yield value
                return
        self._pending.append(text)
        self._size += len(text)
        if self._size > MAX_LINE:
            raise self._line_too_long()

    def _end_event(self) -> Iterator[Any]:
        text = "\n".join(self._pending)
        self._pending.clear()
        self._size = 0
        try:
            value = _parse(text)
        except (ValueError, RecursionError):
            raise BadAnswer(
                f"The answer of {self._place} is garbled: {excerpt(text, limit=80)}. Use /retry; if it stays so, check base_url."
            ) from None
        self._noise = 0
        yield value

    def _line_too_long(self) -> BadAnswer:
        return BadAnswer(f"{self._place} sent a line of over {MAX_LINE:,} bytes. Use /retry, or another model.")
