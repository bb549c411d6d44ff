"""Both ends of a connection in one process, over a real socket: a world's coordinator, its server, and clients of it."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import SocketStream

from plait.core.ports import Client
from plait.remote.client import RemoteClient
from plait.remote.frames import Request, Role, encode_frame
from plait.remote.server import Server
from plait.remote.sockets import connect, listen
from tests.runtime.waiting import LIMIT

PID = 4711


@asynccontextmanager
async def serving(client: Client, path: Path, *, epoch: int = 1, uid: int | None = None) -> AsyncGenerator[Server, None]:
    """A server of `client` at `path`."""
    async with Server(client, epoch, listen(path), uid=uid, pid=PID) as server:
        yield server


@asynccontextmanager
async def attached(path: Path, silence: Callable[[bool], object] = bool, *, role: Role = "prompt") -> AsyncGenerator[RemoteClient, None]:
    """A client of the server at `path`."""
    async with RemoteClient(await connect(path), 1, silence, role=role) as client:
        yield client


class Raw:
    """A peer that says what the test says, byte by byte."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self._buffer = b""

    async def say(self, *frames: Request) -> None:
        """Send frames."""
        await self.stream.send(b"".join(map(encode_frame, frames)))

    async def line(self) -> bytes:
        """The next line; empty at the end."""
        with anyio.fail_after(LIMIT):
            while b"\n" not in self._buffer:
                try:
                    self._buffer += await self.stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return b""
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


@asynccontextmanager
async def raw(path: Path) -> AsyncGenerator[Raw, None]:
    """A peer at the server's other end that has said nothing yet."""
    async with await anyio.connect_unix(path) as stream:
        yield Raw(stream)


def small_buffers(stream: SocketStream) -> None:
    """Let the kernel hold little of what this end does not read."""
    stream.extra(anyio.abc.SocketAttribute.raw_socket).setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
