"""The session that a prompt begins with: why there is none keeps its exit code."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from plait.core import commands as c
from plait.core.defaults import Defaults
from plait.core.errors import LimitReached
from plait.first_session import first_session
from plait.models.scripted import Reply
from plait.program import Beginning
from tests.runtime.world import World, ask, opened, scripted, turned

pytestmark = pytest.mark.anyio


async def nobody_chooses(rows: Sequence[c.SessionInfo], words: str) -> c.SessionInfo | None:
    raise AssertionError(words)


async def test_at_the_limit_a_start_fails_as_an_answer_in_a_script_does() -> None:
    """Both ways to ask for one session more: by a new name, and by that of a closed one."""
    async with World(scripted(Reply(match="", text="ok")), defaults=Defaults(max_sessions=1)).start() as coordinator:
        closed = await opened(coordinator)
        await turned(coordinator, closed, "hi")
        await ask(coordinator, c.CloseSession(closed), c.Done)
        await turned(coordinator, await opened(coordinator), "hi")
        for beginning in (Beginning(session="more"), Beginning(resume=closed)):
            with pytest.raises(LimitReached, match="1 of 1 sessions with messages are open") as raised:
                await first_session(coordinator, "/shop", beginning, nobody_chooses)
            assert raised.value.exit_code == 2
