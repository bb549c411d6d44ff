"""What each format gives, on files that are whole."""

from __future__ import annotations

import json
import sqlite3  # noqa: TID251  # changes what the other program made
from pathlib import Path

import pytest

from plait.core.messages import Usage
from plait.exchange.imports import llm
from plait.exchange.imports.formats import HEAD, format_of
from plait.exchange.imports.found import Conversation, Left
from plait.exchange.imports.values import moment
from plait.store.foreign import foreign_database
from tests.exchange.imports.reading import FILES, FIXTURES, database_of, fixture, read_bytes


def talk(conversation: Conversation) -> list[tuple[str, str]]:
    """Who said what, in short: calls and results by name."""
    told: list[tuple[str, str]] = []
    for one in conversation.said:
        parts = [one.text, *(f"thinks: {one.thinking}" for _ in [0] if one.thinking)]
        parts += [f"calls {call.name} {call.arguments}" for call in one.calls]
        parts += [f"{result.call}={result.content} ({result.outcome})" for result in one.results]
        told.append((one.role, "; ".join(part for part in parts if part)))
    return told


@pytest.mark.parametrize("file", FILES)
def test_the_format_is_known_from_the_beginning_of_the_file(file: str) -> None:
    assert format_of((FIXTURES / file).read_bytes()[:HEAD]) == FILES[file]


@pytest.mark.parametrize(("file", "line"), [("claude-code.jsonl", 2), ("codex.jsonl", 3), ("jsonl.jsonl", 1)])
def test_the_format_is_known_where_the_first_line_is_longer_than_what_is_looked_at(file: str, line: int) -> None:
    first = (FIXTURES / file).read_bytes().splitlines()[line].replace(b"cache lose", b"x" * 300_000)
    assert format_of(first[:HEAD]) == FILES[file]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0" * 100,
        b"hello",
        b"{}",
        b"[]",
        b"[1, 2]",
        b'{"a": 1}\n{"b": 2}\n',
        b'{\n "role": "source",\n "messages": []\n}\n',
        b"\xff\xfe",
        b"# aider",
    ],
)
def test_other_files_are_not_known(head: bytes) -> None:
    assert format_of(head) == ""


def test_chatgpt_follows_the_current_line_and_counts_the_other_branches() -> None:
    (first, second), left = fixture("chatgpt.json")
    assert (first.id, first.title, first.created) == ("11111111-aaaa-4bbb-8ccc-000000000001", "Cache loses entries", 1700000000.5)
    assert talk(first) == [
        ("user", "Why does the cache lose entries?"),
        ("assistant", 'calls python {"input": "print(1 + 1)"}'),
        ("tool", "a1=2 (done)"),
        ("assistant", "It evicts too early. 日本語 🎉"),
        ("user", "[image]\nAnd this?"),
        ("assistant", "thinks: I look at the picture."),
        ("assistant", "A graph of misses."),
    ]
    assert [one.model for one in first.said if one.role == "assistant"] == ["chatgpt:gpt-4o", "chatgpt:gpt-4o", "chatgpt:o3", "chatgpt:o3"]
    assert first.said[0].at == 1700000001.0
    assert talk(second) == [("user", "Plan a trip to Oslo"), ("assistant", "Go by train.")]
    assert {(one.reason.partition(":")[0].partition(",")[0], one.count, one.loss) for one in left} == {
        ("a message of another branch", 1, False),
        ("image", 1, False),
    }


def test_chatgpt_trees_that_are_broken_are_read_as_far_as_they_go() -> None:
    whole = json.loads((FIXTURES / "chatgpt.json").read_text(encoding="utf-8"))
    circle, orphan, lost, headless = (json.loads(json.dumps(whole[1])) for _ in range(4))
    circle["mapping"]["u"]["parent"] = "a"
    orphan["mapping"]["a"]["parent"] = "gone"
    lost["current_node"] = "gone"
    headless.pop("conversation_id")
    found, left = read_bytes(json.dumps([circle, orphan, lost, headless, 7]).encode(), "chatgpt")
    assert [len(one.said) for one in found] == [2, 1, 2]
    assert [one.reason.split(";")[0] for one in left if one.loss] == [
        "its messages go round in a circle",
        "a message before its others is missing",
        "its last message is not named",
        "it is not a conversation of ChatGPT",
        "it is not a conversation of ChatGPT",
    ]


def test_a_tree_of_many_thousand_messages_is_no_recursion() -> None:
    message = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["x"]}}
    mapping: dict[str, object] = {str(n): {"message": message, "parent": str(n - 1) if n else None, "children": []} for n in range(10_000)}
    (one,), left = read_bytes(json.dumps([{"id": "deep", "mapping": mapping, "current_node": "9999"}]).encode(), "chatgpt")
    assert len(one.said) == 10_000
    assert not left


