"""What is said to a model and what comes back: pure, frozen values.

Opaque provider state (signatures of thinking, a provider's own JSON) is carried from an answer to the next request and never read.
`arguments` of a tool call is the JSON text as the model wrote it: whoever runs the tool parses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NewType, TypeAlias

SessionId = NewType("SessionId", str)
ProjectId = NewType("ProjectId", str)
CallId = NewType("CallId", str)
Turn = NewType("Turn", int)
"""A turn is named by the sequence number of the event that asked for it."""

Outcome: TypeAlias = Literal["done", "error", "denied", "interrupted"]
StopReason: TypeAlias = Literal["end", "length", "tool_calls", "refusal", "other"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file that the user attached; `path` as the user wrote it, `text` as it was read."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is JSON text, unchecked."""

    id: CallId
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The one answer to a tool call."""

    call: CallId
    name: str
    content: str
    outcome: Outcome = "done"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call; `cached` of the input were read from the provider's cache."""

    input: int = 0
    output: int = 0
    cached: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.input + other.input, self.output + other.output, self.cached + other.cached)


@dataclass(frozen=True, slots=True)
class UserMessage:
    """What the user said, attachments apart."""

    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """What the model said in one call: text, thinking, tool calls, and opaque state of its provider."""

    text: str
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()
    provider_state: str | None = None
    """Opaque JSON of the provider named by `provider`; sent back to that provider only."""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """The results of the calls of the assistant message before it, in the order of the calls."""

    results: tuple[ToolResult, ...]


Message: TypeAlias = UserMessage | AssistantMessage | ToolMessage


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it; `parameters` is a JSON schema as JSON text."""

    name: str
    description: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample; None leaves it to the provider. temperature 0 to 2, top_p 0 to 1, max_tokens at least 1."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One model call. `model` is the provider's own name of it, without the `provider:` part."""

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    sampling: Sampling = Sampling()


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More of the model's thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every stream that ended well."""

    stop: StopReason
    usage: Usage | None = None
    calls: tuple[ToolCall, ...] = ()
    """Complete calls only: a call whose arguments were cut never gets here."""
    provider_state: str | None = None


ModelEvent: TypeAlias = TextDelta | ThinkingDelta | Finished
