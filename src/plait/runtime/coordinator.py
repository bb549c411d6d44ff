"""The coordinator: the registry of sessions as a `Client`. What each command does is in `runtime.commands`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import anyio

from plait.core.commands import Command, Refused, Reply, SessionInfo
from plait.core.errors import PlaitError
from plait.core.events import Cursor, Stamped
from plait.core.messages import SessionId
from plait.runtime.commands import carry_out
from plait.runtime.registry import Registry


class Coordinator(Registry):
    """All sessions of one database, as front ends see them; an async context manager, see `Registry`."""

    async def submit(self, command: Command) -> Reply:
        """Carry out a command; see `core.commands`."""
        try:
            return await carry_out(self, command)
        except PlaitError as error:
            return Refused(str(error), type(error).__name__)

    async def follow(self, session: SessionId, after: Cursor | None = None) -> AsyncGenerator[Stamped, None]:
        """Events of a session after the cursor, then as they come. Raises `UsageError` for an unknown session."""
        managed = await self.managed(session)
        try:
            async with aclosing(managed.log.follow(after)) as events:
                async for stamped in events:
                    yield stamped
        finally:
            with anyio.CancelScope(shield=True):  # it may have been completed while it was followed
                await self.release(session)

    async def sessions(self) -> Sequence[SessionInfo]:
        """Every session, last used first."""
        return self.rows()
