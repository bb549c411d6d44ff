"""A real HTTP server on loopback that plays a model server, well-behaved or not: OpenAI's, Anthropic's and Google's wire.

A `Scenario` is what happens after a request was read; a request whose model has the name of one in `SCENARIOS` plays that one, any other
the server's own. For tests in the same loop: `async with FakeProvider(scenario) as server`. As a program, for terminals and benchmarks:

    python -m tests.models.fake_provider --port 0 --tokens 500 --tokens-per-second 100 [--scenario NAME]

prints its port, and serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import anyio

from tests.models import wires

EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(slots=True)
class Exchange:
    """One request, and the way to answer it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    _reader: asyncio.StreamReader = field(repr=False)
    _writer: asyncio.StreamWriter = field(repr=False)
    gone: anyio.Event = field(default_factory=anyio.Event)
    """The client has closed the connection before the answer was over."""

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body or b"{}")

    @property
    def wire(self) -> str:
        """Whose interface was called."""
        if self.path.startswith("/v1beta/"):
            return "google"
        return "anthropic" if self.path.startswith("/v1/messages") else "openai"

    @property
    def model(self) -> str:
        """The model that was asked for."""
        named = re.match(r"/v1beta/models/([^:]+):", self.path)
        return named[1] if named else str(self.json.get("model", ""))

    @property
    def closed(self) -> bool:
        """Nothing of the connection is left, on our side."""
        connection = self._writer.get_extra_info("socket")
        return connection is None or connection.fileno() == -1

    def abort(self) -> None:
        """Let the connection go, whatever is still to be written. On one whose last bytes went out after `close`, asyncio's own fails."""
        if not self.closed:
            self._writer.transport.abort()

    async def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int = 200, content_type: str = EVENT_STREAM, **headers: str) -> None:
        """Status line and headers; the body is all up to the close."""
        lines = [f"HTTP/1.1 {status} Status", "connection: close"]
        lines += [f"content-type: {content_type}"] if content_type else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join((*lines, "", "")).encode())

    async def chunk(self, data: bytes) -> None:
        """A piece of a chunked body."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def reset(self) -> None:
        """Break the connection off without an end."""
        if not self.closed:
            self._writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            self.abort()

    async def wait_gone(self) -> None:
        """Until the client closes."""
        while await self._reader.read(65536):
            pass
        self.gone.set()


Scenario = Callable[[Exchange], Awaitable[None]]


class FakeProvider:
    """The server; `exchanges` are all requests so far, `models` is what `/models` answers. `tls` makes it speak TLS."""

    def __init__(self, scenario: Scenario | None = None, port: int = 0, tls: ssl.SSLContext | None = None, uds: str | None = None) -> None:
        self.scenario = scenario or says(wires.PLAIN)
        self.exchanges: list[Exchange] = []
        self.port = port
        self.models: Any = {"object": "list", "data": [{"id": "fake-1"}, {"id": "fake-2"}]}
        self._tls = tls
        self._uds = uds
        self._server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """What an OpenAI-compatible client is given."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    @property
    def root(self) -> str:
        """What the other clients are given."""
        return self.base_url.removesuffix("/v1")

    async def __aenter__(self) -> FakeProvider:
        if self._uds:
            self._server = await asyncio.start_unix_server(self._serve, self._uds)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for exchange in self.exchanges:
            exchange.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.readexactly(1)
            if first == b"\x16":  # a TLS greeting: what web servers do with it
                writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                return
            head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            exchange = Exchange(method, path, headers, body, reader, writer)
            self.exchanges.append(exchange)
            if path.endswith("/models"):
                await answers(200, self.models)(exchange)
            else:
                await SCENARIOS.get(exchange.model, self.scenario)(exchange)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the server was closed: both are the end of this connection
        finally:
            if "exchange" in locals() and writer.transport.is_closing():
                exchange.gone.set()
            writer.close()


def says(said: wires.Said, per_second: float = 0) -> Scenario:
    """A well-behaved stream, in chunks of one event; `per_second` events a second, 0 flat out."""

    async def play(exchange: Exchange) -> None:
        await exchange.head(transfer_encoding="chunked")
        started = anyio.current_time()
        for number, event in enumerate(wires.WIRES[exchange.wire](said)):
            if per_second:
                await anyio.sleep_until(started + number / per_second)
            await exchange.chunk(event)
        await exchange.send(b"0\r\n\r\n")

    return play


