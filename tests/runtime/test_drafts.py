"""What was typed and not sent belongs to its session: the latest of it is kept, over a restart too, or it is said that it is not."""

from __future__ import annotations

import threading

import anyio
import pytest

from plait.core import commands as c
from plait.core.errors import StoreError
from plait.runtime.acknowledging import INPUT_CAP
from plait.store.memory import MemoryStore
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import World, ask, opened, scripted

pytestmark = pytest.mark.anyio


class DraftStore(MemoryStore):
    """A store whose drafts can be held up, or fail; it remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self.let_go.set()
        self.fails = False
        self.given: list[str] = []

    def keep_draft(self, draft: c.Draft, at: float) -> None:
        """See `Store.keep_draft`."""
        self.given.append(draft.text)
        assert self.let_go.wait(LIMIT)
        if self.fails:
            raise StoreError("The disk is full. Make room.")
        super().keep_draft(draft, at)


async def test_a_draft_comes_back_after_a_restart_until_it_is_cleared() -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        session, other = await opened(coordinator), await opened(coordinator)
        seq = (await ask(coordinator, c.KeepDraft(session, "half a\nthought", 4), c.Done)).seq
        assert seq == 1  # a draft is no event
        assert await ask(coordinator, c.ReadDraft(session), c.Draft) == c.Draft(session, "half a\nthought", 4)
        assert await ask(coordinator, c.ReadDraft(other), c.Draft) == c.Draft(other, "", 0)
    async with world.start() as coordinator:
        assert await ask(coordinator, c.ReadDraft(session), c.Draft) == c.Draft(session, "half a\nthought", 4)
        assert {row.id: row.draft for row in await coordinator.sessions()} == {session: True, other: False}
        await ask(coordinator, c.KeepDraft(session, ""), c.Done)
    assert world.store.drafts() == []
    async with world.start() as coordinator:
        assert not any(row.draft for row in await coordinator.sessions())


async def test_a_draft_is_kept_as_it_will_be_read_and_within_its_cap() -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await ask(coordinator, c.KeepDraft(session, "a\ud800\x1b[2J", 99), c.Done)
        assert await ask(coordinator, c.ReadDraft(session), c.Draft) == c.Draft(session, "a\ufffd\x1b[2J", 6)
        await ask(coordinator, c.KeepDraft(session, "x" * (INPUT_CAP + 1)), c.Refused)
        await ask(coordinator, c.KeepDraft(session, "ab", -3), c.Done)
        kept = await ask(coordinator, c.ReadDraft(session), c.Draft)
    assert world.store.drafts() == [kept] == [c.Draft(session, "ab", 0)]


async def test_the_latest_of_many_at_once_is_the_one_that_is_kept() -> None:
    store = DraftStore()
    world = World(scripted(), store)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        store.let_go.clear()
        with anyio.fail_after(LIMIT):
            async with anyio.create_task_group() as tasks:
                for text in ("h", "he", "hel", "hell", "hello"):
                    tasks.start_soon(ask, coordinator, c.KeepDraft(session, text, len(text)), c.Done)
                await until(lambda: bool(store.given))
                store.let_go.set()
        assert store.drafts() == [c.Draft(session, "hello", 5)]
        assert store.given[-1] == "hello"
        assert len(store.given) <= 2  # what was overtaken before its turn came is not written


async def test_a_draft_that_the_disk_refuses_is_held_said_and_tried_again() -> None:
    store = DraftStore()
    world = World(scripted(), store)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        store.fails = True
        refused = await ask(coordinator, c.KeepDraft(session, "dear", 4), c.Refused)
        assert refused.error == "StoreError"
        assert (await ask(coordinator, c.ReadDraft(session), c.Draft)).text == "dear"
        store.fails = False
        await ask(coordinator, c.KeepDraft(session, "dear", 4), c.Done)
        assert store.drafts() == [c.Draft(session, "dear", 4)]
        await ask(coordinator, c.KeepDraft(session, "dear", 4), c.Done)
        assert store.given == ["dear", "dear"]  # the third time it was on disk


async def test_a_draft_that_the_disk_refused_is_written_when_plait_is_left_or_its_loss_is_told() -> None:
    store = DraftStore()
    world = World(scripted(), store)
    async with world.start() as coordinator:
        session, other = await opened(coordinator), await opened(coordinator)
        store.fails = True
        for one in (session, other):
            await ask(coordinator, c.KeepDraft(one, "dear", 4), c.Refused)
    assert (coordinator.unsaved, store.drafts()) == (2, [])
    async with world.start() as coordinator:
        await ask(coordinator, c.KeepDraft(session, "dear again", 4), c.Refused)
        store.fails = False
    assert (coordinator.unsaved, [one.text for one in store.drafts()]) == (0, ["dear again"])
