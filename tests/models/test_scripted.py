"""The scripted model: which reply it plays, how, and what its file may hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import anyio
import pytest
from hypothesis import given, strategies as st

from plait.core import errors
from plait.core.messages import (
    AssistantMessage,
    CallId,
    Finished,
    Message,
    ModelEvent,
    ModelRequest,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolMessage,
    ToolResult,
    Usage,
    UserMessage,
)
from plait.models.script_file import load, parse
from plait.models.scripted import FAULTS, Reply, ScriptedModel
from tests.models.playing import play, play_to_error, text_of

pytestmark = pytest.mark.anyio


def ask(*texts: str, results: Sequence[str] = ()) -> ModelRequest:
    """A request: texts of the user with answers between them, then the results of a tool."""
    messages: list[Message] = []
    for text in texts:
        messages += [UserMessage(text), AssistantMessage("yes")]
    messages.pop()
    if results:
        calls = tuple(ToolCall(CallId(str(n)), "t", "{}") for n in range(len(results)))
        messages.append(AssistantMessage("", calls=calls))
        messages.append(ToolMessage(tuple(ToolResult(call.id, "t", text) for call, text in zip(calls, results, strict=True))))
    return ModelRequest("demo", tuple(messages))


async def test_replies_come_in_order_then_it_echoes() -> None:
    model = ScriptedModel((Reply(text="one", repeat=2), Reply(text="two")))
    said = [text_of(await play(model, ask(*["hello"] * count))) for count in range(1, 5)]
    assert said == ["one", "one", "two", "hello"]


async def test_a_result_of_a_tool_is_a_place_of_its_own() -> None:
    model = ScriptedModel((Reply(calls=(ToolCall(CallId(""), "t", "{}"),)), Reply(text="done")))
    first = await play(model, ask("go"))
    assert first == [Finished("tool_calls", Usage(1, 0), (ToolCall(CallId("call-1-1"), "t", "{}"),))]
    assert text_of(await play(model, ask("go", results=["42"]))) == "done"


async def test_a_match_beats_the_order_and_an_empty_match_the_echo() -> None:
    model = ScriptedModel((Reply(text="first"), Reply(match="sun", text="matched"), Reply(match="", text="else")))
    assert text_of(await play(model, ask("the sun"))) == "matched"
    assert text_of(await play(model, ask("rain"))) == "first"
    assert text_of(await play(model, ask("rain", "rain"))) == "else"
    assert text_of(await play(model, ask("rain", results=["a sunny day"]))) == "matched"


async def test_a_fault_is_worn_out_after_times() -> None:
    model = ScriptedModel((Reply(error="RateLimited", retry_after=2.5, times=2, text="well"),))
    for _ in range(2):
        with pytest.raises(errors.RateLimited) as caught:
            await play(model, ask("hi"))
        assert caught.value.retry_after == 2.5
    assert text_of(await play(model, ask("hi"))) == "well"


@pytest.mark.parametrize("name", FAULTS)
async def test_each_error_can_be_played(name: str) -> None:
    with pytest.raises(FAULTS[name], match="Check"):
        await play(ScriptedModel((Reply(error=name, message="Broken. Check it."),)), ask("hi"))


@pytest.mark.parametrize(("cut", "said"), [(0, []), (4, [TextDelta("abc"), TextDelta("d")]), (6, [TextDelta("abc"), TextDelta("def")])])
async def test_a_cut_gives_so_many_characters_and_no_end(cut: int, said: list[ModelEvent]) -> None:
    model = ScriptedModel((Reply(text="abcdefgh", chunk=3, cut=cut, calls=(ToolCall(CallId("x"), "t", "{}"),)),))
    events, error = await play_to_error(model, ask("hi"))
    assert events == said
    assert isinstance(error, errors.BadAnswer)


async def test_a_hang_ends_only_by_cancelling() -> None:
    events: list[ModelEvent] = []
    with anyio.move_on_after(0.05) as scope:
        async for event in ScriptedModel((Reply(text="so far", hang=True),)).stream(ask("hi")):
            events.append(event)
    assert scope.cancelled_caught
    assert text_of(events) == "so far"


async def test_words_come_at_their_rate() -> None:
    before = anyio.current_time()
    events = await play(ScriptedModel((Reply(words=21, per_second=200),)), ask("hi"))
    assert anyio.current_time() - before >= 0.1
    assert len(events) == 22
    assert text_of(events).split() == [f"word{n}" for n in range(1, 22)]


@given(text=st.text(max_size=60), thinking=st.text(max_size=60), chunk=st.integers(1, 70))
def test_chunks_join_to_the_whole(text: str, thinking: str, chunk: int) -> None:
    events = anyio.run(play, ScriptedModel((Reply(text=text, thinking=thinking, chunk=chunk),)), ask("hi"))
    assert text_of(events) == text
    assert "".join(event.text for event in events if isinstance(event, ThinkingDelta)) == thinking
    assert isinstance(events[-1], Finished)


EVERYTHING = """
[[reply]]
match = "weather"
text = "It rains."
thinking = "Oslo again."
chunk = 4
delay = 0.0
wait = 0
calls = [{ name = "forecast", arguments = { city = "Oslo" } }, { name = "raw", arguments = "{not json", id = "a" }]
usage = { input = 10, output = 3, cached = 8 }
stop = "tool_calls"

