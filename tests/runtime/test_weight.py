"""No text escapes the caps: whatever an event holds, its weight is at least that."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given

from plait.core import events as e
from plait.core.messages import CallId, SessionId, ToolResult, Turn
from plait.runtime.weight import OBJECTS, weight
from tests.strategies import events


def long_texts(value: object) -> int:
    """Characters of everything that a model, a tool or a user could make long."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, tuple):
        return sum(map(long_texts, value))
    if is_dataclass(value):
        return sum(long_texts(getattr(value, one.name)) for one in fields(value))
    return 0


@given(events())
def test_an_event_weighs_at_least_its_texts(event: e.Event) -> None:
    heavy = weight(e.Stamped(SessionId("s"), 1, 0.0, event))
    assert heavy >= long_texts(event)
    assert heavy <= OBJECTS + long_texts(event)


LONG = "x" * 1_000


@pytest.mark.parametrize(
    "event",
    [
        e.QuestionAsked(Turn(1), CallId("c"), LONG),
        e.QuestionAsked(Turn(1), CallId("c"), "", (LONG, "")),
        e.QuestionAnswered(Turn(1), ToolResult(CallId("c"), "ask_user", LONG)),
    ],
)
def test_a_long_question_or_answer_is_not_small(event: e.Event) -> None:
    assert weight(e.Stamped(SessionId("s"), 1, 0.0, event)) >= OBJECTS + len(LONG)
