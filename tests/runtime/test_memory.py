"""What sessions hold in memory is told; heavy ones that nobody shows leave it, and nothing is lost by that."""

from __future__ import annotations

from contextlib import aclosing

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.messages import AssistantMessage, CallId, ToolCall, UserMessage
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.tools.ask_user import AskUser
from tests.runtime.failing import FailingStore
from tests.runtime.test_gate import Held
from tests.runtime.waiting import until
from tests.runtime.world import Bench, World, ask, opened, said, scripted, turned

pytestmark = pytest.mark.anyio

LONG = Reply(match="", text="A long answer. " * 400)
SMALL = Defaults(warn_bytes=3_000, unload_bytes=5_000)


async def test_a_heavy_session_that_nobody_shows_leaves_the_memory_and_is_read_back() -> None:
    world = World(scripted(LONG), defaults=SMALL)
    async with world.start() as coordinator:
        session, light = await opened(coordinator), await opened(coordinator)
        await said(coordinator, session, "hi")
        await until(lambda: [one.session.id for one in coordinator.loaded] == [light])
        (heavy,) = [row for row in await coordinator.sessions() if row.id == session]
        assert (heavy.messages, heavy.state, heavy.unread) == (2, SessionState.WAITING, 1)
        assert len((await ask(coordinator, c.ReadHistory(session), c.HistoryPage)).events) == heavy.seq
        assert (await ask(coordinator, c.ReadNews(session), c.News)).lines == 1
        assert (await turned(coordinator, session, "again")).ending == "done"
    view = world.model.requests[-1].messages
    assert view == (UserMessage("hi"), AssistantMessage(LONG.text, provider="scripted"), UserMessage("again"))


async def test_a_heavy_session_stays_while_it_is_shown() -> None:
    world = World(scripted(LONG), defaults=SMALL)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        async with aclosing(coordinator.follow(session, e.Cursor(0, 0))) as events:
            await anext(events)
            await turned(coordinator, session, "hi")
            await turned(coordinator, session, "hi")
            assert len(coordinator.loaded) == 1
            fleet = await ask(coordinator, c.ReadFleet(), c.Fleet)
            assert [one.session for one in fleet.heavy] == [session]
            assert fleet.heavy[0].held > SMALL.warn_bytes
        await until(lambda: coordinator.loaded == ())
        assert (await ask(coordinator, c.ReadFleet(), c.Fleet)).heavy == ()


async def test_a_heavy_session_that_waits_for_an_answer_stays() -> None:
    asks = Reply(match="deploy", text=LONG.text, calls=(ToolCall(CallId(""), "ask_user", '{"question": "Where?"}'),))
    world = World(scripted(asks, LONG), tools={"ask_user": AskUser()}, defaults=SMALL)
    async with world.start() as coordinator:
        session, other = await opened(coordinator), await opened(coordinator)
        await said(coordinator, session, "deploy")
        managed = await coordinator.managed(session)
        await until(lambda: managed.session.question is not None)
        await said(coordinator, other, "hi")
        await until(lambda: [one.session.id for one in coordinator.loaded] == [session])


async def test_a_heavy_session_whose_events_wait_for_the_disk_stays_until_they_are_there() -> None:
    store = FailingStore()
    world = World(scripted(LONG), store, defaults=SMALL)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        store.hold()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(said, coordinator, session, "hi")
            await anyio.wait_all_tasks_blocked()
            assert len(coordinator.loaded) == 1
            store.recover()
        await until(lambda: coordinator.loaded == ())


async def test_a_completed_session_is_in_memory_only_while_it_is_looked_at() -> None:
    world = World(scripted(LONG))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hi")
        await ask(coordinator, c.CloseSession(session), c.Done)
        for command, reply in (
            (c.ReadHistory(session), c.HistoryPage),
            (c.ReadStatus(session), c.Status),
            (c.Say(session, "x"), c.Refused),
        ):
            await ask(coordinator, command, reply)
            assert coordinator.loaded == ()
            assert world.store.claim(session, "another")  # and its lease is free
            world.store.release(session, "another")


async def test_internals_tell_what_is_held_and_who_waits() -> None:
    model = Held()
    world = World(Bench({"held:m": model}), defaults=Defaults(max_concurrent_calls=1))
    async with world.start() as coordinator:
        busy, queued, closed = [await opened(coordinator) for _ in range(3)]
        await ask(coordinator, c.CloseSession(closed), c.Done)
        await said(coordinator, busy, "hello")
        await until(lambda: model.running == 1)
        await said(coordinator, queued, "hello")
        await until(lambda: coordinator.gate.report().queued == 1)
        await ask(coordinator, c.KeepDraft(queued, "draft"), c.Done)
        async with aclosing(coordinator.follow(busy, e.Cursor(0, 0))) as events:
            await anext(events)
            told = await ask(coordinator, c.ReadInternals(), c.Internals)
        held = {one.info.id: one for one in told.held}
        assert set(held) == {busy, queued}
        assert (held[busy].readers, held[queued].readers) == (1, 0)
        assert (held[busy].draft_bytes, held[queued].draft_bytes, held[queued].info.draft) == (0, 5, True)
        managed = await coordinator.managed(busy)
        assert (held[busy].ring_events, held[busy].conversation_events) == (3, 2)  # it was opened; a message; its turn
        assert (held[busy].ring_bytes, held[busy].conversation_bytes) == (managed.log.held_bytes, managed.conversation_bytes)
        assert held[busy].ring_bytes + held[busy].conversation_bytes == managed.held_bytes > 0
        assert told.gate == c.GateFigures(1, 1, 1)
        assert told.waiting == ((queued, "held"),)
        assert (told.stored, told.unsaved, told.trouble) == (3, 0, "")
        assert "2 processing" in told.text
