"""The deterministic model `scripted:FILE`: it plays answers, delays, tool calls and errors out of a TOML file. No network, no randomness.

    [[reply]]                     # the first thing the model is to answer
    thinking = "The user greets."
    text = "Hello! What shall we do?"

    [[reply]]
    match = "weather"             # answers what contains "weather", whenever it comes
    calls = [{ name = "forecast", arguments = { city = "Oslo" } }]

    [[reply]]
    error = "RateLimited"         # the first call fails, the second is answered
    retry_after = 2.0
    times = 1
    text = "Here I am again."

Rules:
1. Which reply is a function of the request alone: the first one whose `match` is in the last message; else the one at the place of that
   message, counted over what was to be answered (messages of the user and results of tools); else one with `match = ""`; else an echo.
2. Where the script has a `context_window`, a request of more words than that is refused, as a server would.
3. Only `times` remembers: a fault (`error`, `cut`, `hang`) is played that many times by this object, and the rest of the reply after that.
4. A file that holds anything else is a `ConfigError` that names file, line and key. `docs/formats.md` lists the keys.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace

import anyio
import anyio.lowlevel

from plait.core import errors
from plait.core.messages import (
    AssistantMessage,
    Finished,
    Message,
    ModelEvent,
    ModelRequest,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)

FAULTS: dict[str, type[errors.ModelError]] = {
    kind.__name__: kind
    for kind in (
        errors.NoModel,
        errors.Unreachable,
        errors.RateLimited,
        errors.Overloaded,
        errors.AccessRefused,
        errors.ModelMissing,
        errors.ContextTooLong,
        errors.RequestRefused,
        errors.BadAnswer,
    )
}

CHUNK = 16
"""Characters of a delta where the script says nothing: about the three or four tokens that a network read brings."""

KEPT_REQUESTS = 32


@dataclass(frozen=True, slots=True)
class Reply:
    """One scripted answer; times are seconds, `chunk` and `cut` characters. The keys of the file are these fields."""

    match: str | None = None
    text: str = ""
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()
    words: int = 0
    """So many generated words after `text`, each a delta of its own."""
    per_second: float = 0.0
    """Deltas a second, on schedule; 0 plays flat out."""
    chunk: int = CHUNK
    wait: float = 0.0
    """Before the first delta."""
    delay: float = 0.0
    """Before each other delta."""
    stop: StopReason | None = None
    usage: Usage | None = None
    error: str = ""
    message: str = ""
    """The text of the error."""
    retry_after: float | None = None
    cut: int | None = None
    """The stream breaks after so many characters of text."""
    hang: bool = False
    """After the text nothing more comes."""
    times: int | None = None
    """How often `error`, `cut` and `hang` are played; None: always."""
    repeat: int = 1
    """How many places in the order this reply takes."""


class ScriptedModel:
    """A `ModelProvider` that plays `replies`. `plait.models.script_file.load` reads them from a file."""

    name = "scripted"
    can_call_tools = True

    def __init__(self, replies: Sequence[Reply] = (), source: str = "The script", context_window: int | None = None) -> None:
        self._source = source
        self.context_window = context_window
        self._matching = tuple(reply for reply in replies if reply.match)
        self._otherwise = next((reply for reply in replies if reply.match == ""), None)
        self._ordered = tuple(reply for reply in replies if reply.match is None for _ in range(reply.repeat))
        self._played: dict[int, int] = {}
        self.requests: deque[ModelRequest] = deque(maxlen=KEPT_REQUESTS)
        """The last requests, oldest first."""

    def __repr__(self) -> str:
        return f"<ScriptedModel {self._source}: {len(self._ordered)} in order, {len(self._matching)} by match>"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Play the reply that fits. Raises the `ModelError` that it names; `BadAnswer` where it is cut."""
        self.requests.append(request)
        if self.context_window is not None and (words := _words(request)) > self.context_window:
            raise errors.ContextTooLong(
                f"The conversation is too long for {self._source[:1].lower()}{self._source[1:]}: {words:,} words, and its "
                f"context_window is {self.context_window:,}. Shorten it with /compact, or use a model with more context."
            )
        reply = self._without_worn_faults(self.reply_to(request))
        await anyio.sleep(reply.wait)
        if reply.error:
            raise self._error(reply)
        started, deltas = anyio.current_time(), 0
        for delta in _deltas(reply):
            if deltas and reply.delay:
                await anyio.sleep(reply.delay)
            if reply.per_second:
                await anyio.sleep_until(started + deltas / reply.per_second)
            deltas += 1
            yield delta
            await anyio.lowlevel.checkpoint()
        if reply.cut is not None:
            raise errors.BadAnswer(f"{self._source} cuts this answer off, as it is written there. Send the message again.")
        if reply.hang:
            await anyio.sleep_forever()
        stop = reply.stop or ("tool_calls" if reply.calls else "end")
        yield Finished(stop, reply.usage or Usage(_words(request), deltas), _numbered(request, reply.calls))

    async def aclose(self) -> None:
        """Nothing is held."""

    def reply_to(self, request: ModelRequest) -> Reply:
        """The reply that the rules give to this request."""
        asked = [message for message in request.messages if not isinstance(message, AssistantMessage)]
        last = _text_of(asked[-1]) if asked else ""
        for reply in self._matching:
            if reply.match and reply.match in last:
                return reply
        place = len(asked) - 1
        if 0 <= place < len(self._ordered):
            return self._ordered[place]
        return self._otherwise or Reply(text=last)

    def _without_worn_faults(self, reply: Reply) -> Reply:
        if reply.times is None:
            return reply
        played = self._played.get(id(reply), 0)
        self._played[id(reply)] = played + 1
        return reply if played < reply.times else replace(reply, error="", cut=None, hang=False)

    def _error(self, reply: Reply) -> errors.ModelError:
        text = (
            reply.message or f"{self._source} answers with {reply.error}, as it is written there. Change the script, or use another model."
        )
        if reply.error == "RateLimited":
            return errors.RateLimited(text, reply.retry_after)
        return FAULTS[reply.error](text)


def _deltas(reply: Reply) -> Iterator[TextDelta | ThinkingDelta]:
    for start in range(0, len(reply.thinking), reply.chunk):
        yield ThinkingDelta(reply.thinking[start : start + reply.chunk])
    left = reply.cut
    for text in _texts(reply):
        if left is None:
            yield TextDelta(text)
        elif left > 0:
            yield TextDelta(text[:left])
            left -= len(text)
        else:
            return


def _texts(reply: Reply) -> Iterator[str]:
    for start in range(0, len(reply.text), reply.chunk):
        yield reply.text[start : start + reply.chunk]
    for number in range(1, reply.words + 1):
        yield f"word{number}" + ("\n" if number % 12 == 0 else " ")


def _numbered(request: ModelRequest, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """The calls, with ids of this request where the script gives none: unique in the conversation, equal in every run."""
    place = len(request.messages)
    return tuple(
        call if call.id else ToolCall(type(call.id)(f"call-{place}-{number}"), call.name, call.arguments)
        for number, call in enumerate(calls, 1)
    )


def _text_of(message: Message) -> str:
    match message:
        case ToolMessage(results=results):
            return "\n".join(result.content for result in results)
        case UserMessage(text=text) | AssistantMessage(text=text):
            return text


def _words(request: ModelRequest) -> int:
    return sum(len(_text_of(message).split()) for message in request.messages) + len(request.system.split())
