"""Tool calls in pieces, as the servers of the world send them."""

from __future__ import annotations

from typing import Any

import pytest

from plait.core import errors
from tests.models import wires
from tests.models.decoding import calling, failed, finished, piece


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        ([piece("", index=0, id="a", name="t"), piece('{"x":', index=0), piece("1}", index=0)], [("a", "t", '{"x":1}')]),
        ([piece("{}", index=1, id="b", name="u"), piece("{}", index=0, id="a", name="t")], [("a", "t", "{}"), ("b", "u", "{}")]),
        (
            [piece('{"x":1}', index=0, id="a", name="t"), piece('{"y":2}', index=0, id="b", name="u")],
            [("a", "t", '{"x":1}'), ("b", "u", '{"y":2}')],
        ),
        ([piece("{", id="a", name="t"), piece("}"), piece("{}", name="u")], [("a", "t", "{}"), ("call_1", "u", "{}")]),
        ([piece("{", id="a", name="t"), piece("{}", id="b", name="u"), piece("}", id="a")], [("a", "t", "{}"), ("b", "u", "{}")]),
        ([piece("{}", index=0, id="", name="t"), piece("{}", index=1, id=None, name="u")], [("call_1", "t", "{}"), ("call_2", "u", "{}")]),
        ([piece("{}", index=0, id="a", name="t"), piece("{}", index=1, id="a", name="u")], [("a", "t", "{}"), ("a_2", "u", "{}")]),
        ([piece("{", index=0, id="a", name="t"), piece("}", index=0, id="a", name="t")], [("a", "t", "{}")]),
        ([piece("", index=0, name="t"), piece("", index=0, id="late")], [("late", "t", "{}")]),
        ([piece("{oops", index=0, id="a", name="t")], [("a", "t", "{oops")]),
        ([{"index": 0, "id": "a", "function": {"name": "t", "arguments": {"x": "ü"}}}], [("a", "t", '{"x": "ü"}')]),
        ([piece("[]", index="0", id=3, name="t"), {"index": None}, {"function": 3}], [("call_1", "t", "[]")]),
    ],
)
def test_pieces_of_calls_are_put_together(pieces: list[dict[str, Any]], calls: list[tuple[str, str, str]]) -> None:
    last = finished(calling(*pieces))
    assert [(call.id, call.name, call.arguments) for call in last.calls] == calls
    assert last.stop == "tool_calls"


def test_ids_of_the_conversation_are_not_used_again() -> None:
    pieces = calling(piece("{}", index=0, id="call_1", name="t"), piece("{}", index=1, name="t"))
    last = finished(pieces, taken=frozenset({"call_1", "call_2", "call_1_2"}))
    assert [call.id for call in last.calls] == ["call_1_3", "call_3"]


def test_calls_with_a_plain_stop_are_calls_all_the_same() -> None:
    assert finished(calling(piece("{}", index=0, id="a", name="t"), finish="stop")).stop == "tool_calls"


@pytest.mark.parametrize("reason", ["length", "content_filter", "new"])
def test_a_call_that_the_limit_cut_is_left_out(reason: str) -> None:
    last = finished(calling(piece('{"a": 1}', index=0, id="a", name="t"), piece('{"pa', index=1, id="b", name="t"), finish=reason))
    assert [call.id for call in last.calls] == ["a"]


@pytest.mark.parametrize("said", [wires.CALLED, wires.ALL_AT_ONCE])
def test_a_cut_stream_never_gives_a_call(said: wires.Said) -> None:
    events = wires.openai(said)
    stream = b"".join(events)
    whole = stream.index(b'"tool_calls"}]') + len(b'"tool_calls"}]}')
    for at in range(whole):
        error = failed(stream[:at])
        assert isinstance(error, errors.BadAnswer)
        assert "models.example" in str(error)
    for at in range(whole, len(stream)):
        assert len(finished(stream[:at]).calls) == len(said.calls)