def test_claude_ai_has_blocks_attachments_and_old_texts() -> None:
    (first, second), left = fixture("claude-ai.json")
    assert talk(first) == [
        ("user", "Why does the cache lose entries?"),
        ("assistant", 'I look it up.; thinks: The size is wrong.; calls web_search {"query": "cache"}'),
        ("tool", "toolu_1=Found it. (done)"),
        ("assistant", "It evicts too early. 日本語"),
    ]
    assert [(one.path, one.text) for one in first.said[0].attachments] == [("cache.py", "x = 1\n")]
    assert (first.title, first.created) == ("Cache entries", 1740823200.0)
    assert talk(second) == [("user", "Plan a trip to Oslo"), ("assistant", "Go by train.")]
    assert [(one.reason, one.loss) for one in left] == [("file: the export does not hold it", False)]


def test_claude_code_has_tools_subagents_and_tokens() -> None:
    (main, side), left = fixture("claude-code.jsonl")
    assert (main.id, main.title, main.directory) == ("44444444-aaaa-4bbb-8ccc-000000000001", "Cache eviction", "/nowhere/cache")
    assert talk(main) == [
        ("user", "Why does the cache lose entries? 日本語"),
        ("assistant", "thinks: The size may be wrong."),
        ("assistant", 'calls Read {"file_path": "/nowhere/cache/cache.py"}'),
        ("assistant", 'calls Bash {"command": "ls"}'),
        ("tool", "toolu_2=cache.py (done)"),
        ("tool", "toolu_1=x = 1 (error)"),
        ("assistant", "It evicts too early."),
        ("user", "And this picture?\n\n[image]"),
        ("assistant", "A graph of misses."),
    ]
    assert [one.usage for one in main.said if one.usage] == [Usage(115, 20, 100), Usage(145, 7, 115), Usage(155, 9, 115)]
    assert main.said[1].model == "anthropic:claude-opus-4-5-20251101"
    assert (side.id, talk(side)) == (f"{main.id}/de30ae5d", [("user", "Search the tests")])
    assert {(one.reason, one.loss) for one in left} == {
        ("put in by Claude Code, not said by anybody", False),
        ("image: only text is imported", False),
    }


def test_claude_code_takes_a_record_once_and_tells_what_it_does_not_know() -> None:
    data = (FIXTURES / "claude-code.jsonl").read_bytes()
    lines = data.splitlines(keepends=True)
    again = b"".join([*lines[:3], lines[3][:50] + b"\n", *lines[2:], b'{"type": "hologram"}\n', b"[1]\n", b"\xff\n"])
    (main, _), left = read_bytes(again, "claude-code")
    assert talk(main) == talk(fixture("claude-code.jsonl")[0][0])
    assert {one.reason for one in left if one.loss} == {
        "the line is not valid JSON",
        "the line is not a JSON object",
        "bytes that are not UTF-8 were replaced by �",
        "a record of the unknown type 'hologram'",
    }
    assert [one.count for one in left if one.reason == "a record that stands there twice"] == [1]


@pytest.mark.parametrize(("file", "calls"), [("codex.jsonl", ["shell", "apply_patch"]), ("codex-old.jsonl", ["local_shell"])])
def test_codex_has_tools_and_leaves_out_what_it_put_in_itself(file: str, calls: list[str]) -> None:
    (one,), left = fixture(file)
    said = [(role, text) for role, text in talk(one) if role == "user" or (role == "assistant" and "calls" not in text)]
    assert said[0][1].startswith("Why does the cache lose entries?")
    assert said[-1][1].startswith("It evict")
    assert [call.name for one_said in one.said for call in one_said.calls] == calls
    assert [result.name for one_said in one.said for result in one_said.results] == calls
    assert not [one for one in left if one.loss]
    if file == "codex.jsonl":
        assert (one.id, one.directory) == ("019a2d7a-41c4-78b1-b7cc-a45d62a89cd5", "/nowhere/cache")
        assert [one_said.model for one_said in one.said][-1] == "openai:gpt-5-codex"
        assert [(left_out.count, left_out.loss) for left_out in left] == [(2, False)]


