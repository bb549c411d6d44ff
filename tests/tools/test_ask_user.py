"""`ask_user` reads a question out of whatever a model writes, or tells the model what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from plait.core.messages import CallId, SessionId
from plait.core.ports import Ask, Tool, ToolContext
from plait.tools.ask_user import CHOICE_LENGTH, MOST_CHOICES, MOST_LINES, AskUser

pytestmark = pytest.mark.anyio
CONTEXT = ToolContext(SessionId("s"), "/shop", CallId("c"))
TOOL: Tool = AskUser()


async def ask(arguments: str) -> Ask:
    asked = await TOOL.run(arguments, CONTEXT)
    assert isinstance(asked, Ask)
    return asked


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ({"question": "Which port?"}, Ask("Which port?")),
        ({"question": " Which\nport? \n"}, Ask("Which\nport?")),
        ({"question": "a\n" * MOST_LINES}, Ask(("a\n" * MOST_LINES).strip())),
        ({"question": "Go on?", "choices": ["yes", "no"]}, Ask("Go on?", ("yes", "no"))),
        ({"question": "Go on?", "choices": [" yes ", "no", "yes", "yes\n"]}, Ask("Go on?", ("yes", "no"))),
        ({"question": "Go on?", "choices": ["yes,\n  all of it", "no"]}, Ask("Go on?", ("yes, all of it", "no"))),
        ({"question": "Go on?", "choices": []}, Ask("Go on?")),
        ({"question": "Go on?", "choices": None}, Ask("Go on?")),
        ({"question": "Go on?", "choices": [str(number) for number in range(MOST_CHOICES)]}, Ask("Go on?", tuple("012345678"))),
        ({"question": "Go on?", "choices": ["yes", "no"] * 20}, Ask("Go on?", ("yes", "no"))),
        ({"question": "Q", "choices": ["x" * CHOICE_LENGTH]}, Ask("Q", ("x" * CHOICE_LENGTH,))),
        ({"question": "\u202eGo on\x1b[2J?", "reason": "not asked for"}, Ask("\u202eGo on\x1b[2J?")),
    ],
)
async def test_a_question_is_read(arguments: dict[str, Any], asked: Ask) -> None:
    """In order, each choice once and on one line; what a terminal must not see is the front end's affair."""
    assert await ask(json.dumps(arguments)) == asked


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("Which port?", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("null", "no question"),
        ('"Which port?"', "no question"),
        ('["Which port?"]', "no question"),
        ("{}", "no question"),
        ('{"question": ""}', "no question"),
        ('{"question": " \\n"}', "no question"),
        ('{"question": 5}', "no question"),
        ('{"question": ["a"]}', "no question"),
        ('{"question": "a", "choices": "yes"}', "not a list"),
        ('{"question": "a", "choices": {"yes": 1}}', "not a list"),
        ('{"question": "a", "choices": ["yes", 1]}', "not a list"),
        ('{"question": "a", "choices": ["yes", ""]}', "not a list"),
        ('{"question": "a", "choices": ["yes", [" "]]}', "not a list"),
        (json.dumps({"question": "a\n" * MOST_LINES + "a"}), "101 lines, more than 100"),
        (json.dumps({"question": "a", "choices": [str(number) for number in range(MOST_CHOICES + 1)]}), "10 choices, more than 9"),
        (json.dumps({"question": "a", "choices": ["x" * (CHOICE_LENGTH + 1)]}), "201 characters, more than 200"),
    ],
)
async def test_what_holds_no_question_is_told_to_the_model(arguments: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        await ask(arguments)
    assert str(refused.value).endswith(".")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(["question", "choices"]), inner, max_size=4),
    max_leaves=8,
)


@given(st.text() | JSON.map(json.dumps) | st.fixed_dictionaries({"question": st.text(), "choices": JSON}).map(json.dumps))
async def test_anything_is_a_question_or_a_sentence(arguments: str) -> None:
    try:
        asked = await ask(arguments)
    except ValueError:
        return
    assert asked.question.strip()
    assert len(asked.choices) <= MOST_CHOICES
    assert len(set(asked.choices)) == len(asked.choices)
    assert all(one and "\n" not in one and len(one) <= CHOICE_LENGTH for one in asked.choices)


def test_the_model_is_told_what_the_tool_takes() -> None:
    schema = json.loads(TOOL.spec.parameters)
    assert TOOL.spec.name == "ask_user"
    assert schema["required"] == ["question"]
    assert set(schema["properties"]) == {"question", "choices"}
    assert schema["properties"]["choices"]["maxItems"] == MOST_CHOICES
