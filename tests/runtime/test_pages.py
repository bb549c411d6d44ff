"""Pages of history: put together they are the whole, whatever their size, and reading changes nothing."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings, strategies as st

from plait.core import commands as c, events as e
from plait.runtime.reading import PAGE_CAP
from tests.runtime.world import World, ask, opened, scripted


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(1, 15))
def test_pages_from_the_end_make_the_whole(more: int, limit: int) -> None:
    async def read() -> None:
        world = World(scripted())
        async with world.start() as coordinator:
            session = await opened(coordinator)
            for number in range(more):
                coordinator.record(session, e.Noted(str(number)))
            await coordinator.journal.durable(session, more + 1)
            pages: list[e.Stamped] = []
            before: int | None = None
            while before != 1:
                page = await ask(coordinator, c.ReadHistory(session, before, limit), c.HistoryPage)
                assert 0 < len(page.events) <= limit
                assert page.events[0].seq == page.earlier + 1
                pages = [*page.events, *pages]
                before = page.events[0].seq
            assert pages == list(world.store.read(session))
            assert len(pages) == more + 1
            assert (await ask(coordinator, c.ReadHistory(session, 1), c.HistoryPage)) == c.HistoryPage((), 0)

    anyio.run(read)


@pytest.mark.anyio
async def test_a_page_has_its_cap_and_its_bounds() -> None:
    world = World(scripted())
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for number in range(PAGE_CAP + 10):
            coordinator.record(session, e.Noted(str(number)))
        await coordinator.journal.durable(session, PAGE_CAP + 11)
        page = await ask(coordinator, c.ReadHistory(session, None, 10**9), c.HistoryPage)
        assert (len(page.events), page.earlier) == (PAGE_CAP, 11)
        beyond = await ask(coordinator, c.ReadHistory(session, 10**9, 5), c.HistoryPage)
        assert [one.seq for one in beyond.events] == list(range(PAGE_CAP + 7, PAGE_CAP + 12))
        for command in (
            c.ReadHistory(session, None, 0),
            c.ReadHistory(session, 0),
            c.ReadHistory(session, -5),
            c.ReadHistory(session, None, -1),
        ):
            await ask(coordinator, command, c.Refused)
