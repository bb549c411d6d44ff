"""plait's own JSON, as `plait export` writes it: what was said in it, as of any other program.

It is not the events that are taken over but what they tell: a setting, a question that waits, a turn that runs in the file can do nothing
here. Events are read through the codec, which checks every field.

`plait export` puts every event on a line of its own, so a session is read line by line, of whatever size it is, and one that is cut off is
read up to there. A document that another program has laid out anew is read session by session.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import IO

from plait.core import events as e
from plait.core.codec import CodecError, from_plain
from plait.core.naming import PLACEHOLDER
from plait.exchange.document import FORMAT, VERSION
from plait.exchange.imports.array import elements
from plait.exchange.imports.found import OWN, Conversation, Found, Left, Reading, left_out
from plait.exchange.imports.lines import LONGEST, Lines, Rejoined, lines
from plait.exchange.imports.telling import Teller
from plait.exchange.imports.values import Json, list_in, object_in, text_in

SOURCE = OWN
HEAD = re.compile(rf'\{{\s*"format"\s*:\s*"{FORMAT}"')
"""How a document begins."""
_LIST = re.compile(rb'"sessions"\s*:\s*\[')
_UNNAMED = re.compile(PLACEHOLDER + r"(-\d+)?")
_LONGEST_HEAD = 4 * 1024
_BEGINNING = re.compile(r'\{\s*"id"\s*:\s*"[^"]*"\s*,\s*"project"\s*:')
_OPENS, _ENDS = '"events": [', "]}"


def read(stream: IO[bytes], origin: str) -> Reading:
    """The sessions of a document."""
    start = stream.read(_LONGEST_HEAD)
    opens = _LIST.search(start)
    head = _parsed((start[: opens.end()] + b"]}").decode(errors="replace")) if opens else None
    if opens is None or not isinstance(head, dict) or head.get("format") != FORMAT:
        yield Left(origin, "this is not a JSON document of plait's sessions")
        return
    if not isinstance(head.get("version"), int) or head["version"] > VERSION:
        yield Left(origin, "a later plait wrote this; import it with that one")
        return
    rest = Rejoined(start[opens.end() :], stream)
    first = rest.readline(LONGEST) + rest.readline(LONGEST)
    if first.rstrip().endswith(_OPENS.encode()):
        yield from _by_lines(Rejoined(first, rest), origin)
    else:
        yield from _by_sessions(Rejoined(b"[" + first, rest), origin)


class _Session:
    """One session, event by event; `plain` is its object, with its events or without."""

    def __init__(self, plain: Json, place: str) -> None:
        self._plain, self._place = plain, place
        self._teller = Teller()
        self._broken = 0

    def take(self, plain: Json) -> None:
        """One event."""
        stamped = _event(plain)
        if stamped is None:
            self._broken += 1
        else:
            self._teller.take(stamped)

    def found(self, *, whole: bool = True) -> Iterator[Found]:
        """What was said, and what of it cannot be read."""
        teller = self._teller
        if whole:
            teller.end()
        else:
            yield Left(self._place, "it is cut off")
        if self._broken:
            yield Left(self._place, "an event that this plait cannot read", self._broken)
        yield from left_out(self._place, teller.left)
        directory = teller.directory or text_in(object_in(self._plain, "project"), "directory")
        name = "" if _UNNAMED.fullmatch(teller.name) else teller.name
        found = Conversation(SOURCE, text_in(self._plain, "id"), tuple(teller.said), teller.title, directory, teller.created)
        yield replace(found, name=name, filing=teller.filing)


def _by_lines(stream: Lines, origin: str) -> Reading:
    session: _Session | None = None
    number, ended = 0, False
    for found in lines(stream, origin):
        if isinstance(found, Left):
            yield found
            continue
        line = found[1].strip().removesuffix(",")
        if line.endswith(_OPENS):
            if session is not None:
                yield from session.found(whole=False)
            number += 1
            plain = _parsed(line + _ENDS)
            session = _Session(plain, f"{origin}, session {number}") if text_in(plain, "id") else None
            if session is None:
                yield Left(f"{origin}, session {number}", "it is not a session of plait")
        elif line == _ENDS:
            if session is not None:
                yield from session.found()
            ended, session = session is None, None
        elif line and session is not None:
            session.take(_parsed(line))
    if session is not None:
        yield from session.found(whole=False)
    elif not ended:
        yield Left(origin, "the file ends before its list does")


def _by_sessions(stream: Lines, origin: str) -> Reading:
    for found in elements(stream, origin, _BEGINNING):
        if isinstance(found, Left):
            yield found
            continue
        number, value = found
        place = f"{origin}, session {number}"
        if not text_in(value, "id") or not isinstance(value.get("events"), list):
            yield Left(place, "it is not a session of plait")
            continue
        session = _Session(value, place)
        for one in list_in(value, "events"):
            session.take(one)
        yield from session.found()


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _event(plain: Json) -> e.Stamped | None:
    """One event; None where it cannot be read."""
    try:
        stamped = from_plain(plain, "event")
    except (CodecError, RecursionError):
        return None
    return stamped if isinstance(stamped, e.Stamped) else None
