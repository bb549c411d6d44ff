"""What a session uses where it has no setting of its own; which layer each value came from is in `sources`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plait.core.errors import UsageError
from plait.core.events import SettingValue

SESSION_KEYS = ("model", "system", "temperature", "top_p", "max_tokens")
"""The settings that a session can have for itself."""

_RANGES: dict[str, tuple[float, float]] = {"temperature": (0, 2), "top_p": (0, 1), "max_tokens": (1, 10_000_000)}


@dataclass(frozen=True, slots=True)
class Defaults:
    """The layers above the session, merged. An empty `model` means: the best one that is there.

    `pinned` are the keys that a flag or the environment gave: they beat what a session kept from an earlier start.
    """

    model: str = ""
    system: str = ""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_turns: int = 50
    """Model calls in one turn at the most."""
    max_concurrent_calls: int = 5
    max_sessions: int = 10
    """Sessions open at once; those without a message do not count."""
    pinned: frozenset[str] = frozenset()
    sources: Mapping[str, str] = field(default_factory=dict)


def checked_setting(key: str, value: SettingValue) -> SettingValue:
    """`value` as a session may keep it. Raises `UsageError` with what is allowed; None takes a setting back and is always fine."""
    if key not in SESSION_KEYS:
        raise UsageError(f"There is no setting '{key}' of a session. Set one of: {', '.join(SESSION_KEYS)}.")
    if value is None or key not in _RANGES:
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{key} is a text. Give it as one.")
        return value
    low, high = _RANGES[key]
    whole = key == "max_tokens"
    try:
        number = int(value) if whole and not isinstance(value, float) else float(value)
    except (ValueError, OverflowError):
        number = float("nan")
    if not low <= number <= high or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"{key} cannot be {str(value)[:40]!r}. Give {kind} from {low:,} to {high:,}.")
    return int(number) if whole else number
