"""Names, kinds and titles that sessions get by themselves: in time, never over a hand's, and never in anybody's way."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import aclosing

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.messages import SessionId
from plait.core.naming import Proposal
from plait.models.scripted import Reply
from plait.runtime.coordinator import Coordinator
from plait.runtime.namer import TITLE_LENGTH, clean_title
from tests.runtime.test_gate import Held
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import Bench, World, ask, ended, last_word, opened, said, scripted, turned

pytestmark = pytest.mark.anyio

TITLE = Reply(match="Give this conversation a title", text='"Fixing the login"\nand more')


def naming(*replies: Reply, titles: bool = False, most: int = 5) -> World:
    """A world whose sessions are named by the last words of their messages."""
    defaults = Defaults(titles="model" if titles else "keywords", max_concurrent_calls=most)
    return World(scripted(*replies, Reply(match="", text="ok")), named=last_word, defaults=defaults)


async def named(coordinator: Coordinator, session: SessionId, name: str) -> None:
    """Return when the session has that name."""
    managed = await coordinator.managed(session)
    await until(lambda: managed.session.name == name and not managed.helpers)


class Slow:
    """Names as `last_word`, but the first waits until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[Sequence[str]] = []

    def __call__(self, texts: Sequence[str]) -> Proposal:
        self.asked.append(texts)
        if len(self.asked) == 1:
            assert self.let_go.wait(LIMIT)
        return last_word(texts)


async def test_a_name_comes_with_the_first_message_grows_until_the_third_and_stays() -> None:
    world = naming()
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for text, name in (("fix auth", "auth"), ("and login", "auth-login"), ("then a bug", "auth-login-bug")):
            await turned(coordinator, session, text)
            await named(coordinator, session, name)
        (row,) = await coordinator.sessions()
        assert row.kind == "debug"
        await turned(coordinator, session, "now the docs")
        await named(coordinator, session, "auth-login-bug")
        assert await coordinator.sessions() == world.store.sessions()
    assert [event for event in world.log(session) if isinstance(event, (e.Renamed, e.KindChanged))] == [
        e.Renamed("auth", False),
        e.Renamed("auth-login", False),
        e.KindChanged("debug"),
        e.Renamed("auth-login-bug", False),
    ]


async def test_what_a_hand_gave_is_never_changed() -> None:
    world = naming()
    async with world.start() as coordinator:
        given = await opened(coordinator, name="mine")
        kind = (await ask(coordinator, c.OpenSession("/shop", kind="planning"), c.Done)).session
        both = (await ask(coordinator, c.OpenSession("/shop", "ours", "planning"), c.Done)).session
        renamed = await opened(coordinator)
        await turned(coordinator, renamed, "fix auth")
        await named(coordinator, renamed, "auth")
        await ask(coordinator, c.RenameSession(renamed, "login"), c.Done)
        for session in (given, kind, both, renamed):
            await turned(coordinator, session, "a bug")
            managed = await coordinator.managed(session)
            await until(lambda managed=managed: not managed.helpers)  # type: ignore[misc]  # the default binds the loop's session
        rows = {row.id: (row.name, row.kind, row.named_by_hand) for row in await coordinator.sessions()}
    assert rows[given] == ("mine", "debug", True)
    assert rows[kind] == ("bug", "planning", False)
    assert rows[both] == ("ours", "planning", True)
    assert rows[renamed] == ("login", "debug", True)


async def test_names_are_unique_in_their_project_and_messages_that_say_nothing_give_kind_and_number() -> None:
    world = naming()
    async with world.start() as coordinator:
        sessions = [await opened(coordinator, directory) for directory in ("/shop", "/shop", "/other")]
        for session, name in zip(sessions, ("auth", "auth-2", "auth"), strict=True):
            await turned(coordinator, session, "fix auth")
            await named(coordinator, session, name)
        for name in ("development-1", "development-2"):
            session = await opened(coordinator)
            await turned(coordinator, session, "!?")
            await named(coordinator, session, name)


