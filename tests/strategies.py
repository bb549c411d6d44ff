"""Hypothesis strategies for every value that crosses a wire or lies on a disk: made from the annotations, so that no type is forgotten.

Texts hold any character but lone surrogates, which the codec replaces on purpose; numbers are finite and fit 64 bits.
"""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Literal, NewType, Union, cast, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from plait.core import events as e
from plait.core.codec import TYPES
from plait.core.messages import SessionId

TEXTS = st.text(max_size=40) | st.sampled_from(
    ["", "\0", "a\0b", "\x1b[2J", "\u202e", "\U0001f469\u200d\U0001f467", "\r\n", "{", '"', "\\ud800"]
)
INTEGERS = st.integers(-(2**53), 2**53)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@cache
def of_hint(hint: Any) -> st.SearchStrategy[Any]:
    """Values that fit an annotation of ours."""
    if isinstance(hint, NewType):
        return of_hint(hint.__supertype__)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([of_hint(one) for one in arguments])
    if origin is tuple:
        return st.lists(of_hint(arguments[0]), max_size=3).map(tuple)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    if is_dataclass(hint):
        return values(cast("type", hint))
    return _SCALARS[hint]


_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: INTEGERS,
    float: FLOATS,
    bool: st.booleans(),
    type(None): st.none(),
}


@cache
def values(kind: type) -> st.SearchStrategy[Any]:
    """Values of one dataclass of ours, every field generated."""
    hints = get_type_hints(kind)
    return st.deferred(lambda: st.builds(kind, **{one.name: of_hint(hints[one.name]) for one in fields(kind)}))


def anything() -> st.SearchStrategy[Any]:
    """A value of any type in the codec's table."""
    return st.sampled_from(sorted(TYPES)).flatmap(lambda name: values(TYPES[name]))


def events() -> st.SearchStrategy[e.Event]:
    """Any event, durable or ephemeral."""
    return of_hint(e.Event)


def durable_events() -> st.SearchStrategy[e.Durable]:
    """Any event that takes a sequence number."""
    return of_hint(e.Durable)


def moments() -> st.SearchStrategy[float]:
    """Seconds since 1970 as clocks give them: with microseconds, and not always forwards."""
    return st.floats(0, 4e9)


def session_ids() -> st.SearchStrategy[SessionId]:
    """Few, so that they meet again."""
    return st.sampled_from([SessionId(f"s-{letter}") for letter in "abc"])
