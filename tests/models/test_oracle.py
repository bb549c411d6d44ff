"""The same recorded streams through pydantic-ai's OpenAI model and through ours give the same answer."""

from __future__ import annotations

from typing import Any

import pydantic_ai
import pytest
from openai import AsyncOpenAI
from pydantic_ai import messages as ai
from pydantic_ai.direct import model_request_stream
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from plait.core.errors import ModelError
from plait.core.messages import Finished, ModelRequest, UserMessage
from plait.models.endpoint import Endpoint, Secret
from plait.models.openai_compatible import OpenAICompatible
from tests.models import wires
from tests.models.fake_provider import FakeProvider, streams
from tests.models.playing import play, play_to_error, text_of, thinking_of

pytestmark = pytest.mark.anyio
pydantic_ai.BANNER_ENABLED = False

Answer = tuple[str, str, list[tuple[str, str, str]], str, tuple[int, int, int]]

_REASONS = {"stop": "end", "tool_call": "tool_calls", "length": "length", "content_filter": "refusal"}


async def ours(server: FakeProvider) -> Answer:
    model = OpenAICompatible(Endpoint("demo", server.base_url, Secret("sk-test-key")))
    events = await play(model, ModelRequest("demo-1", (UserMessage("hi"),)))
    await model.aclose()
    last = events[-1]
    assert isinstance(last, Finished)
    usage = last.usage
    counted = (usage.input, usage.output, usage.cached) if usage else (0, 0, 0)
    return text_of(events), thinking_of(events), [(call.id, call.name, call.arguments) for call in last.calls], last.stop, counted


async def theirs(server: FakeProvider) -> Answer:
    async with AsyncOpenAI(base_url=server.base_url, api_key="sk-test-key", max_retries=0) as client:
        model = OpenAIChatModel("demo-1", provider=OpenAIProvider(openai_client=client))
        async with model_request_stream(model, [ai.ModelRequest.user_text_prompt("hi")]) as stream:
            async for _ in stream:
                pass
            response = stream.get()
    text = "".join(part.content for part in response.parts if isinstance(part, ai.TextPart))
    thinking = "".join(part.content for part in response.parts if isinstance(part, ai.ThinkingPart))
    calls = [(part.tool_call_id, part.tool_name, str(part.args)) for part in response.parts if isinstance(part, ai.ToolCallPart)]
    usage = response.usage
    counted = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)
    return text, thinking, calls, _REASONS[str(response.finish_reason)], counted


def _interleaved() -> list[bytes]:
    """Two calls whose pieces alternate, and text after them."""
    first: list[dict[str, Any]] = [
        {"index": n, "id": f"c{n}", "type": "function", "function": {"name": f"t{n}", "arguments": ""}} for n in range(2)
    ]
    rest = [{"index": n, "function": {"arguments": piece}} for piece in ('{"a"', ": 1}") for n in range(2)]
    return [
        wires.openai_chunk({"tool_calls": first}),
        *(wires.openai_chunk({"tool_calls": [piece]}) for piece in rest),
        wires.openai_chunk({"content": "and so on"}),
        wires.openai_chunk({}, "tool_calls"),
        b"data: [DONE]\n\n",
    ]


STREAMS = {
    **{f"said-{number}": wires.openai(said) for number, said in enumerate(wires.EVERY_SAID)},
    "reasoning": wires.openai(wires.ALL_AT_ONCE, "reasoning"),
    "interleaved": _interleaved(),
    "crlf": [b"".join(wires.openai(wires.ALL_AT_ONCE)).replace(b"\n", b"\r\n")],
    "comments": [b": OPENROUTER PROCESSING\n\n", *wires.openai(wires.PLAIN)],
    "no usage": [event for event in wires.openai(wires.PLAIN) if b"prompt_tokens" not in event],
    "length": [wires.openai_chunk({"content": "so far"}), wires.openai_chunk({}, "length"), b"data: [DONE]\n\n"],
    "filtered": [wires.openai_chunk({"content": "so"}), wires.openai_chunk({}, "content_filter"), b"data: [DONE]\n\n"],
    "bytewise": [bytes([byte]) for byte in b"".join(wires.openai(wires.CALLED))],
}


@pytest.mark.parametrize("name", STREAMS)
async def test_the_same_answer(name: str) -> None:
    async with FakeProvider(streams(STREAMS[name], "close")) as server:
        assert await ours(server) == await theirs(server)


async def test_the_same_errors() -> None:
    """What pydantic-ai calls an HTTP error of a status, ours names by the same status."""
    async with FakeProvider() as server:
        for scenario in ("no-key", "forbidden", "missing", "long", "rate-limit", "broken", "overloaded"):
            model = OpenAICompatible(Endpoint("demo", server.base_url, Secret("sk-test-key")))
            _, error = await play_to_error(model, ModelRequest(scenario, (UserMessage("hi"),)))
            await model.aclose()
            assert isinstance(error, ModelError)
            async with AsyncOpenAI(base_url=server.base_url, api_key="sk-test-key", max_retries=0) as client:
                other = OpenAIChatModel(scenario, provider=OpenAIProvider(openai_client=client))
                with pytest.raises(pydantic_ai.ModelHTTPError) as caught:
                    await other.request([ai.ModelRequest.user_text_prompt("hi")], None, pydantic_ai.models.ModelRequestParameters())
            assert f"({caught.value.status_code})" in str(error)