async def test_a_name_is_seen_everywhere_at_once() -> None:
    world = naming()
    async with world.start() as coordinator:
        session, other = await opened(coordinator), await opened(coordinator)
        await ask(coordinator, c.RenameSession(session, "login"), c.Done)
        row = next(row for row in await coordinator.sessions() if row.id == session)
        stored = next(row for row in world.store.sessions() if row.id == session)
        status = await ask(coordinator, c.ReadStatus(session), c.Status)
        fleet = await ask(coordinator, c.ReadFleet(), c.Fleet)
        assert {row.name, stored.name, status.info.name, fleet.sessions[0].name} == {"login"}
        with anyio.fail_after(LIMIT):
            async with aclosing(coordinator.follow(session, e.Cursor(0, 1))) as events:
                assert (await anext(events)).event == e.Renamed("login", True)
        assert "login-2" in (await ask(coordinator, c.RenameSession(other, "login"), c.Refused)).text
        assert "Try 'log-in'" in (await ask(coordinator, c.RenameSession(other, "Log In"), c.Refused)).text
        await ask(coordinator, c.RenameSession(session, "login"), c.Done)  # its own name is not taken


async def test_no_message_waits_for_its_name_and_a_late_one_is_for_what_holds_then() -> None:
    slow, world = Slow(), naming()
    world.named = slow
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for text in ("fix auth", "and login", "of shop", "quickly please"):
            assert (await turned(coordinator, session, text)).ending == "done"
        await named_by(coordinator, session, "auth-login-shop")
        slow.let_go.set()
        await named(coordinator, session, "auth-login-shop")
    assert [event.name for event in world.log(session) if isinstance(event, e.Renamed)][-1] == "auth-login-shop"


async def named_by(coordinator: Coordinator, session: SessionId, name: str) -> None:
    """Return when the session has that name, though another is still being made."""
    managed = await coordinator.managed(session)
    await until(lambda: managed.session.name == name)


async def test_four_messages_at_once_are_named_by_the_first_three() -> None:
    world = naming()
    async with world.start() as coordinator:
        session = await opened(coordinator)
        async with anyio.create_task_group() as tasks:
            for text in ("fix auth", "and login", "of shop", "quickly please"):
                tasks.start_soon(coordinator.submit, c.Say(session, text))
        await named(coordinator, session, "auth-login-shop")


async def test_a_session_that_is_renamed_or_closed_while_its_name_is_made_keeps_what_it_has() -> None:
    slow, world = Slow(), naming()
    world.named = slow
    async with world.start() as coordinator:
        closed = await opened(coordinator)
        await turned(coordinator, closed, "fix auth")
        await until(lambda: bool(slow.asked))
        await ask(coordinator, c.CloseSession(closed), c.Done)
        slow.let_go.set()
        await until(lambda: coordinator.loaded == ())  # it was kept for its name, and then forgotten
        slow.let_go.clear()
        slow.asked.clear()
        session = await opened(coordinator)
        await said(coordinator, session, "fix auth")
        await until(lambda: bool(slow.asked))
        await ask(coordinator, c.RenameSession(session, "mine"), c.Done)
        slow.let_go.set()
        await named(coordinator, session, "mine")
    assert not any(isinstance(event, e.Renamed) for event in world.log(closed))


async def test_a_fault_in_the_making_of_a_name_stays_there(caplog: pytest.LogCaptureFixture) -> None:
    def broken(texts: Sequence[str]) -> Proposal:
        raise ZeroDivisionError

    world = naming()
    world.named = broken
    async with world.start() as coordinator:
        session = await opened(coordinator)
        assert (await turned(coordinator, session, "fix auth")).ending == "done"
        await named(coordinator, session, "default")
        assert (await turned(coordinator, session, "and login")).ending == "done"
    assert "name_session failed" in caplog.text


