"""The wire that OpenAI, Ollama, llama.cpp, vLLM, LM Studio, OpenRouter and most others speak: `/chat/completions`, streamed. Pure.

Rules:
1. `encode_request` makes the JSON of a request; `Decoder` makes `ModelEvent`s of the bytes that come back. Neither does I/O or knows
   the time.
2. `Decoder` never raises: what went wrong is its `error`, and what came before it has been given out.
3. An answer has ended well only when the server said why it ended (`finish_reason`). Everything else is cut: no `Finished`, no tool call.
   After that reason, nothing that follows can spoil the answer.
4. Text of one `feed` comes as one delta, so that a burst costs little downstream. Fields that we do not know are passed over.
5. The caps are against a server or model that never stops; each is a `BadAnswer` that says so.
"""

from __future__ import annotations

import json
from typing import Any

from plait.core.errors import BadAnswer, ModelError
from plait.core.messages import (
    AssistantMessage,
    Finished,
    Message,
    ModelEvent,
    ModelRequest,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolMessage,
    Usage,
    UserMessage,
)
from plait.models.endpoint import Endpoint
from plait.models.faults import read_error, to_error
from plait.models.rendering import arguments_object, result_text, user_text
from plait.models.sse import DONE, EventReader
from plait.models.tool_calls import CallAssembler, mended

MAX_TEXT = 16_000_000
"""Characters of text and thinking of one answer: about 4 million tokens, 30 times what any model gives out at once."""

_STOPS: dict[str, StopReason] = {
    "stop": "end",
    "eos": "end",
    "end_turn": "end",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
    "refusal": "refusal",
}


def encode_request(request: ModelRequest, *, tools: bool = True, completion_tokens: bool = False) -> bytes:
    """The body of a streamed `/chat/completions`.

    `tools` False leaves the tools out. `completion_tokens` names the limit as OpenAI itself now wants it (`max_completion_tokens`).
    """
    messages: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
    for message in request.messages:
        messages += _message(message)
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    if tools and request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": json.loads(tool.parameters)},
            }
            for tool in request.tools
        ]
    limit = "max_completion_tokens" if completion_tokens else "max_tokens"
    sampling = request.sampling
    for key, value in (("temperature", sampling.temperature), ("top_p", sampling.top_p), (limit, sampling.max_tokens)):
        if value is not None:
            body[key] = value
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _message(message: Message) -> list[dict[str, Any]]:
    match message:
        case UserMessage():
            return [{"role": "user", "content": user_text(message)}]
        case AssistantMessage(text=text, calls=calls):
            answer: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
            if calls:
                answer["tool_calls"] = [
                    {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _arguments(call.arguments)}}
                    for call in calls
                ]
            return [answer]
        case ToolMessage(results=results):
            return [{"role": "tool", "tool_call_id": result.call, "content": result_text(result)} for result in results]


def _arguments(text: str) -> str:
    """Servers parse what they are sent back, and answer 500 to what is no JSON object."""
    return json.dumps(arguments_object(text), ensure_ascii=False)


def call_ids(request: ModelRequest) -> frozenset[str]:
    """The ids that the conversation has used already."""
    return frozenset(call.id for message in request.messages if isinstance(message, AssistantMessage) for call in message.calls)


