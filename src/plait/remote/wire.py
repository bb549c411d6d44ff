"""Lines over a byte stream: what both ends of a connection share.

Rules:
1. A line is put into the outgoing buffer in one step, and one task writes the buffer: whoever is cancelled leaves no half line behind.
2. The buffer has room for `ROOM` bytes; whoever has more to send waits, and only who waits on this very connection.
3. However the other end goes away, or whatever it sends, the reader sees `OwnerLost` or `BadFrame`, and nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

import anyio

from plait.core.errors import BadFrame, OwnerLost
from plait.remote.frames import HELLO_CAP

ROOM = 256 * 1024
"""Bytes that may wait to be written before senders wait; a single longer line is taken when there is any room."""
PIECE = 64 * 1024
FLUSHING = 0.2
"""Seconds that the last words may take to be written; whoever does not read them learns of the end anyhow."""


class ByteStream(Protocol):
    """What lines can go over. The end is an empty `receive`; whatever fails is an `OSError`."""

    async def receive(self, most: int) -> bytes:
        """Up to so many bytes."""
        ...

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        ...

    def close(self) -> None:
        """End it; whoever waits is woken."""
        ...


def lost() -> OwnerLost:
    """What is raised where the other end has gone."""
    return OwnerLost("The connection to the other plait has ended. Try again.")


class Wire:
    """One end of a connection. `write` has to run for as long as anything is sent."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._out: list[bytes] = []
        self._waiting = 0
        self._changed = anyio.Event()
        self.closed = False
        self._said_last = False
        self.cap = HELLO_CAP
        """The longest line that is taken, in bytes."""

    def __repr__(self) -> str:
        return f"<Wire [{self._waiting} bytes to write{', closed' if self.closed else ''}]>"

    @property
    def waiting(self) -> int:
        """Bytes that are not written yet."""
        return self._waiting

    async def send(self, line: bytes) -> None:
        """Have a line written, once there is room. Raises `OwnerLost` if the connection has ended."""
        while self._waiting >= ROOM and not self.closed:
            await self._changed.wait()
        self.put(line)

    def put(self, line: bytes) -> None:
        """Have a line written, room or not: for what is bounded otherwise. Raises `OwnerLost` if the connection has ended.

        What comes after the last words (`put_last`) is not said any more.
        """
        if self.closed:
            raise lost()
        if self._said_last:
            return
        self._out.append(line)
        self._waiting += len(line)
        self._wake()

    def put_last(self, line: bytes) -> None:
        """Have the last line written; whatever is put after it is dropped. Raises `OwnerLost` if the connection has ended."""
        self.put(line)
        self._said_last = True

    async def write(self) -> None:
        """Write what is sent. Returns when the connection has ended."""
        while not self.closed:
            if not self._out:
                await self._changed.wait()
                continue
            data, self._out = b"".join(self._out), []
            try:
                await self._stream.send(data)
            except OSError:
                self.close()
            self._waiting -= len(data)
            self._wake()

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """Lines as they come, without their line feeds. Raises `BadFrame`, and `OwnerLost` when the other end has gone."""
        buffer = bytearray()
        looked = 0
        while True:
            end = buffer.find(b"\n", looked)
            looked = len(buffer)
            if max(end, 0 if end >= 0 else looked) > self.cap:
                raise BadFrame(f"A line is longer than {self.cap:,} bytes. Send shorter ones.")
            if end >= 0:
                line = bytes(buffer[:end])
                del buffer[: end + 1]
                looked = 0
                yield line
                continue
            try:
                data = await self._stream.receive(PIECE)
            except OSError:
                data = b""
            if not data:
                raise lost()
            buffer += data

    async def flush(self) -> None:
        """Return once all is written, or after `FLUSHING` seconds."""
        with anyio.move_on_after(FLUSHING, shield=True):
            while self._waiting and not self.closed:
                await self._changed.wait()

    def close(self) -> None:
        """End the connection; whoever waits to send or to receive is told. A second call does nothing."""
        if not self.closed:
            self.closed = True
            self._stream.close()
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
