"""Many sessions in one coordinator, whatever is done to them: each is what its events say, and none notices another."""

from __future__ import annotations

import asyncio
import threading
from functools import cache
from typing import TypeAlias

import anyio
from hypothesis import given, settings, strategies as st

from plait.core import commands as c
from plait.core.messages import SessionId
from plait.core.session import SessionState
from plait.runtime.coordinator import Coordinator
from tests.runtime.crowd import WHIMS, Crowd, left_in_order, settled, trace, world_of
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import ask, opened, turned

WILD, CALM = 3, 2
COMMANDS = ("interrupt", "retry", "pause", "unpause", "close", "reopen", "rename", "seen", "news", "history", "draft")
ANSWERS = ("answer the question", "answer again")
ACTIONS = (*WHIMS, *WHIMS, "ask", "ask", *COMMANDS, *ANSWERS, "reopen", "follow", "unfollow", "late", "rest", "rest")
Steps: TypeAlias = list[tuple[str, int]]
STEPS: st.SearchStrategy[Steps] = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, WILD - 1)), min_size=8, max_size=30)


async def calm(coordinator: Coordinator, session: SessionId) -> None:
    """An hour's work in a session that nothing goes wrong in."""
    managed = await coordinator.managed(session)

    async def say(text: str) -> None:
        assert (await turned(coordinator, session, text)).ending == "done"
        await until(lambda: not managed.helpers)

    await say("fix auth")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(say, "please ask")
        await until(lambda: managed.session.question is not None)
        assert managed.session.question is not None
        await ask(coordinator, c.AnswerQuestion(session, managed.session.question.call, "443"), c.Done)
    await ask(coordinator, c.PauseSession(session), c.Done)
    await ask(coordinator, c.KeepDraft(session, "half a thought"), c.Done)
    await ask(coordinator, c.UnpauseSession(session), c.Done)
    await say("with a tool")
    await ask(coordinator, c.RenameSession(session, f"calm-{managed.session.id}"), c.Done)
    await say("now the docs")
    await ask(coordinator, c.MarkSeen(session), c.Done)


async def wild(crowd: Crowd, coordinator: Coordinator, steps: Steps) -> None:
    """The steps one after another, none of which waits for the one before; then a rest, and all is looked at."""
    following: dict[SessionId, list[anyio.CancelScope]] = {session: [] for session in crowd.wild}
    async with anyio.create_task_group() as tasks:
        for action, number in steps:
            session = crowd.wild[number]
            scope = None
            if action == "follow":
                scope = anyio.CancelScope()
                following[session].append(scope)
            if action == "unfollow":
                for one in following[session]:
                    one.cancel()
            elif action == "rest":
                for _ in range(50):
                    await anyio.lowlevel.checkpoint()
            else:
                tasks.start_soon(crowd.do, coordinator, action, session, scope)
        for scopes in following.values():
            for one in scopes:
                one.cancel()
    await settled(coordinator)
    loaded = [managed.session for managed in coordinator.loaded]
    crowd.asked = {one.id: one.question for one in loaded if one.id in crowd.wild and one.question is not None}


async def _live(lives: list[Steps]) -> list[object]:
    """A world whose coordinator is left and started again between the lists of steps; the traces of the calm sessions."""
    crowd = Crowd(world_of())
    quiet: list[SessionId] = []
    tasks_before = asyncio.all_tasks()
    with anyio.fail_after(LIMIT):
        for life, steps in enumerate(lives):
            async with crowd.world.start() as coordinator:
                if not life:
                    quiet = [await opened(coordinator, f"/calm/{number}") for number in range(CALM)]
                    crowd.wild = [await opened(coordinator, "/wild") for _ in range(WILD)]
                    crowd.drafts = dict.fromkeys(quiet, "half a thought")
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(wild, crowd, coordinator, steps)
                    for session in quiet if not life else ():
                        tasks.start_soon(calm, coordinator, session)
            left_in_order(crowd, coordinator)
            assert asyncio.all_tasks() == tasks_before
    return [trace(crowd.world, session) for session in quiet]


@cache
def alone() -> list[object]:
    """The traces of the calm sessions where nothing else happens."""
    return anyio.run(_live, [Steps()])


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=3))
def test_each_session_is_what_its_events_say_and_none_notices_another(lives: list[Steps]) -> None:
    assert anyio.run(_live, lives) == alone()


def test_sessions_that_come_and_go_leave_nothing_behind() -> None:
    anyio.run(_come_and_go)


async def _come_and_go() -> None:
    world = world_of()
    async with world.start() as coordinator:
        threads, tasks = threading.active_count(), len(asyncio.all_tasks())
        for number in range(150):
            session = await opened(coordinator)
            await ask(coordinator, c.Say(session, WHIMS[number % len(WHIMS)]), c.Done)
            if number % 3:
                await anyio.lowlevel.checkpoint()
            await ask(coordinator, c.CloseSession(session), c.Done)
        await until(lambda: not coordinator.loaded and len(asyncio.all_tasks()) == tasks)
        assert (coordinator.turns, coordinator.gate.report().running, coordinator.gate.report().queued) == (0, 0, 0)
        assert threading.active_count() <= threads + 3  # workers of the pool, which end by themselves
        assert {row.state for row in await coordinator.sessions()} == {SessionState.COMPLETED}
        assert "none" in repr(coordinator)
