"""Leaving while sessions are at work: the question, its answers, and the ways out of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.messages import Finished, SessionId, TextDelta, Usage
from plait.repl.lines import LeaveAsked
from plait.runtime.coordinator import Coordinator
from tests.repl.stand import Page, Stand, Taps, standing
from tests.repl.test_switching import ended, tap_world
from tests.runtime.waiting import until
from tests.runtime.world import World, said, scripted

pytestmark = pytest.mark.anyio
QUESTION = "2 sessions are still at work: a, b. Type wait to leave when that is done, stop to interrupt them and leave, or stay."
ASKS = "(wait/stop/stay) > "


@asynccontextmanager
async def at_work(taps: Taps) -> AsyncGenerator[Stand, None]:
    """Two sessions at work, a third one shown, and the question asked."""
    async with standing(tap_world(taps), "c", "a", "b") as stand:
        for name in "ab":
            await said(stand.coordinator, stand.sessions[name], name)
            taps.pour(name, TextDelta("so far"))
        await until(lambda: len(stand.repl.fleet.working) == 2)
        stand.page.columns = 200
        stand.page.enter("/exit")
        await until(lambda: stand.repl.prompt_text() == ASKS)
        assert QUESTION in stand.page.text
        yield stand


def gone(stand: Stand) -> bool:
    return stand.exit_code is not None


def finish(taps: Taps, name: str) -> None:
    taps.pour(name, Finished("end", Usage(1, 1)))


@dataclass
class SilentOwner:
    """A client whose messages nobody answers."""

    coordinator: Coordinator

    async def submit(self, command: c.Command) -> c.Reply:
        if isinstance(command, c.Say):
            await anyio.sleep_forever()
        return await self.coordinator.submit(command)

    def follow(self, session: SessionId, after: e.Cursor | None = None) -> AsyncGenerator[e.Stamped, None]:
        return self.coordinator.follow(session, after)

    async def sessions(self) -> Sequence[c.SessionInfo]:
        return await self.coordinator.sessions()


async def test_a_message_that_nobody_answers_is_shown_as_not_taken_and_again_when_plait_is_left() -> None:
    async with standing(World(scripted()), "a", client=SilentOwner) as stand:
        stand.page.columns = 200
        stand.page.enter("was it taken")
        stand.page.enter("and this")
        await until(lambda: stand.repl._intake.sending)
        waits = "This message is not taken yet. It is sent as soon as it can be: "
        await until(lambda: waits + "was it taken" in stand.page.text and waits + "and this" in stand.page.text)
        stand.page.leave()
        await until(lambda: gone(stand))
        unknown = "It is not known whether this message was taken. Look for it later, and send it again if it is not there: "
        assert [line.split(unknown)[1] for line in stand.page.text.splitlines() if unknown in line] == ["was it taken", "and this"]


async def test_stay_goes_on_as_if_nothing_was() -> None:
    async with at_work(Taps()) as stand:
        stand.page.enter("STAY ")
        await until(lambda: stand.repl.prompt_text() == "(c) > ")
        await stand.settle()
        assert not gone(stand)
        assert len(stand.repl.fleet.working) == 2


async def test_stop_leaves_at_once_and_the_turns_are_told_as_cut_off() -> None:
    async with at_work(Taps()) as stand:
        stand.page.enter("stop")
        await until(lambda: gone(stand))
    for name in "ab":
        last = [event for event in stand.log(name) if isinstance(event, e.TurnEnded)]
        assert [(one.ending, "plait was left" in one.detail) for one in last] == [("interrupted", True)]


async def test_wait_leaves_when_the_last_turn_has_ended_and_one_can_go_on_meanwhile() -> None:
    taps = Taps()
    async with at_work(taps) as stand:
        stand.page.enter("wait")
        await stand.shows("plait leaves when the work is done.")
        stand.page.enter("/switch a")
        await stand.on("a")
        await until(lambda: "so far" in stand.page.tail)
        finish(taps, "a")
        await ended(stand, "a")
        await stand.settle()
        assert not gone(stand)
        finish(taps, "b")
        await until(lambda: gone(stand))
    for name in "ab":
        (last,) = [event for event in stand.log(name) if isinstance(event, e.TurnEnded)]
        assert last.ending == "done"


async def test_ctrl_c_stays_whether_it_was_asked_or_waits() -> None:
    taps = Taps()
    async with at_work(taps) as stand:
        assert stand.repl.interrupt()
        await until(lambda: stand.repl.prompt_text() == "(c) > ")
        stand.page.put(LeaveAsked())
        await until(lambda: stand.repl.prompt_text() == ASKS)
        stand.page.enter("wait")
        await stand.shows("plait leaves when the work is done.")
        assert stand.repl.interrupt()
        await stand.shows("plait stays.")
        for name in "ab":
            finish(taps, name)
            await ended(stand, name)
        await until(lambda: not stand.repl.fleet.working)
        await stand.settle()
        assert not gone(stand)
        assert stand.repl.may_leave()


async def test_a_second_wish_to_leave_stops_the_work() -> None:
    async with at_work(Taps()) as stand:
        stand.page.put(LeaveAsked())  # Ctrl+D again
        await until(lambda: gone(stand))


async def test_typing_ahead_is_no_answer_and_comes_back() -> None:
    async with at_work(Taps()) as stand:
        stand.page.enter("stop", after=-1.0)
        stand.page.enter("what now?")
        stand.key("switch", "2")  # is refused with a hint
        await until(lambda: len(stand.page.hints) == 3)
        stand.page.type("under way")
        assert stand.repl.interrupt()
        await until(lambda: stand.page.draft == "stop\nwhat now?\nunder way")
        assert stand.repl.session == stand.sessions["c"]
        assert stand.said("c") == []


async def test_a_hint_about_a_question_goes_with_its_answer() -> None:
    async with at_work(Taps()) as stand:
        stand.page.enter("perhaps")
        await until(lambda: len(stand.page.hints) == 1)
        assert "That is none of the answers" in stand.page.hints[0]
        stand.page.enter("stay")
        await until(lambda: stand.repl.prompt_text() == "(c) > ")
        assert stand.page.hints[1:] == [""]


async def test_what_was_typed_after_exit_is_taken_before_it() -> None:
    """Lines are taken in order; a wish to leave that has to ask waits for those that are there already."""
    taps = Taps()
    async with standing(tap_world(taps), "c", "a") as stand:
        await said(stand.coordinator, stand.sessions["a"], "a")
        await until(lambda: len(stand.repl.fleet.working) == 1)
        stand.page.enter("/exit")
        stand.page.enter("one more")
        await until(lambda: stand.repl.prompt_text() == ASKS)
        await until(lambda: stand.said("c") == ["one more"])
        stand.page.enter("something else")
        stand.page.enter("and more")
        stand.page.enter("stay")
        await until(lambda: stand.page.draft == "something else\nand more")
        assert stand.said("c") == ["one more"]


async def test_without_work_nothing_is_asked() -> None:
    page = Page()
    async with standing(World(scripted()), "a", "b", page=page) as stand:
        assert stand.repl.may_leave()
        stand.page.type("draft")
        stand.page.cursor = 2
        stand.key("switch", "b")
        stand.page.type("kept")
        await stand.on("b")
        stand.repl.leave()
        await until(lambda: gone(stand))
        assert (stand.exit_code, (await stand.draft("b")).text) == (0, "kept")
    assert "2 sessions are kept." in page.text


async def test_an_answer_that_comes_in_a_paused_session_is_asked_about_and_waited_for() -> None:
    taps = Taps()
    async with standing(tap_world(taps), "c", "a") as stand:
        await said(stand.coordinator, stand.sessions["a"], "a")
        taps.pour("a", TextDelta("so far"))
        managed = await stand.coordinator.managed(stand.sessions["a"])
        await until(lambda: bool(managed.session.answer))
        stand.page.enter("/pause a")
        await stand.shows("'a' is paused")
        await until(lambda: bool(stand.repl.fleet.completing))
        stand.page.enter("/exit")
        await until(lambda: stand.repl.prompt_text() == ASKS)
        stand.page.enter("wait")
        await until(lambda: stand.repl.prompt_text() == "(c) > ")
        assert not gone(stand)
        finish(taps, "a")
        await until(lambda: gone(stand))
    assert [event.ending for event in stand.log("a") if isinstance(event, e.TurnEnded)] == ["done"]
