"""Any server with an interface of the OpenAI kind as a `ModelProvider`: OpenAI, Ollama, llama.cpp, vLLM, LM Studio, the bundled model.

Rules: the wire is `openai_wire`, the transport `http`; this class only joins them. Nothing opaque is kept for the next request.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from plait.core.errors import BadAnswer
from plait.core.messages import ModelEvent, ModelRequest
from plait.models.endpoint import Endpoint, Timeouts
from plait.models.http import Link
from plait.models.openai_wire import Decoder, call_ids, encode_request

LISTING = Timeouts(connect=2.0, first_byte=3.0, idle=3.0)
"""Asking for models happens while somebody waits for a prompt or a list."""

_COMPLETION_TOKENS = ("api.openai.com",)
"""Hosts whose newer models refuse `max_tokens`; all others know it, and many of them nothing else."""


class OpenAICompatible:
    """A `ModelProvider` for one endpoint; its connections are made at the first call."""

    def __init__(self, endpoint: Endpoint, *, can_call_tools: bool = True, timeouts: Timeouts | None = None) -> None:
        self.name = endpoint.name
        self.endpoint = endpoint
        self.can_call_tools = can_call_tools
        self._link = Link(endpoint, timeouts)

    def __repr__(self) -> str:
        return f"<OpenAICompatible {self.name} at {self.endpoint.place}>"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one call. Raises `ModelError`; the last event is `Finished`."""
        body = encode_request(request, tools=self.can_call_tools, completion_tokens=self.endpoint.host in _COMPLETION_TOKENS)
        decoder = Decoder(self.endpoint, request.model, call_ids(request))
        async with aclosing(self._link.stream("/chat/completions", body, decoder, request.model)) as events:
            async for event in events:
                yield event

    async def list_models(self, timeouts: Timeouts = LISTING) -> tuple[str, ...]:
        """The names of the models that the server offers, in its order. Raises `ModelError`."""
        answer = await self._link.get_json("/models", timeouts)
        models = answer.get("data") if isinstance(answer, dict) else None
        if models is None and isinstance(answer, dict) and "data" in answer:
            return ()  # an Ollama without any model says null
        if not isinstance(models, list):
            raise BadAnswer(f"{self.endpoint.place} gave no list of models. Check base_url; it usually ends in /v1.")
        return tuple(model["id"] for model in models if isinstance(model, dict) and isinstance(model.get("id"), str))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._link.aclose()
