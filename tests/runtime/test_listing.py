"""The list of sessions after a start: the open ones at once, the completed ones when somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from plait.core import commands as c
from plait.core.commands import SessionInfo
from plait.core.errors import StoreError
from plait.core.messages import SessionId
from plait.core.session import SessionState
from tests.runtime.failing import FULL, FailingStore
from tests.runtime.world import World, ask, opened, scripted

pytestmark = pytest.mark.anyio


class WatchedStore(FailingStore):
    """A store that remembers how it was asked for sessions, and can be made to refuse the whole list."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.broken = False

    def sessions(self, *, open_only: bool = False) -> Sequence[SessionInfo]:
        self.asked.append("open" if open_only else "all")
        if self.broken and not open_only:
            raise StoreError(FULL)
        return super().sessions(open_only=open_only)


async def kept() -> tuple[World, WatchedStore, SessionId, SessionId]:
    """A world with an open and a completed session, left; and their ids."""
    store = WatchedStore()
    world = World(scripted(), store)
    async with world.start() as coordinator:
        shown, closed = await opened(coordinator, name="shown"), await opened(coordinator, name="closed")
        await ask(coordinator, c.CloseSession(closed), c.Done)
    store.asked.clear()
    return world, store, shown, closed


async def test_a_start_reads_open_sessions_and_the_rest_once_when_it_is_asked_for() -> None:
    world, store, shown, closed = await kept()
    async with world.start() as coordinator:
        assert [row.id for row in (await ask(coordinator, c.ReadFleet(), c.Fleet)).sessions] == [shown]
        await ask(coordinator, c.ReadStatus(shown), c.Status)
        assert store.asked == ["open"]
        assert repr(coordinator.list) == "<SessionList [1 open, completed ones not read, 0 drafts]>"
        assert {row.id: row.state for row in await coordinator.sessions()} == {shown: SessionState.ACTIVE, closed: SessionState.COMPLETED}
        await coordinator.sessions()
        assert (await ask(coordinator, c.ReadInternals(), c.Internals)).stored == 2
        assert store.asked == ["open", "all"]
        assert repr(coordinator.list) == "<SessionList [1 open, 1 completed, 0 drafts]>"


async def test_a_completed_session_is_known_by_its_id_though_nobody_asked_for_the_list() -> None:
    world, store, shown, closed = await kept()
    async with world.start() as coordinator:
        await ask(coordinator, c.ReopenSession(closed), c.Done)
        assert {row.id for row in (await ask(coordinator, c.ReadFleet(), c.Fleet)).sessions} == {shown, closed}
        refused = await ask(coordinator, c.ReopenSession(SessionId("nobody")), c.Refused)
        assert "no session with the id 'nobody'" in refused.text
        assert store.asked == ["open", "all"]


async def test_what_happened_since_the_start_is_newer_than_what_is_read() -> None:
    world, _, shown, closed = await kept()
    async with world.start() as coordinator:
        await ask(coordinator, c.CloseSession(shown), c.Done)
        later = await opened(coordinator, name="later")
        rows = {row.id: (row.name, row.state) for row in await coordinator.sessions()}
    completed = SessionState.COMPLETED
    assert rows == {shown: ("shown", completed), closed: ("closed", completed), later: ("later", SessionState.ACTIVE)}


async def test_a_list_that_cannot_be_read_is_told_and_read_again() -> None:
    world, store, shown, closed = await kept()
    async with world.start() as coordinator:
        store.broken = True
        with pytest.raises(StoreError, match="disk is full"):
            await coordinator.sessions()
        assert FULL in (await ask(coordinator, c.ReopenSession(closed), c.Refused)).text
        await ask(coordinator, c.ReadStatus(shown), c.Status)  # the open ones go on
        store.broken = False
        assert {row.id for row in await coordinator.sessions()} == {shown, closed}
