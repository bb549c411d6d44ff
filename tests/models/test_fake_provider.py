"""The model server of the tests itself."""

from __future__ import annotations

import asyncio

import pytest

from tests.models.fake_provider import Exchange, FakeProvider

pytestmark = pytest.mark.anyio

LONG = b"x" * 16_000_000
"""More than the buffers of a connection on loopback take at once."""


async def test_a_connection_whose_last_bytes_went_out_after_its_close_can_be_left() -> None:
    async def play(exchange: Exchange) -> None:
        exchange._writer.write(LONG)  # not drained: most of it is still to be written when the connection is closed

    async with FakeProvider(play) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert len(await reader.read()) == len(LONG)
        await server.exchanges[0]._writer.wait_closed()
        assert server.exchanges[0].closed
        server.exchanges[0].reset()
        writer.close()
