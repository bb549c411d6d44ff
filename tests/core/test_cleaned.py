"""Cleaning is what encoding and decoding would do to a value, and nothing where there is nothing to do."""

from __future__ import annotations

from hypothesis import given, strategies as st

from plait.core import events as e
from plait.core.codec import cleaned, decode, encode
from plait.core.messages import AssistantMessage, Attachment, CallId, ToolCall, Turn
from tests.strategies import events

TEXTS = st.text(st.sampled_from("aé\ud83d\udc00\U0001f600"), max_size=6)


@given(TEXTS, TEXTS, TEXTS)
def test_it_is_what_comes_back(one: str, two: str, three: str) -> None:
    call = ToolCall(CallId(one), two, three)
    for event in (
        e.UserSaid(one, (Attachment(two, three), Attachment("", ""))),
        e.AnswerDelta(Turn(1), one, two),
        e.AssistantSaid(Turn(1), AssistantMessage(one, two, (call,), three), "end"),
    ):
        assert cleaned(event) == decode(encode(event))
        cleaned(event).__repr__().encode()


@given(events())
def test_what_is_clean_is_the_same_object(event: e.Event) -> None:
    assert cleaned(event) is event
