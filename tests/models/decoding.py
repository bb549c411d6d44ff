"""Decoding whole streams with the OpenAI wire's decoder, and writing streams of tool calls."""

from __future__ import annotations

from typing import Any

from plait.core import errors
from plait.core.messages import Finished, ModelEvent
from plait.models.endpoint import Endpoint, Secret
from plait.models.openai_wire import Decoder
from tests.models import wires
from tests.models.playing import text_of, thinking_of

SERVER = Endpoint("demo", "http://models.example/v1", Secret("sk-very-secret-key"))

Outcome = tuple[str, str, Finished | None, str | None]


def decode(*pieces: bytes, taken: frozenset[str] = frozenset()) -> tuple[list[ModelEvent], errors.ModelError | None]:
    decoder = Decoder(SERVER, "demo-1", taken)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    events += decoder.finish()
    return events, decoder.error


def outcome(*pieces: bytes) -> Outcome:
    """All that matters of a stream, whatever its pieces."""
    events, error = decode(*pieces)
    last = events[-1] if events and isinstance(events[-1], Finished) else None
    assert (last is None) == (error is not None)
    return text_of(events), thinking_of(events), last, f"{type(error).__name__}: {error}" if error else None


def finished(*pieces: bytes, taken: frozenset[str] = frozenset()) -> Finished:
    events, error = decode(*pieces, taken=taken)
    assert error is None
    assert isinstance(events[-1], Finished)
    return events[-1]


def failed(*pieces: bytes) -> errors.ModelError:
    events, error = decode(*pieces)
    assert error is not None
    assert not any(isinstance(event, Finished) for event in events)
    return error


def calling(*pieces: dict[str, Any], finish: str = "tool_calls") -> bytes:
    return b"".join(wires.openai_chunk({"tool_calls": [piece]}) for piece in pieces) + wires.openai_chunk({}, finish)


def piece(arguments: str = "", **more: Any) -> dict[str, Any]:
    function = {key: more.pop(key) for key in ("name",) if key in more}
    return {**more, "function": {**function, "arguments": arguments}}
