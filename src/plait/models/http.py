"""Model calls over HTTP: one request, one streamed answer, no second attempt (only the runtime's gate repeats, promise P3).

Rules:
1. Time is bounded everywhere: to connect, to the first byte, between two signs of life. A sign of life is a complete line, comments
   included, or `LIFE` bytes; a byte now and then is none.
2. Before a part of the answer has come, a broken connection is `Unreachable` and may be repeated; after it, `BadAnswer`, and may not.
3. Reading does not wait while data is buffered, so this module gives way to others itself, at the latest after `TURN` seconds. Where
   the server is the slower one, what comes within `PACE` is passed on together: it costs one wake-up, not one for each token.
4. Giving up closes the connection at once. No redirect is followed: the key is for one host only. Proxies of the environment are used,
   except for this machine. No key gets into a log: the HTTP library's own loggers are quiet below warnings.
5. Nothing is compressed unless the server insists; then it is unpacked in bounded pieces, under the decoder's caps.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import httpcore2  # noqa: F401  # httpx2 imports it, 25 ms, when the first client is made, which is in the event loop
import httpx2

from plait.core.errors import AccessRefused, BadAnswer, ModelError
from plait.core.messages import ModelEvent
from plait.models.broken import Broken, broken, no_proxy, stalled
from plait.models.endpoint import Endpoint, Timeouts
from plait.models.faults import Refusal, read_body, to_error
from plait.models.openai_wire import Decoder

MAX_ERROR_BODY = 64 * 1024
MAX_JSON_BODY = 32_000_000
"""Bytes of an answer that was not streamed, or of a list of models."""
LIFE = 1024
TURN = 0.002
PACE = 1 / 20
"""Seconds that what a slow server sent waits for more, so that it is passed on together: as often as a screen is drawn. The first token
never waits."""
LITTLE = 8192
"""Bytes, about 40 tokens, between two waits for the server: who sends more is read as fast as it sends."""
LAST_WAIT = 5.0
"""Seconds for the token counts, once the server has said that the answer is over; and for the text of a refusal."""
KEEP_ALIVE = 20.0

_STREAMED = ("text/event-stream", "", "text/plain", "application/octet-stream")
"""Content types that are read as a stream: the right one, and what careless servers send in its place."""


class Link:
    """The connections to one endpoint; make it anywhere, use it in one event loop."""

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts | None = None) -> None:
        self.endpoint = endpoint
        self._timeouts = timeouts or Timeouts()
        self._made: httpx2.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"<Link {self.endpoint.name} at {self.endpoint.place}: {'open' if self._made else 'closed'}>"

    async def stream(self, path: str, body: bytes, decoder: Decoder, model: str) -> AsyncGenerator[ModelEvent, None]:
        """Send `body` and give what `decoder` makes of the answer. Raises `ModelError`."""
        async with self._answer("POST", path, body, model, self._timeouts) as (response, deadline):
            if self._content_type(response) == "application/json":
                decoder.take(await self._whole_json(response, deadline, self._timeouts))
            else:
                async with aclosing(self._chunks(response, deadline, self._timeouts, decoder)) as chunks:
                    pace = _Pace()
                    async for chunk in chunks:
                        await pace.came(len(chunk))
                        for event in decoder.feed(chunk):
                            pace.spoken = True
                            yield event
                        if decoder.done:
                            break
                        pace.reads()
        for event in decoder.finish():
            yield event
        if decoder.error is not None:
            raise decoder.error

    async def get_json(self, path: str, timeouts: Timeouts) -> Any:
        """The JSON value at `path`. Raises `ModelError`."""
        async with self._answer("GET", path, None, "the model", timeouts) as (response, deadline):
            self._content_type(response)
            return await self._whole_json(response, deadline, timeouts)

    async def aclose(self) -> None:
        """Close all connections; the next call opens new ones."""
        made, self._made = self._made, None
        if made is not None:
            await made.aclose()

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, body: bytes | None, model: str, timeouts: Timeouts
    ) -> AsyncIterator[tuple[httpx2.Response, float]]:
        """A response with a good status, and the moment until which its first byte may take."""
        client = self._client()
        deadline = anyio.current_time() + 2 * timeouts.connect + timeouts.first_byte  # a proxy is connected through, too
        with anyio.CancelScope(deadline=deadline) as scope:

            async def sent(name: str, info: dict[str, Any]) -> None:
                if name.endswith("send_request_body.complete"):
                    scope.deadline = anyio.current_time() + timeouts.first_byte

            try:
                request = client.build_request(
                    method,
                    self.endpoint.base_url.rstrip("/") + path,
                    content=body,
                    headers=self._headers(),
                    timeout=httpx2.Timeout(connect=timeouts.connect, read=None, write=timeouts.first_byte, pool=None),
                    extensions={"trace": sent},
                )
                response = await client.send(request, stream=True)
            except Broken as error:
                raise broken(self.endpoint, error, started=False) from error
        if scope.cancelled_caught:
            raise stalled(self.endpoint, timeouts.first_byte, started=False)
        try:
            if not 200 <= response.status_code < 300:
                raise await self._refusal(response, model)
            yield response, scope.deadline
        finally:
            with anyio.CancelScope(shield=True, deadline=anyio.current_time() + 1):
                await response.aclose()

    async def _chunks(
        self, response: httpx2.Response, deadline: float, timeouts: Timeouts, decoder: Decoder | None
    ) -> AsyncGenerator[bytes, None]:
        """The body in pieces, as they come. A break or a stall after the whole answer was said is an end like any other."""
        first, lines, size, idle = True, 0, 0, timeouts.first_byte
        async with aclosing(response.aiter_bytes()) as pieces:
            while True:
                with anyio.CancelScope(deadline=deadline) as scope:
                    try:
                        piece = await anext(pieces)
                    except StopAsyncIteration:
                        return
                    except Broken as error:
                        if decoder is not None and decoder.answered:
                            return
                        raise broken(self.endpoint, error, started=decoder is None or decoder.started) from error
                if scope.cancelled_caught:
                    if decoder is not None and decoder.answered:
                        return
                    raise stalled(self.endpoint, idle, started=decoder is None or decoder.started)
                yield piece
                size += len(piece)
                if size >= LIFE or (first if decoder is None else decoder.lines != lines):
                    first, size, lines = False, 0, decoder.lines if decoder is not None else 0
                    idle = min(timeouts.idle, LAST_WAIT) if decoder is not None and decoder.answered else timeouts.idle
                    deadline = anyio.current_time() + idle

    def _content_type(self, response: httpx2.Response) -> str:
        """The content type, if it can be an answer. Raises `BadAnswer`."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in _STREAMED:
            return "text/event-stream"
        if kind == "application/json":
            return kind
        what = "a web page" if kind in ("text/html", "application/xhtml+xml") else f"'{kind[:60]}'"
        raise BadAnswer(
            f"{self.endpoint.place} answered with {what} instead of a model's answer. "
            f"Check base_url ({self.endpoint.shown_url}); it usually ends in /v1."
        )

    async def _whole_json(self, response: httpx2.Response, deadline: float, timeouts: Timeouts) -> Any:
        body = bytearray()
        async with aclosing(self._chunks(response, deadline, timeouts, None)) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > MAX_JSON_BODY:
                    raise BadAnswer(f"{self.endpoint.place} answered with over {MAX_JSON_BODY:,} bytes. Check base_url.")
        try:
            return json.loads(bytes(body).decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise BadAnswer(f"The answer of {self.endpoint.place} is garbled. Use /retry; if it stays so, check base_url.") from None

    async def _refusal(self, response: httpx2.Response, model: str) -> ModelError:
        """What a bad status means; its text is waited for, but not for long."""
        body = bytearray()
        with anyio.move_on_after(LAST_WAIT):
            try:
                async with aclosing(response.aiter_bytes()) as pieces:
                    async for piece in pieces:
                        body += piece
                        if len(body) > MAX_ERROR_BODY:
                            break
            except Broken:
                pass  # the status says enough
        if 300 <= response.status_code < 400:
            target = response.headers.get("location", "")
            return to_error(self.endpoint, model, Refusal(response.status_code, f"to {target}"))
        return to_error(self.endpoint, model, read_body(response.status_code, bytes(body), response.headers, time.time()))

    def _headers(self) -> dict[str, str]:
        headers = {
            "accept": "text/event-stream, application/json",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "user-agent": "plait",
        }
        if key := self.endpoint.api_key.reveal():
            if not (key.isascii() and key.isprintable()):
                raise AccessRefused(
                    f"The key for {self.endpoint.place} holds characters that no key has. Set {self.endpoint.key_env or 'it'} again."
                )
            headers["authorization"] = f"Bearer {key}"
        if self.endpoint.connection_close:
            headers["connection"] = "close"
        headers.update(self.endpoint.headers)
        return headers

    def _client(self) -> httpx2.AsyncClient:
        if self._made is None:
            for name in ("httpx2", "httpcore2"):
                logging.getLogger(name).setLevel(logging.WARNING)
            local = self.endpoint.local
            # Reading the machine's certificates takes 20 ms, and plain HTTP to this machine needs none.
            verify = not (local and self.endpoint.base_url.startswith("http://"))
            limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_ALIVE)
            transport = httpx2.AsyncHTTPTransport(uds=self.endpoint.uds, verify=verify, limits=limits) if self.endpoint.uds else None
            try:
                self._made = httpx2.AsyncClient(
                    transport=transport, verify=verify, trust_env=not local, follow_redirects=False, limits=limits
                )
            except (ValueError, ImportError) as error:
                raise no_proxy(self.endpoint, error) from error
        return self._made


class _Pace:
    """Whether what was read is passed on at once, after others have had their turn, or after `PACE`."""

    def __init__(self) -> None:
        self._turn = self._asked = time.monotonic()
        self._size = 0
        self.spoken = False
        """Something was said: what comes before the first token is not held up."""

    def reads(self) -> None:
        """The next piece is asked for now."""
        self._asked = time.monotonic()

    async def came(self, size: int) -> None:
        """So many bytes were read; returns when it is time to pass them on."""
        now = time.monotonic()
        waited = now - self._asked > TURN
        self._size += size
        if waited and self.spoken and self._size < LITTLE:
            await anyio.sleep(PACE)
        elif not waited and now - self._turn > TURN:
            await anyio.lowlevel.checkpoint()
        elif not waited:
            return
        self._turn = time.monotonic()
        if waited:
            self._size = 0