def test_what_claude_code_wrote_itself_is_read() -> None:
    (one,), left = fixture("claude-code-2.1.jsonl")
    assert talk(one) == [
        ("user", "Why does the cache lose entries? 日本語"),
        ("assistant", "thinks: The size may be wrong."),
        ("assistant", "I look at it."),
        ("assistant", 'calls Read {"file_path": "/nowhere/cache/cache.py"}'),
        ("tool", "toolu_01=1\tSIZE = 1\n2\t (done)"),
        ("assistant", "It evicts too early. 日本語"),
        ("user", "And after a restart?"),
        ("assistant", "Then it is empty."),
    ]
    assert sum(usage.output for said in one.said if (usage := said.usage)) == 3 * 7, "one for each answer of the model"
    assert not left


def test_commands_typed_in_claude_code_are_notes_but_where_the_model_answered() -> None:
    (one,), left = fixture("claude-code-2.1-prompt.jsonl")
    told = [(role, text.partition(" ...")[0]) for role, text in talk(one) if role in ("user", "note")]
    assert told == [
        ("user", "Why does the cache lose entries?"),
        ("user", "!ls"),
        ("note", "cache.py"),
        (
            "note",
            "This session is being continued from a previous conversation that ran out of context. The summary below covers the earli",
        ),
        ("note", "/compact"),
        ("note", "\x1b[2mCompacted (ctrl+o to see full summary)\x1b[22m"),
        ("user", "One more thing"),
    ]
    assert one.title == "my-talk"
    assert [(found.count, found.loss) for found in left if "command" in found.reason] == [(2, False)], "the last one, and what it gave"
    assert not [found for found in left if found.loss]


def test_what_codex_wrote_itself_is_read_with_its_tokens() -> None:
    (one,), left = fixture("codex-0.171.jsonl")
    assert (one.id, one.directory) == ("01a217c5-27f1-7ac1-8bba-5fc7f88b93b5", "/nowhere/cache")
    assert [role for role, _ in talk(one)] == [
        *("user", "assistant", "assistant", "tool", "assistant", "assistant"),
        *("user", "assistant", "assistant"),
    ]
    assert one.said[2].calls[0].name == one.said[3].results[0].name == "exec_command"
    assert [place for place, said in enumerate(one.said) if said.usage == Usage(12, 5, 3)] == [2, 5, 8]
    assert [(found.count, found.loss) for found in left] == [(2, False)]


def test_a_command_that_the_user_ran_in_codex_is_a_note() -> None:
    ran = "<command>\nls\n</command>\n<result>\nExit code: 0\nOutput:\ncache.py\n</result>"
    content = [{"type": "input_text", "text": f"<user_shell_command>\n{ran}\n</user_shell_command>"}]
    line = json.dumps({"type": "response_item", "payload": {"type": "message", "role": "user", "content": content}})
    (one,), _ = read_bytes((FIXTURES / "codex.jsonl").read_bytes() + line.encode(), "codex")
    assert talk(one)[-1] == ("note", "!ls\nExit code: 0\nOutput:\ncache.py")


def test_aider_tells_the_user_the_model_and_itself_apart() -> None:
    (first, second), left = fixture("aider-0.86.md")
    assert talk(first) == [
        ("user", "/add cache.py"),
        ("note", "> Added cache.py to the chat"),
        ("user", "Why does the cache\nlose entries? 日本語"),
        ("assistant", "It evicts too early.\n\n> a quotation\n\n```python\nx = 1\n#### not a user line? no: code\n```"),
        ("note", "> Tokens: 2.1k sent, 300 received.  \n> Applied edit to cache.py"),
    ]
    assert [one.model for one in first.said if one.role == "assistant"] == ["gpt-4o"]
    assert talk(second) == [("user", "And after a restart?"), ("assistant", "It is empty.")]
    assert (second.directory, second.said[1].model) == ("/nowhere", "o3")
    assert [(one.count, one.loss) for one in left] == [(1, False)]


