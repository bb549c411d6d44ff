"""What is told of sessions that are not shown: notices by their rules, and sentences where text is linear."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from plait.core import commands as c
from plait.core.commands import Heavy
from plait.core.messages import CallId, SessionId, ToolCall
from plait.core.notices import parse_rules
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.repl.announce import Announcer, notice_kind, own_rules
from plait.repl.fleet import FleetView
from plait.repl.notices import Notifier
from plait.repl.options import ReplOptions
from plait.repl.style import Look
from plait.tools.ask_user import AskUser
from tests.repl.fleets import fleet, session
from tests.repl.stand import Page, Stand, standing
from tests.runtime.waiting import until
from tests.runtime.world import Recorder, World, ask, said, scripted

pytestmark = pytest.mark.anyio
BELLS = ReplOptions(notify=parse_rules("all=bell"), notify_cooldown=0.0, terminal_title=False)
LINEAR = Look(colour=False, plain=True, width=100)


def world() -> World:
    question = json.dumps({"question": "Which port?"})
    replies = (
        Reply(match="deploy", calls=(ToolCall(CallId("q"), "ask_user", question),)),
        Reply(match="fail", error="RequestRefused"),
        Reply(match="", text="ok"),
    )
    return World(scripted(*replies), tools={"ask_user": Recorder("ask_user", AskUser().run)})


async def waiting(stand: Stand, name: str, awaited: str) -> None:
    """Wait until the prompt's own view of a session says what it waits for."""

    def seen() -> bool:
        row = stand.repl.fleet.row(stand.sessions[name])
        return row is not None and row.waiting_for == awaited

    await until(seen)


async def test_notices_are_of_hidden_sessions_only() -> None:
    async with standing(world(), "a", "b", options=BELLS) as stand:
        await said(stand.coordinator, stand.sessions["a"], "hello")
        await stand.shows("ok")
        await stand.settle()
        assert stand.page.sequences == []
        await said(stand.coordinator, stand.sessions["b"], "hello")
        await waiting(stand, "b", "answer")
        assert stand.page.sequences == ["\a"]
        await said(stand.coordinator, stand.sessions["b"], "fail")
        await waiting(stand, "b", "failed")
        assert stand.page.sequences == ["\a"] * 2
        await said(stand.coordinator, stand.sessions["b"], "deploy")
        await waiting(stand, "b", "question")
        assert stand.page.sequences == ["\a"] * 3
        await stand.go("b")
        await stand.go("a")
        await stand.settle()
        assert stand.page.sequences == ["\a"] * 3


async def test_a_muted_session_rings_no_bell_and_is_not_told() -> None:
    page = Page(keeps_draft=False)
    async with standing(world(), "a", "b", page=page, look=LINEAR, options=BELLS) as stand:
        await ask(stand.coordinator, c.ChangeSetting(stand.sessions["b"], "mute", 1), c.Done)
        await said(stand.coordinator, stand.sessions["b"], "hello")
        await waiting(stand, "b", "answer")
        assert page.sequences == []
        assert "b has answered" not in page.text


async def test_a_shown_session_that_somebody_else_closes_is_told_and_one_closed_here_is_not() -> None:
    told = "'b' was closed in another terminal. /reopen b opens it again, /sessions lists the others."
    async with standing(world(), "a", "b") as stand:
        stand.page.columns = 200
        stand.page.enter("/close")
        await stand.on("b")
        await until(lambda: not stand.repl._intake.carrying_out)
        await ask(stand.coordinator, c.CloseSession(stand.sessions["b"]), c.Done)
        await until(lambda: told in stand.page.text)
        stand.page.enter("hello")
        await until(lambda: "'b' is closed, so nothing can be done in it. /reopen b opens it again." in stand.page.text)
        assert stand.page.draft == "hello"
        assert stand.page.text.count("in another terminal") == 1


async def test_linear_text_tells_each_change_in_a_sentence() -> None:
    page = Page(keeps_draft=False)
    async with standing(world(), "a", "b", page=page, look=LINEAR, options=replace(BELLS, notify=parse_rules("all=off"))) as stand:
        for number, (text, awaited, told) in enumerate(
            (
                ("hello", "answer", "b has answered. /switch b shows it."),
                ("fail", "failed", "b failed. /switch b shows why; /retry there asks again."),
                ("deploy", "question", "b asks you something. /inbox shows it, /switch b goes there."),
            )
        ):
            await said(stand.coordinator, stand.sessions["b"], text)
            await waiting(stand, "b", awaited)
            assert page.text.count("b is at work.") == number + 1
            assert page.text.count(told) == 1
        assert page.sequences == []
        assert not set(page.text) & set("─│●✓✗▌\x1b")


async def test_linear_text_tells_nothing_where_that_is_not_wanted() -> None:
    page = Page(keeps_draft=False)
    async with standing(world(), "a", "b", page=page, look=LINEAR, options=replace(BELLS, announce=False)) as stand:
        await said(stand.coordinator, stand.sessions["b"], "hello")
        await waiting(stand, "b", "answer")
        assert "has answered" not in page.text
        assert page.sequences == ["\a"]


def test_what_was_seen_to_its_end_before_it_was_left_is_no_notice() -> None:
    before = session("a", state=SessionState.PROCESSING)
    assert notice_kind(before, replace(before, state=SessionState.ACTIVE, ended=9)) is None
    assert notice_kind(before, replace(session("a", "answer", unread=1), ended=9)) == "done"
    assert notice_kind(before, replace(session("a", "failed", unread=1), ended=9, ending="failed")) == "failed"
    assert notice_kind(before, replace(session("a", "limit", unread=1), ended=9, ending="limit")) == "failed"
    assert notice_kind(before, replace(session("a", "interrupted", unread=1), ended=9, ending="interrupted")) is None
    assert notice_kind(before, session("a", "question", unread=1)) == "question"
    asks = session("a", "question", since=5.0, unread=1)
    assert notice_kind(asks, asks) is None
    assert notice_kind(asks, replace(asks, waiting_since=6.0)) == "question"


def test_rules_of_a_later_version_count_as_none() -> None:
    assert own_rules(replace(session("a"), notify="done=hologram")) is None
    assert own_rules(replace(session("a"), notify="done=off")) == parse_rules("done=off")


def test_a_heavy_session_is_told_once_whatever_it_is_called() -> None:
    told: list[str] = []
    silent = Notifier(parse_rules("all=off"), "", 0.0, lambda: 0.0, told.append, lambda *one: None, {})
    announcer = Announcer(silent, None, told.append)
    one = session("a")
    view = fleet([one], "a")
    heavy = replace(view, heavy=(Heavy(one.id, 51 * 2**20),))
    heavier = replace(view, sessions=(replace(one, name="renamed"),), heavy=(Heavy(one.id, 52 * 2**20),))
    for old, new in ((view, heavy), (heavy, heavier), (heavier, view), (view, heavy)):
        announcer.changed(old, new)
    assert [text.partition(".")[0] for text in told] == ["'a' holds 51 MB of memory"] * 2


def test_a_session_that_is_new_is_not_told() -> None:
    told: list[str] = []
    silent = Notifier(parse_rules("all=bell"), "", 0.0, lambda: 0.0, told.append, lambda *one: None, {})
    Announcer(silent, told.append, told.append).changed(FleetView(), fleet([session("a", "answer", unread=1)], SessionId("b")))
    assert told == []
