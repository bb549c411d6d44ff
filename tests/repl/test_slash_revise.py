"""/undo, /redo, /rewind, /edit, /fork and /history, over a real coordinator."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from plait.core import commands as c, events as e
from plait.core.messages import Attachment
from plait.core.revision_commands import ReadTurns, Turns
from plait.models.scripted import Reply
from plait.repl.attach import without_files
from plait.repl.slash.choices import Lookup
from plait.repl.slash.fork import parse_fork
from plait.repl.slash.revise import message_choices
from tests.repl.prompting import FakePrompt, prompt_over

pytestmark = pytest.mark.anyio
SLOW = Reply(match="slow", words=100_000, per_second=50)


async def talked(prompt: FakePrompt, *words: str) -> None:
    """These were said and answered."""
    for word in words:
        await prompt.say(word)


async def texts(prompt: FakePrompt) -> list[str]:
    """The messages that the model is told of."""
    reply = await prompt.client.submit(ReadTurns(prompt.session))
    assert isinstance(reply, Turns)
    return [line.text for line in reply.turns]


async def test_undo_and_redo_go_one_message_back_and_forth(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert "Send a message first." in await prompt.told("/undo")
        await talked(prompt, "first thing", "second thing")
        assert await prompt.told("/undo") == "", "what was done is shown as it happens"
        assert await texts(prompt) == ["first thing"]
        await prompt.type("/undo")
        assert await texts(prompt) == []
        for line in ("/undo", "/edit", "/edit other words", "/rewind", "/rewind 1"):
            assert "/redo brings back" in await prompt.told(line)
        await prompt.type("/redo")
        await prompt.type("/redo")
        assert await texts(prompt) == ["first thing", "second thing"]
        assert "/redo undoes a /undo" in await prompt.told("/redo")
        for line in ("/undo 2", "/redo now"):
            assert "takes nothing after it" in await prompt.told(line)


async def test_rewind_puts_the_message_into_the_line(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert "Send one first." in await prompt.told("/rewind")
        assert "Send one first." in await prompt.told("/rewind 1")
        await talked(prompt, "first thing", "second\nof two lines", "third")
        for word, what in (
            ("4", "There is no message 4;"),
            ("0", "There is no message 0;"),
            ("two", "'two' is not the number of a message;"),
        ):
            assert f"{what} they go from 1 to 3" in await prompt.told(f"/rewind {word}")
        await prompt.type("/rewind 2")
        assert prompt.line == "second\nof two lines"
        assert await texts(prompt) == ["first thing"]


async def test_rewind_offers_the_messages_or_lists_them(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await talked(prompt, *(f"message {number}" for number in range(1, 23)))
        assert await prompt.told("/rewind") == ""
        assert prompt.offered == ["/rewind "]
        offered = await message_choices(Lookup(prompt.client, lambda: prompt.fleet), "")
        assert [(one.text, one.note) for one in offered][:2] == [("22", "message 22"), ("21", "message 21")]
        prompt.has_menu = False
        shown = await prompt.told("/rewind")
        assert "22 " in shown
        assert "message 3 " in f"{shown} "
        assert "Type /rewind and a number. 2 earlier ones are in /history." in shown


async def test_a_message_is_edited_in_the_editor_or_by_what_is_typed(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("y = 2")
    async with prompt_over(tmp_path) as prompt:
        assert "Send one first." in await prompt.told("/edit")
        await prompt.say("look at @old.py", (Attachment("old.py", "x = 1"),))
        prompt.edited = None
        assert "Nothing was changed: 'look at @old.py' stays." in await prompt.told("/edit")
        assert prompt.opened_with == ["look at @old.py"]
        prompt.edited = "look at @old.py and @new.py"
        assert await prompt.told("/edit") == ""
        await prompt.until(lambda view: any(row.waiting_for == "answer" for row in view.sessions))
        page = await prompt.client.submit(c.ReadHistory(prompt.session))
        assert isinstance(page, c.HistoryPage)
        said = [one.event for one in page.events if isinstance(one.event, e.UserSaid)][-1]
        assert said == e.UserSaid(prompt.edited, (Attachment("old.py", "x = 1"), Attachment("new.py", "y = 2")))
        await prompt.type("/edit something else")
        await prompt.until(lambda view: view.sessions[0].ended == view.sessions[0].seq)
        assert await texts(prompt) == ["something else"]
        prompt.line = ""
        assert "does not exist" in await prompt.told("/edit see @missing.py")
        assert prompt.line == "see @missing.py", "what was written is not lost"


async def test_nothing_is_taken_back_while_a_turn_runs(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [SLOW]) as prompt:
        await talked(prompt, "first")
        await prompt.client.submit(c.Say(prompt.session, "slow"))
        for line in ("/undo", "/redo", "/rewind", "/rewind 1", "/edit", "/edit other"):
            assert "turn is running" in await prompt.told(line), line
        assert not prompt.opened_with
        assert not prompt.offered


async def test_history_numbers_messages_and_marks_what_was_taken_back(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await talked(prompt, "one", "two", "three")
        await prompt.type("/rewind 2")
        await talked(prompt, "four")
        shown = await prompt.type("/history")
        heads = [line.strip().partition(" · ")[0] for line in shown.splitlines() if " · " in line and "back:" not in line]
        assert heads == ["1", "taken back", "taken back", "2"]
        assert "Taken back: 'two' and the 3 messages after it." in shown
        assert "/redo" not in shown
        assert "one" not in await prompt.type("/history 2")
        prompt.look = type(prompt.look)(colour=False, width=100, plain=True)
        shown = await prompt.told("/history")
        assert "message 1, " in shown
        assert "taken back, " in shown
        await prompt.type("/undo")
        prompt.sequences.clear()
        await prompt.type("/copy")
        assert base64.b64encode(b"one").decode() in "".join(prompt.sequences), "the last answer is one that the model is told of"


async def test_fork_shows_a_copy_and_says_so(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert "nothing to branch off" in await prompt.told("/fork")
        await talked(prompt, "one", "two")
        first = prompt.session
        shown = await prompt.told("/fork")
        assert "Opened 'default-2', a copy of 'default'. 'default' is as it was; /back goes there." in shown
        assert prompt.session != first
        assert await texts(prompt) == ["one", "two"]
        shown = await prompt.told("/branch other-way 1")
        assert "Opened 'other-way', a copy of 'default-2' up to message 1 and its answer." in shown
        assert await texts(prompt) == ["one"]
        assert "has a session 'other-way' already" in await prompt.told("/fork other-way")
        assert "There is no message 7; they go from 1 to 1" in await prompt.told("/fork x 7")
        assert "is more than one name and one number" in await prompt.told("/fork x y")


@pytest.mark.parametrize(
    ("argument", "name", "number"), [("", "", ""), ("x", "x", ""), ("3", "", "3"), ("x 3", "x", "3"), ("3 x", "x", "3")]
)
def test_what_fork_is_told(argument: str, name: str, number: str) -> None:
    assert parse_fork(argument) == (name, number)


def test_files_that_a_message_has_already_are_not_read_again() -> None:
    assert without_files('see @a.py, @b.py and @"c d.txt"', {"a.py", "c d.txt"}).split() == ["see", "@b.py", "and"]
    assert without_files("see @a.pyc", {"a.py"}) == "see @a.pyc"
