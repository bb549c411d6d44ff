"""YAML of other programs as plain values: texts, numbers, true and false, lists and objects; nothing else can come of it.

Rules:
1. The parser's events are read, never its objects: no tag makes anything, and nothing is resolved but what JSON has too.
2. Anchors and aliases are refused, so that a few lines cannot become gigabytes; so is what is nested deeper than `DEEPEST`.
3. What stands before a break is kept. The stream is read piece by piece.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any

from plait.exchange.imports.lines import LONGEST, REPLACED, Lines
from plait.exchange.imports.values import Json

PIECE = 64 * 1024
DEEPEST = 64
"""Levels of lists and objects."""
_WORDS: dict[str, Json] = {"": None, "~": None, "null": None, "true": True, "false": False}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,29})(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?")
_REPLACEMENT = "�"


@dataclass(frozen=True, slots=True)
class Parsed:
    """The first document, as far as it goes: `broken` is why it goes no further, `replaced` what was put right; each empty for nothing."""

    value: Json
    broken: str
    replaced: str


def parsed(stream: Lines) -> Parsed:
    """The document of a stream."""
    import yaml  # 13 ms, for these files alone

    source, document = _Source(stream), _Document()
    problem = ""
    try:
        for event in yaml.parse(source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # without libyaml there is the slow one
            if problem := document.take(event):
                break
            if document.ended:
                break
    except _TooLong:
        problem = f"it is longer than {LONGEST // 2**20} MB"
    except (yaml.YAMLError, ValueError):
        problem = "it is not valid YAML"
    if not problem and source.ended and not source.line_ended:
        problem = "the last line is cut off"
    replaced = REPLACED if source.replaced else ""
    return Parsed(document.root, problem, replaced)


class _TooLong(Exception):
    """The stream has more than is read."""


class _Source:
    """The text of a stream for the parser, which asks for pieces."""

    def __init__(self, stream: Lines) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._size = 0
        self.ended = self.replaced = False
        self.line_ended = True

    def read(self, size: int = -1) -> str:
        """The next piece; empty at the end alone."""
        while not self.ended:
            raw = self._stream.read(PIECE)
            self._size += len(raw)
            if self._size > LONGEST:
                raise _TooLong
            self.ended = not raw
            self.line_ended = raw.endswith(b"\n") if raw else self.line_ended
            text = self._decoder.decode(raw, final=self.ended)
            self.replaced = self.replaced or (_REPLACEMENT in text and _REPLACEMENT.encode() not in raw)
            if text:
                return text
        return ""


class _Document:
    """A value that grows with each event."""

    def __init__(self) -> None:
        self.root: Json = None
        self.ended = False
        self._open: list[tuple[Json, list[str]]] = []
        """The lists and objects that are not closed, outermost first; an object's with the key whose value comes next."""

    def take(self, event: Any) -> str:
        """One event of the parser; why it cannot be taken, empty where it was."""
        kind = type(event).__name__
        if kind == "AliasEvent" or getattr(event, "anchor", None):
            return "it has an anchor or an alias, which no session has"
        if kind == "ScalarEvent":
            return self._put(_scalar(event), event.value)
        if kind in ("SequenceStartEvent", "MappingStartEvent"):
            if len(self._open) >= DEEPEST:
                return f"it is nested deeper than {DEEPEST} levels"
            made: Json = [] if kind == "SequenceStartEvent" else {}
            problem = self._put(made, None)
            self._open.append((made, []))
            return problem
        if kind in ("SequenceEndEvent", "MappingEndEvent"):
            self._open.pop()
        self.ended = kind == "DocumentEndEvent"
        return ""

    def _put(self, value: Json, key: str | None) -> str:
        if not self._open:
            self.root = value
            return ""
        holder, keys = self._open[-1]
        if isinstance(holder, list):
            holder.append(value)
        elif keys:
            holder[keys.pop()] = value
        elif key is None:
            return "a key in it is not a text"
        else:
            keys.append(key)
        return ""


def _scalar(event: Any) -> Json:
    """A plain scalar is what JSON would take it for; one in quotes or in a block is a text."""
    text: str = event.value
    if event.style or event.tag:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return json.loads(text) if _NUMBER.fullmatch(text) else text
