"""Claude.ai's export: `conversations.json`, a list of conversations with their messages in order."""

from __future__ import annotations

import re
from typing import IO

from plait.exchange.imports.array import elements
from plait.exchange.imports.blocks import Blocks, attachments_of
from plait.exchange.imports.found import Conversation, Left, Reading, Said, left_out, unknown
from plait.exchange.imports.values import Json, as_text, list_in, moment, text_in

SOURCE = "claude-ai"
_BEGINNING = re.compile(r'\{\s*"uuid"\s*:\s*"[^"]*"\s*,\s*"name"\s*:')
"""A message begins with its `uuid` as well, but no name follows."""


def read(stream: IO[bytes], origin: str) -> Reading:
    """The conversations of an export."""
    for found in elements(stream, origin, _BEGINNING):
        if isinstance(found, Left):
            yield found
            continue
        number, value = found
        place = f"{origin}, conversation {number}"
        identity = text_in(value, "uuid")
        if not identity or not isinstance(value.get("chat_messages"), list):
            yield Left(place, "it is not a conversation of Claude.ai")
            continue
        blocks, said = Blocks(), list[Said]()
        for message in list_in(value, "chat_messages"):
            sender = text_in(message, "sender")
            role = {"human": "user", "assistant": "assistant"}.get(sender)
            if role is None:
                said.append(unknown(sender, as_text(_content(message)), moment(_time(message)), blocks.left))
                continue
            attached = attachments_of(message, blocks.left)
            said += blocks.said(role, _content(message), moment(_time(message)), attachments=attached)
        yield from left_out(place, blocks.left)
        yield Conversation(SOURCE, identity, tuple(said), text_in(value, "name"), created=moment(value.get("created_at")))


def _time(message: Json) -> Json:
    return message.get("created_at") if isinstance(message, dict) else None


def _content(message: Json) -> Json:
    """Exports before 2024 had a text alone."""
    return list_in(message, "content") or text_in(message, "text")
