"""What a turn is given: the session's settings as they are when it starts, and the doors that it goes through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from plait.core import events as e
from plait.core.messages import Sampling, ToolSpec, Turn, Usage
from plait.core.ports import ModelChoice, Tool
from plait.runtime.gate import Gate, Watcher


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """What a turn needs to know of the session's settings, as they are when it starts."""

    choice: ModelChoice
    name: str
    system: str
    sampling: Sampling
    max_calls: int
    """Model calls in one turn at the most; then it ends with `limit`."""
    compact_at: int
    """Percent of the context window from which on the conversation is compacted before a call; 0 for never."""
    window_messages: int
    """The last messages that the model is told; 0 for all."""


@dataclass(frozen=True, slots=True)
class TurnDoors:
    """The doors that a turn goes through; all of them the coordinator's."""

    record: Callable[[e.Event], None]
    durable: Callable[[], Awaitable[None]]
    attended: Callable[[], bool]
    crowded: Callable[[], bool]
    """Whether so much waits for the disk that a stream should wait too."""
    plan: Callable[[], Awaitable[TurnPlan]]
    gate: Gate
    tools: Mapping[str, Tool]
    until: Callable[[Callable[[], bool]], Awaitable[None]]
    """Returns once the condition holds; it is looked at again when a question was answered or the session unpaused."""
    leaving: Callable[[], bool]
    """Whether the whole program is ending."""
    hands_over: Callable[[], bool]
    """Whether another process then goes on with it."""

    def watcher(self, turn: Turn) -> Watcher:
        """Tells the turn's session what its call waits for."""
        return Watcher(
            place=lambda place: self.record(e.SlotAwaited(turn, place)),
            delayed=lambda *delay: self.record(e.CallDelayed(turn, *delay)),
        )

    def specs(self, choice: ModelChoice) -> tuple[ToolSpec, ...]:
        """The tools that this model is offered."""
        return specs_for(choice, self.tools)


def specs_for(choice: ModelChoice, tools: Mapping[str, Tool]) -> tuple[ToolSpec, ...]:
    """What a model is told of the tools; nothing where it cannot call any."""
    return tuple(tool.spec for tool in tools.values()) if choice.provider.can_call_tools else ()


def price(choice: ModelChoice, usage: Usage | None) -> float | None:
    """US dollars of one call; None where the price or the usage is not known."""
    if usage is None or choice.input_price is None or choice.output_price is None:
        return None
    cached = choice.input_price if choice.cached_price is None else choice.cached_price
    fresh = max(0, usage.input - usage.cached)
    return (fresh * choice.input_price + usage.cached * cached + usage.output * choice.output_price) / 1_000_000