[[reply]]
words = 10
per_second = 100
error = "Overloaded"
message = "Busy. Wait."
retry_after = 1
times = 1
repeat = 3
cut = 5
hang = false
"""


def test_a_file_with_every_key(tmp_path: Path) -> None:
    first, second = parse(EVERYTHING, "here")
    assert first.calls == (ToolCall(CallId(""), "forecast", '{"city": "Oslo"}'), ToolCall(CallId("a"), "raw", "{not json"))
    assert first.usage == Usage(10, 3, 8)
    assert (second.words, second.repeat, second.cut, second.times) == (10, 3, 5, 1)
    path = tmp_path / "demo.toml"
    path.write_text(EVERYTHING)
    assert repr(load(path)) == f"<ScriptedModel The script {path}: 3 in order, 1 by match>"


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("[[reply]]\ntext = 3", 2, "text"),
        ('[[reply]]\ntext = "a"\n\n[[reply]]\nwords = 1\ntext = []', 6, "text"),
        ("[[reply]]\nwords = true", 2, "words"),
        ("[[reply]]\nchunk = 0", 2, "chunk"),
        ("[[reply]]\ndelay = -1", 2, "delay"),
        ("[[reply]]\ndelay = nan", 2, "delay"),
        ('[[reply]]\nerror = "Nonsense"', 2, "error"),
        ('[[reply]]\nstop = "never"', 2, "stop"),
        ("[[reply]]\nhang = 1", 2, "hang"),
        ('[[reply]]\ntext = "a"\nrepaet = 2', 3, "repaet"),
        ("[[reply]]\ncalls = [{ arguments = {} }]", 2, "calls"),
        ('[[reply]]\ncalls = [{ name = "a", argument = {} }]', 2, "calls"),
        ("[[reply]]\ncalls = [3]", 2, "calls"),
        ("[[reply]]\ncalls = 3", 2, "calls"),
        ("[[reply]]\nusage = { input = 1.5 }", 2, "usage"),
        ("[[reply]]\nusage = 1", 2, "usage"),
        ("[reply]\ntext = 'a'", 1, "reply"),
        ("replies = 1", 1, "replies"),
        ('context_window = "large"\n[[reply]]\ntext = "a"', 1, "context_window"),
        ("\ncontext_window = 0", 2, "context_window"),
    ],
)
def test_a_wrong_file_is_told_by_file_line_and_key(text: str, line: int, key: str) -> None:
    with pytest.raises(errors.ConfigError, match=re.escape(f"demo.toml, line {line}: '{key}' ")):
        parse(text, "demo.toml")


async def test_a_script_with_a_context_window_refuses_what_is_longer(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text('context_window = 5\n[[reply]]\nmatch = ""\ntext = "ok"\n')
    model = load(path)
    assert model.context_window == 5
    assert text_of(await play(model, ModelRequest("m", (UserMessage("one two three four five"),)))) == "ok"
    with pytest.raises(errors.ContextTooLong, match="6 words"):
        await play(model, ModelRequest("m", (UserMessage("one two three four five six"),)))


def test_what_is_no_toml_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigError, match=r"demo\.toml is not valid TOML.*line 2"):
        parse("[[reply]]\ntext = \n", "demo.toml")
    with pytest.raises(errors.ConfigError, match=r"absent\.toml cannot be read: No such file"):
        load(tmp_path / "absent.toml")
    with pytest.raises(errors.ConfigError, match="cannot be read"):
        load(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(errors.ConfigError, match="not UTF-8"):
        load(binary)


def test_the_documentation_lists_the_keys_and_its_example_is_valid() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text().split("## Scripted model")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == {one.name for one in fields(Reply)}
    for example in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
        assert len(parse(example, "docs/formats.md")) == 4
