"""What is done with other sessions from where one is, over a real coordinator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plait.core import commands as c
from plait.core.defaults import Defaults
from plait.core.session import SessionState
from plait.models.scripted import Reply
from tests.repl.prompting import FakePrompt, prompt_over

pytestmark = pytest.mark.anyio
HANGS = Reply(match="hang", text="first line\nhalf of it", hang=True)


async def messages_in(prompt: FakePrompt, name: str) -> str:
    """Everything that is in a session's history."""
    page = await prompt.client.submit(c.ReadHistory((await prompt.row(name)).id))
    assert isinstance(page, c.HistoryPage)
    return str(page.events)


async def test_say_sends_one_message_without_leaving(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("what it holds")
    async with prompt_over(tmp_path, [HANGS]) as prompt:
        here = prompt.session
        await prompt.open("my-hotfix", str(tmp_path / "docs"))
        assert await prompt.told("/say my-hotfix help me  with\n@a.txt") == "✓ Sent to 'my-hotfix'."
        assert prompt.session == here
        told = await messages_in(prompt, "my-hotfix")
        assert "help me  with\\n@a.txt" in told
        assert "what it holds" in told
        await prompt.told("/say 2 hang")
        assert "It is working, so the message is queued." in await prompt.told("/say my more")
        await prompt.type("/pause 2")
        assert "It is paused, so the message waits: /unpause my-hotfix" in await prompt.told("/say my more")
        for line, answer in (
            ("/say", "/say needs a session and a text. Type /say NAME TEXT"),
            ("/say my-hotfix", "There is no text after 'my-hotfix'."),
            ("/say zzz hello", "No open session is called 'zzz'."),
            ("/say 2 @/nowhere/x", "'/nowhere/x' does not exist."),
        ):
            assert answer in await prompt.told(line)


async def test_broadcast_reaches_all_and_says_whom(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        await prompt.open("old")
        await prompt.type("/kill old")
        assert await prompt.told("/broadcast the branch is frozen") == "✓ Sent to 'default' and 'docs'."
        assert "the branch is frozen" in await messages_in(prompt, "docs")
        assert "the branch is frozen" in await messages_in(prompt, "default")
        assert "/broadcast needs a text." in await prompt.told("/broadcast")


async def test_peek_shows_the_end_and_marks_nothing_as_seen(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [Reply(text="one\n\ntwo\n\nthree")]) as prompt:
        docs = await prompt.open("docs")
        assert "Nothing has been said in 'docs' yet." in await prompt.told("/peek docs")
        await prompt.client.submit(c.Say(docs, "count"))
        await prompt.until(lambda view: view.sessions[1].waiting_for == "answer")
        before = (await prompt.look_around()).sessions[1]
        shown = await prompt.type("/peek docs 3")
        assert [line.strip() for line in shown.splitlines()[:5]] == ["", "docs: has answered", "two", "", "three"]
        assert "count" in await prompt.type("/peek docs")
        assert (await prompt.look_around()).sessions[1] == before
        for line, answer in (
            ("/peek", "/peek needs a session. Type /peek NAME or /peek NAME 20"),
            ("/peek docs all", "'all' is not a number of lines from 1 to 200."),
            ("/peek docs 201", "'201' is not a number of lines"),
            ("/peek docs 1 2", "'docs 1 2' is more than a session and a number."),
        ):
            assert answer in await prompt.told(line)


async def test_peek_shows_the_answer_that_is_being_written(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [HANGS]) as prompt:
        docs = await prompt.open("docs")
        await prompt.client.submit(c.Say(docs, "hang on"))
        shown = ""
        while "half of it" not in shown:  # it is shown as soon as it is on disk
            shown = await prompt.told("/peek docs")
        assert "hang on" in shown
        assert "it is still writing. Nothing of it is marked as seen. /switch docs shows it." in shown
        assert "Interrupted" not in shown


async def test_pausing_holds_messages_until_it_is_undone(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        docs = await prompt.open("docs")
        assert "'docs' is paused: it starts no new model call. /unpause docs lets it go on." in await prompt.told("/pause docs")
        assert "'docs' is paused already." in await prompt.told("/pause docs")
        await prompt.client.submit(c.Say(docs, "hello"))
        assert (await prompt.row("docs")).state is SessionState.PAUSED
        assert "paused, 1 queued" in await prompt.told("/sessions")
        assert await prompt.told("/unpause docs") == "✓ 'docs' goes on."
        await prompt.until(lambda view: view.sessions[1].waiting_for == "answer")
        assert "'docs' is not paused. /pause docs pauses it." in await prompt.told("/unpause docs")
        assert "'default' is paused" in await prompt.told("/pause")
        assert "'a b' has a blank in it" in await prompt.told("/unpause a b")


async def test_a_pause_says_what_becomes_of_the_turn_under_way(tmp_path: Path) -> None:
    defaults = Defaults(max_concurrent_calls=1, auto_names=False)
    async with prompt_over(tmp_path, [HANGS], defaults=defaults) as prompt:
        for name in ("runs", "queued"):
            await prompt.client.submit(c.Say(await prompt.open(name), "hang on"))
            await prompt.until(lambda view: view.gate.running + view.gate.queued == len(view.sessions) - 1)
        assert "starts no new model call. What runs now is finished first. /unpause" in await prompt.told("/pause runs")
        assert "starts no new model call. Its call, which waits for its turn, goes on waiting. /unpause" in await prompt.told(
            "/pause queued"
        )


async def test_interrupt_stops_another_turn(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [HANGS]) as prompt:
        docs = await prompt.open("docs")
        await prompt.client.submit(c.Say(docs, "hang on"))
        assert "Stopped the turn of 'docs'. What came is kept" in await prompt.told("/interrupt docs")
        assert (await prompt.row("docs")).waiting_for == "interrupted"
        assert "No turn is running in this session." in await prompt.told("/interrupt docs")
        await prompt.client.submit(c.Say(prompt.session, "hang on"))
        assert await prompt.told("/interrupt") == ""


async def test_muting_one_session(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        await prompt.open("off")
        for line, muted, name in (
            ("/mute docs", True, "docs"),
            ("/mute docs", False, "docs"),
            ("/mute docs on", True, "docs"),
            ("/mute docs ON", True, "docs"),
            ("/mute docs off", False, "docs"),
            ("/mute off", True, "off"),
            ("/mute off off", False, "off"),
            ("/mute on", True, "default"),
            ("/mute", False, "default"),
        ):
            shown = await prompt.told(line)
            assert ("gives no notices" if muted else "gives notices again") in shown
            assert (await prompt.row(name)).muted is muted, line
        assert "/mute cannot be 'docs maybe'. Type /mute [NAME] [on|off]" in await prompt.told("/mute docs maybe")


async def test_rules_for_the_notices_of_one_session(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        await prompt.open("docs")
        assert "'docs' has no rules of its own for notices. Its notices come as the settings say" in await prompt.told("/notify docs")
        assert "Notices of 'docs': done=off question=bell,desktop." in await prompt.told("/notify docs question=desktop,bell done=off")
        assert "Notices of 'docs': done=bell question=bell,desktop." in await prompt.told("/notify docs done=bell")
        assert (await prompt.row("docs")).notify == "done=bell question=bell,desktop"
        assert "Notices of 'default': failed=command." in await prompt.told("/notify failed=command")
        await prompt.type("/mute")
        assert "It is muted, so none comes: /mute default off." in await prompt.told("/notify")
        assert "'default' has no rules of its own for notices any more." in await prompt.told("/notify reset")
        assert "'docs' has no rules of its own for notices any more." in await prompt.told("/notify docs RESET")
        assert "There is no notice of the kind 'finished'." in await prompt.told("/notify docs finished=bell")
        assert "'loud' is not a rule for notices." in await prompt.told("/notify docs loud")
        assert "No open session is called 'loud'." in await prompt.told("/notify loud")


async def test_debug_shows_what_the_runtime_holds(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [HANGS]) as prompt:
        docs = await prompt.open("docs")
        await prompt.client.submit(c.Say(docs, "hang on"))
        await prompt.until(lambda view: view.gate.running == 1)
        assert "1 of at most 5 model calls" in await prompt.told("/debug gate")
        assert "<Coordinator [sessions: 1 active, 1 processing | gate: 1/5, 0 queued]>" in await prompt.told("/debug coordinator")
        assert f"docs {docs}, working, at event" in await prompt.told("/debug sessions")
        buffers = await prompt.told("/debug Buffers")
        assert re.search(r"docs buffer \d events,", buffers), "three durable ones, and what has streamed by now"
        assert "together" in buffers
        assert "/debug needs the part to show. Type /debug sessions|" in await prompt.told("/debug")
        assert "/debug knows no 'gaet'. Did you mean /debug gate?" in await prompt.told("/debug gaet")
