"""The coordinator: how sessions are opened, closed, limited, watched and found again."""

from __future__ import annotations

from contextlib import aclosing

import anyio
import anyio.to_thread
import pytest

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.errors import UsageError
from plait.core.messages import SessionId
from plait.models.scripted import Reply
from plait.runtime.acknowledging import INPUT_CAP
from tests.runtime.failing import FULL, FailingStore
from tests.runtime.waiting import until
from tests.runtime.world import Bench, World, ask, opened, said, scripted, shown, turned

pytestmark = pytest.mark.anyio


async def test_sessions_get_names_of_their_own_in_their_project() -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        sessions = [await opened(coordinator, directory) for directory in ("/shop", "/shop/web", "/shop", "/other")]
        names = {row.id: (row.name, row.project) for row in await coordinator.sessions()}
        assert [names[one][0] for one in sessions] == ["default", "default-2", "default-3", "default"]
        assert len({names[one][1] for one in sessions[:3]}) == 1  # the nearest registered directory above
        refused = await ask(coordinator, c.OpenSession("/shop", "default"), c.Refused)
        assert "default-4" in refused.text
        for directory in ("shop", "", "/a\0b"):
            assert "absolute" in (await ask(coordinator, c.OpenSession(directory), c.Refused)).text
        assert "Try 'auth-fix'" in (await ask(coordinator, c.OpenSession("/shop", "Auth Fix"), c.Refused)).text
        assert "4 active" in repr(coordinator)


