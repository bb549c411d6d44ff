"""Broken streams, the caps, and the laws of the decoder: whatever comes, no exception and nothing lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from plait.core import errors
from plait.core.messages import (
    Finished,
)
from plait.models import openai_wire, sse, tool_calls
from tests.models import wires
from tests.models.decoding import calling, decode, failed, finished, outcome, piece
from tests.models.playing import text_of


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (b"", "ended before it began"),
        (b": comment\n\n", "ended before it began"),
        (wires.openai_chunk({"role": "assistant"}), "was cut off"),
        (wires.openai_chunk({"content": "x"}) + b"data: [DONE]\n\n", "was cut off"),
        (wires.openai_chunk({"content": "x"}) + b'data: {"choi', "was cut off"),
        (b"data: {oops\n\n", "garbled: {oops"),
        (b'data: {"a": \ndata: oops}\n\n', "garbled"),
        (b'data: {"choi', "garbled"),
        (b"data: 3\n\n", "garbled"),
        (b"data: null\n\n", "garbled"),
        (b"data: []\n\n", "garbled"),
        (b"data: " + b"[" * 100_000 + b"\n\n", "garbled"),
        (b"data: " + b"9" * 5_000 + b"\n\n", "garbled"),
        (b"\x1f\x8b\x08\0\n" * 10, "ended before it began"),
        (calling(piece("{}", index=0, id="a")), "without a name"),
    ],
)
def test_broken_streams_are_bad_answers(stream: bytes, words: str) -> None:
    error = failed(stream)
    assert isinstance(error, errors.BadAnswer)
    assert words in str(error)
    assert "models.example" in str(error)
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "slow down", "type": "rate_limit_exceeded", "code": None}}, errors.RateLimited),
        ({"error": {"message": "overloaded", "code": 503}, "choices": [{"delta": {}, "finish_reason": "error"}]}, errors.Overloaded),
        ({"error": {"message": "boom", "type": "server_error"}}, errors.Overloaded),
        (
            {"error": {"code": 400, "message": "request exceeds the available context size", "type": "exceed_context_size_error"}},
            errors.ContextTooLong,
        ),
        ({"object": "error", "message": "maximum context length is 10", "type": "BadRequestError", "code": 400}, errors.ContextTooLong),
        ({"error": "model 'x' not found"}, errors.ModelMissing),
        ({"error": "something else"}, errors.BadAnswer),
        ([{"error": {"code": 401, "message": "bad key sk-very-secret-key"}}], errors.AccessRefused),
        ({"detail": "odd"}, errors.BadAnswer),
    ],
)
def test_errors_inside_a_stream(body: Any, kind: type[errors.ModelError]) -> None:
    for before in ([], [wires.openai_chunk({"content": "so far"})]):
        events, error = decode(*before, wires.data(body), wires.openai_chunk({}, "stop"))
        assert type(error) is kind
        assert text_of(events) == ("so far" if before else "")
        assert "models.example" in str(error)
        assert "sk-very" not in str(error)


def test_the_caps() -> None:
    line = b"data: " + b" " * sse.MAX_LINE + b"\n\n"
    assert "line of over" in str(failed(line))
    assert "line of over" in str(failed(*[b"x" * 1_000_000] * 11))
    assert "line of over" in str(failed(b"data: {\n" + b"data: " + b"1" * sse.MAX_LINE + b"\n"))
    comments = b": ping\n" * 100_000
    assert "without a word" in str(failed(*[comments] * (sse.MAX_NOISE // len(comments) + 1)))
    long = wires.openai_chunk({"content": "x" * 1_000_000})
    events, error = decode(*[long] * 20)
    assert "was stopped" in str(error)
    assert len(text_of(events)) <= openai_wire.MAX_TEXT + 1_000_000
    many = [piece("{}", index=n, id=f"c{n}", name="t") for n in range(tool_calls.MAX_CALLS + 1)]
    assert len(finished(calling(*many[:-1])).calls) == tool_calls.MAX_CALLS
    assert "over 128 tool calls" in str(failed(calling(*many)))
    huge = [piece("x" * 500_000, index=0, id="a", name="t")] * 3
    assert "over 1,000,000 characters" in str(failed(calling(*huge)))


@given(st.data(), st.sampled_from(wires.EVERY_SAID))
def test_no_mutation_of_a_stream_raises(data: st.DataObject, said: wires.Said) -> None:
    stream = bytearray(b"".join(wires.openai(said)))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(stream) - 1))
        kind = data.draw(st.sampled_from(["replace", "delete", "double", "insert"]))
        if kind == "replace":
            stream[at] = data.draw(st.integers(0, 255))
        elif kind == "delete":
            del stream[at : at + data.draw(st.integers(1, 40))]
        elif kind == "double":
            stream[at:at] = stream[at : at + 60]
        else:
            stream[at:at] = data.draw(st.binary(max_size=12))
        if not stream:
            break
    whole = outcome(bytes(stream))
    at = data.draw(st.integers(0, len(stream)))
    assert outcome(bytes(stream[:at]), bytes(stream[at:])) == whole


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["delta", "content", "id", "message", "code"]), inner, max_size=3)
    ),
    max_leaves=6,
)
SHAPES = st.dictionaries(st.sampled_from(["choices", "usage", "error", "object", "detail"]), JSON, max_size=4) | JSON
DELTAS = st.dictionaries(
    st.sampled_from(["content", "reasoning", "reasoning_content", "tool_calls", "refusal"]),
    JSON | st.lists(st.dictionaries(st.sampled_from(["index", "id", "function"]), JSON, max_size=3), max_size=3),
    max_size=3,
)


@given(
    st.lists(st.one_of(SHAPES, DELTAS.map(lambda delta: {"choices": [{"delta": delta}]})), max_size=5),
    st.sampled_from(["stop", "length", 3]),
)
@example([{"choices": [{"delta": {"tool_calls": [{"index": 1 << 70, "function": {"name": "\ud800"}}]}}]}], "stop")
def test_no_shape_of_json_raises(values: list[Any], reason: Any) -> None:
    stream = b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values) + wires.openai_chunk({}, reason)
    events, error = decode(stream)
    for event in events:
        if not isinstance(event, Finished):
            event.text.encode()
    if error is None:
        for call in finished(stream).calls:
            (call.id + call.name + call.arguments).encode()