@pytest.mark.parametrize("file", ["codex.jsonl", "claude-code.jsonl"])
@pytest.mark.parametrize("cut", [1, 4, 11, 60])
def test_a_line_that_was_cut_off_and_written_again_is_taken_once(file: str, cut: int) -> None:
    lines = (FIXTURES / file).read_bytes().splitlines(keepends=True)
    again = [line[:cut] + line if number % 2 else line for number, line in enumerate(lines)]
    found, left = read_bytes(b"".join(again), FILES[file])
    assert [talk(one) for one in found] == [talk(one) for one in fixture(file)[0]]
    assert [one.loss for one in left if "cut off, with the whole one behind it" in one.reason] == [False] * (len(lines) // 2)
    assert not [one for one in left if one.loss]


def test_codex_takes_a_line_that_stands_twice_once_and_keeps_what_somebody_unknown_said() -> None:
    lines = (FIXTURES / "codex.jsonl").read_bytes().splitlines(keepends=True)
    wizard = b'{"type":"response_item","payload":{"type":"message","role":"wizard","content":[{"type":"text","text":"abra"}]}}\n'
    (one,), left = read_bytes(b"".join(line for line in lines for _ in range(2)) + wizard, "codex")
    assert talk(one) == [*talk(fixture("codex.jsonl")[0][0]), ("note", "wizard: abra")]
    assert [found.count for found in left if "stands there twice" in found.reason] == [len(lines)]
    assert not [found for found in left if found.loss]


def test_plain_lines_have_roles_calls_and_times_in_any_unit() -> None:
    (one,), left = fixture("jsonl.jsonl")
    assert [role for role, _ in talk(one)] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert [said.at for said in one.said] == [None, 1700000000.0, None, None, 1700000005.0, None]
    assert not left
    rows = [{"messages": [{"role": "user", "content": "a"}]}, {"role": "wizard", "content": "b"}, {"x": 1}, {"role": "user", "content": 5}]
    found, left = read_bytes("\n".join(json.dumps(row) for row in rows).encode(), "jsonl")
    assert [talk(conversation) for conversation in found] == [[("user", "a")], [("note", "wizard: b")]]
    assert [(one.reason.split(" '")[0], one.loss) for one in left] == [
        ("the line has neither a role nor messages", True),
        ("a message without content", True),
        ("a message of the unknown role", False),
    ]


def llm_conversations(path: Path) -> tuple[list[Conversation], list[Left]]:
    with foreign_database(path) as tables:
        found = list(llm.read(tables, "logs.db"))
    return [one for one in found if isinstance(one, Conversation)], [one for one in found if isinstance(one, Left)]


@pytest.mark.parametrize("file", ["llm-0.27.sql", "llm-0.36.sql"])
def test_both_layouts_of_llm_give_the_same_talk(file: str, tmp_path: Path) -> None:
    (cache, version, other), left = llm_conversations(database_of(file, tmp_path))
    said = [(role, text) for role, text in talk(cache) if role != "assistant"]
    assert said == [("system", "Be brief."), ("user", "Why does the cache lose entries?"), ("user", "And after a restart? 日本語")]
    assert [one.model for one in cache.said if one.role == "assistant"] == ["echo", "echo"]
    assert [role for role, _ in talk(version)] == ["user", "assistant", "tool", "assistant"]
    assert version.said[1].calls[0].name == version.said[2].results[0].name == "llm_version"
    assert version.said[2].results[0].content in ("0.27.1", "0.36")
    assert (other.title, other.said[0].text) == ("Another talk", "Another talk")
    assert cache.created
    assert not left


def test_a_talk_that_llm_went_on_with_after_its_update_is_taken_whole_and_once(tmp_path: Path) -> None:
    found, left = llm_conversations(database_of("llm-0.27-then-0.36.sql", tmp_path))
    assert len(found) == 3
    other = next(one for one in found if one.said[0].text == "Another talk")
    assert [one.text for one in other.said if one.role == "user"] == ["Another talk", "A third thing, with the newer program"]
    assert not left


def test_messages_of_llm_that_go_round_in_a_circle_are_taken_once(tmp_path: Path) -> None:
    path = database_of("llm-0.36.sql", tmp_path)
    with sqlite3.connect(path) as made:
        made.execute("UPDATE messages SET parent_hash = (SELECT max(tip_message_hash) FROM threads) WHERE parent_hash IS NULL")
    made.close()
    found, left = llm_conversations(path)
    assert len(found) == 3
    assert any("circle" in one.reason and one.loss for one in left)


def test_a_database_of_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.sql").write_text("")
    found, left = llm_conversations(database_of(str(tmp_path / "empty.sql"), tmp_path))
    assert not found
    assert [one.loss for one in left] == [True]


NO_TIMES = [0, -1, True, 1e400, float("nan"), 10**400, "", "now", "1970-01-01T00:00:00Z", "9999-12-31", None, [], {}]


@pytest.mark.parametrize("value", [1700000000, 1.7e9, 1.7e12, 1.7e15, 17 * 10**17, "1700000000", "1700000000000", "1700000000.0"])
def test_times_in_any_unit_are_known(value: object) -> None:
    assert moment(value) == 1.7e9


@pytest.mark.parametrize("text", ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20", "2023-11-14 23:13:20+01:00"])
def test_times_as_text_are_known_and_those_that_cannot_be_are_none(text: str) -> None:
    assert moment(text) == 1.7e9
    assert [moment(one) for one in NO_TIMES] == [None] * len(NO_TIMES)
