"""The context that calls of the bundled model share: never given twice, and nobody's answer breaks for want of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, strategies as st

from plait.core.messages import Finished, ModelRequest, Sampling, UserMessage
from plait.models.endpoint import Endpoint
from plait.models.offline import CONTEXT, OfflineServer
from plait.models.offline_room import Room, SharedContext, prompt_tokens
from plait.models.openai_compatible import OpenAICompatible


@pytest.fixture
async def endpoint(bundled_model: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Endpoint]:
    server = OfflineServer(bundled_model, tmp_path_factory.mktemp("s"))
    async with server.use() as there:
        yield there
    await server.aclose()


def ask(text: str, max_tokens: int | None = None) -> ModelRequest:
    return ModelRequest("smollm2", (UserMessage(text),), sampling=Sampling(max_tokens=max_tokens))


@pytest.mark.anyio
@pytest.mark.parametrize(
    "text", ["Hi", "word " * 200, "1234567890" * 12, "\u65e5\u672c\u8a9e" * 15, "\U0001f600" * 20, "def f(x): return {x: [x]}\n" * 8]
)
async def test_counts_as_the_model_does(endpoint: Endpoint, text: str) -> None:
    request = ask(text, 1)
    provider = OpenAICompatible(endpoint, can_call_tools=False)
    async with aclosing(provider.stream(request)) as events:
        ends = [event async for event in events if isinstance(event, Finished)]
    await provider.aclose()
    assert ends[0].usage is not None
    assert await prompt_tokens(endpoint, request) == ends[0].usage.input


@pytest.mark.anyio
async def test_a_request_gets_a_limit_and_waits_where_it_might_not_fit(endpoint: Endpoint) -> None:
    shared = SharedContext()
    second = anyio.Event()

    async def later() -> None:
        async with shared.admit(ask("Say yes.", 6000), endpoint):
            second.set()

    async with anyio.create_task_group() as tasks, shared.admit(ask("Say yes."), endpoint) as first:
        assert first.sampling.max_tokens == 1024
        async with shared.admit(ask("Say yes.", 3000), endpoint):
            tasks.start_soon(later)
            with anyio.fail_after(60):
                while "1 waiting" not in repr(shared.room):
                    await anyio.lowlevel.checkpoint()
            assert not second.is_set()
        with anyio.fail_after(60):
            await second.wait()
    assert shared.room.free == CONTEXT


@pytest.mark.anyio
async def test_where_nobody_counts_the_whole_room_is_taken(tmp_path: Path) -> None:
    shared = SharedContext()
    async with shared.admit(ask("Hi"), Endpoint("offline", "http://offline/v1", uds=str(tmp_path / "nobody"))):
        assert shared.room.free == 0
    assert shared.room.free == CONTEXT


@pytest.mark.anyio
@given(st.lists(st.integers(0, 12), max_size=12), st.integers(0, 2**12))
async def test_room_is_never_given_twice_and_comes_back(amounts: list[int], cancelled: int) -> None:
    room = Room(10)
    held = most = 0

    async def one(place: int, amount: int) -> None:
        nonlocal held, most
        with anyio.CancelScope() as scope:
            if cancelled >> place & 1:
                scope.deadline = anyio.current_time()
            async with room.take(amount):
                held += min(amount, 10)
                most = max(most, held)
                try:
                    await anyio.lowlevel.checkpoint()
                finally:
                    held -= min(amount, 10)

    async with anyio.create_task_group() as tasks:
        for place, amount in enumerate(amounts):
            tasks.start_soon(one, place, amount)
    assert most <= 10
    assert (room.free, held, repr(room)) == (10, 0, "<Room 10 of 10 free, 0 waiting>")


@pytest.mark.anyio
async def test_a_large_part_is_not_overtaken_for_ever() -> None:
    room = Room(10)
    order: list[str] = []
    released = anyio.Event()

    async def take(name: str, amount: int) -> None:
        async with room.take(amount):
            order.append(name)
            if name == "first":
                await released.wait()

    async with anyio.create_task_group() as tasks:
        for name, amount in (("first", 4), ("large", 10), ("small", 1)):
            tasks.start_soon(take, name, amount)
        await anyio.wait_all_tasks_blocked()
        assert order == ["first"]
        released.set()
    assert order == ["first", "large", "small"]
