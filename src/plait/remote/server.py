"""The owner's end of the socket: who comes, who is there, and the end of it.

The listener is made elsewhere and passed in. Whoever is not the same user is told nothing.
"""

from __future__ import annotations

import logging
import os
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import anyio

from plait import __version__
from plait.core.errors import OwnerError
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.remote import frames as f
from plait.remote.connection import Connection
from plait.remote.place import check_peer
from plait.remote.sockets import Listener, SocketStream
from plait.remote.wire import Wire

log = logging.getLogger(__name__)

MOST = 128
"""Connections at once; every further one is sent away with a sentence."""
FULL = f"{MOST} others are attached to this plait already. Leave one of them first."
RETRY = 0.2
"""Seconds until the next one is taken where none could be."""
LEAVING = "The plait that owned the sessions has left."


class Server:
    """Serves `client`, of the owner's `epoch`, on `listener` to processes of the user `uid`; an async context manager."""

    def __init__(self, client: Client, epoch: int, listener: Listener, *, uid: int | None = None, pid: int | None = None) -> None:
        self._client = client
        self._uid = os.geteuid() if uid is None else uid
        self._epoch, self._pid = epoch, os.getpid() if pid is None else pid
        self._connections: set[Connection] = set()
        self._listener = listener
        self._stack = AsyncExitStack()
        self._commands = anyio.create_task_group()
        """What they asked for is carried out here: it outlives their connections."""
        self._tasks = anyio.create_task_group()
        self._accepting, self._accepted = anyio.CancelScope(), anyio.Event()
        self.left_behind = 0
        """How many were there that would take over when the last words were said."""
        self.changed = anyio.Event()
        """Set, and replaced, whenever somebody attaches or goes."""

    def __repr__(self) -> str:
        return f"<Server [{len(self._connections)} connections, {self.heirs} would take over]>"

    @property
    def attached(self) -> int:
        """How many other prompts are there, each of which would go on with all sessions."""
        return sum(one.peer is not None and one.peer.role == "prompt" for one in self._connections)

    @property
    def heirs(self) -> int:
        """How many would take over, scripts among them."""
        return sum(one.peer is not None and one.peer.role != "visitor" for one in self._connections)

    @property
    def followed(self) -> set[SessionId]:
        """The sessions that somebody follows over a connection."""
        return {session for one in self._connections for session in one.followed}

    @property
    def connections(self) -> int:
        """How many connections there are, of whatever kind."""
        return len(self._connections)

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._commands)
        await self._stack.enter_async_context(self._tasks)
        self._tasks.start_soon(self._accept)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        """Take nobody any more, tell everybody that the owner leaves, and end their connections."""
        with anyio.CancelScope(shield=True):
            self._accepting.cancel()
            await self._accepted.wait()
            self.left_behind = self.heirs
            async with anyio.create_task_group() as tasks:
                for connection in tuple(self._connections):
                    tasks.start_soon(_say_goodbye, connection)
        self._tasks.cancel_scope.cancel()
        self._commands.cancel_scope.cancel()
        if isinstance(error, Exception):  # goes on as it is, not as a group of one
            return await self._stack.__aexit__(None, None, None)
        return await self._stack.__aexit__(kind, error, traceback)

    async def _accept(self) -> None:
        try:
            with self._accepting:
                while True:
                    try:
                        stream = await self._listener.accept()
                    except OSError as error:  # no descriptor is free: whoever waits is taken a little later
                        log.error("nobody could be taken: %s", error)
                        await anyio.sleep(RETRY)
                    else:
                        self._tasks.start_soon(self._serve, stream)
        finally:
            self._listener.close()
            self._accepted.set()

    async def _serve(self, stream: SocketStream) -> None:
        try:
            check_peer(stream.socket, self._uid)
        except OwnerError:
            stream.close()
            return
        wire = Wire(stream)
        welcome = f.Welcome(f.PROTOCOL, f.shape(), __version__, self._pid, self._epoch)
        connection = Connection(wire, self._client, welcome, self._commands, self._change)
        if len(self._connections) >= MOST:
            await _send_away(wire)
            return
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
            self._change()

    def _change(self) -> None:
        self.changed.set()
        self.changed = anyio.Event()


async def _say_goodbye(connection: Connection) -> None:
    await connection.say_goodbye(LEAVING, leaving=True)


async def _send_away(wire: Wire) -> None:
    wire.put(f.encode_frame(f.Goodbye(FULL)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wire.write)
        await wire.flush()
        wire.close()
