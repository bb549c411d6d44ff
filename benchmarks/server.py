"""A model server on loopback that speaks the OpenAI protocol, at a rate of its choosing, and tells its own times.

As a program it prints its port, then two lines for each answer: when the request was there, and when the first token had been sent; later,
when its end was sent (`time.monotonic()`, seconds). The model's name is the plan of the answer: `bench-TOKENS-RATE-WAIT-MARK`, RATE in
tokens a second (0: flat out), WAIT in milliseconds before the first, MARK in its first and last word and where paragraphs begin.
The program ends when its standard input does.

`Server` starts it as a process of its own, so that what it costs is not plait's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from functools import cache
from types import TracebackType
from typing import IO

FIRST, LAST = b"zqfirst", b"zqlast"
"""The first and the last word of each answer, up to its mark: looked for on the screen."""
GROUP = 64
"""Tokens in one write when it goes flat out."""
WORDS = ("the", "of", "and", "to", "in", "that", "was", "his", "with", "as", "for", "had", "you", "not", "be", "her", "on", "at", "by")
PARAGRAPH = 60
"""Words of one paragraph."""
PATIENCE = 60.0
"""Seconds to wait for an answer to begin."""


def words(count: int, mark: str) -> list[str]:
    """The tokens of an answer: short words, in paragraphs, between its first and its last."""
    said = [f"{FIRST.decode()}{mark} "]
    for number in range(1, count - 1):
        if mark and number % PARAGRAPH == 1:
            said.append(f"{mark} ")
            continue
        said.append(WORDS[number * 7 % len(WORDS)] + ("\n\n" if number % PARAGRAPH == 0 else " "))
    return [*said, f"\n\n{LAST.decode()}{mark}\n"]


def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    """One event of the stream, as a chunk of the body."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    value = {"id": "bench", "object": "chat.completion.chunk", "created": 1, "model": "bench", "choices": [choice]}
    data = f"data: {json.dumps(value)}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


@cache
def prepared(count: int, mark: str) -> list[bytes]:
    """The answer's tokens as bytes, made once."""
    return [chunk({"content": word}) for word in words(count, mark)]


async def answer(writer: asyncio.StreamWriter, model: str, received: float) -> None:
    """One answer, at its rate, on schedule."""
    _, count, *pace, mark = model.split("-")
    tokens = prepared(int(count), mark)
    rate, wait = map(float, pace)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    writer.write(chunk({"role": "assistant", "content": ""}))
    await asyncio.sleep(max(0.0, received + wait / 1000 - time.monotonic()))
    writer.write(tokens[0])
    first = time.monotonic()
    _tell(received, first)
    if rate:
        for number, token in enumerate(tokens[1:], 1):
            await asyncio.sleep(max(0.0, first + number / rate - time.monotonic()))
            writer.write(token)
            await writer.drain()
    else:
        for start in range(1, len(tokens), GROUP):
            writer.write(b"".join(tokens[start : start + GROUP]))
            await writer.drain()
    ended = time.monotonic()
    writer.write(chunk({}, "stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    await writer.drain()
    _tell(ended)


def _tell(*times: float) -> None:
    sys.stdout.write(f"{json.dumps(times)}\n")
    sys.stdout.flush()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, kept alive."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0] or 0)
            body = await reader.readexactly(length)
            received = time.monotonic()
            await answer(writer, str(json.loads(body)["model"]), received)
    except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass  # the client has gone, or the server ends
    finally:
        writer.close()


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()


class Server:
    """The server as a process; `with Server() as server`."""

    def __enter__(self) -> Server:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._process.stdout is not None
        self.base_url = f"http://127.0.0.1:{int(self._process.stdout.readline())}/v1"
        self._begun: queue.SimpleQueue[tuple[float, float]] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True)
        self._listener.start()
        return self

    def _listen(self, lines: IO[str]) -> None:
        for line in lines:
            match json.loads(line):
                case [received, first]:
                    self._begun.put((received, first))
                case [ended]:
                    self._ended.put(ended)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        self._process.stdout.close()

    def times(self) -> tuple[float, float]:
        """Of the next answer that was begun: when its request was there, when its first token had been sent."""
        try:
            return self._begun.get(timeout=PATIENCE)
        except queue.Empty:
            raise TimeoutError(f"the server was asked nothing for {PATIENCE:.0f} s") from None

    def ends(self) -> list[float]:
        """When the ends were sent of all answers that have ended since the last call."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._ended.get_nowait())
        return found


def model(tokens: int, rate: float = 0, wait: int = 0, mark: str = "") -> str:
    """The name of a model that answers with so many tokens, so many a second (0: flat out), after so many milliseconds."""
    return f"bench-{tokens}-{rate:g}-{wait}-{mark}"


if __name__ == "__main__":
    asyncio.run(main())
