"""Anthropic and Google as `ModelProvider`s, over pydantic-ai's model layer (not its agent loop).

Rules:
1. pydantic-ai and the provider's own library are loaded at the first call, in a thread; what is missing is `NoModel` with the way to
   get it.
2. No library makes a second attempt: retries are 0, only the runtime's gate repeats. All time limits are those of `http`, kept here.
3. Every error of theirs becomes one of ours by the same tables as for the OpenAI wire (`faults`, `broken`).
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx2

from plait.core.errors import AccessRefused, BadAnswer, ModelError, NoModel
from plait.core.messages import ModelEvent, ModelRequest, TextDelta, ThinkingDelta
from plait.models.broken import broken, no_proxy, reasons, stalled
from plait.models.endpoint import Endpoint, Secret, Timeouts
from plait.models.faults import Refusal, excerpt, read_error, to_error, wait_of
from plait.models.pydantic_messages import to_finished, to_messages, to_parameters

if TYPE_CHECKING:
    from pydantic_ai.models import Model, StreamedResponse
    from pydantic_ai.settings import ModelSettings

ADDRESSES = {"anthropic": "https://api.anthropic.com", "google": "https://generativelanguage.googleapis.com"}
KEYS = {"anthropic": "ANTHROPIC_API_KEY", "google": "GOOGLE_API_KEY"}
MAX_TEXT = 16_000_000
TURN = 0.002

_OPENED: ContextVar[list[httpx2.Response]] = ContextVar("opened")
"""The responses of the call that is being opened: the libraries do not show them, and close them late."""


class PydanticAI:
    """A `ModelProvider` for `anthropic` or `google`; `base_url` is for a gateway, and for tests."""

    can_call_tools = True

    def __init__(self, provider: str, key: Secret, *, timeouts: Timeouts | None = None, base_url: str = "") -> None:
        self.name = provider
        self.endpoint = Endpoint(provider, base_url or ADDRESSES[provider], key, key_env=KEYS[provider])
        self._timeouts = timeouts or Timeouts()
        self._client: httpx2.AsyncClient | None = None
        self._provider: Any = None

    def __repr__(self) -> str:
        return f"<PydanticAI {self.name} at {self.endpoint.place}>"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one call. Raises `ModelError`; the last event is `Finished`, with the response's own JSON as provider state.

        Once the stream is open, the first part of the answer has come: from there on a failure is a `BadAnswer`.
        """
        model = await self._model(request.model)
        length, turn = 0, time.monotonic()
        async with AsyncExitStack() as stack:
            response = await self._open(stack, model, request)
            iterator = aiter(response)
            while True:
                with anyio.move_on_after(self._timeouts.idle) as scope:
                    try:
                        event = await anext(iterator, None)
                    except Exception as error:
                        # The libraries below have trees of errors of their own; whatever it is, the call ends here, and as one of ours.
                        raise self._failure(error, request.model, started=True) from error
                if scope.cancelled_caught:
                    raise stalled(self.endpoint, self._timeouts.idle, started=True)
                if event is None:
                    break
                if (delta := _delta(event)) is not None:
                    length += len(delta.text)
                    if length > MAX_TEXT:
                        raise BadAnswer(f"The answer of {self.endpoint.place} passed {MAX_TEXT:,} characters. Ask for less at once.")
                    yield delta
                if time.monotonic() - turn > TURN:
                    await anyio.lowlevel.checkpoint()
                    turn = time.monotonic()
            finished = to_finished(response.get())
        if finished is None:
            raise BadAnswer(f"The answer of {self.endpoint.place} was cut off. What came is kept; use /retry to ask again.")
        yield finished

    async def aclose(self) -> None:
        """Close the connections; the next call opens new ones."""
        client, self._client, self._provider = self._client, None, None
        if client is not None:
            await client.aclose()

    async def _open(self, stack: AsyncExitStack, model: Model, request: ModelRequest) -> StreamedResponse:
        from pydantic_ai.direct import model_request_stream

        opened: list[httpx2.Response] = []
        noted = _OPENED.set(opened)
        stack.push_async_callback(_give_up, opened)
        with anyio.CancelScope(deadline=anyio.current_time() + self._timeouts.connect + self._timeouts.first_byte) as scope:
            try:
                return await stack.enter_async_context(
                    model_request_stream(
                        model,
                        to_messages(request, self.name),
                        model_settings=self._settings(request),
                        model_request_parameters=to_parameters(request),
                        instrument=False,
                    )
                )
            except Exception as error:  # as above: the call ends here, with an error of ours
                if any(_is_page(response) for response in opened):
                    raise BadAnswer(f"{self.endpoint.place} answered with a web page. Check the proxy and the address.") from error
                raise self._failure(error, request.model, started=False) from error
            finally:
                _OPENED.reset(noted)
        assert scope.cancelled_caught
        raise stalled(self.endpoint, self._timeouts.first_byte, started=False)

    def _settings(self, request: ModelRequest) -> ModelSettings:
        settings: dict[str, Any] = {
            key: value
            for key, value in (
                ("temperature", request.sampling.temperature),
                ("top_p", request.sampling.top_p),
                ("max_tokens", request.sampling.max_tokens),
            )
            if value is not None
        }
        if self.name == "anthropic":
            settings["anthropic_cache"] = True  # otherwise every turn pays for the whole conversation again
        return settings  # type: ignore[return-value]  # a TypedDict with one key of a provider's own

    async def _model(self, name: str) -> Model:
        key = self.endpoint.api_key.reveal()
        if not key or not (key.isascii() and key.isprintable()):
            raise AccessRefused(f"There is no usable key for {self.endpoint.place}. Set {self.endpoint.key_env}.")
        try:
            model: Model = await anyio.to_thread.run_sync(self._make, name)
        except ImportError as error:
            raise NoModel(f"The library for {self.name} is not installed. Get it with: pip install 'plait[{self.name}]'.") from error
        return model

    def _make(self, name: str) -> Model:
        """Runs in a thread: the first time, the imports take a second."""
        import pydantic_ai

        pydantic_ai.BANNER_ENABLED = False
        if self._client is None:
            self._client = self._http_client()
        if self.name == "anthropic":
            from anthropic import AsyncAnthropic
            from pydantic_ai.models.anthropic import AnthropicModel
            from pydantic_ai.providers.anthropic import AnthropicProvider

            if self._provider is None:
                sdk = AsyncAnthropic(
                    api_key=self.endpoint.api_key.reveal(), base_url=self.endpoint.base_url, http_client=self._client, max_retries=0
                )
                self._provider = AnthropicProvider(anthropic_client=sdk)
            return AnthropicModel(name, provider=self._provider)
        from google.genai.types import HttpRetryOptions
        from pydantic_ai.models.google import GoogleModel
        from pydantic_ai.providers.google import GoogleProvider

        if self._provider is None:
            self._provider = GoogleProvider(
                api_key=self.endpoint.api_key.reveal(),
                base_url=self.endpoint.base_url,
                http_client=self._client,
                retry_options=HttpRetryOptions(attempts=1),
            )
        return GoogleModel(name, provider=self._provider)

    def _http_client(self) -> httpx2.AsyncClient:
        from pydantic_ai.exceptions import UnsupportedSettingWarning

        for name in ("httpx2", "httpcore2", "anthropic", "google_genai"):
            logging.getLogger(name).setLevel(logging.WARNING)
        # A model that does not take a temperature is no news for the terminal in the middle of an answer.
        warnings.filterwarnings("ignore", category=UnsupportedSettingWarning)
        limits = self._timeouts
        timeout = httpx2.Timeout(connect=limits.connect, read=limits.first_byte + limits.idle, write=limits.first_byte, pool=None)
        try:
            return httpx2.AsyncClient(
                timeout=timeout, trust_env=not self.endpoint.local, follow_redirects=False, event_hooks={"response": [_note]}
            )
        except (ValueError, ImportError) as error:
            raise no_proxy(self.endpoint, error) from error

    def _failure(self, error: Exception, model: str, started: bool) -> ModelError:
        from pydantic_ai import exceptions as ai

        if isinstance(error, ai.ModelHTTPError):
            return to_error(self.endpoint, model, _refusal(error))
        transport = next((reason for reason in reasons(error) if isinstance(reason, httpx2.HTTPError)), None)
        if transport is not None:
            return broken(self.endpoint, transport, started)
        if isinstance(error, ai.ModelAPIError):
            return to_error(self.endpoint, model, Refusal(0, str(error)))
        why = excerpt(str(error), self.endpoint.api_key, 100).rstrip(".")
        return BadAnswer(f"The answer of {self.endpoint.place} cannot be read: {why}. Use /retry to ask again.")


