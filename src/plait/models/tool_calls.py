"""Tool calls as they stream in pieces, put together. Pure.

Rules:
1. Pieces belong together by `index`; one that brings another id and a name begins another call, for some servers give each call index 0.
   A piece without an index goes to the call with its id, else begins a call if it names one, else goes to the last.
2. Ids are unique in the conversation, for its history needs that: an empty or repeated id gets a new one, the same in every run.
3. Calls come out in the order of their indices.
4. Over `MAX_CALLS` calls, or `MAX_ARGUMENTS` characters in one, are a `BadAnswer`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from plait.core.errors import BadAnswer
from plait.core.messages import CallId, ToolCall

MAX_CALLS = 128
MAX_ARGUMENTS = 1_000_000


@dataclass(slots=True)
class _Open:
    index: int
    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    size: int = 0


class CallAssembler:
    """Takes pieces, gives whole calls at the end. `taken` are the ids that the conversation has already; `place` names the server."""

    def __init__(self, place: str, taken: Collection[str]) -> None:
        self._place = place
        self._taken = set(taken)
        self._calls: list[_Open] = []
        self._at: dict[int, _Open] = {}

    def add(self, pieces: Any) -> None:
        """The `tool_calls` of a delta; what has not the shape of a piece is passed over. Raises `BadAnswer`."""
        for piece in pieces if isinstance(pieces, list) else ():
            if isinstance(piece, dict):
                self._add(piece)

    def _add(self, piece: dict[str, Any]) -> None:
        function = piece.get("function")
        if not isinstance(function, dict):
            function = {}
        name, arguments = function.get("name"), function.get("arguments")
        call = self._call_of(piece.get("index"), _text(piece.get("id")), _text(name))
        if not call.name:
            call.name = _text(name)
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, ensure_ascii=False)
        if isinstance(arguments, str) and arguments:
            call.arguments.append(arguments)
            call.size += len(arguments)
            if call.size > MAX_ARGUMENTS:
                raise BadAnswer(
                    f"The model at {self._place} wrote a tool call of over {MAX_ARGUMENTS:,} characters. Ask it for smaller steps."
                )

    def _call_of(self, index: Any, id: str, name: str) -> _Open:
        if isinstance(index, int) and not isinstance(index, bool):
            call = self._at.get(index)
        elif id:
            call = next((call for call in self._calls if call.id == id), None)
            index = len(self._calls)
        else:
            call = self._calls[-1] if self._calls and not name else None
            index = len(self._calls)
        if call is not None and id and call.id and id != call.id and name:
            call = None
        if call is None:
            if len(self._calls) >= MAX_CALLS:
                raise BadAnswer(f"The model at {self._place} asked for over {MAX_CALLS} tool calls at once. Ask it for fewer.")
            call = _Open(index, id)
            self._calls.append(call)
            self._at[index] = call
        elif id and not call.id:
            call.id = id
        return call

    def finish(self, whole: bool) -> tuple[ToolCall, ...]:
        """The calls; of an answer that is not `whole`, only those whose arguments are JSON. Raises `BadAnswer` for one without a name."""
        calls = []
        for call in sorted(self._calls, key=lambda call: call.index):
            arguments = mended("".join(call.arguments)).strip() or "{}"
            if not whole and not _is_json(arguments):
                continue
            if not call.name.strip():
                raise BadAnswer(f"The model at {self._place} made a tool call without a name. Use /retry, or another model.")
            calls.append(ToolCall(self._unique(mended(call.id)), mended(call.name.strip()), arguments))
        return tuple(calls)

    def _unique(self, id: str) -> CallId:
        unique, number = id or "call_1", 1
        while unique in self._taken:
            number += 1
            unique = f"{id or 'call'}_{number}"
        self._taken.add(unique)
        return CallId(unique)

    def __bool__(self) -> bool:
        return bool(self._calls)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def mended(text: str) -> str:
    """`text` with surrogate pairs joined and lone ones replaced, so that it can be encoded."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