def streams(events: Sequence[bytes], end: str = "close", content_type: str = EVENT_STREAM, **headers: str) -> Scenario:
    """These bytes, then `close`, `reset`, `stall`, or `cut` (a chunked body without its last chunk)."""

    async def play(exchange: Exchange) -> None:
        chunked = end == "cut"
        await exchange.head(200, content_type, **headers, **({"transfer_encoding": "chunked"} if chunked else {}))
        for event in events:
            await (exchange.chunk(event) if chunked else exchange.send(event))
        if end == "stall":
            await exchange.wait_gone()
        if end == "reset":
            exchange.reset()

    return play


def dribbles(byte: bytes, seconds: float) -> Scenario:
    """One byte now and then, for ever."""

    async def play(exchange: Exchange) -> None:
        await exchange.head()
        while True:
            await exchange.send(byte)
            await anyio.sleep(seconds)

    return play


def answers(status: int, body: Any = b"", content_type: str = "application/json", **headers: str) -> Scenario:
    """One whole answer; a body that is not bytes is sent as JSON."""

    async def play(exchange: Exchange) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        await exchange.head(status, content_type, content_length=str(len(data)), **headers)
        await exchange.send(data)

    return play


def refuses(status: int, message: str, kind: str = "", **headers: str) -> Scenario:
    """An error in the words of the wire that was called."""

    async def play(exchange: Exchange) -> None:
        await answers(status, wires.error_body(exchange.wire, status, message, kind), **headers)(exchange)

    return play


async def silent(exchange: Exchange) -> None:
    """No byte at all."""
    await exchange.wait_gone()


async def hangs_up(exchange: Exchange) -> None:
    """Closes without an answer."""


async def gibberish(exchange: Exchange) -> None:
    """Not HTTP."""
    await exchange.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


def bomb(megabytes: int) -> Scenario:
    """A little gzip that unpacks to a lot."""
    return streams([gzip.compress(bytes(megabytes * 1_000_000))], content_encoding="gzip")


PAGE = b"<!DOCTYPE html><html><body>Welcome!</body></html>"
TOO_LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."

SCENARIOS: dict[str, Scenario] = {
    "plain": says(wires.PLAIN),
    "thinking": says(wires.THOUGHT),
    "tools": says(wires.CALLED),
    "no-key": refuses(401, "Incorrect API key provided.", "invalid_api_key"),
    "forbidden": refuses(403, "Country not supported.", "unsupported_country"),
    "missing": refuses(404, "The model `missing` does not exist.", "model_not_found"),
    "large": refuses(413, "Request too large.", "request_too_large"),
    "long": refuses(400, TOO_LONG, "context_length_exceeded"),
    "rate-limit": refuses(429, "Too many requests.", "rate_limit_exceeded", retry_after="2"),
    "quota": refuses(429, "You exceeded your current quota.", "insufficient_quota"),
    "broken": refuses(500, "The server had an error."),
    "gateway": answers(502, PAGE, "text/html"),
    "unavailable": refuses(503, "Loading model.", "unavailable_error"),
    "overloaded": refuses(529, "Overloaded.", "overloaded_error"),
    "silent": silent,
    "hangs-up": hangs_up,
    "gibberish": gibberish,
    "web-page": answers(200, PAGE, "text/html; charset=utf-8"),
    "garbled": streams([b"data: {oops\n\n"]),
    "stalled": streams(wires.openai(wires.PLAIN)[:3], "stall"),
    "cut": streams(wires.openai(wires.PLAIN)[:4], "cut"),
}


async def _main() -> None:
    parser = argparse.ArgumentParser(description="Play a model server on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=500, help="words of each answer")
    parser.add_argument("--tokens-per-second", type=float, default=0, help="0: flat out")
    parser.add_argument("--scenario", choices=SCENARIOS, help="instead of words")
    options = parser.parse_args()
    words = tuple(f"word{number}" + ("\n\n" if number % 60 == 0 else " ") for number in range(1, options.tokens + 1))
    scenario = SCENARIOS[options.scenario] if options.scenario else says(wires.Said(text=words), options.tokens_per_second)
    async with FakeProvider(scenario, options.port) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        await anyio.to_thread.run_sync(sys.stdin.buffer.read)


if __name__ == "__main__":
    anyio.run(_main)
