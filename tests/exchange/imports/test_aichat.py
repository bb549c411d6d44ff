"""aichat's sessions and its log: what is read of them, of every beginning of them, and of YAML that means harm."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, strategies as st

from plait.exchange.imports.found import Conversation, Left
from plait.exchange.imports.yaml_values import DEEPEST, parsed
from tests.exchange.imports.reading import FIXTURES, fixture, read_bytes
from tests.exchange.imports.test_formats import talk

ORIGIN = "/nowhere/sessions/_/20250301T100000-cache-misses.yaml"


def session(data: bytes, origin: str = ORIGIN) -> tuple[Conversation, list[Left]]:
    """The one conversation of a session file."""
    (one,), left = read_bytes(data, "aichat", origin)
    return one, left


def test_a_session_has_what_was_summed_up_first_and_calls_with_their_results() -> None:
    one, left = session((FIXTURES / "aichat.yaml").read_bytes())
    assert talk(one) == [
        ("system", "You are a coder."),
        ("user", "Why does the cache lose entries? 日本語"),
        ("assistant", "It evicts too early:\n\n```python\nsize: 1  # \"quoted\", 'quoted', # no comment\n```"),
        ("system", "Summary of the chat: the cache evicts \ttoo early."),
        ("user", "And this picture?\n\n[image]"),
        (
            "assistant",
            'I look at it.; calls ls {"path": ".", "depth": 2, "all": true, "ratio": 1.5, "filter": null, "text": "12"}; '
            'calls cat {"path": "cache.py"}',
        ),
        ("tool", 'call_a=cache.py (done); call-2={"lines": ["x = 1"]} (done)'),
        ("assistant", "yes"),
    ]
    assert {said.model for said in one.said if said.role == "assistant"} == {"openai:gpt-4o"}
    assert one.title == "cache misses"
    assert one.created
    assert [(found.reason, found.loss) for found in left] == [("image: only text is imported", False)]


def test_a_session_that_was_summed_up_since_is_the_same_and_one_begun_anew_is_another() -> None:
    data = (FIXTURES / "aichat.yaml").read_bytes()
    before = data.replace(b"compressed_messages:", b"messages:").partition(b'messages:\n- role: system\n  content: "Summary')[0]
    first, again = session(before, "/nowhere/sessions/work.yaml")[0], session(data, "/nowhere/sessions/work.yaml")[0]
    anew = session(data.replace(b"Why does", b"When does"), "/nowhere/sessions/work.yaml")[0]
    assert first.id == again.id != anew.id
    assert again.said[: len(first.said)] == first.said
    assert (again.title, again.created) == ("work", None)


def test_calls_as_they_were_kept_before_the_summer_of_2024() -> None:
    results = [[{"call": {"name": "ls", "arguments": {}}, "output": {"a": 1}}], "I look."]
    data = json.dumps({"model": "a:b", "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": results}]})
    assert talk(session(data.encode() + b"\n")[0])[1:] == [("assistant", "I look.; calls ls {}"), ("tool", 'call-1={"a": 1} (done)')]


def test_the_log_has_a_conversation_for_each_question() -> None:
    (first, second), left = fixture("aichat-messages.md")
    assert talk(first) == [
        ("user", "Why does the cache\nlose entries? 日本語"),
        ("assistant", "It evicts too early:\n\n--------\n\n# CHAT: a heading of its own"),
    ]
    assert talk(second) == [
        ("user", "list the files"),
        ("assistant", 'I look.; calls ls {"path": "."}'),
        ("tool", "call-1=cache.py (done)"),
        ("assistant", "There is one."),
    ]
    assert (first.created, second.created) == (1740819600.0, 1740819900.0)
    assert not left


def test_a_session_cut_at_each_byte_gives_the_messages_before_the_cut() -> None:
    data = (FIXTURES / "aichat.yaml").read_bytes()
    whole = session(data)[0].said
    most = 0
    for cut in range(len(data)):
        found, left = read_bytes(data[:cut], "aichat", ORIGIN)
        said = found[0].said if found else ()
        assert said[: max(len(said) - 2, 0)] == whole[: max(len(said) - 2, 0)], "the last one, a call with its result, may be cut"
        assert len(said) >= most - 1, "the cut message may not be there"
        most = max(most, len(said))
        assert data[:cut].endswith(b"\n") or any(one.loss for one in left), f"the cut at {cut} was not told"
    assert most == len(whole)


def test_a_log_cut_at_each_byte_gives_the_questions_before_the_cut() -> None:
    data = (FIXTURES / "aichat-messages.md").read_bytes()
    whole, _ = fixture("aichat-messages.md")
    for cut in range(len(data)):
        found, left = read_bytes(data[:cut], "aichat")
        assert found[:-1] == whole[: max(len(found) - 1, 0)]
        assert data[:cut].rstrip(b"\n").endswith(b"--------") or any(one.loss for one in left), f"the cut at {cut} was not told"


BOMB = b"model: a\nmessages:\n- &a {role: user, content: lol}\n" + b"".join(b"- &%c [*a, *a, *a, *a, *a, *a]\n" % n for n in range(98, 122))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (BOMB, "anchor or an alias"),
        (b"model: a\nmessages: *gone\n", "anchor or an alias"),
        (b"model: a\nmessages: " + b"[" * 200_000, "it is not valid YAML"),
        (b"model: a\nmessages: " + b"{a: " * 200_000, "nested deeper than"),
        (b"model: a\nmessages:\n" + b"".join(b" " * n + b"- \n" for n in range(1, 3000)), "nested deeper than"),
        (b"model: a\nmessages:\n- ? [role]\n  : user\n", "a key in it is not a text"),
        (b"model: a\nmessages:\n- role: user\n  content: \x00\x01\n", "it is not valid YAML"),
        (b"model: a\nmessages:\n- role: user\n  content: \xff\xfe\n", "bytes that are not UTF-8"),
        (b"model: a\nmessages:\n- role: user\n", "a message without content"),
        (b"just a text\n", "this is not a session of aichat"),
        (b"--- {model: a}\n--- {messages: []}\n", "this is not a session of aichat"),
    ],
)
def test_yaml_that_means_harm_or_is_none_is_told(data: bytes, told: str) -> None:
    _, left = read_bytes(data, "aichat")
    assert any(told in one.reason and one.loss for one in left), left


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b'model: a\nmessages:\n- role: user\n  content: "half', "it is not valid YAML", []),
        (b"model: a\nmessages: {{{\n", "a key in it is not a text", []),
        (b"model: \xff\n\x00messages:\n", "it is not valid YAML", []),
        (b'model: a\nmessages:\n- {role: user, content: hi}\n- role: assistant\n  content: "ha', "it is not valid YAML", ["hi"]),
    ],
)
def test_a_broken_session_is_told_once_and_so_far_as_it_goes(data: bytes, reason: str, said: list[str]) -> None:
    found, left = read_bytes(data, "aichat")
    assert [(one.reason, one.loss) for one in left] == [(reason, True)]
    assert [one.text for conversation in found for one in conversation.said] == said


def test_tags_make_nothing() -> None:
    data = (
        b"model: a\nmessages:\n- role: user\n  content: !!python/object/apply:os.system ['false']\n- {role: user, content: !!binary aGk=}\n"
    )
    one, _ = session(data)
    assert [said.text for said in one.said] == ["[str]", "aGk="]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cn", "Co", "Zl", "Zp"), exclude_characters="\ufeff"), max_size=12)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_values_come_back_as_they_were_written(value: object) -> None:
    assert DEEPEST > 12
    text = json.dumps(value, ensure_ascii=False) + "\n"  # which is YAML, texts in double quotes
    found = parsed(io.BytesIO(text.encode()))
    assert (found.value, found.broken, found.replaced) == (value, "", "")
