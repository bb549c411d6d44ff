"""The clock of the machine is wrong, or jumps: events are in the order in which they happened, and nothing is too old to be kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from plait.cli.export import Request, export
from plait.cli.stats import as_text, read_figures
from plait.core import commands as c, events as e
from plait.core.filing_commands import DeleteSession, Purged, PurgeTrash, ReadTrash, Trash
from plait.core.messages import SessionId, UserMessage
from plait.core.searching import Query, phrases
from plait.models.scripted import Reply
from plait.store.sqlite import SqliteStore, open_store
from plait.store.verify import verify
from tests.runtime.world import World, ask, opened, scripted, turned

pytestmark = pytest.mark.anyio

HOUR, YEAR = 3_600, 365 * 86_400
START = 1_795_000_000
JUMPS = {
    "an hour on": HOUR,
    "an hour back": -HOUR,
    "ten years back": -10 * YEAR,
    "ten years on": 10 * YEAR,
    "to the epoch": -START,
    "before the epoch": -START - YEAR,
    "beyond four digits of years": 9_000 * YEAR,
}


class Clock:
    """Seconds that pass one by one; `jump` moves it."""

    def __init__(self) -> None:
        self.now = START

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self.now += 1
        return self.now


def world_at(path: Path, clock: Clock) -> World:
    store = open_store(path, now=float(clock.now), report=lambda finding: None)
    return World(scripted(Reply(text="fine")), store=store, clock=clock)  # type: ignore[arg-type]  # any iterator does


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
async def test_a_clock_that_jumps_changes_no_order_and_loses_nothing(tmp_path: Path, jump: int) -> None:
    path, clock = tmp_path / "data" / "plait.db", Clock()
    world = world_at(path, clock)
    async with world.start() as coordinator:
        session, other = await opened(coordinator), await opened(coordinator)
        await turned(coordinator, session, "first")
        clock.now += jump
        await turned(coordinator, session, "second")
        await turned(coordinator, other, "elsewhere")
        await ask(coordinator, c.KeepDraft(session, "not sent", 3), c.Done)
    await told_in_order(world, session, "first", "second")
    world.store.close()
    assert verify(path) == []
    clock.now -= 2 * jump  # and it jumps while nothing runs
    world = world_at(path, clock)
    async with world.start() as coordinator:
        assert {row.id for row in await coordinator.sessions()} == {session, other}
        await turned(coordinator, session, "third")
    await told_in_order(world, session, "first", "second", "third")
    assert isinstance(world.store, SqliteStore)
    while world.store.index():
        pass
    assert world.store.search(Query(phrases("second"))).total >= 1
    assert [draft.text for draft in world.store.drafts()] == ["not sent"]
    world.store.close()
    assert verify(path) == []
    assert "2 sessions" in as_text(read_figures(path))
    out = io.StringIO()
    export(path, {}, Request("/shop", everything=True), out)
    text = out.getvalue()
    assert text.index("first") < text.index("second") < text.index("third")


async def told_in_order(world: World, session: SessionId, *texts: str) -> None:
    """In the log, and to the model."""
    assert [one.text for one in world.log(session) if isinstance(one, e.UserSaid)] == list(texts)
    told = [one.text for one in world.model.requests[-1].messages if isinstance(one, UserMessage)]
    assert told in ([*texts], ["elsewhere"])


@pytest.mark.parametrize("at", [0, -YEAR])
async def test_what_is_deleted_while_the_clock_stands_in_1970_lies_in_the_trash(tmp_path: Path, at: int) -> None:
    path, clock = tmp_path / "data" / "plait.db", Clock()
    world = world_at(path, clock)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hello")
        clock.now = at - 2  # it is looked at once for each of two events
        await ask(coordinator, DeleteSession(session), c.Done)
        trash = await ask(coordinator, ReadTrash(), Trash)
        assert [one.info.id for one in trash.sessions] == [session]
        assert (await ask(coordinator, PurgeTrash((session,)), Purged)).sessions == 1
    world.store.close()