async def _note(response: httpx2.Response) -> None:
    _OPENED.get().append(response)


async def _give_up(opened: list[httpx2.Response]) -> None:
    """Close the connections of a call; where an answer was not read to its end, the libraries leave that to the garbage collector."""
    with anyio.CancelScope(shield=True, deadline=anyio.current_time() + 1):
        for response in opened:
            await response.aclose()


def _delta(event: Any) -> TextDelta | ThinkingDelta | None:
    from pydantic_ai import messages as ai

    match event:
        case ai.PartStartEvent(part=ai.TextPart(content=text)) | ai.PartDeltaEvent(delta=ai.TextPartDelta(content_delta=text)):
            return TextDelta(text) if text else None
        case ai.PartStartEvent(part=ai.ThinkingPart(content=text)) | ai.PartDeltaEvent(delta=ai.ThinkingPartDelta(content_delta=text)):
            return ThinkingDelta(text) if text else None
        case _:
            return None


def _is_page(response: httpx2.Response) -> bool:
    return response.is_success and response.headers.get("content-type", "").startswith("text/html")


def _refusal(error: Any) -> Refusal:
    """What pydantic-ai's `ModelHTTPError` says, its own verdict on the kind included."""
    from pydantic_ai import exceptions as ai

    told = read_error(error.body) if isinstance(error.body, (dict, list)) else None
    if told is None and isinstance(error.body, dict):
        told = read_error({"error": error.body})
    code, message = (told.code, told.message) if told else ("", str(error.body or ""))
    if isinstance(error, ai.ModelContextWindowExceededError):
        code += " context_length_exceeded"
    if isinstance(error, ai.ModelQuotaExceededError):
        code += " insufficient_quota"
    wait = told.retry_after if told else None
    return Refusal(error.status_code, message, code, wait_of(error.headers or {}, time.time()) if wait is None else wait)
