"""What servers send: streams in the formats that OpenAI, Anthropic and Google document, written out as lists of events in bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the fake model makes; `arguments` is sent in three pieces."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of the fake model: pieces of thinking, then pieces of text, then calls."""

    text: Sequence[str] = ()
    thinking: Sequence[str] = ()
    calls: Sequence[Call] = ()
    input: int = 12
    output: int = 34
    cached: int = 5


PLAIN = Said(text=("Hel", "lo, ", "wörld 🌍", "!"))
THOUGHT = Said(text=("It is ", "42."), thinking=("Let me ", "think…"))
CALLED = Said(
    text=("I look.",),
    calls=(Call("call_a", "read", '{"path": "a.txt", "lines": 3}'), Call("call_b", "list", '{"path": "ünï"}')),
)
ALL_AT_ONCE = Said(text=("Here: ",), thinking=("Hm. ", "Yes."), calls=(Call("call_c", "run", '{"cmd": "ls"}'),))
EVERY_SAID = (PLAIN, THOUGHT, CALLED, ALL_AT_ONCE)


def thirds(text: str) -> tuple[str, str, str]:
    """A text in three pieces."""
    size = max(1, len(text) // 3)
    return text[:size], text[size : 2 * size], text[2 * size :]


def data(value: Any) -> bytes:
    """One event of a JSON value."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def event(name: str, **fields: Any) -> bytes:
    """One named event, as Anthropic sends them."""
    return f"event: {name}\n".encode() + data({"type": name, **fields})


def openai_chunk(delta: Json, finish: str | None = None, **more: Any) -> bytes:
    """One `chat.completion.chunk`."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return data({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "m", "choices": [choice], **more})


def openai(said: Said, thinking_field: str = "reasoning_content") -> list[bytes]:
    """`/chat/completions`, streamed, with usage."""
    events = [openai_chunk({"role": "assistant", "content": ""})]
    events += [openai_chunk({thinking_field: piece}) for piece in said.thinking]
    events += [openai_chunk({"content": piece}) for piece in said.text]
    for index, call in enumerate(said.calls):
        first: Json = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        events.append(openai_chunk({"tool_calls": [first]}))
        events += [openai_chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}) for piece in thirds(call.arguments)]
    events.append(openai_chunk({}, "tool_calls" if said.calls else "stop"))
    usage = {
        "prompt_tokens": said.input,
        "completion_tokens": said.output,
        "total_tokens": said.input + said.output,
        "prompt_tokens_details": {"cached_tokens": said.cached},
    }
    events.append(data({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage}))
    events.append(b"data: [DONE]\n\n")
    return events


def anthropic(said: Said) -> list[bytes]:
    """`/v1/messages`, streamed. Anthropic counts cached input apart."""
    usage = {"input_tokens": said.input - said.cached, "cache_read_input_tokens": said.cached, "cache_creation_input_tokens": 0}
    message: Json = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    events = [event("message_start", message={**message, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}})]
    blocks: list[tuple[Json, list[Json]]] = []
    if said.thinking:
        deltas: list[Json] = [{"type": "thinking_delta", "thinking": piece} for piece in said.thinking]
        deltas.append({"type": "signature_delta", "signature": "sig-of-thinking"})
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
    if said.text:
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in said.text]))
    for call in said.calls:
        start = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        blocks.append((start, [{"type": "input_json_delta", "partial_json": piece} for piece in thirds(call.arguments)]))
    for index, (start, pieces) in enumerate(blocks):
        events.append(event("content_block_start", index=index, content_block=start))
        events += [event("content_block_delta", index=index, delta=piece) for piece in pieces]
        events.append(event("content_block_stop", index=index))
    stop = "tool_use" if said.calls else "end_turn"
    end = {**usage, "output_tokens": said.output}
    events.append(event("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage=end))
    events.append(event("message_stop"))
    return events


def google(said: Said) -> list[bytes]:
    """`streamGenerateContent?alt=sse`. Calls come whole."""
    parts: list[Json] = [{"text": piece, "thought": True} for piece in said.thinking]
    parts += [{"text": piece} for piece in said.text]
    parts += [
        {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}, "thoughtSignature": "c2ln"}
        for call in said.calls
    ]
    usage = {
        "promptTokenCount": said.input,
        "candidatesTokenCount": said.output,
        "totalTokenCount": said.input + said.output,
        "cachedContentTokenCount": said.cached,
    }
    events = []
    for number, part in enumerate(parts, 1):
        candidate: Json = {"content": {"role": "model", "parts": [part]}, "index": 0}
        last = number == len(parts)
        if last:
            candidate["finishReason"] = "STOP"
        tail: Json = {"usageMetadata": usage} if last else {}
        events.append(data({"candidates": [candidate], "modelVersion": "m", "responseId": "r", **tail}).replace(b"\n", b"\r\n"))
    return events


WIRES = {"openai": openai, "anthropic": anthropic, "google": google}


def error_body(wire: str, status: int, message: str, kind: str = "", **more: Any) -> Json:
    """How each of the three words a refusal."""
    match wire:
        case "anthropic":
            return {"type": "error", "error": {"type": kind or "api_error", "message": message}}
        case "google":
            return {"error": {"code": status, "message": message, "status": kind or "INTERNAL", **more}}
        case _:
            return {"error": {"message": message, "type": kind or "server_error", "param": None, "code": kind or None, **more}}
