"""ChatGPT's export: `conversations.json`, a list of trees. The line that ends at `current_node` is the conversation.

What was answered again or edited away hangs on other branches, which are counted. A message to a recipient other than all is a tool call;
what the tool says after it is its result.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import IO

from plait.core.messages import CallId, ToolResult
from plait.exchange.imports.array import elements
from plait.exchange.imports.found import ONLY_TEXT, Conversation, Found, Left, Reading, Said, left_out
from plait.exchange.imports.values import Json, call_of, list_in, moment, object_in, text_in

SOURCE = "chatgpt"
_BEGINNING = re.compile(r'\{\s*"(?:title|conversation_id)"\s*:')


def read(stream: IO[bytes], origin: str) -> Reading:
    """The conversations of an export."""
    for found in elements(stream, origin, _BEGINNING):
        if isinstance(found, Left):
            yield found
            continue
        number, value = found
        place = f"{origin}, conversation {number}"
        identity = text_in(value, "conversation_id") or text_in(value, "id")
        if not identity or not isinstance(value.get("mapping"), dict):
            yield Left(place, "it is not a conversation of ChatGPT")
            continue
        yield from _conversation(value, identity, place)


def _conversation(value: Json, identity: str, place: str) -> Iterator[Found]:
    mapping = object_in(value, "mapping")
    path, problem = _path(mapping, text_in(value, "current_node"))
    if problem:
        yield Left(place, problem)
    on_path = set(path)
    other = sum(name not in on_path and _is_told(object_in(node, "message")) for name, node in mapping.items())
    if other:
        yield Left(place, "a message of another branch, edited or answered anew later", other, loss=False)
    teller = _Teller()
    for name in path:
        teller.take(object_in(mapping[name], "message"))
    yield from left_out(place, teller.left)
    created = moment(value.get("create_time"))
    yield Conversation(SOURCE, identity, tuple(teller.said), text_in(value, "title"), created=created)


def _path(mapping: dict[str, Json], current: str) -> tuple[list[str], str]:
    """The names of the nodes from the first to `current`, and what is wrong with them."""
    problem = ""
    if current not in mapping:
        problem = "its last message is not named; the last one in the file was taken" if mapping else ""
        leaves = [name for name, node in mapping.items() if not list_in(node, "children")]
        current = (leaves or list(mapping) or [""])[-1]
    path: list[str] = []
    seen: set[str] = set()
    while current in mapping:
        if current in seen:
            return path[::-1], "its messages go round in a circle; each was taken once"
        seen.add(current)
        path.append(current)
        current = text_in(mapping[current], "parent")
    if current and path:
        problem = "a message before its others is missing"
    return path[::-1], problem


def _is_told(message: Json) -> bool:
    return text_in(object_in(message, "author"), "role") in ("user", "assistant") and bool(_text(message).strip())


class _Teller:
    """Turns messages into what was said, one after the other."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.left: Counter[str] = Counter()
        self._waiting: list[tuple[str, str]] = []
        """Ids and names of the calls without a result."""

    def take(self, message: Json) -> None:
        """One message of the tree; a node may have none."""
        if not message:
            return
        role, name = text_in(object_in(message, "author"), "role"), text_in(object_in(message, "author"), "name")
        metadata, at = object_in(message, "metadata"), moment(message.get("create_time"))
        text = _text(message, self.left)
        model = text_in(metadata, "model_slug")
        said = Said("note", text, at)
        if role == "user" and text_in(object_in(message, "content"), "content_type") != "user_editable_context":
            said = Said("user", text, at)
        elif role in ("system", "user"):
            said = Said("system", text, at)
        elif role == "assistant":
            said = self._answer(message, text, at, f"{SOURCE}:{model}" if model else "")
        elif role == "tool":
            self._result(name, text, at)
            return
        if not said.empty:
            self.said.append(said)

    def _answer(self, message: Json, text: str, at: float | None, model: str) -> Said:
        recipient = text_in(message, "recipient")
        content = object_in(message, "content")
        if recipient not in ("", "all"):
            identity = text_in(message, "id") or f"call-{len(self.said)}"
            self._waiting.append((identity, recipient))
            return Said("assistant", at=at, calls=(call_of(identity, recipient, text),), model=model)
        if text_in(content, "content_type") in ("thoughts", "reasoning_recap"):
            return Said("assistant", at=at, thinking=text, model=model)
        return Said("assistant", text, at, model=model)

    def _result(self, name: str, text: str, at: float | None) -> None:
        waiting = next((one for one in self._waiting if one[1].partition(".")[0] == name.partition(".")[0]), None)
        waiting = waiting or (self._waiting[0] if self._waiting else None)
        if waiting:
            self._waiting.remove(waiting)
            self.said.append(Said("tool", at=at, results=(ToolResult(CallId(waiting[0]), waiting[1], text),)))
        elif self.said and self.said[-1].results:
            last = self.said[-1].results[0]
            joined = replace(last, content=f"{last.content}\n\n{text}".strip())
            self.said[-1] = replace(self.said[-1], results=(joined,))
        elif text.strip():
            self.said.append(Said("note", f"{name or 'A tool'}: {text}", at))


def _text(message: Json, left: Counter[str] | None = None) -> str:
    """All of a message that is text; what is none is counted in `left`, by what it is."""
    content = object_in(message, "content")
    if text_in(content, "content_type") == "thoughts":
        thoughts = list_in(content, "thoughts")
        return "\n\n".join(part for one in thoughts if (part := text_in(one, "content") or text_in(one, "summary")))
    parts: list[str] = []
    for part in list_in(content, "parts"):
        if isinstance(part, str):
            parts.append(part)
        elif text := text_in(part, "text"):  # what was spoken
            parts.append(text)
        elif left is not None and part is not None:
            kind = text_in(part, "content_type").partition("_")[0] or "part"  # image_asset_pointer
            left[f"{kind}: {ONLY_TEXT}"] += 1
            parts.append(f"[{kind}]")
    for key in ("text", "result", "content", "user_profile", "user_instructions"):
        if text := text_in(content, key):
            parts.append(text)
    if not parts and content.keys() - {"content_type", "parts", "language", "response_format_name"}:
        rest = {key: value for key, value in content.items() if key not in ("content_type", "parts") and value}
        parts.append(json.dumps(rest, ensure_ascii=False) if rest else "")
    return "\n".join(parts) or text_in(message, "content")
