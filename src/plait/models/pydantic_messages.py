"""Our messages <-> pydantic-ai's, for the providers that go through its model layer.

Rules:
1. What the provider answered is kept as pydantic-ai's own JSON and sent back as it was, for signatures of thinking must come back
   unchanged. State of another provider, or that this version cannot read, is passed over: then text and calls are sent as ours.
2. pydantic-ai is imported inside the functions, since it takes a second; whoever calls them has loaded it in a thread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plait.core.messages import AssistantMessage, CallId, Finished, ModelRequest, StopReason, ToolCall, ToolMessage, Usage, UserMessage
from plait.models.rendering import arguments_object, user_text

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelRequestPart, ModelResponse
    from pydantic_ai.models import ModelRequestParameters

_STOPS: dict[str | None, StopReason] = {"stop": "end", "length": "length", "tool_call": "tool_calls", "content_filter": "refusal"}


def to_messages(request: ModelRequest, provider: str) -> list[ModelMessage]:
    """The conversation as pydantic-ai takes it; the system prompt stands first."""
    from pydantic_ai import messages as ai

    told: list[ModelMessage] = []
    parts: list[ModelRequestPart] = [ai.SystemPromptPart(request.system)] if request.system else []
    for message in request.messages:
        match message:
            case UserMessage():
                parts.append(ai.UserPromptPart(user_text(message)))
            case ToolMessage(results=results):
                parts += [
                    ai.ToolReturnPart(one.name, one.content, one.call, outcome="failed" if one.outcome == "error" else "success")
                    for one in results
                ]
            case AssistantMessage():
                told.append(ai.ModelRequest(parts=parts))
                told.append(_response(message, provider))
                parts = []
    if parts:
        told.append(ai.ModelRequest(parts=parts))
    return told


def _response(message: AssistantMessage, provider: str) -> ModelResponse:
    from pydantic_ai import messages as ai

    if message.provider_state and message.provider == provider:
        try:
            (kept,) = ai.ModelMessagesTypeAdapter.validate_json(message.provider_state)
        except ValueError:
            pass
        else:
            if isinstance(kept, ai.ModelResponse):
                return kept
    parts: list[Any] = [ai.TextPart(message.text)] if message.text else []
    parts += [ai.ToolCallPart(call.name, arguments_object(call.arguments), call.id) for call in message.calls]
    return ai.ModelResponse(parts=parts)


def to_parameters(request: ModelRequest) -> ModelRequestParameters:
    """The tools of a request."""
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.tools import ToolDefinition

    tools = [
        ToolDefinition(name=tool.name, parameters_json_schema=json.loads(tool.parameters), description=tool.description)
        for tool in request.tools
    ]
    return ModelRequestParameters(function_tools=tools)


def to_finished(response: ModelResponse) -> Finished | None:
    """The end of a response; None where the provider never said why it ended, so that it is cut."""
    from pydantic_ai import messages as ai

    if response.finish_reason is None:
        return None
    stop = _STOPS.get(response.finish_reason, "other")
    whole = stop in ("end", "tool_calls")
    made = [
        ToolCall(CallId(part.tool_call_id), part.tool_name, _arguments(part.args))
        for part in response.parts
        if isinstance(part, ai.ToolCallPart)
    ]
    calls = tuple(call for call in made if whole or _is_json(call.arguments))
    if whole:
        stop = "tool_calls" if calls else "end"
    usage = response.usage
    counted = Usage(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)
    # A call that is left out gets no result, and no provider takes back a call without one.
    state = ai.ModelMessagesTypeAdapter.dump_json([response]).decode() if len(calls) == len(made) else None
    return Finished(stop, counted, calls, state)


def _arguments(arguments: str | Mapping[str, Any] | None) -> str:
    """As the model wrote them; Google gives an object."""
    return arguments or "{}" if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
