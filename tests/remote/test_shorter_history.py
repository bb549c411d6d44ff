"""The next owner knows less of a session than the last one did: its database was damaged and salvaged, or replaced by a backup."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import anyio
import pytest
from anyio.abc import TaskStatus

from plait.core import commands as c, events as e
from plait.core.errors import NoOwner
from plait.models.scripted import Reply
from plait.remote.client import RemoteClient
from plait.remote.ownership import Owned
from plait.remote.reconnecting import ReconnectingClient
from plait.runtime.coordinator import Coordinator
from tests.remote.ends import attached, serving
from tests.runtime.waiting import LIMIT
from tests.runtime.world import World, ask, opened, scripted, turned

pytestmark = pytest.mark.anyio


@dataclass
class Ways:
    """The way to an owner that leaves, and then to what its database has become."""

    path: Path
    next: Coordinator

    def owner(self) -> int:
        """See `remote.ownership.Ways`."""
        return 1

    @asynccontextmanager
    async def own(self, *, heir: bool) -> AsyncGenerator[Owned, None]:
        """See `remote.ownership.Ways`."""
        yield Owned(self.next, None)

    @asynccontextmanager
    async def attach(self, silence: Callable[[bool], object]) -> AsyncGenerator[RemoteClient, None]:
        """See `remote.ownership.Ways`."""
        if not self.path.exists():
            raise NoOwner("It has left.")
        async with attached(self.path, silence) as client:
            yield client


async def test_what_is_said_after_a_salvage_is_shown(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("s") / "s"
    long, short = (World(scripted(Reply(match="", text="ok"))) for _ in range(2))
    async with long.start() as before, short.start() as after:
        session = await opened(before)
        assert await opened(after) == session
        await turned(after, session, "one")
        for text in ("one", "two", "three"):
            await turned(before, session, text)
        short.clock = count(5_000)
        leave = anyio.Event()

        async def own(*, task_status: TaskStatus[None]) -> None:
            async with serving(before, path):
                task_status.started()
                await leave.wait()
                path.unlink()

        async with anyio.create_task_group() as tasks:
            await tasks.start(own)
            async with (
                ReconnectingClient(Ways(path, after), print, 5.0) as client,
                aclosing(client.follow(session, e.Cursor(0, 0))) as events,
            ):
                with anyio.fail_after(LIMIT):
                    said: list[str] = []
                    async for stamped in events:
                        said += [stamped.event.text] if isinstance(stamped.event, e.UserSaid) else []
                        if isinstance(stamped.event, e.TurnEnded) and said == ["one", "two", "three"]:
                            leave.set()
                            break
                    assert isinstance(await client.submit(c.MarkSeen(session)), c.Done)  # the next one owns now
                    await ask(after, c.Say(session, "four"), c.Done)
                    async for stamped in events:
                        if isinstance(stamped.event, e.UserSaid):
                            assert stamped.event.text == "four"
                            break
