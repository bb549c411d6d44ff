"""The example of `docs/protocol.md`, recorded: `python -m tests.remote.recording > docs/protocol.md` writes the page again."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import anyio

from plait.core import commands as c, events as e
from plait.core.messages import SessionId
from plait.models.scripted import Reply
from plait.remote.client import RemoteClient
from plait.remote.document import page
from plait.remote.sockets import SocketStream, connect
from tests.remote.ends import serving
from tests.runtime.waiting import LIMIT
from tests.runtime.world import World, scripted


class Tapped:
    """A stream of the one that attaches; `heard` is told each line and its direction."""

    def __init__(self, stream: SocketStream, heard: Callable[[str, bytes], None]) -> None:
        self._stream = stream
        self._heard = heard
        self._in, self._out = b"", b""

    async def receive(self, most: int) -> bytes:
        """See `ByteStream`."""
        data = await self._stream.receive(most)
        *lines, self._in = (self._in + data).split(b"\n")
        for line in lines:
            self._heard("←", line)
        return data

    async def send(self, data: bytes) -> None:
        """See `ByteStream`."""
        *lines, self._out = (self._out + data).split(b"\n")
        for line in lines:
            self._heard("→", line)
        await self._stream.send(data)

    def close(self) -> None:
        """See `ByteStream`."""
        self._stream.close()


async def recorded() -> str:
    """A session is opened, followed, and asked something; an answer stands right behind its request, wherever it came."""
    lines: list[tuple[str, bytes]] = []
    with tempfile.TemporaryDirectory(prefix="r") as folder, anyio.fail_after(LIMIT):
        path = Path(folder) / "s"
        world = World(scripted(Reply(match="", text="Four.")))
        async with world.start() as coordinator, serving(coordinator, path):
            tapped = Tapped(await connect(path), lambda arrow, line: lines.append((arrow, line)))
            async with RemoteClient(tapped, 4712) as client:
                opened = await client.submit(c.OpenSession("/home/ada/shop", "sums"))
                assert isinstance(opened, c.Done)
                await ask(client, opened.session)
                await client.submit(c.Say(SessionId("nobody"), "Is anybody there?"))
    return "\n".join(f"{arrow} {line.decode()}" for arrow, line in in_order(lines))


async def ask(client: RemoteClient, session: SessionId) -> None:
    """Follow the session and say something, until the turn has ended."""
    async with aclosing(client.follow(session, e.Cursor(0, 0))) as events, anyio.create_task_group() as tasks:
        async for stamped in events:
            if isinstance(stamped.event, e.SessionOpened):
                tasks.start_soon(client.submit, c.Say(session, "What is two and two?"))
            if isinstance(stamped.event, e.TurnEnded):
                break


def in_order(lines: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Each answer right behind what it answers: which came first of an answer and an event is chance."""
    answers = {json.loads(line)["id"]: (arrow, line) for arrow, line in lines if b'"type":"Answered"' in line}
    ordered: list[tuple[str, bytes]] = []
    for arrow, line in lines:
        if (arrow, line) not in answers.values():
            ordered.append((arrow, line))
            if b'"type":"Submit"' in line:
                ordered.append(answers[json.loads(line)["id"]])
    return ordered


if __name__ == "__main__":
    sys.stdout.write(page(anyio.run(recorded)))
