"""The context that all calls of the bundled model share, and how a call gets its part of it.

The server's slots share `CONTEXT` tokens. Were they to overflow, it would break off every running answer, of all sessions (seen: "Context
size has been exceeded" in each of five streams), against promise P4. So a call asks the server for the size of its prompt, reserves that
and the length of its answer, and waits its turn where there is no room. A prompt that fits nowhere gets the whole room, and the server
refuses it with the figures.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import httpx2

from plait.core.messages import ModelRequest
from plait.models.endpoint import Endpoint
from plait.models.offline import CONTEXT
from plait.models.openai_wire import encode_request

MAX_TOKENS = 1024
"""Tokens of an answer where the request names no limit. A model this small sometimes does not find its end."""
COUNT_SECONDS = 30.0
"""Counting takes 3 ms; on a machine at its limit, longer."""


class Room:
    """A shared amount, taken in parts, first come, first served: a large part is not overtaken by small ones for ever."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.free = size
        self._waiting: deque[tuple[int, anyio.Event]] = deque()

    def __repr__(self) -> str:
        return f"<Room {self.free} of {self.size} free, {len(self._waiting)} waiting>"

    @asynccontextmanager
    async def take(self, amount: int) -> AsyncIterator[None]:
        """Hold `amount` (at most all) inside the block; waits until there is that much."""
        turn = (min(amount, self.size), anyio.Event())
        self._waiting.append(turn)
        self._admit()
        try:
            await turn[1].wait()
            yield
        finally:
            if turn[1].is_set():
                self.free += turn[0]
            else:
                self._waiting.remove(turn)
            self._admit()

    def _admit(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.free:
            amount, event = self._waiting.popleft()
            self.free -= amount
            event.set()


class SharedContext:
    """What all calls of one offline provider go through."""

    def __init__(self) -> None:
        self.room = Room(CONTEXT)

    @asynccontextmanager
    async def admit(self, request: ModelRequest, endpoint: Endpoint) -> AsyncIterator[ModelRequest]:
        """Wait until the call fits; the request as it is to be made: without tools, and with a limit, which the reservation is for."""
        length = request.sampling.max_tokens or MAX_TOKENS
        request = replace(request, tools=(), sampling=replace(request.sampling, max_tokens=length))
        async with self.room.take(await prompt_tokens(endpoint, request) + length):
            yield request


async def prompt_tokens(endpoint: Endpoint, request: ModelRequest) -> int:
    """The size of the prompt by the model's own count; the whole context where the server does not say. The call itself tells why."""
    try:
        async with httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=endpoint.uds), timeout=COUNT_SECONDS) as client:
            answer = await client.post(
                f"{endpoint.base_url}/chat/completions/input_tokens",
                content=encode_request(request, tools=False),
                headers={
                    "Authorization": f"Bearer {endpoint.api_key.reveal()}",
                    "Content-Type": "application/json",
                    "Connection": "close",
                },
            )
        count = answer.json().get("input_tokens") if answer.status_code == 200 else None
    except (httpx2.HTTPError, ValueError, AttributeError):
        count = None
    return count if isinstance(count, int) else CONTEXT
