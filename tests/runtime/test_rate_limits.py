"""A provider's 429 in one session: the others of that provider wait with it, those of another do not, and all of them end well."""

from __future__ import annotations

from contextlib import aclosing

import anyio
import pytest

from plait.core import commands as c, events as e
from plait.core.messages import SessionId, Turn
from plait.models.scripted import Reply, ScriptedModel
from tests.runtime.waiting import until
from tests.runtime.world import Bench, World, ask, ended, opened, said, turned

pytestmark = pytest.mark.anyio


async def test_a_rate_limit_holds_its_provider_only_and_ends_no_turn() -> None:
    limited = ScriptedModel([Reply(match="", error="RateLimited", retry_after=0.5, times=1, text="at last")])
    other = ScriptedModel([Reply(match="", text="at once")])
    other.name = "other"
    world = World(Bench({"scripted:m": limited, "other:m": other}))
    told: list[e.Event] = []
    async with world.start() as coordinator:
        first, second, apart = [await opened(coordinator) for _ in range(3)]
        await ask(coordinator, c.ChangeSetting(apart, "model", "other:m"), c.Done)

        async def watch() -> None:
            async with aclosing(coordinator.follow(first)) as events:
                async for stamped in events:
                    told.append(stamped.event)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            turns: dict[SessionId, Turn] = {first: await said(coordinator, first, "hi")}
            await until(lambda: coordinator.gate.report().paused == ("scripted",))
            turns[second] = await said(coordinator, second, "hi")
            assert (await turned(coordinator, apart, "hi")).ending == "done"
            for session, turn in turns.items():
                assert (await ended(coordinator, session, turn)).ending == "done"
            tasks.cancel_scope.cancel()
        assert (await ask(coordinator, c.ReadFleet(), c.Fleet)).gate == c.GateFigures(0, 0, 5)
    assert [event.attempt for event in told if isinstance(event, e.CallDelayed)] == [2]
    assert len(limited.requests) == 3  # one of them a second time
