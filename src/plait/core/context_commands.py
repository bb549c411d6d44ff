"""The commands about how full a model's context window is, and their replies. `core.context` says what the figures mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from plait.core.messages import SessionId

PartName: TypeAlias = Literal["system", "instructions", "tools", "summary", "user", "answers", "results"]


@dataclass(frozen=True, slots=True)
class Compact:
    """Tell the conversation shorter from here on: queues a turn in which the model writes a summary. `keep` is to stay in any case."""

    session: SessionId
    keep: str = ""


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What the next call of this session would be told. Answered with `ContextReport`."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class ContextPart:
    """A part of what a model is told: about how many tokens, in how many pieces (messages, files, tools)."""

    name: PartName
    tokens: int
    count: int


@dataclass(frozen=True, slots=True)
class ContextReport:
    """The answer to `ReadContext`. Tokens are estimates but for `reported`: what the provider said of the last call, 0 for nothing."""

    session: SessionId
    model: str
    window: int | None
    """Tokens that the model takes; None where that is not known."""
    parts: tuple[ContextPart, ...]
    """Together they have the tokens of `next`."""
    next: int
    """About how many tokens the next call is told."""
    reported: int
    compact_at: int
    """Percent of the window from which on it is compacted by itself; 0 for never."""
    window_messages: int
    """The last messages that the model is told; 0 for all."""
    left_out: int = 0
    """Messages that are not told because of that."""
    summary: str = ""
    """What the model is told of what was put behind; empty if nothing was."""


ContextCommand: TypeAlias = Compact | ReadContext
ContextReply: TypeAlias = ContextReport
