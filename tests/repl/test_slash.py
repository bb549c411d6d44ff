"""The commands about the conversation, over a real coordinator."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from plait.core import commands as c, events as e
from plait.core.messages import AssistantMessage, Attachment, CallId, SessionId, ToolCall, ToolResult, Turn, Usage
from plait.core.session import SessionState
from plait.exchange.story import in_order
from plait.models.scripted import Reply
from plait.repl.slash.transcript import shown_again
from plait.repl.style import Look
from tests.repl.prompting import FakePrompt, prompt_over

pytestmark = pytest.mark.anyio
ANSWER = Reply(text="One.\n\n```python\nprint(1)\n```\n\nand\n\n```\ntwo\n```\nDone.", usage=Usage(400, 100, 100))


async def test_retry_asks_the_model_again_and_no_tool(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [Reply(text="first")]) as prompt:
        assert "nothing to retry yet" in await prompt.type("/retry")
        await prompt.say("hello")
        assert await prompt.type("/retry") == ""
        await prompt.turn_after(await last_seq(prompt, "RetryAsked"))
        assert len(prompt.models.model.requests) == 2
        assert "first · Asked once more. first" in await prompt.told("/history")
        assert "/retry takes nothing after it. Type /retry" in await prompt.type("/retry please")


async def last_seq(prompt: FakePrompt, name: str) -> int:
    """The last event of that type."""
    page = await prompt.client.submit(c.ReadHistory(prompt.session))
    assert isinstance(page, c.HistoryPage)
    return max(stamped.seq or 0 for stamped in page.events if type(stamped.event).__name__ == name)


async def test_clear_completes_the_session_and_deletes_nothing(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [ANSWER]) as prompt:
        assert "There is nothing to clear" in await prompt.type("/clear")
        old = prompt.session
        await prompt.say("hello")
        await prompt.type("/model near:one")
        shown = await prompt.type("/clear")
        assert prompt.session != old
        assert "/reopen default goes on with it" in " ".join(shown.split())
        assert "was not deleted" in shown
        assert "The model is scripted:test again; /model near:one takes the other" in " ".join(shown.split())
        rows = {row.id: row for row in await prompt.client.sessions()}
        assert (rows[old].state, rows[old].messages) == (SessionState.COMPLETED, 2)
        assert rows[prompt.session].name == "default"
        assert rows[prompt.session].directory == str(tmp_path)
        assert "Nothing has been said" in await prompt.type("/history")


async def test_clear_stops_what_is_running(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [Reply(text="half", hang=True)]) as prompt:
        old = prompt.session
        await prompt.client.submit(c.Say(old, "hello"))
        await prompt.type("/clear")
        assert {row.id: row.state for row in await prompt.client.sessions()}[old] is SessionState.COMPLETED


async def test_history_shows_the_last_messages_whole(tmp_path: Path) -> None:
    thought = "\n".join(f"thought {number}" for number in range(9))
    replies = [
        Reply(text="**one**", thinking=thought),
        Reply(error="AccessRefused", message="No key. Set it."),
        Reply(text="three", match="third"),
    ]
    async with prompt_over(tmp_path, replies, step=7200) as prompt:
        await prompt.say("first", (Attachment("a.txt", "12345"),))
        await prompt.say("second \x1b[2J")
        await prompt.say("third")
        shown = await prompt.type("/history")
        places = [
            shown.index(text) for text in ("first", "[a.txt: 5 characters]", "thought 8", "one", "second ␛[2J", "No key.", "third", "three")
        ]
        assert places == sorted(places)
        assert "**" not in shown
        assert "hours later" in shown
        assert "first" not in await prompt.type("/history 2")
        assert "three" in await prompt.type("/history 1")
        assert "third" not in await prompt.type("/history 1")


async def test_history_reads_as_many_pages_as_it_needs(tmp_path: Path) -> None:
    """A turn is five events here, so 250 turns are more than one page."""
    async with prompt_over(tmp_path) as prompt:
        for number in range(250):
            await prompt.say(f"message {number}.")
        shown = await prompt.type("/history 500")
        assert [f"▌ message {number}." in shown for number in range(250)] == [True] * 250
        assert "message 249." in await prompt.type("/history 1")
        assert "message 1." not in await prompt.type("/history 496")


def test_messages_that_were_given_up_stand_behind_the_answer_that_was_cut_off() -> None:
    """As /kill leaves it: what waited ends first, the last one before the others."""
    happened: list[e.Event] = [
        e.UserSaid("asked"),
        e.TurnStarted(Turn(1)),
        e.UserSaid("second"),
        e.UserSaid("third"),
        e.TurnEnded(Turn(4), "interrupted", seen=True),
        e.TurnEnded(Turn(3), "interrupted", seen=True),
        e.AssistantSaid(Turn(1), AssistantMessage("It r"), "other", complete=False),
        e.TurnEnded(Turn(1), "interrupted", seen=True),
        e.Closed(),
    ]
    events = [e.Stamped(SessionId("s"), seq, 1.0, event) for seq, event in enumerate(happened, 1)]
    shown = " ".join("".join(shown_again(in_order(events), Look(colour=False))).split())
    assert shown == "▌ asked It r ! Interrupted. What came until then is kept. ▌ second ! Not sent any more. ▌ third ! Not sent any more."


def test_everything_that_happened_is_told_again() -> None:
    """A message that never ran stands where it was taken out of the queue; what a tool did and what was noted stand in between."""
    call = ToolCall(CallId("1"), "forecast", '{"city": "Oslo"}')
    happened: list[e.Event] = [
        e.UserSaid("asked"),
        e.UserSaid("taken back"),
        e.UserSaid("not yet"),
        e.TurnStarted(Turn(1)),
        e.AssistantSaid(Turn(1), AssistantMessage("Let me see.", calls=(call,)), "tool_calls"),
        e.ToolReturned(Turn(1), ToolResult(CallId("1"), "forecast", "rain")),
        e.AssistantSaid(Turn(1), AssistantMessage("It r"), "other", complete=False),
        e.TurnEnded(Turn(1), "interrupted", seen=True),
        e.TurnEnded(Turn(2), "interrupted", seen=True, detail="Taken out of the queue."),
        e.Noted("Something was mended."),
    ]
    events = [e.Stamped(SessionId("s"), seq, 1.0, event) for seq, event in enumerate(happened, 1)]
    shown = "".join(shown_again(in_order(events), Look(colour=False)))
    parts = (
        "asked",
        "Let me see.",
        "forecast {",
        "forecast: done. rain",
        "It r",
        "Interrupted.",
        "taken back",
        "Taken out",
        "mended",
        "not yet",
    )
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)


async def test_clear_keeps_the_session_where_no_other_can_be_opened(tmp_path: Path) -> None:
    class Full(FakePrompt):
        async def submit(self, command: c.Command) -> c.Reply | None:
            if isinstance(command, c.OpenSession):
                self.show("refused: 1 of 1 sessions are open.\n")
                return None
            return await super().submit(command)

    async with prompt_over(tmp_path) as other:
        prompt = Full(other.client, other.session, other.models)
        await prompt.say("hello")
        assert await prompt.type("/clear") == "refused: 1 of 1 sessions are open.\n"
        assert prompt.session == other.session
        assert (await prompt.status()).info.state is SessionState.ACTIVE


@pytest.mark.parametrize(
    "line",
    [
        "/retry",
        "/clear",
        "/history",
        "/copy",
        "/model",
        "/model near:one",
        "/system",
        "/system x",
        "/set",
        "/set top_p 1",
        "/status",
        "/usage",
        "/trust",
    ],
)
async def test_a_refusal_is_all_that_is_shown(line: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        prompt.session = SessionId("gone")
        shown = await prompt.type(line)
        assert shown.startswith("refused: There is no session with the id 'gone'")
        assert "✓" not in shown


@pytest.mark.parametrize("argument", ["0", "-1", "1e9", "NaN", "０１", "two", "1 2", "help", "-h", "1,2", "0" * 5000])
async def test_a_number_is_a_number(argument: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        for command, numbers in (("history", "from 1 on"), ("copy", "from 1 to 1,000")):
            assert f"'{argument[:40]}' is not a number {numbers}. Type /{command}" in await prompt.told(f"/{command} {argument}")


async def test_history_takes_what_a_heading_offers(tmp_path: Path) -> None:
    """It counts lines, which may be more than there are messages, and writes them with commas."""
    async with prompt_over(tmp_path, [Reply(text="one")]) as prompt:
        await prompt.say("hello")
        for number in ("42", "1,042", "9" * 5000):
            shown = await prompt.told(f"/history {number}")
            assert "hello" in shown
            assert "is not a number" not in shown
        assert "not a number from 1 to 1,000" in await prompt.told(f"/copy {'9' * 5000}")


async def test_copy_takes_the_answer_as_it_was_written(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [Reply(text="old *answer*"), ANSWER]) as prompt:
        assert "There is no answer in this session" in await prompt.type("/copy")
        assert "No answer of this session has a block of code" in await prompt.type("/copy code")
        await prompt.say("a")
        await prompt.say("b")
        assert "Sent 52 characters" in await prompt.type("/copy")
        await prompt.type("/copy 2")
        await prompt.type("/copy CODE")
        assert "There are only 2 answers" in await prompt.type("/copy 3")
        copied = [base64.b64decode(one.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode() for one in prompt.sequences]
        assert copied == [ANSWER.text, "old *answer*", "two\n"]


async def test_the_editor_fills_the_input_line(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert await prompt.type("/editor some text") == ""
        assert (prompt.opened_with, prompt.line) == (["some text"], "some text")  # no editor changed it: it is kept
        prompt.edited = "some better text\n"
        await prompt.type("/editor")
        assert prompt.line == "some better text"
