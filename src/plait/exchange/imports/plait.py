"""plait's own JSON, as `plait export` writes it: what was said in it, as of any other program.

It is not the events that are taken over but what they tell: a setting, a question that waits, a turn that runs in the file can do nothing
here. Events are read through the codec, which checks every field.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import IO, Any

from plait.core import events as e
from plait.core.codec import CodecError, from_plain
from plait.core.history import CUT_OFF
from plait.core.messages import Turn
from plait.core.naming import PLACEHOLDER
from plait.exchange.document import FORMAT, VERSION
from plait.exchange.imports.array import elements
from plait.exchange.imports.found import Conversation, Left, Reading, Said
from plait.exchange.imports.lines import Rejoined
from plait.exchange.imports.values import Json, list_in, moment, object_in, text_in

SOURCE = "plait"
HEAD = f'{{"format": "{FORMAT}"'
"""How a document begins."""
ANEW = "This answer was asked for anew, so it is sent to no model:"
CUT_THOUGHT = "The model thought this before its answer was cut off:"
UNASKED = "This message was never sent to a model:"
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
        teller, broken = _Teller(), 0
        for one in list_in(value, "events"):
            broken += not teller.take(one)
        if broken:
            yield Left(place, "an event that this plait cannot read", broken)
        teller.end()
        directory = teller.directory or text_in(object_in(value, "project"), "directory")
        name = "" if _UNNAMED.fullmatch(teller.name) else teller.name
        yield Conversation(SOURCE, text_in(value, "id"), tuple(teller.said), teller.title, directory, teller.created, name)


class _Teller:
    """Turns a session's events into what was said, one after the other."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.name = self.title = self.directory = ""
        self.created: float | None = None
        self._queued: dict[Turn, Said] = {}

    def take(self, plain: Json) -> bool:
        """One event; False where it cannot be read."""
        try:
            stamped = from_plain(plain, "event")
        except (CodecError, RecursionError):
            return False
        if not isinstance(stamped, e.Stamped):
            return False
        self._tell(stamped, moment(stamped.at))
        return True

    def _tell(self, stamped: e.Stamped, at: float | None) -> None:
        match stamped.event:
            case e.SessionOpened(name=name, directory=directory):
                self.name, self.directory, self.created = name, directory, at
            case e.Renamed(name=name):
                self.name = name
            case e.Titled(title=title):
                self.title = title
            case e.UserSaid(text=text, attachments=attachments):
                self._queued[Turn(stamped.seq or 0)] = Said("user", text, at, attachments=attachments)
            case e.TurnStarted(turn=turn):
                self._begin(turn)
            case e.TurnEnded(turn=turn):
                self._forget(turn, at)
            case e.AssistantSaid():
                self._answer(stamped.event, at)
            case e.ToolReturned(result=result) | e.QuestionAnswered(result=result):
                self.said.append(Said("tool", at=at, results=(result,)))
            case e.Noted(text=text):
                self.said.append(Said("note", text, at))
            case _:
                pass

    def end(self) -> None:
        """The messages whose turns never began."""
        for turn in list(self._queued):
            self._forget(turn, None)

    def _begin(self, turn: Turn) -> None:
        """A message stands where its turn began, as the model saw it."""
        if said := self._queued.pop(turn, None):
            self.said.append(said)
        else:
            self._take_back()

    def _forget(self, turn: Turn, at: float | None) -> None:
        """What was taken out of the queue."""
        if said := self._queued.pop(turn, None):
            self.said.append(Said("note", f"{UNASKED}\n{said.text}", at))

    def _take_back(self) -> None:
        """A retry: answers on which no tool hangs are no more than notes from here on."""
        place = len(self.said) - 1
        while place >= 0 and (self.said[place].role == "note" or (self.said[place].role == "assistant" and not self.said[place].calls)):
            if self.said[place].role == "assistant":
                self.said[place] = Said("note", f"{ANEW}\n{self.said[place].text}", self.said[place].at)
            place -= 1

    def _answer(self, event: e.AssistantSaid, at: float | None) -> None:
        message = event.message
        said = Said("assistant", message.text, at, message.thinking, message.calls, model=event.model, usage=event.usage)
        if not event.complete:  # a call whose answer was cut off was never made, and what was thought for it is sent to no model
            if message.thinking.strip():
                self.said.append(Said("note", f"{CUT_THOUGHT}\n{message.thinking}", at))
            said = replace(said, text=message.text + CUT_OFF if message.text else "", thinking="", calls=())
        if not said.empty:
            self.said.append(said)
