"""Searching through the coordinator, and the index that follows what is written: it holds up nobody and stops nothing."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.errors import StoreError
from plait.core.ports import Store, Write
from plait.core.searching import Places, Query
from plait.models.scripted import Reply
from plait.runtime.coordinator import Coordinator
from plait.store.sqlite import open_store
from tests.runtime.failing import FULL, FailingStore
from tests.runtime.waiting import LIMIT, until
from tests.runtime.world import World, ask, opened, scripted, turned

pytestmark = pytest.mark.anyio


class IndexedStore(FailingStore):
    """A store whose index needs `left` steps and can be made to fail; it tells in which order it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.calls: list[str] = []
        self.broken = False
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def append(self, writes: Sequence[Write]) -> None:
        super().append(writes)
        self.calls.append("append")

    def index(self) -> bool:
        self.calls.append("index")
        self.entered.set()
        self.go_on.wait(LIMIT)
        if self.broken:
            raise StoreError(FULL)
        self.left = max(0, self.left - 1)
        return self.left > 0

    def search(self, query: Query) -> Places:
        if self.broken:
            raise StoreError(FULL)
        return super().search(query)


@asynccontextmanager
async def at_work(store: Store, *replies: Reply) -> AsyncGenerator[Coordinator, None]:
    async with World(scripted(*replies), store).start() as coordinator:
        yield coordinator


async def found(coordinator: Coordinator, words: str) -> c.Found:
    return await ask(coordinator, c.Search(words), c.Found)


async def test_what_was_said_is_found_a_moment_later_and_after_a_restart(tmp_path: Path) -> None:
    for start in range(2):
        store = open_store(tmp_path / "plait.db", now=1.0, report=lambda finding: None)
        async with at_work(store, Reply(text="It is a needle.")) as coordinator:
            session = await opened(coordinator, name=f"docs-{start}")
            await turned(coordinator, session, "what is a needle")
            with anyio.fail_after(LIMIT):
                while (told := await found(coordinator, "needle")).unindexed:
                    await anyio.lowlevel.checkpoint()
            assert {hit.info.name for hit in told.hits} == {f"docs-{one}" for one in range(start + 1)}
            assert told.total == 2 * (start + 1)
            await turned(coordinator, session, "the last thread")
        store.close()
    store = open_store(tmp_path / "plait.db", now=1.0, report=lambda finding: None)
    async with at_work(store) as coordinator:  # the end of the run before has seen to it
        assert (await found(coordinator, "thread")).total == 4
    store.close()


async def test_the_index_goes_on_to_its_end_and_then_rests() -> None:
    store = IndexedStore()
    store.left = 5
    async with at_work(store) as coordinator:
        await opened(coordinator)
        await until(lambda: store.left == 0)
        calls = len(store.calls)
        assert store.calls.count("index") >= 5
        await opened(coordinator)
        await until(lambda: len(store.calls) > calls)
        assert store.calls[calls] == "append"


async def test_a_broken_index_stops_nothing_and_is_tried_again() -> None:
    store = IndexedStore()
    store.broken = True
    async with at_work(store, Reply(text="Fine.")) as coordinator:
        session = await opened(coordinator)
        await until(store.entered.is_set)
        assert (await turned(coordinator, session, "hello")).ending == "done"
        refused = await ask(coordinator, c.Search("hello"), c.Refused)
        assert (refused.text, refused.error) == (FULL, "StoreError")
        assert not coordinator.journal.trouble
        store.broken = False
        assert (await found(coordinator, "hello")).total == 1
        await turned(coordinator, session, "again")  # and it is tried again, at the end at the latest
        store.calls.clear()
    assert store.calls.count("index") == 1
    assert coordinator.unsaved == 0


async def test_what_is_recorded_while_the_index_is_at_work_is_written_right_after() -> None:
    store = IndexedStore()
    async with at_work(store) as coordinator:
        session = await opened(coordinator)
        store.entered.clear()
        store.go_on.clear()
        store.left = 1_000
        seq = coordinator.record(session, e.Noted("x"))
        await coordinator.journal.durable(session, seq)
        await until(store.entered.is_set)
        store.calls.clear()
        coordinator.record(session, e.Noted("y"))
        store.go_on.set()
        await coordinator.journal.durable(session, seq + 1)
        assert store.calls[0] == "append", "the index went on before what waited was written"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (c.Search(""), "There is no word to search for."),
        (c.Search('" * ('), "There is no word to search for."),
        (c.Search("x" * 2_000), "Shorten it."),
        (c.Search("x", limit=0), "1 to 1,000 hits"),
        (c.Search("x", limit=1_001), "1 to 1,000 hits"),
        (c.Search("x", offset=-1), "1 to 1,000 hits"),
        (c.Search("x", since=float("nan")), "Give a date."),
        (c.Search("x", session="dcos"), "Did you mean 'docs'?"),
        (c.Search("x", project="shpo"), "Did you mean 'shop'?"),
    ],
)
async def test_what_cannot_be_searched_is_refused_with_a_reason(command: c.Search, sentence: str) -> None:
    async with at_work(FailingStore()) as coordinator:
        await opened(coordinator, name="docs")
        assert sentence in (await ask(coordinator, command, c.Refused)).text
