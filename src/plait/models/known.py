"""What is known beforehand of models: which one a bare provider name stands for, context windows and prices.

Source of all figures: the data of the package genai-prices 0.2.3 (November 2026), which is gathered from the providers' own price pages.
Prices are US dollars per million tokens of the lowest tier, at the provider's own address: some models cost more above 200,000 or
272,000 tokens of input. What is not here has no known price; nothing is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

AS_OF = "November 2026"


@dataclass(frozen=True, slots=True)
class Known:
    """One model; prices are None where they are not known, 0 where it runs on the user's own machine."""

    model: str
    context_window: int | None = None
    input_price: float | None = None
    cached_price: float | None = None
    output_price: float | None = None


@runtime_checkable
class KnowsItsWindow(Protocol):
    """A provider with one model, of which it can tell how many tokens it takes."""

    context_window: int | None


def window_of(provider: object, known: Known) -> int | None:
    """The context window of a model, from where it is known."""
    return known.context_window or (provider.context_window if isinstance(provider, KnowsItsWindow) else None)


KNOWN: dict[str, tuple[Known, ...]] = {
    "openai": (
        Known("gpt-6.1-terra", 1_050_000, 1.0, 0.05, 5.0),
        Known("gpt-6.1-sol", 1_050_000, 2.0, 0.1, 10.0),
        Known("gpt-6-luna", 1_050_000, 0.1, 0.01, 0.5),
        Known("gpt-6-astra", 1_050_000, 10.0, 1.0, 50.0),
        Known("gpt-5.6-terra", 1_050_000, 2.0, 0.2, 12.0),
        Known("gpt-5.6-luna", 1_050_000, 0.2, 0.02, 1.2),
        Known("gpt-5", 400_000, 1.25, 0.125, 10.0),
        Known("gpt-5-mini", 400_000, 0.25, 0.025, 2.0),
        Known("gpt-4.1", 1_000_000, 2.0, 0.5, 8.0),
        Known("gpt-4o-mini", 128_000, 0.15, 0.075, 0.6),
    ),
    "anthropic": (
        Known("claude-sonnet-5-5", 1_000_000, 2.0, 0.1, 10.0),
        Known("claude-opus-5-5", 1_000_000, 4.0, 0.2, 20.0),
        Known("claude-haiku-5-5", 1_000_000, 0.1, 0.01, 0.5),
        Known("claude-fable-5-2", 1_000_000, 8.0, 0.2, 40.0),
        Known("claude-opus-4-8", 1_000_000, 5.0, 0.5, 25.0),
        Known("claude-sonnet-4-6", 1_000_000, 3.0, 0.3, 15.0),
        Known("claude-haiku-4-5", 200_000, 1.0, 0.1, 5.0),
    ),
    "google": (
        Known("gemini-3.8-flash", 1_000_000, 1.5, 0.15, 7.5),
        Known("gemini-3.5-flash-lite", 1_000_000, 0.3, None, 2.5),
        Known("gemini-4-argon", 1_048_576, 4.0, 0.2, 20.0),
        Known("gemini-2.5-flash", 1_048_576, 0.3, 0.03, 2.5),
        Known("gemini-2.5-pro", None, 1.25, 0.125, 10.0),
    ),
}
"""By provider; the first is the one that the bare provider name stands for."""

_DATED = re.compile(r"-(?:latest|20\d\d-?\d\d-?\d\d)$")


def look_up(provider: str, model: str) -> Known:
    """What is known of a model; a name with a date or `-latest` behind it is the same model."""
    names = (model, _DATED.sub("", model))
    return next((one for one in KNOWN.get(provider, ()) if one.model in names), Known(model))


def providers_of(model: str) -> tuple[str, ...]:
    """The providers that are known to have a model of this name."""
    return tuple(provider for provider in KNOWN if look_up(provider, model).context_window or look_up(provider, model).input_price)