async def test_a_title_is_written_once_after_the_first_answer() -> None:
    world = naming(TITLE, titles=True, most=1)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "fix auth")
        managed = await coordinator.managed(session)
        await until(lambda: bool(managed.session.title))
        await turned(coordinator, session, "and login")
        await until(lambda: not managed.helpers)
        (row,) = await coordinator.sessions()
        assert (row.title, row.name) == ("Fixing the login", "auth-login")
        asked = [request for request in world.model.requests if "title" in getattr(request.messages[-1], "text", "")]
        assert len(asked) == 1
        assert (asked[0].tools, asked[0].system) == ((), "")
    assert sum(isinstance(event, e.Titled) for event in world.log(session)) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(match="Give this conversation", error="AccessRefused"),
        Reply(match="Give this conversation", text="half", cut=2),
        Reply(match="Give this conversation", text=" \n«»"),
    ],
    ids=["refused", "cut", "nothing"],
)
async def test_without_a_title_a_session_does_as_well(reply: Reply) -> None:
    world = naming(reply, titles=True)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for text in ("fix auth", "and login"):
            assert (await turned(coordinator, session, text)).ending == "done"
        managed = await coordinator.managed(session)
        await until(lambda: not managed.helpers)
        assert managed.session.title == ""
        assert coordinator.gate.report().running == 0


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        (Reply(match="Give this conversation", text="ever on " * 100, hang=True), clean_title("ever on " * 100)),
        (Reply(match="Give this conversation", thinking="hm " * 10_000, text="too late", hang=True), ""),
    ],
    ids=["text", "thinking"],
)
async def test_a_model_that_does_not_come_to_an_end_is_stopped(reply: Reply, title: str) -> None:
    world = naming(reply, titles=True)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "fix auth")
        managed = await coordinator.managed(session)
        await until(lambda: len(world.model.requests) == 2 and not managed.helpers)
        assert managed.session.title == title
        assert coordinator.gate.report().running == 0


async def test_a_title_that_does_not_come_holds_up_neither_a_turn_nor_the_end() -> None:
    world = naming(Reply(match="Give this conversation", text="A ti", hang=True), titles=True, most=2)
    with anyio.fail_after(LIMIT):
        async with world.start() as coordinator:
            session = await opened(coordinator)
            await turned(coordinator, session, "fix auth")
            await until(lambda: coordinator.gate.report().running == 1)
            assert (await turned(coordinator, session, "and login")).ending == "done"
            assert coordinator.gate.report().running == 1
    assert not any(isinstance(event, e.Titled) for event in world.log(session))


async def test_a_paused_session_asks_for_no_title() -> None:
    model = Held()
    world = World(Bench({"held:m": model}), defaults=Defaults(titles="model"))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turn = await said(coordinator, session, "fix auth")
        await until(lambda: model.running == 1)
        await ask(coordinator, c.PauseSession(session), c.Done)
        model.let_go.set()
        assert (await ended(coordinator, session, turn)).ending == "done"
        await until(lambda: coordinator.gate.report().queued == 1)
        assert len(model.started) == 1
        await ask(coordinator, c.UnpauseSession(session), c.Done)
        managed = await coordinator.managed(session)
        await until(lambda: managed.session.title == "x")


async def test_a_closed_session_gets_no_title_any_more() -> None:
    world = naming(Reply(match="Give this conversation", text="A ti", hang=True), titles=True)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "fix auth")
        await until(lambda: coordinator.gate.report().running == 1)
        await ask(coordinator, c.CloseSession(session), c.Done)
        assert world.log(session)[-1] == e.Closed()
        await until(lambda: coordinator.loaded == ())
        assert coordinator.gate.report().running == 0


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("", ""),
        ("**Fixing the login.**", "Fixing the login"),
        ("\n\n# «Anmeldung reparieren»\nmore", "Anmeldung reparieren"),
        ("\x1b[31mred", "␛[31mred"),
        ("Why sk-abcdefgh12345678 is refused", "Why <secret> is refused"),
        ("x" * 200, "x" * (TITLE_LENGTH - 1) + "…"),
    ],
)
def test_a_title_is_one_clean_line(said: str, title: str) -> None:
    assert clean_title(said) == title