async def test_a_git_root_is_the_project_of_what_lies_below(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("shop")
    (root / ".git").mkdir()
    world = World(scripted())
    async with world.start() as coordinator:
        await opened(coordinator, str(root / "src" / "web"))
        await opened(coordinator, str(root))
    (project,) = world.store.projects()
    assert project.directory == str(root)
    assert {row.project for row in world.store.sessions()} == {project.id}


async def test_sessions_are_limited_and_the_refusal_names_the_way_out() -> None:
    world = World(scripted(Reply(match="", text="ok")), defaults=Defaults(max_sessions=2))
    async with world.start() as coordinator:
        one, two = [await opened(coordinator) for _ in range(2)]
        three = await opened(coordinator)  # those without a message do not count
        await turned(coordinator, one, "hi")
        await turned(coordinator, two, "hi")
        refused = await ask(coordinator, c.OpenSession("/shop"), c.Refused)
        assert refused.error == "LimitReached"
        for told in ("2 of 2 sessions with messages are open", "/close default", f"plait --session {one}", "max_sessions 4"):
            assert told in refused.text  # how many, of how many, and three ways out; the one to close was left alone longest
        await ask(coordinator, c.CloseSession(one), c.Done)
        await ask(coordinator, c.OpenSession("/shop"), c.Done)
        await turned(coordinator, three, "hi")
        assert "2 of 2" in (await ask(coordinator, c.ReopenSession(one), c.Refused)).text


async def test_entering_a_project_goes_on_where_it_was_left() -> None:
    world = World(scripted(Reply(match="", text="ok")), defaults=Defaults(max_sessions=2))
    async with world.start() as coordinator:
        first = (await ask(coordinator, c.EnterProject("/shop"), c.Done)).session
        assert (await ask(coordinator, c.EnterProject("/shop"), c.Done)).session == first
        other = (await ask(coordinator, c.EnterProject("/other"), c.Done)).session
        assert other != first
        await turned(coordinator, first, "hi")
        await turned(coordinator, other, "hi")
        assert (await ask(coordinator, c.EnterProject("/third"), c.Done)).session == other  # the one used last, and it says so
        assert any(isinstance(event, e.Noted) and "used last" in event.text for event in world.log(other))


async def test_closing_stops_the_turn_keeps_what_came_and_drops_nothing_silently() -> None:
    world = World(scripted(Reply(match="one", text="partial", hang=True), Reply(match="two", text="never")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        first, second, third = [await said(coordinator, session, text) for text in ("one", "two", "three")]
        await shown(coordinator, session, "partial")
        await ask(coordinator, c.CloseSession(session), c.Done)
        log = world.log(session)
        assert [event for event in log if isinstance(event, e.TurnEnded)] == [
            e.TurnEnded(second, "interrupted", False),
            e.TurnEnded(third, "interrupted", False),
            e.TurnEnded(first, "interrupted", False),
        ]
        assert log[-1] == e.Closed()
        assert world.answers(session)[0].message.text == "partial"
        assert (await ask(coordinator, c.Say(session, "still there?"), c.Refused)).text.endswith("opens it again.")
        await ask(coordinator, c.CloseSession(session), c.Refused)
        await ask(coordinator, c.ReopenSession(session), c.Done)
        assert (await turned(coordinator, session, "hello")).ending == "done"
    assert len(world.model.requests) == 2


async def test_a_reopened_session_whose_name_is_taken_gets_another() -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        old = await opened(coordinator)
        await ask(coordinator, c.CloseSession(old), c.Done)
        await opened(coordinator)
        await ask(coordinator, c.ReopenSession(old), c.Done)
        rows = {row.id: row for row in await coordinator.sessions()}
        assert rows[old].name == "default-2"
        await ask(coordinator, c.ReopenSession(old), c.Refused)


async def test_an_unknown_session_is_refused_by_every_command() -> None:
    world, nobody = World(scripted()), SessionId("nobody")
    commands: list[c.Command] = [
        c.CloseSession(nobody),
        c.ReopenSession(nobody),
        c.Say(nobody, "hi"),
        c.Retry(nobody),
        c.Interrupt(nobody),
        c.ChangeSetting(nobody, "model", "x:y"),
        c.MarkSeen(nobody),
        c.ReadHistory(nobody),
        c.ReadStatus(nobody),
        c.TrustInstructions(nobody, "d", True),
    ]
    async with world.start() as coordinator:
        for command in commands:
            assert "no session" in (await ask(coordinator, command, c.Refused)).text
        with pytest.raises(UsageError):
            await anext(coordinator.follow(nobody))


@pytest.mark.parametrize("text", ["", " \n", "x" * (INPUT_CAP + 1)], ids=["empty", "blank", "huge"])
async def test_a_message_that_cannot_be_one_is_refused(text: str) -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await ask(coordinator, c.Say(session, text), c.Refused)
        await ask(coordinator, c.ChangeSetting(session, "system", "x" * (INPUT_CAP + 1)), c.Refused)
    assert len(world.log(session)) == 1


async def test_an_answer_that_nobody_sees_waits_until_somebody_does() -> None:
    world = World(scripted(Reply(match="", text="ok")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await said(coordinator, session, "hi")
        managed = await coordinator.managed(session)
        await until(lambda: managed.session.running is None)
        assert "1 waiting" in repr(coordinator)
        await ask(coordinator, c.MarkSeen(session), c.Done)
        seq = managed.session.seq
        await ask(coordinator, c.MarkSeen(session), c.Done)
        assert managed.session.seq == seq
        assert "1 active" in repr(coordinator)
        await turned(coordinator, session, "again")  # watched
        await until(lambda: managed.session.running is None)
        assert "1 active" in repr(coordinator)


async def test_trouble_with_the_disk_is_told_in_the_session_and_its_end_too() -> None:
    store = FailingStore()
    world = World(scripted(Reply(match="", text="ok")), store)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        told: list[e.Event] = []

        async def watch() -> None:
            async with aclosing(coordinator.follow(session)) as events:
                async for stamped in events:
                    told.append(stamped.event)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await until(lambda: coordinator.managed is not None and "1 active" in repr(coordinator))
            store.fail()
            tasks.start_soon(said, coordinator, session, "hi")
            await until(lambda: e.StoreTrouble(FULL) in told)
            assert (await ask(coordinator, c.ReadHistory(session), c.HistoryPage)).events[-1].seq == 1  # reading goes on
            store.recover()
            await until(lambda: any(isinstance(event, e.TurnEnded) for event in told))
            tasks.cancel_scope.cancel()
    assert told.index(e.StoreTrouble(FULL)) < told.index(e.StoreRecovered())
    assert [event for event in told if event == e.UserSaid("hi")] == [e.UserSaid("hi")]


async def test_following_starts_where_the_cursor_is_and_attends_while_it_lasts() -> None:
    world = World(scripted(Reply(match="", text="ok")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hi")
        managed = await coordinator.managed(session)
        await until(lambda: not managed.log.attended)
        events = coordinator.follow(session, e.Cursor(0, 1))
        assert (await anext(events)).event == e.UserSaid("hi")
        assert managed.log.attended
        await events.aclose()
        assert not managed.log.attended


async def test_models_are_listed() -> None:
    async with World(Bench({"scripted:m": scripted().providers["scripted:m"]})).start() as coordinator:
        assert (await ask(coordinator, c.ReadModels(), c.ModelList)).models == (c.ModelLine("scripted:m", True),)


async def test_a_session_that_is_completed_while_it_is_followed_is_forgotten_afterwards() -> None:
    world = World(scripted(Reply(match="", text="ok")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hi")
        async with aclosing(coordinator.follow(session, e.Cursor(0, 0))) as events:
            await anext(events)
            await ask(coordinator, c.CloseSession(session), c.Done)
            assert "1 completed" in repr(coordinator)
        assert "none" in repr(coordinator)
        await ask(coordinator, c.ReopenSession(session), c.Done)
        assert (await turned(coordinator, session, "again")).ending == "done"


async def test_it_says_what_it_does_whoever_asks() -> None:
    """Without an event loop too, as in the report of a test that has failed."""
    world = World(scripted())
    async with world.start() as coordinator:
        await opened(coordinator)
        told = await anyio.to_thread.run_sync(repr, coordinator)
    assert told == "<Coordinator [sessions: 1 active | gate: 0/5, 0 queued]>"
