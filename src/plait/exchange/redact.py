"""Values of ours without the secrets in their texts. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar, cast

from plait.core.events import UnknownEvent

Value = TypeVar("Value")

WORDS = frozenset({"kind", "ending", "stop", "outcome", "waiting_for"})
"""Fields that hold one of a few words, which a secret may be spelled like; another word there could not be read back."""


def redacted(value: Value, cut: Callable[[str], str]) -> Value:
    """The value with each text in it passed through `cut`; names of types and of states stay."""
    if isinstance(value, StrEnum):
        return value
    if isinstance(value, str):
        return cast("Value", cut(value))
    if isinstance(value, tuple):
        return cast("Value", tuple(redacted(one, cut) for one in value))
    if isinstance(value, UnknownEvent):
        return cast("Value", UnknownEvent(value.name, _json(value.data, cut)))
    if is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in fields(value) if one.name not in WORDS]
        return cast("Value", replace(value, **{name: redacted(getattr(value, name), cut) for name in names}))
    return value


def _json(text: str, cut: Callable[[str], str]) -> str:
    """JSON that nobody here understands, its texts cut one by one so that it stays JSON."""
    try:
        return json.dumps(_plain(json.loads(text), cut), ensure_ascii=False)
    except (ValueError, RecursionError):
        return cut(text)


def _plain(value: Any, cut: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, list):
        return [_plain(one, cut) for one in value]
    if isinstance(value, dict):
        return {cut(key): _plain(one, cut) for key, one in value.items()}
    return value
