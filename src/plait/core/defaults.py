"""What a session uses where it has no setting of its own; which layer each value came from is in `sources`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from plait.core.errors import UsageError
from plait.core.events import SettingValue
from plait.core.notices import DEFAULT_NOTIFY, parse_rules, rules_text

SESSION_KEYS = ("model", "system", "temperature", "top_p", "max_tokens", "compact_at", "window_messages", "notify", "mute")
"""The settings that a session can have for itself; each is a field of `Defaults` too, which is what holds where a session has none."""

BUFFER_EVENTS = 512
BUFFER_BYTES = 10 * 1024 * 1024
"""How much of a session's latest output is held for whoever shows it next; the rest is in its history. A full ring of 2,048 events for 200
sessions was 77 MB (`architecture.md`)."""

_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "max_tokens": (1, 10_000_000),
    "compact_at": (0, 100),
    "window_messages": (0, 1_000_000),
}
_WHOLE = ("max_tokens", "compact_at", "window_messages")


@dataclass(frozen=True, slots=True)
class Defaults:
    """The layers above the session, merged. An empty `model` means: the best one that is there.

    `pinned` are the keys that a flag or the environment gave: they beat what a session kept from an earlier start, and the file.
    """

    model: str = ""
    system: str = ""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    compact_at: int = 80
    """Percent of the model's context window from which on a conversation is compacted by itself; 0 for never."""
    window_messages: int = 0
    """The model is told so many of the last messages, and no more; 0 for all."""
    notify: str = DEFAULT_NOTIFY
    """Which notices come how; a session's own rules say it for the kinds that they name."""
    mute: int | None = None
    """No notice of a session comes where it is 1; there is no layer above the session that sets it."""
    max_turns: int = 50
    """Model calls in one turn at the most."""
    max_concurrent_calls: int = 5
    max_sessions: int = 10
    """Sessions open at once; those without a message do not count."""
    auto_names: bool = True
    """Whether sessions get names from their first messages."""
    titles: Literal["keywords", "model"] = "keywords"
    """Who writes a session's title: nobody beyond the name, or its model."""
    buffer_events: int = BUFFER_EVENTS
    buffer_bytes: int = BUFFER_BYTES
    warn_bytes: int = 50 * 1024 * 1024
    """A session that holds more is named in a notice."""
    unload_bytes: int = 75 * 1024 * 1024
    """A session that holds more, and is neither shown nor at work, is put out of memory; the store has all of it."""
    requests_per_minute: int | None = None
    """Model calls that one provider is sent in a minute; `provider_requests` has those with a limit of their own."""
    provider_requests: Mapping[str, int] = field(default_factory=dict)
    pinned: frozenset[str] = frozenset()
    sources: Mapping[str, str] = field(default_factory=dict)

    def requests_of(self, provider: str) -> int | None:
        """How many calls in a minute `provider` is sent at the most; None for any number."""
        return self.provider_requests.get(provider, self.requests_per_minute)


def checked_setting(key: str, value: SettingValue) -> SettingValue:
    """`value` as a session may keep it. Raises `UsageError` with what is allowed; None takes a setting back and is always fine."""
    if key not in SESSION_KEYS:
        raise UsageError(f"There is no setting '{key}' of a session. Set one of: {', '.join(SESSION_KEYS)}.")
    if value is None:
        return None
    if key == "mute":
        if value != 1 or type(value) is not int:
            raise UsageError(f"mute cannot be {str(value)[:40]!r}. Give 1, or take it back.")
        return value
    if key not in _RANGES:
        if not isinstance(value, str):
            raise UsageError(f"{key} is a text. Give it as one.")
        return (rules_text(parse_rules(value)) or None) if key == "notify" else value
    return _number(key, value)


def _number(key: str, value: str | int | float) -> SettingValue:
    low, high = _RANGES[key]
    whole = key in _WHOLE
    try:
        number = int(value) if whole and not isinstance(value, float) else float(value)
    except (ValueError, OverflowError):
        number = float("nan")
    if not low <= number <= high or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"{key} cannot be {str(value)[:40]!r}. Give {kind} from {low:,} to {high:,}.")
    return int(number) if whole else number
