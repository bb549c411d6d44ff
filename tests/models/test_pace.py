"""How what comes is passed on: the first token at once, later ones together, a flood without a wait; nothing is lost or changed by it."""

from __future__ import annotations

import time
from itertools import pairwise

import anyio
import pytest

from plait.core.messages import TextDelta
from plait.models import http
from tests.models import fake_provider as fake, wires
from tests.models.calling import REQUEST, provider
from tests.models.fake_provider import Exchange, FakeProvider
from tests.models.playing import play, text_of
from tests.timing import LIMIT

pytestmark = pytest.mark.anyio

WORDS = tuple(f"word{number} " for number in range(1, 101))


async def test_tokens_that_come_one_by_one_are_passed_on_together() -> None:
    async with FakeProvider(fake.says(wires.Said(text=WORDS), per_second=250)) as server:
        at, text = [], ""
        async for event in provider(server.base_url).stream(REQUEST):
            if isinstance(event, TextDelta):
                text += event.text
                at.append(time.monotonic())
    assert text == "".join(WORDS)
    waits = sum(later - earlier > http.PACE / 2 for earlier, later in pairwise(at))
    assert 2 <= waits < len(WORDS) / 5, "each token came 4 ms after the one before it"


async def test_the_first_token_does_not_wait_for_others() -> None:
    said: list[str] = []
    shown = anyio.Event()

    async def hesitates(exchange: Exchange) -> None:
        """Sends nothing after the first word before that has been passed on."""
        first, *rest = wires.openai(wires.PLAIN)
        await exchange.head()
        await exchange.send(first)
        await exchange.send(rest[0])
        await shown.wait()
        for event in rest[1:]:
            await exchange.send(event)

    async with FakeProvider(hesitates) as server:
        async for event in provider(server.base_url).stream(REQUEST):
            if isinstance(event, TextDelta):
                said.append(event.text)
                shown.set()
    assert said[0] == wires.PLAIN.text[0]
    assert "".join(said) == "".join(wires.PLAIN.text)


async def test_a_flood_is_read_as_fast_as_it_comes() -> None:
    words = WORDS * 200
    async with FakeProvider(fake.says(wires.Said(text=words))) as server:
        with anyio.fail_after(LIMIT):
            assert text_of(await play(provider(server.base_url), REQUEST)) == "".join(words)
