"""Making one call of a provider and looking at what comes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from plait.core.errors import ModelError
from plait.core.messages import ModelEvent, ModelRequest, TextDelta, ThinkingDelta
from plait.core.ports import ModelProvider


async def play_to_error(model: ModelProvider, request: ModelRequest) -> tuple[list[ModelEvent], ModelError | None]:
    """All events of one call, and the error that ended it, if one did."""
    events: list[ModelEvent] = []
    try:
        async with aclosing(model.stream(request)) as stream:
            async for event in stream:
                events.append(event)
    except ModelError as error:
        return events, error
    return events, None


async def play(model: ModelProvider, request: ModelRequest) -> list[ModelEvent]:
    """All events of one call; raises what it raises."""
    events, error = await play_to_error(model, request)
    if error is not None:
        raise error
    return events


def text_of(events: Sequence[ModelEvent]) -> str:
    """The text of all deltas."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def thinking_of(events: Sequence[ModelEvent]) -> str:
    """The thinking of all deltas."""
    return "".join(event.text for event in events if isinstance(event, ThinkingDelta))
