"""Plain JSON lines, for what no other format is known of: `{"role": ..., "content": ...}` in each line, or `{"messages": [...]}`.

Lines with a role are one conversation, or as many as their `conversation_id` (or `session_id`) names; a line with messages is one of its
own. Messages are in the form of OpenAI's or Anthropic's interface.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import IO

from plait.core.codec import encode
from plait.core.messages import CallId, ToolResult
from plait.exchange.imports.blocks import Blocks
from plait.exchange.imports.found import Conversation, Found, Left, Reading, Said, left_out, unknown
from plait.exchange.imports.lines import records
from plait.exchange.imports.values import Json, as_text, call_of, list_in, moment, object_in, text_in, usage_of

SOURCE = "jsonl"
ROLES = {"user": "user", "human": "user", "assistant": "assistant", "ai": "assistant", "model": "assistant"}


class _Talk:
    """One conversation as it is gathered."""

    def __init__(self) -> None:
        self.blocks = Blocks()
        self.said: list[Said] = []

    def take(self, message: Json) -> str:
        """One message; returns why it was not taken, empty where it was."""
        role, content = text_in(message, "role"), message.get("content")
        at = next((found for key in ("timestamp", "created_at", "time", "date") if (found := moment(message.get(key))) is not None), None)
        model = text_in(message, "model")
        if role in ("tool", "function"):
            name, call = text_in(message, "name") or "tool", CallId(text_in(message, "tool_call_id"))
            self.said.append(Said("tool", at=at, results=(ToolResult(call, name, as_text(content)),)))
        elif role in ("system", "developer"):
            self.said.append(Said("system", as_text(content), at))
        elif role in ROLES:
            usage = usage_of(message.get("usage"))
            self.said += self.blocks.said(ROLES[role], content, at, model=model, usage=usage)
            calls = tuple(
                call_of(text_in(one, "id"), text_in(function := object_in(one, "function"), "name"), function.get("arguments"))
                for one in list_in(message, "tool_calls")
            )
            if calls:
                self.said.append(Said("assistant", at=at, calls=calls, model=model))
            if not calls and not isinstance(content, (str, list)):
                return "a message without content"
        else:
            self.said.append(unknown(role, as_text(content), at, self.blocks.left))
        return ""

    def conversation(self, name: str, title: str = "") -> Conversation | None:
        """All of it; None where nothing was said."""
        said = tuple(one for one in self.said if not one.empty)
        if not said:
            return None
        identity = name or sha256(encode(said[0].role + said[0].text).encode()).hexdigest()[:16]
        return Conversation(SOURCE, identity, said, title, created=said[0].at)


def read(stream: IO[bytes], origin: str) -> Reading:
    """The conversations of a file."""
    talks: dict[str, _Talk] = {}
    for found in records(stream, origin):
        if isinstance(found, Left):
            yield found
            continue
        number, record = found
        place = f"{origin}:{number}"
        if isinstance(record.get("messages"), list):
            yield from _line_of_messages(record, place)
        elif isinstance(record.get("role"), str):
            name = text_in(record, "conversation_id") or text_in(record, "session_id")
            if reason := talks.setdefault(name, _Talk()).take(record):
                yield Left(place, reason)
        else:
            yield Left(place, "the line has neither a role nor messages")
    for name, talk in talks.items():
        yield from _whole(talk, name, "", origin)


def _line_of_messages(record: Json, place: str) -> Iterator[Found]:
    talk = _Talk()
    for message in list_in(record, "messages"):
        if reason := talk.take(message) if isinstance(message, dict) else "a message that is not an object":
            yield Left(place, reason)
    yield from _whole(talk, text_in(record, "id"), text_in(record, "title"), place)


def _whole(talk: _Talk, name: str, title: str, place: str) -> Iterator[Found]:
    yield from left_out(place, talk.blocks.left)
    if conversation := talk.conversation(name, title):
        yield conversation
