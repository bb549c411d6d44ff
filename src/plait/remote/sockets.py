"""Unix sockets as byte streams of the event loop: connect, listen, accept.

asyncio's own socket calls are used: they take a cancellation at any moment, also in the very step in which data comes.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path

from plait.remote.place import SOCKET_MODE

BACKLOG = 128


class SocketStream:
    """One end of a connection. Errors are `OSError`; the end is an empty `receive`."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._under_way = 0
        self._closing = False

    def __repr__(self) -> str:
        return f"<SocketStream [{'closed' if self._closing else 'open'}]>"

    async def receive(self, most: int) -> bytes:
        """Up to so many bytes, as soon as there are any; none at the end."""
        self._begin()
        try:
            return await asyncio.get_running_loop().sock_recv(self.socket, most)
        finally:
            self._end()

    async def send(self, data: bytes) -> None:
        """Send all of it. A cancelled call may have sent a part."""
        self._begin()
        try:
            await asyncio.get_running_loop().sock_sendall(self.socket, data)
        finally:
            self._end()

    def close(self) -> None:
        """End the connection; whoever waits for it is woken. A second call does nothing."""
        if not self._closing:
            self._closing = True
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)  # the descriptor itself stays until nobody waits for it
            if not self._under_way:
                self.socket.close()

    def _begin(self) -> None:
        if self._closing:
            raise BrokenPipeError("closed")
        self._under_way += 1

    def _end(self) -> None:
        self._under_way -= 1
        if self._closing and not self._under_way:
            self.socket.close()


async def connect(path: Path) -> SocketStream:
    """Connect to who listens at `path`. Raises `OSError`."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, str(path))
    except BaseException:
        connection.close()
        raise
    return SocketStream(connection)


class Listener:
    """Listens at a path, which nobody else may use meanwhile."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening

    def __repr__(self) -> str:
        return f"<Listener {self._listening.getsockname() if self._listening.fileno() >= 0 else 'closed'}>"

    async def accept(self) -> SocketStream:
        """The next connection. Raises `OSError`."""
        connection, _ = await asyncio.get_running_loop().sock_accept(self._listening)
        return SocketStream(connection)

    def close(self) -> None:
        """Listen no more. Nobody may be waiting in `accept`."""
        self._listening.close()


def listen(path: Path) -> Listener:
    """Listen at `path`, where nothing is, for this user alone. Raises `OSError`."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.setblocking(False)
    try:
        listening.bind(str(path))
        os.chmod(path, SOCKET_MODE)
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return Listener(listening)
