"""/compact, /context and the settings of long conversations, over a real coordinator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.commands import HistoryPage, ReadHistory, Say
from plait.core.messages import Usage
from plait.models.scripted import Reply
from plait.repl.printer import Printer
from plait.repl.style import Look
from tests.repl.prompting import prompt_over
from tests.repl.test_printer import Page, stamped

pytestmark = pytest.mark.anyio
SUMMARY = Reply(match="Write the summary", text="They greeted each other at length.", usage=Usage(90, 8))
ANSWERS = [SUMMARY, *(Reply(text=f"answer {number} " + "y" * 400, usage=Usage(200, 100)) for number in range(3))]


async def test_a_conversation_is_compacted_and_its_parts_are_told(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, ANSWERS) as prompt:
        assert "Nothing was compacted in this session" in await prompt.told("/context summary")
        assert "none of which the provider reported anything" in await prompt.told("/context")
        for number in range(3):
            await prompt.say(f"message {number} " + "x" * 400)
        before = await prompt.told("/context")
        percents = [int(percent) for percent in re.findall(r"tokens \((\d+)%\)", before)]
        assert sum(percents) == 100
        assert re.search(r"free about 700 tokens \(70%\)", before)
        parts = before.split("next call")[0].replace("free about 700", "")
        assert sum(int(size) for size in re.findall(r"about (\d+) tokens", parts)) == 300  # shares of what was reported
        assert "next call about 300 of the 1,000 tokens that scripted:test takes (30%)" in before
        assert "last call 300 tokens, as the provider reported" in before
        assert "compaction only by /compact (compact_at is 0)" in before
        asked = (await prompt.row("default")).seq + 1
        await prompt.type("/summarize the names")
        assert (await prompt.turn_after(asked)).ending == "done"
        after = await prompt.told("/context")
        assert "last call none since the summary was written" in after
        assert "summary about" in after
        assert "They greeted each other at length." in await prompt.told("/context summary")
        history = await prompt.told("/history")
        assert "message 0" in history
        assert "told as a summary of 9 ──" in history
        assert "· The summary: They greeted each other at length." in history
        status = await prompt.status()
        assert f"context {status.context_used:,} of 1,000 tokens" in await prompt.told("/status")
        page = await prompt.submit(ReadHistory(prompt.session))
        assert isinstance(page, HistoryPage)
        (event,) = [one.event for one in page.events if isinstance(one.event, e.Compacted)]
        assert event.told == status.context_used


async def test_a_narrow_or_plain_look_loses_nothing(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, ANSWERS) as prompt:
        await prompt.say("hello")
        for look in (Look(colour=False, width=24), Look(colour=False, width=60, plain=True)):
            prompt.look = look
            await prompt.type("/context")
            told = " ".join(prompt.texts[-1].split())
            assert "next call" in told
            assert "300 of the 1,000 tokens" in told
            assert all(len(line) <= look.width for line in prompt.texts[-1].splitlines())


async def test_a_compaction_that_has_to_wait_says_so(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [SUMMARY, Reply(match="hang", text="half", hang=True), *ANSWERS[1:]]) as prompt:
        for number in range(2):
            await prompt.say(f"message {number} " + "x" * 400)
        assert await prompt.told("/compact") == ""  # what it does is shown as it happens
        await prompt.submit(Say(prompt.session, "hang on"))
        assert "A turn is running, so the conversation is compacted after it." in await prompt.told("/compact")
        await prompt.type("/pause")
        await prompt.type("/interrupt")
        assert "The session is paused, so it is compacted later. /unpause lets it go on." in await prompt.told("/compact")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/set compact_at 50", "compact_at is 50 % of the context window in this session"),
        ("/set compact_at 0", "compact_at is 0 (only /compact) in this session"),
        ("/set window_messages 20", "window_messages is 20 in this session"),
        ("/set window-messages default", "window_messages is 0 (all) in this session"),
        ("/set compact_at 101", "compact_at cannot be '101'. Give a whole number from 0 to 100."),
        ("/context parts", "/context cannot be 'parts'. Type /context or /context summary"),
        ("/compact", "Nothing has been said in this session yet. There is nothing to compact."),
    ],
)
async def test_settings_and_refusals(line: str, answer: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path, ANSWERS) as prompt:
        assert answer in await prompt.told(line)


async def test_a_window_of_messages_is_told_with_what_it_leaves_out(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, ANSWERS) as prompt:
        await prompt.type("/set window_messages 2")
        for number in range(3):
            await prompt.say(f"message {number}")
        assert "window_messages about the last 2 messages; 4 messages before them left out" in await prompt.told("/context")


def test_the_printer_tells_a_compaction_in_one_line_and_the_toolbar_while_it_is_made() -> None:
    page = Page()
    printer = Printer(page, Look(colour=False, width=100), 0)
    printer.show(stamped(None, e.Compacting(1, 2, 3)))  # type: ignore[arg-type]  # a turn's number
    assert printer.compacting == (2, 3)
    event = e.Compacted(1, 1, "x" * 3_600, messages=212, replaced=98_000)  # type: ignore[arg-type]  # likewise
    printer.show(stamped(4, event))
    assert printer.compacting == (0, 0)
    words = "── compacted: 212 messages, about 98,000 tokens, are told as a summary of 900 · /history has all ──"
    assert " ".join(page.text.split()) == words
    plain = Page()
    Printer(plain, Look(colour=False, width=100, plain=True), 0).show(stamped(4, event))
    assert plain.text == "compacted: 212 messages, about 98,000 tokens, are told as a summary of 900,\n/history has all\n\n"
