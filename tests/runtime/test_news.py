"""What nobody has seen: a switch in the middle of a stream shows nothing twice and misses nothing; and who watches all sessions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from hypothesis import given, settings, strategies as st

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.messages import Finished, ModelEvent, ModelRequest, SessionId, TextDelta
from plait.core.ports import FLEET
from plait.core.session import SessionState
from plait.models.scripted import Reply
from plait.runtime.coordinator import Coordinator
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import Bench, World, ask, opened, said, scripted, shown, turned

pytestmark = pytest.mark.anyio


class Fed:
    """A model that says what it is fed, piece by piece, and ends its answer when it is told to."""

    name, can_call_tools = "fed", False

    def __init__(self) -> None:
        ends: tuple[MemoryObjectSendStream[str], MemoryObjectReceiveStream[str]] = anyio.create_memory_object_stream(100)
        self._send, self._receive = ends

    def say(self, *pieces: str) -> None:
        """More of the answer; an empty piece ends it."""
        for piece in pieces:
            self._send.send_nowait(piece)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `ModelProvider.stream`."""
        while piece := await self._receive.receive():
            yield TextDelta(piece)
        yield Finished("end")

    async def aclose(self) -> None:
        """See `ModelProvider.aclose`."""
        self._send.close()
        self._receive.close()


@dataclass
class Reader:
    """A front end in small: it shows what it has not shown yet, and says how far it came when it turns away."""

    coordinator: Coordinator
    session: SessionId
    screen: str = ""
    begun: int = 0
    """Characters of the answer in progress that are on the screen."""
    seq: int = 0
    ended: int = 0

    async def look(self, text: str = "", ends: int = 0) -> None:
        """Show the session until this text has come, or so many turns have ended; then turn away."""
        news = await ask(self.coordinator, c.ReadNews(self.session), c.News)
        self.begun = news.shown
        self.seq = news.seq
        for stamped in news.events:
            self._show(stamped)
        with anyio.fail_after(LIMIT):
            async with aclosing(self.coordinator.follow(self.session, e.Cursor(0, news.seq))) as events:
                while not (text in self.screen if text else self.ended >= ends):
                    self._show(await anext(events))
        await ask(self.coordinator, c.MarkSeen(self.session, self.seq, self.begun), c.Done)

    def _show(self, stamped: e.Stamped) -> None:
        match stamped.event:
            case e.InProgress(text=text):
                self.screen += text[self.begun :]
                self.begun = max(self.begun, len(text))
            case e.AnswerDelta(text=text):
                self.screen += text
                self.begun += len(text)
            case e.AssistantSaid(message=message):
                self.screen += message.text[self.begun :] + "|"
                self.begun = 0
            case e.TurnEnded():
                self.ended += 1
            case _:
                pass
        self.seq = stamped.seq or self.seq


@asynccontextmanager
async def streaming() -> AsyncGenerator[tuple[Coordinator, SessionId, Fed]]:
    """A session whose turn runs, and its model."""
    model = Fed()
    async with aclosing(model), World(Bench({"fed:m": model})).start() as coordinator:
        session = await opened(coordinator)
        await said(coordinator, session, "hi")
        await until(lambda: coordinator.gate.report().running == 1)
        yield coordinator, session, model


async def test_a_switch_in_the_middle_of_a_stream_loses_and_repeats_no_character() -> None:
    async with streaming() as (coordinator, session, model):
        reader = Reader(coordinator, session)
        model.say("Hel", "lo ")
        await reader.look("Hello ")
        model.say("wor")
        managed = await coordinator.managed(session)
        await until(lambda: managed.session.answer.text == "Hello wor")
        assert managed.session.mark.shown == 6
        news = await ask(coordinator, c.ReadNews(session), c.News)
        assert (news.events, news.shown, news.lines) == ((), 6, 1)
        await reader.look("wor")
        model.say("ld.", "")
        await until(lambda: managed.session.state is SessionState.WAITING)
        await coordinator.journal.durable(session, managed.session.seq)
        news = await ask(coordinator, c.ReadNews(session), c.News)
        assert [type(one.event) for one in news.events] == [e.AssistantSaid, e.TurnEnded]
        assert (news.shown, news.lines, news.skipped) == (9, 1, 0)
        await reader.look(ends=1)
        assert reader.screen == "Hello world.|"
        assert (await ask(coordinator, c.ReadNews(session), c.News)).events == ()
        assert managed.session.state is SessionState.ACTIVE


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["a", "bc", "def", "\n"]), max_size=3), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_whenever_it_is_looked_at_the_screen_is_the_whole(answers: list[list[str]], looks: list[bool]) -> None:
    anyio.run(_look, answers, looks)


async def _look(answers: list[list[str]], looks: list[bool]) -> None:
    async with streaming() as (coordinator, session, model):
        reader, said_so_far = Reader(coordinator, session), ""
        managed = await coordinator.managed(session)
        for number, pieces in enumerate(answers):
            if number:
                await ask(coordinator, c.Say(session, "more"), c.Done)
            for place, piece in enumerate(pieces):
                model.say(piece)
                said_so_far += piece
                if looks[(number + place) % len(looks)]:
                    await reader.look(said_so_far)
            model.say("")
            said_so_far += "|"
            await until(lambda: managed.session.running is None and not managed.session.queue)
        await reader.look(ends=len(answers))
        assert reader.screen == said_so_far


