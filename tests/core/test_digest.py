"""A summary that plait makes itself: it has its length, tells what the user said before all else, and says what it leaves out."""

from __future__ import annotations

from hypothesis import given, strategies as st

from plait.core.context import CompactionPlan, tokens
from plait.core.digest import digest
from plait.core.messages import AssistantMessage, Attachment, CallId, Message, ToolMessage, ToolResult, UserMessage
from tests.core.test_summarising import MESSAGES, TEXTS

TALK: tuple[Message, ...] = (
    UserMessage("My name is Ada.\nThe port is 8123. Mend the till.", (Attachment("till.py", "x"),)),
    AssistantMessage("I look into it. " + "y" * 2_000),
    ToolMessage((ToolResult(CallId("c"), "read", "nothing there"),)),
)


def test_each_message_is_told_by_its_beginning() -> None:
    lines = digest(CompactionPlan(9, "", TALK, 100), 400).splitlines()
    assert lines[0] == "User: My name is Ada. The port is 8123. Mend the till. [attached: till.py]"
    assert lines[1].startswith("Assistant: I look into it. yyy")
    assert lines[2] == "Result of read: nothing there"


def test_what_shall_be_kept_is_taken_from_within_a_message() -> None:
    assert digest(CompactionPlan(9, "", TALK, 100), 400, "the PORT").startswith("User: The port is 8123. Mend the till.")


def test_the_user_s_words_stay_longest_and_the_rest_is_counted() -> None:
    talk = tuple(message for number in range(40) for message in (UserMessage(f"wish {number}"), AssistantMessage(f"answer {number}")))
    first = digest(CompactionPlan(9, "", talk, 100), 200)
    assert tokens(first) <= 200
    assert "wish 39" in first
    assert "answer 0" not in first
    left = 80 - len(first.splitlines()) + 1
    assert first.startswith(f"[… {left} more lines left out …]")
    again = digest(CompactionPlan(9, first, (UserMessage("wish 40"),), 100), 100)
    assert again.splitlines()[0] == f"[… {81 - len(again.splitlines()) + 1} more lines left out …]"
    assert again.endswith("wish 40")


@given(st.lists(MESSAGES, max_size=30), TEXTS, TEXTS, st.integers(64, 4_000))
def test_any_conversation_has_its_length(messages: list[Message], before: str, keep: str, most: int) -> None:
    assert tokens(digest(CompactionPlan(9, before, tuple(messages), 100), most, keep)) <= most
