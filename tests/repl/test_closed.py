"""A session that was completed leaves nothing behind in the prompt; opened again, it is shown like one that was not shown before."""

from __future__ import annotations

import pytest

from plait.core import events as e
from plait.core.messages import Finished, TextDelta, Usage
from tests.repl.stand import Taps, standing
from tests.runtime.waiting import until
from tests.runtime.world import Bench, World, said

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("closed_from", ["docs", "shop"])
async def test_nothing_is_kept_of_a_completed_session_and_its_last_messages_are_shown_when_it_is_opened_again(closed_from: str) -> None:
    taps = Taps()
    async with standing(World(Bench({"scripted:m": taps})), "shop", "docs") as stand:
        docs = stand.sessions["docs"]
        await stand.go("docs")
        await said(stand.coordinator, docs, "docs")
        taps.pour("docs", TextDelta("the answer"), Finished("end", Usage(1, 1)))
        await until(lambda: any(isinstance(event, e.TurnEnded) for event in stand.log("docs")))
        await stand.settle()
        if closed_from == "shop":
            await stand.go("shop")
        stand.page.enter("/close docs")
        await stand.shows("Closed 'docs'")
        await stand.on("shop")
        await until(lambda: docs not in stand.repl._stage.recent)
        stand.page.enter("/reopen docs")
        await stand.shows("Opened 'docs' again")
        assert stand.page.of(docs).count("the answer") == 2
