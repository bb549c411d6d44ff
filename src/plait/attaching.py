"""The way to the plait that owns a database, for whoever only wants to ask it: imports no more than that takes."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from plait.core.commands import Fleet, ReadFleet, SessionInfo
from plait.core.errors import NoOwner, OwnerError
from plait.remote.client import RemoteClient
from plait.remote.frames import Role
from plait.remote.place import check_peer, checked
from plait.remote.sockets import connect
from plait.store.owner import announced

LIVE = 0.5
"""Seconds that an owner has to tell its open sessions; a list, many times a minute, must not wait for one that hangs."""


@asynccontextmanager
async def attached(
    database: Path, silence: Callable[[bool], object] = bool, *, role: Role = "visitor"
) -> AsyncGenerator[RemoteClient, None]:
    """A client of the plait that owns `database`. Raises `NoOwner` where none listens, `OwnerError` where it cannot be talked to."""
    _, place = announced(database)
    if not place:
        raise NoOwner("No plait shares the sessions now. Start one.")
    uid = os.geteuid()
    path = checked(Path(place), uid)
    try:
        stream = await connect(path)
    except OSError as error:
        raise NoOwner(f"No plait listens at {path} ({error.strerror}). Start one.") from error
    try:
        check_peer(stream.socket, uid)
    except OwnerError:
        stream.close()
        raise
    async with RemoteClient(stream, os.getpid(), silence, role=role) as client:
        yield client


def open_sessions(database: Path) -> Sequence[SessionInfo]:
    """The open sessions as their owner has them at this moment; none where no owner answers."""
    return anyio.run(_open_sessions, database)


async def _open_sessions(database: Path) -> Sequence[SessionInfo]:
    try:
        with anyio.move_on_after(LIVE):
            async with attached(database) as client:
                reply = await client.submit(ReadFleet())
                return reply.sessions if isinstance(reply, Fleet) else ()
    except OwnerError:
        pass
    return ()
