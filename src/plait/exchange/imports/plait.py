"""plait's own JSON, as `plait export` writes it: what was said in it, as of any other program.

It is not the events that are taken over but what they tell: a setting, a question that waits, a turn that runs in the file can do nothing
here. Events are read through the codec, which checks every field.
"""

from __future__ import annotations

import json
import re
from typing import IO, Any

from plait.core import events as e
from plait.core.codec import CodecError, from_plain
from plait.core.naming import PLACEHOLDER
from plait.exchange.document import FORMAT, VERSION
from plait.exchange.imports.array import elements
from plait.exchange.imports.found import Conversation, Left, Reading, left_out
from plait.exchange.imports.lines import Rejoined
from plait.exchange.imports.telling import Teller
from plait.exchange.imports.values import Json, list_in, object_in, text_in

SOURCE = "plait"
HEAD = f'{{"format": "{FORMAT}"'
"""How a document begins."""
_UNNAMED = re.compile(PLACEHOLDER + r"(-\d+)?")
_LONGEST_HEAD = 64 * 1024
_BEGINNING = re.compile(r'\{\s*"id"\s*:\s*"[^"]*"\s*,\s*"project"\s*:')


def read(stream: IO[bytes], origin: str) -> Reading:
    """The sessions of a document."""
    try:
        head: Any = json.loads(stream.readline(_LONGEST_HEAD) + b"]}")
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        yield Left(origin, "this is not a JSON document of plait's sessions")
        return
    if not isinstance(head.get("version"), int) or head["version"] > VERSION:
        yield Left(origin, "a later plait wrote this; import it with that one")
        return
    for found in elements(Rejoined(b"[", stream), origin, _BEGINNING):  # with the bracket that opens the list
        if isinstance(found, Left):
            yield found
            continue
        number, value = found
        place = f"{origin}, session {number}"
        if not text_in(value, "id") or not isinstance(value.get("events"), list):
            yield Left(place, "it is not a session of plait")
            continue
        teller, broken = Teller(), 0
        for one in list_in(value, "events"):
            stamped = _event(one)
            if stamped is None:
                broken += 1
            else:
                teller.take(stamped)
        teller.end()
        if broken:
            yield Left(place, "an event that this plait cannot read", broken)
        yield from left_out(place, teller.left)
        directory = teller.directory or text_in(object_in(value, "project"), "directory")
        name = "" if _UNNAMED.fullmatch(teller.name) else teller.name
        said = tuple(teller.said)
        yield Conversation(SOURCE, text_in(value, "id"), said, teller.title, directory, teller.created, name, teller.filing)


def _event(plain: Json) -> e.Stamped | None:
    """One event; None where it cannot be read."""
    try:
        stamped = from_plain(plain, "event")
    except (CodecError, RecursionError):
        return None
    return stamped if isinstance(stamped, e.Stamped) else None