class Decoder:
    """The bytes of one answer -> `ModelEvent`s; the last is `Finished`, or `error` is set.

    `endpoint` and `model` are for sentences, `taken` are the call ids of the conversation so far.
    """

    def __init__(self, endpoint: Endpoint, model: str = "the model", taken: frozenset[str] = frozenset()) -> None:
        self._endpoint = endpoint
        self._model = model
        self._reader = EventReader(endpoint.place)
        self._calls = CallAssembler(endpoint.place, taken)
        self._out: list[ModelEvent] = []
        self._kind: type[TextDelta] | type[ThinkingDelta] = TextDelta
        self._parts: list[str] = []
        self._half: str = ""
        self._length = 0
        self._stop: StopReason | None = None
        self._usage: Usage | None = None
        self.error: ModelError | None = None
        """What ended the answer too early."""
        self.done = False
        """Nothing more is to be read: the answer ended, well or not."""
        self.started = False
        """A part of the answer has come, be it empty: the request must not be repeated by itself."""

    @property
    def lines(self) -> int:
        """Complete lines so far, comments included: the server lives."""
        return self._reader.lines

    @property
    def answered(self) -> bool:
        """The server has said why the answer ended; only the usage may still come."""
        return self._stop is not None

    def feed(self, data: bytes) -> list[ModelEvent]:
        """The events that `data` completes."""
        if not self.done:
            try:
                for value in self._reader.feed(data):
                    self.take(value)
                    if self.done:
                        break
            except ModelError as error:
                self._fail(error)
        return self._give()

    def finish(self) -> list[ModelEvent]:
        """The stream has ended, by whatever: `Finished`, or nothing and `error`."""
        if not self.done:
            try:
                values = list(self._reader.finish())
            except ModelError as error:
                values = []
                if not self.started:
                    self._fail(error)  # otherwise half a line is what a cut looks like
            try:
                for value in values:
                    self.take(value)
            except ModelError as error:
                self._fail(error)
        if not self.done:
            self._end()
        return self._give()

    def take(self, value: Any) -> None:
        """One JSON value of the stream, or a whole answer that was not streamed. Raises `ModelError`."""
        if value == DONE:
            self._end()
            return
        self.started = True
        choices = value.get("choices") if isinstance(value, dict) else None
        if (not choices or "error" in value) and (refusal := read_error(value)):
            raise to_error(self._endpoint, self._model, refusal)
        if not isinstance(value, dict):
            raise BadAnswer(f"The answer of {self._endpoint.place} is garbled. Use /retry; if it stays so, check base_url.")
        if isinstance(choices, list):
            for choice in choices:
                if isinstance(choice, dict) and not choice.get("index"):
                    self._choice(choice)
        if usage := value.get("usage"):
            self._usage = _usage(usage) or self._usage

    def _choice(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            if thinking := delta.get("reasoning_content") or delta.get("reasoning"):
                self._say(ThinkingDelta, thinking)
            if content := delta.get("content"):
                if isinstance(content, str):
                    self._say(TextDelta, content)
                else:
                    self._blocks(content)
            if calls := delta.get("tool_calls"):
                self._calls.add(calls)
            if refusal := delta.get("refusal"):
                self._say(TextDelta, refusal)
                self._stop = "refusal"
        if (reason := choice.get("finish_reason")) and isinstance(reason, str):
            self._stop = _STOPS.get(reason, "other") if self._stop is None else self._stop

    def _blocks(self, content: Any) -> None:
        """Content in blocks, as Mistral's thinking models send it: `[{"type": "thinking", "thinking": [...]}, {"type": "text", ...}]`."""
        for block in content if isinstance(content, list) else ():
            if not isinstance(block, dict):
                continue
            self._say(TextDelta, block.get("text"))
            inner = block.get("thinking")
            for one in inner if isinstance(inner, list) else (inner,):
                self._say(ThinkingDelta, one.get("text") if isinstance(one, dict) else one)

    def _say(self, kind: type[TextDelta] | type[ThinkingDelta], text: Any) -> None:
        if not isinstance(text, str) or not text:
            return
        if kind is not self._kind:
            self._flush()
            self._kind = kind
        self._parts.append(text)
        self._length += len(text)
        if self._length > MAX_TEXT:
            raise BadAnswer(f"The answer of {self._endpoint.place} passed {MAX_TEXT:,} characters and was stopped. Ask for less at once.")

    def _flush(self, last: bool = True) -> None:
        """Give out the text that came; half of a surrogate pair waits for the other half, which some servers send in the next piece."""
        text = self._half + "".join(self._parts)
        self._parts.clear()
        self._half = ""
        if text and not text.isascii():
            if not last and "\ud800" <= text[-1] <= "\udbff":
                text, self._half = text[:-1], text[-1]
            text = mended(text)
        if text:
            self._out.append(self._kind(text))

    def _give(self) -> list[ModelEvent]:
        if self._parts:
            self._flush(last=self.done)
        out, self._out = self._out, []
        return out

    def _fail(self, error: ModelError) -> None:
        if self._stop is not None:
            self._end()
            return
        self.done = True
        self.error = error

    def _end(self) -> None:
        self.done = True
        self._flush()
        stop = self._stop
        if stop is None:
            how = "was cut off" if self.started else "ended before it began"
            self.error = BadAnswer(f"The answer of {self._endpoint.place} {how}. What came is kept; use /retry to ask again.")
            return
        try:
            calls = self._calls.finish(whole=stop in ("end", "tool_calls"))
        except ModelError as error:
            self.error = error
            return
        if stop in ("end", "tool_calls"):
            stop = "tool_calls" if calls else "end"
        self._out.append(Finished(stop, self._usage, calls))


def _usage(usage: Any) -> Usage | None:
    """Tokens as OpenAI counts them; DeepSeek names the cached ones otherwise."""
    if not isinstance(usage, dict):
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else usage.get("prompt_cache_hit_tokens")
    return Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), _count(cached))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0
