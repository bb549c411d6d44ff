"""Values in other programs' JSON, of which nothing is sure: the wrong type is as good as nothing."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

from plait.core.messages import CallId, ToolCall, Usage

Json = Any
_NUMBER = re.compile(r"\d{9,20}(?:\.\d{1,9})?")
EARLIEST, LATEST = 631_152_000.0, 4_102_444_800.0
"""Seconds since 1970 of 1990 and 2100: a time beyond them is a mistake, and as good as none."""


def text_in(value: Json, key: str) -> str:
    """The text at `key`; empty where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def object_in(value: Json, key: str) -> dict[str, Json]:
    """The object at `key`; empty where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def list_in(value: Json, key: str) -> list[Json]:
    """The list at `key`; empty where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def count_in(value: Json, key: str) -> int:
    """The whole number at `key` that is not negative; 0 where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**53 else 0


def moment(value: Json, *, local: bool = False) -> float | None:
    """Seconds since 1970 of a number (seconds, or thousandths down to billionths of them) or an ISO text; None for what is no time.

    A text without a zone is in UTC, or in the zone of this machine where it is `local`.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return _of_number(value)
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        if parsed.tzinfo is None and not local:
            parsed = parsed.replace(tzinfo=UTC)
        return _believed(parsed.timestamp())
    except ValueError:
        return _of_number(float(value)) if _NUMBER.fullmatch(value.strip()) else None
    except (OverflowError, OSError):
        return None


def _of_number(value: float) -> float | None:
    try:
        seconds = float(value)
    except OverflowError:
        return None
    if not math.isfinite(seconds):
        return None
    for unit in (1.0, 1e3, 1e6, 1e9):
        if EARLIEST <= seconds / unit <= LATEST:
            return seconds / unit
    return None


def _believed(seconds: float) -> float | None:
    return seconds if EARLIEST <= seconds <= LATEST else None


def as_text(value: Json) -> str:
    """Anything as text: a text as it is, nothing as nothing, the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def call_of(identity: str, name: str, arguments: Json) -> ToolCall:
    """A tool call; arguments that are not JSON text yet become it."""
    if isinstance(arguments, str) and _is_json_object(arguments):
        return ToolCall(CallId(identity), name or "tool", arguments)
    kept = {"input": arguments} if not isinstance(arguments, dict) else arguments
    return ToolCall(CallId(identity), name or "tool", json.dumps(kept if arguments not in (None, "") else {}, ensure_ascii=False))


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def usage_of(value: Json) -> Usage | None:
    """Anthropic's and OpenAI's counts of tokens; None where there are none."""
    cached = count_in(value, "cache_read_input_tokens") or count_in(value, "cached_input_tokens")
    made = count_in(value, "cache_creation_input_tokens")
    read = count_in(value, "cache_read_input_tokens")
    given = (count_in(value, "input_tokens") or count_in(value, "prompt_tokens")) + made + read
    written = count_in(value, "output_tokens") or count_in(value, "completion_tokens")
    return Usage(given, written, cached) if given or written else None
