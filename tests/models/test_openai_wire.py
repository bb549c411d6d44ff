"""The OpenAI wire without a network: requests, and streams as good servers and careless ones send them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from plait.core.messages import (
    AssistantMessage,
    Attachment,
    CallId,
    Finished,
    Message,
    ModelRequest,
    Sampling,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolMessage,
    ToolResult,
    ToolSpec,
    Usage,
    UserMessage,
)
from plait.models.openai_wire import call_ids, encode_request
from tests.models import wires
from tests.models.decoding import decode, finished, outcome
from tests.models.playing import text_of, thinking_of

# Requests


def test_a_request_holds_the_whole_conversation() -> None:
    call = ToolCall(CallId("c1"), "read", '{"path": "a"}')
    messages: tuple[Message, ...] = (
        UserMessage("look", (Attachment('a "b".txt', "one\n</file>\ntwo"),)),
        AssistantMessage("", "secret thought", (call, ToolCall(CallId("c2"), "read", "{half")), "state", "demo"),
        ToolMessage((ToolResult(call.id, "read", "text"), ToolResult(CallId("c2"), "read", "no JSON", "error"))),
        AssistantMessage("done \ud83d"),
    )
    tools = (ToolSpec("read", "Read a file.", '{"type": "object"}'),)
    request = ModelRequest("demo-1", messages, "Be brief.", tools, Sampling(0.5, 0.9, 100))
    body = json.loads(encode_request(request))
    assert body == {
        "model": "demo-1",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 100,
        "tools": [{"type": "function", "function": {"name": "read", "description": "Read a file.", "parameters": {"type": "object"}}}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": '<file-2 path="a &quot;b&quot;.txt">\none\n</file>\ntwo\n</file-2>\n\nlook',
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "read", "arguments": '{"path": "a"}'}},
                    {"id": "c2", "type": "function", "function": {"name": "read", "arguments": '{"invalid_json": "{half"}'}},
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "text"},
            {"role": "tool", "tool_call_id": "c2", "content": "Error: no JSON"},
            {"role": "assistant", "content": "done ?"},
        ],
    }
    assert call_ids(request) == {"c1", "c2"}


def test_a_request_without_tools_and_with_openais_own_limit() -> None:
    request = ModelRequest("m", (UserMessage("hi"),), tools=(ToolSpec("t", "", "{}"),), sampling=Sampling(max_tokens=7))
    body = json.loads(encode_request(request, tools=False, completion_tokens=True))
    assert body.keys() == {"model", "messages", "stream", "stream_options", "max_completion_tokens"}
    assert body["messages"] == [{"role": "user", "content": "hi"}]


@given(text=st.text(alphabet="<>/file-123 \n", max_size=80))
def test_no_attachment_ends_its_own_block(text: str) -> None:
    request = ModelRequest("m", (UserMessage("x", (Attachment('p\n\r"<>', text),)),))
    content = json.loads(encode_request(request))["messages"][0]["content"]
    tag = content[1 : content.index(" ")]
    assert content.count(f"</{tag}") == 1
    assert content.split("\n")[0] == f'<{tag} path="p&#10;&#13;&quot;&lt;&gt;">'


# Good streams


@pytest.mark.parametrize("said", wires.EVERY_SAID)
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_recorded_streams(said: wires.Said, field: str) -> None:
    events, error = decode(*wires.openai(said, field))
    assert error is None
    assert text_of(events) == "".join(said.text)
    assert thinking_of(events) == "".join(said.thinking)
    calls = tuple(ToolCall(CallId(call.id), call.name, call.arguments) for call in said.calls)
    assert events[-1] == Finished("tool_calls" if calls else "end", Usage(12, 34, 5), calls)


@pytest.mark.parametrize("said", wires.EVERY_SAID)
def test_every_cut_in_two_gives_the_whole(said: wires.Said) -> None:
    stream = b"\xef\xbb\xbf: hello\r\nretry: 3\rid\r\n" + b"".join(wires.openai(said)).replace(b"\n\n", b"\r\n\r\n")
    whole = outcome(stream)
    assert whole[3] is None
    for at in range(len(stream) + 1):
        assert outcome(stream[:at], stream[at:]) == whole


@given(st.data(), st.sampled_from(wires.EVERY_SAID), st.sampled_from([b"\n", b"\r", b"\r\n"]))
def test_any_pieces_give_the_whole(data: st.DataObject, said: wires.Said, line_end: bytes) -> None:
    stream = b"".join(wires.openai(said)).replace(b"\n", line_end)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert outcome(*pieces) == outcome(stream)


def test_a_burst_is_one_delta() -> None:
    events, _ = decode(b"".join(wires.openai(wires.ALL_AT_ONCE)))
    assert [type(event) for event in events] == [ThinkingDelta, TextDelta, Finished]


@pytest.mark.parametrize(
    "change",
    [
        lambda stream: stream.replace(b"data: ", b"data:"),
        lambda stream: stream.replace(b"data: [DONE]\n\n", b""),
        lambda stream: stream.rstrip(b"\n"),
        lambda stream: stream.replace(b"data: [DONE]\n\n", b"").rstrip(b"\n"),
        lambda stream: stream.replace(b"\n\n", b"\n"),
        lambda stream: stream.replace(b"\n\n", b"\n\n: ping\n\nevent: x\nfoo\n\0\n\n"),
        lambda stream: stream.replace(b', "logprobs"', b',\ndata: "logprobs"'),
        lambda stream: stream + b"data: {garbage after the end\n\n",
        lambda stream: stream.replace(b"data: [DONE]", b"data: {garbage after the reason"),
        lambda stream: stream.replace(b'"model": "m"', b'"model": {"new": [1]}, "x": null, "error": null'),
        lambda stream: stream.replace(b'"index": 0, "delta"', b'"delta"'),
    ],
)
def test_careless_servers_are_understood(change: Any) -> None:
    stream = b"".join(wires.openai(wires.PLAIN))
    text, _, last, error = outcome(change(stream))
    assert (text, error) == ("Hello, wörld 🌍!", None)
    assert last is not None
    assert last.stop == "end"


def test_bad_bytes_and_half_characters_are_replaced_and_joined() -> None:
    bad = wires.openai_chunk({"content": "a?b"}).replace(b"?", b"\xff\0")
    halves = wires.openai_chunk({"content": "#"}).replace(b"#", rb"\ud83d"), wires.openai_chunk({"content": "#"}).replace(b"#", rb"\ude00")
    lone = wires.openai_chunk({"content": "#"}).replace(b"#", rb"\ud83d")
    events, error = decode(bad, *halves, lone, wires.openai_chunk({"reasoning": "t"}), lone, wires.openai_chunk({}, "stop"))
    assert error is None
    assert text_of(events) == "a\ufffd\0b😀\ufffd\ufffd"


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop", "end"),
        ("length", "length"),
        ("tool_calls", "end"),
        ("content_filter", "refusal"),
        ("something_new", "other"),
    ],
)
def test_reasons_to_stop(reason: str, stop: str) -> None:
    assert finished(wires.openai_chunk({"content": "x"}, reason)).stop == stop


def test_a_refusal_is_text_and_a_refusal() -> None:
    events, _ = decode(wires.openai_chunk({"refusal": "I must not."}), wires.openai_chunk({}, "stop"))
    assert events == [TextDelta("I must not."), Finished("refusal")]


def test_content_in_blocks() -> None:
    blocks = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}, {"type": "text", "text": "Yes"}, 3]
    events, _ = decode(wires.openai_chunk({"content": blocks}, "stop"))
    assert events == [ThinkingDelta("Hm"), TextDelta("Yes"), Finished("end")]


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 3, "prompt_cache_hit_tokens": 2}, Usage(7, 3, 2)),
        ({"prompt_tokens": -1, "completion_tokens": "3", "prompt_tokens_details": {"cached_tokens": None}}, Usage(0, 0, 0)),
        ({"prompt_tokens": True, "completion_tokens": 1e400, "prompt_tokens_details": []}, Usage(0, 0, 0)),
        ([1], None),
    ],
)
def test_usage_in_other_shapes(usage: Any, counted: Usage | None) -> None:
    assert finished(wires.openai_chunk({}, "stop", usage=usage)).usage == counted


def test_usage_that_runs_along_is_not_added_up() -> None:
    """vLLM's `continuous_usage_stats`: each chunk has the sum so far."""
    running = [wires.openai_chunk({"content": "x"}, usage={"prompt_tokens": 3, "completion_tokens": n}) for n in (1, 2)]
    assert finished(*running, wires.openai_chunk({}, "stop")).usage == Usage(3, 2)
