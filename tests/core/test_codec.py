"""The codec: what goes out comes back; what is not ours is refused with a sentence, or kept where it is an event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from plait.core import codec, events as e
from plait.core.codec import TYPES, CodecError, decode, decode_event, encode, encode_event
from plait.core.commands import Say
from plait.core.messages import SessionId, Turn
from tests import strategies as own

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.sampled_from(sorted(TYPES)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("type"), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", sorted(TYPES))
@given(data=st.data())
def test_every_type_survives_the_round_trip(name: str, data: st.DataObject) -> None:
    value = data.draw(own.values(TYPES[name]))
    line = encode(value)
    assert "\n" not in line
    assert decode(line) == value
    assert type(decode(line.encode())) is TYPES[name]


@given(own.durable_events())
def test_every_event_survives_a_store(event: e.Durable) -> None:
    assert decode_event(*encode_event(event)) == event


@given(st.text(min_size=1).filter(lambda name: name not in TYPES), st.text())
def test_an_event_of_an_unknown_type_survives(name: str, data: str) -> None:
    event = decode_event(name, data)
    assert event == e.UnknownEvent(name, data)
    assert encode_event(event) == (name, data)


def test_an_event_under_another_name_is_not_trusted() -> None:
    _, closed = encode_event(e.Closed())
    assert decode_event("Paused", closed) == e.UnknownEvent("Paused", closed)
    command = encode(Say(SessionId("s"), "hello"))
    assert decode_event("UserSaid", command) == e.UnknownEvent("UserSaid", command)


def test_an_event_with_a_field_of_a_later_version_is_kept_whole() -> None:
    data = '{"type":"Paused","until":"tomorrow"}'
    assert decode_event("Paused", data) == e.UnknownEvent("Paused", data)


def test_a_missing_field_takes_its_default() -> None:
    assert decode('{"type":"UserSaid","text":"hi"}') == e.UserSaid("hi")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not valid JSON"),
        ("[]", "not an object"),
        ("{}", "unknown type"),
        ('{"type":"UserSaid"}', "lacks text"),
        ('{"type":"UserSaid","text":1}', "text"),
        ('{"type":"UserSaid","text":"a","extra":1}', "extra"),
        ('{"type":"UserSaid","text":"a","attachments":{}}', "attachments"),
        ('{"type":"UserSaid","text":"a","attachments":[{"type":["Attachment"]}]}', "attachments"),
        ('{"type":"UserSaid","text":"a","attachments":[{"type":"Usage"}]}', "attachments"),
        ('{"type":"TurnEnded","turn":1,"ending":"over","seen":true}', "ending"),
        ('{"type":"TurnEnded","turn":true,"ending":"done","seen":true}', "turn"),
        ('{"type":"TurnEnded","turn":1,"ending":"done","seen":1}', "seen"),
        ('{"type":"TurnEnded","turn":1,"ending":["done"],"seen":true}', "ending"),
        ('{"type":"SettingChanged","key":"a","value":[]}', "value"),
        ('{"type":"SettingChanged","key":"a","value":true}', "value"),
        ("[" * 100_000, "not valid JSON"),
        ("1" * 5_000, "not valid JSON"),
    ],
)
def test_what_is_not_ours_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(CodecError, match=told):
        decode(text)


@given(st.binary() | st.text() | JSON.map(json.dumps))
def test_garbage_is_refused_with_our_error_alone(text: str | bytes) -> None:
    try:
        value = decode(text)
    except CodecError:
        return
    assert decode(encode(value)) == value


@given(own.anything(), st.data())
def test_a_value_with_any_part_replaced_is_refused_or_read(whole: object, data: st.DataObject) -> None:
    plain = json.loads(encode(whole))
    place = plain
    for depth in range(3):
        key = data.draw(st.sampled_from(sorted(place)) if isinstance(place, dict) else st.integers(0, len(place) - 1))
        inside = place[key]
        if depth == 2 or not inside or not isinstance(inside, (dict, list)) or data.draw(st.booleans()):
            break
        place = inside
    place[key] = data.draw(JSON)
    try:
        value = codec.from_plain(plain)
    except CodecError:
        return
    assert codec.from_plain(json.loads(encode(value))) == value


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\udc80\ud83d"])
def test_a_lone_surrogate_is_replaced(text: str) -> None:
    said = decode(encode(e.UserSaid(text)))
    assert said.text == "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    assert encode_event(e.UnknownEvent(text, text)) == (said.text, said.text)
    encode(e.UserSaid(text)).encode()


def test_two_halves_in_json_are_one_character() -> None:
    assert decode('{"type":"UserSaid","text":"\\ud83d\\ude00"}') == e.UserSaid("\U0001f600")


def test_what_is_not_plain_data_is_not_encoded() -> None:
    with pytest.raises(CodecError, match="plain data"):
        encode(e.UserSaid({"a": 1}))  # type: ignore[arg-type]  # the mistake that is tested


def test_an_integer_stands_where_a_number_is_asked() -> None:
    stamped = decode('{"type":"Stamped","session":"s","seq":1,"at":5,"event":{"type":"RetryAsked"}}')
    assert stamped == e.Stamped(SessionId("s"), 1, 5.0, e.RetryAsked())
    assert decode(encode(e.AnswerDelta(Turn(1), "x"))) == e.AnswerDelta(Turn(1), "x")