async def test_a_mark_that_tells_nothing_new_is_no_event() -> None:
    world = World(scripted(Reply(match="", text="ok")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await said(coordinator, session, "hi")
        managed = await coordinator.managed(session)
        await until(lambda: managed.session.running is None and bool(managed.session.unread))
        await ask(coordinator, c.MarkSeen(session), c.Done)
        seq = managed.session.seq
        for again in (c.MarkSeen(session), c.MarkSeen(session, seq), c.MarkSeen(session, managed.session.mark.upto)):
            assert (await ask(coordinator, again, c.Done)).seq == seq
        for wrong in (c.MarkSeen(session, seq + 1), c.MarkSeen(session, -1), c.MarkSeen(session, seq, -1)):
            await ask(coordinator, wrong, c.Refused)
        await ask(coordinator, c.CloseSession(session), c.Done)
        closed = (await coordinator.sessions())[0].seq
        assert (await ask(coordinator, c.MarkSeen(session), c.Done)).seq == closed


async def test_a_mark_goes_back_where_an_end_was_taken_as_seen_by_somebody_who_had_turned_away() -> None:
    world = World(scripted(Reply(match="", text="ok")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        managed = await coordinator.managed(session)
        async with aclosing(coordinator.follow(session, e.Cursor(0, 0))) as events:
            await anext(events)
            await said(coordinator, session, "hi")
            await until(lambda: managed.session.ended > 0)
            assert (managed.session.state, managed.session.unread) == (SessionState.ACTIVE, [])
            seq = (await ask(coordinator, c.MarkSeen(session, 2), c.Done)).seq
            assert seq == managed.session.ended  # somebody still shows it
        await ask(coordinator, c.MarkSeen(session, 2), c.Done)
        assert (managed.session.state, len(managed.session.unread)) == (SessionState.WAITING, 1)
        await coordinator.journal.durable(session, managed.session.seq)
        assert (await ask(coordinator, c.ReadNews(session), c.News)).lines == 1


async def test_what_the_buffer_does_not_hold_is_counted() -> None:
    world = World(scripted(Reply(match="", text="one\ntwo")), defaults=Defaults(buffer_events=2))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        managed = await coordinator.managed(session)
        for number in range(3):
            await said(coordinator, session, "hi")
            await until(lambda number=number: managed.session.messages == 2 * number + 2 and managed.session.running is None)  # type: ignore[misc]  # the default binds the loop's number
        await coordinator.journal.durable(session, managed.session.seq)
        news = await ask(coordinator, c.ReadNews(session), c.News)
        assert ([type(one.event) for one in news.events], news.lines) == ([e.AssistantSaid, e.TurnEnded], 2)
        assert (news.skipped, news.skipped_lines) == (10, 4)  # three messages and starts, two answers and ends


@dataclass
class Watching:
    """Somebody who follows all sessions and counts."""

    coordinator: Coordinator
    told: list[e.Event] = field(default_factory=list)

    async def run(self) -> None:
        async with aclosing(self.coordinator.follow(FLEET)) as events:
            async for stamped in events:
                assert (stamped.session, stamped.seq) == (FLEET, None)
                self.told.append(stamped.event)


async def test_who_watches_all_is_told_at_once_and_of_changes_but_not_of_text() -> None:
    async with streaming() as (coordinator, session, model):
        watching = Watching(coordinator)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watching.run)
            await until(lambda: watching.told == [e.SessionsChanged()])
            await anyio.wait_all_tasks_blocked()
            quiet = len(watching.told)
            model.say(*"Hello")
            await shown(coordinator, session, "Hello")
            await anyio.wait_all_tasks_blocked()
            assert len(watching.told) == quiet
            await ask(coordinator, c.KeepDraft(session, "next"), c.Done)
            await until(lambda: len(watching.told) == quiet + 1)
            await ask(coordinator, c.KeepDraft(session, "next one"), c.Done)
            await ask(coordinator, c.RenameSession(session, "greeting"), c.Done)
            await until(lambda: len(watching.told) == quiet + 2)
            model.say("")
            await until(lambda: coordinator.gate.report().running == 0)
            await anyio.wait_all_tasks_blocked()
            assert quiet + 2 < len(watching.told) < quiet + 6  # the end of the call, the answer, the end of the turn
            tasks.cancel_scope.cancel()


async def test_a_watcher_that_is_slow_is_told_once_of_many_changes() -> None:
    world = World(scripted(Reply(match="", text="ok")))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        async with aclosing(coordinator.follow(FLEET)) as events, anyio.create_task_group() as tasks:
            await anext(events)
            for _ in range(5):
                await turned(coordinator, session, "hi")
            await anyio.wait_all_tasks_blocked()
            await anext(events)
            second = False

            async def more() -> None:
                nonlocal second
                await anext(events)
                second = True

            tasks.start_soon(more)
            await anyio.wait_all_tasks_blocked()
            assert not second
            tasks.cancel_scope.cancel()
        fleet = await ask(coordinator, c.ReadFleet(), c.Fleet)
        assert [row.id for row in fleet.sessions] == [session]
