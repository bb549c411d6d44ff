"""The transport over loopback: requests, good answers, giving up, keys."""

from __future__ import annotations

import contextlib
import gzip
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from plait.core import errors
from plait.core.messages import Finished, TextDelta
from plait.models import http
from plait.models.endpoint import Secret, Timeouts
from tests.models import fake_provider as fake, wires
from tests.models.calling import KEY, PATIENT, REQUEST, provider
from tests.models.fake_provider import FakeProvider, Scenario
from tests.models.playing import play, play_to_error, text_of
from tests.timing import LIMIT, keep, within

pytestmark = pytest.mark.anyio


async def test_a_stream_arrives_and_the_request_is_right() -> None:
    async with FakeProvider() as server:
        model = provider(server.base_url + "/")
        assert text_of(await play(model, REQUEST)) == "Hello, wörld 🌍!"
        assert text_of(await play(model, REQUEST)) == "Hello, wörld 🌍!"
        await model.aclose()
    exchange = server.exchanges[0]
    assert (exchange.method, exchange.path) == ("POST", "/v1/chat/completions")
    assert exchange.headers["authorization"] == f"Bearer {KEY}"
    assert exchange.headers["accept-encoding"] == "identity"
    assert exchange.json["messages"] == [{"role": "user", "content": "hi"}]


async def test_without_a_key_none_is_sent_and_close_is_asked_for() -> None:
    async with FakeProvider() as server:
        await play(provider(server.base_url, api_key=Secret(""), connection_close=True, headers=(("x-title", "t"),)), REQUEST)
    headers = server.exchanges[0].headers
    assert "authorization" not in headers
    assert (headers["connection"], headers["x-title"]) == ("close", "t")


async def test_over_a_unix_socket_past_any_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    socket = str(tmp_path / "model.sock")
    async with FakeProvider(uds=socket):
        assert text_of(await play(provider("http://localhost/v1", uds=socket), REQUEST)) == "Hello, wörld 🌍!"
    _, error = await play_to_error(provider("http://localhost/v1", uds=str(tmp_path / "none.sock")), REQUEST)
    assert isinstance(error, errors.Unreachable)
    assert "Nothing listens at demo" in str(error)


async def test_loopback_goes_past_the_proxy_and_others_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with FakeProvider() as server, FakeProvider(fake.answers(502, b"", "text/plain")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.root)
        assert await play(provider(server.base_url), REQUEST)
        assert not proxy.exchanges
        _, error = await play_to_error(provider("http://models.invalid/v1"), REQUEST)
        assert isinstance(error, errors.Overloaded)
        assert proxy.exchanges[0].path == "http://models.invalid/v1/chat/completions"


async def test_a_broken_proxy_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://x")
    monkeypatch.setenv("https_proxy", "nonsense://x")
    _, error = await play_to_error(provider("https://models.invalid/v1"), REQUEST)
    assert isinstance(error, errors.Unreachable)
    assert "HTTPS_PROXY" in str(error)


@pytest.mark.parametrize("content_type", ["", "text/plain", "TEXT/EVENT-STREAM;charset=x"])
async def test_careless_content_types(content_type: str) -> None:
    async with FakeProvider(fake.streams(wires.openai(wires.PLAIN), content_type=content_type)) as server:
        assert text_of(await play(provider(server.base_url), REQUEST)) == "Hello, wörld 🌍!"


async def test_an_answer_that_was_not_streamed() -> None:
    whole = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "All."}, "finish_reason": "stop"}]}
    async with FakeProvider(fake.answers(200, whole)) as server:
        assert await play(provider(server.base_url), REQUEST) == [TextDelta("All."), Finished("end")]


async def test_a_compressed_stream_is_unpacked() -> None:
    packed = gzip.compress(b"".join(wires.openai(wires.PLAIN)))
    async with FakeProvider(fake.streams([packed[:50], packed[50:]], content_encoding="gzip")) as server:
        assert text_of(await play(provider(server.base_url), REQUEST)) == "Hello, wörld 🌍!"


async def test_comments_keep_a_stream_alive() -> None:
    async def slow(exchange: fake.Exchange) -> None:
        await exchange.head()
        for _ in range(10):
            await exchange.send(b": still at it\n\n")
            await anyio.sleep(0.12)  # the server's own time: more than the limit in all, less between two comments
        await exchange.send(b"".join(wires.openai(wires.PLAIN)))

    async with FakeProvider(slow) as server:
        assert text_of(await play(provider(server.base_url, Timeouts(LIMIT, 1.0, 1.0)), REQUEST)) == "Hello, wörld 🌍!"


@pytest.mark.parametrize("end", ["stall", "reset", "cut"])
async def test_once_the_reason_came_nothing_spoils_the_answer(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    events = wires.openai(wires.CALLED)
    async with FakeProvider(fake.streams(events[:-2], end)) as server:
        with within(http.LAST_WAIT + 2):
            got = await play(provider(server.base_url, Timeouts(LIMIT, LIMIT, 1.0)), REQUEST)
    assert isinstance(got[-1], Finished)
    assert len(got[-1].calls) == 2


async def test_others_get_their_turn_while_data_is_buffered() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with FakeProvider(fake.says(wires.Said(text=["word "] * 300))) as server, anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        without, most, seen = 0, 0, turns
        async with aclosing(provider(server.base_url).stream(REQUEST)) as events:
            async for _ in events:
                without = 0 if turns != seen else without + 1
                most, seen = max(most, without), turns
                until = time.monotonic() + 0.001  # a consumer that works on each event
                while time.monotonic() < until:
                    pass
        tasks.cancel_scope.cancel()
    assert most <= 5


# Giving up


async def cancelled(scenario: Scenario, ready: Callable[[FakeProvider], Awaitable[None]]) -> float:
    """Seconds from the cancel until the server has seen the connection close."""
    async with FakeProvider(scenario) as server:
        model = provider(server.base_url, PATIENT)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(play_to_error, model, REQUEST)
            with anyio.fail_after(LIMIT):
                await ready(server)
            before = time.monotonic()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(LIMIT):
            await server.exchanges[0].gone.wait()
        return time.monotonic() - before


async def asked(server: FakeProvider) -> None:
    while not server.exchanges:
        await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("scenario", [fake.silent, fake.streams([], "stall"), fake.streams(wires.openai(wires.PLAIN)[:3], "stall")])
async def test_a_cancel_closes_the_connection_at_once(scenario: Scenario) -> None:
    keep(0.1, await cancelled(scenario, asked))


async def test_closing_the_generator_closes_the_connection() -> None:
    async with FakeProvider(fake.streams(wires.openai(wires.PLAIN)[:3], "stall")) as server:
        async with aclosing(provider(server.base_url, PATIENT).stream(REQUEST)) as events:
            assert isinstance(await anext(events), TextDelta)
        with anyio.fail_after(LIMIT), within(0.5):
            await server.exchanges[0].gone.wait()


# Keys, logs, lists


async def test_a_key_shows_itself_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeProvider(fake.refuses(401, f"Bad key {KEY}")) as server:
        model = provider(server.base_url)
        _, error = await play_to_error(model, REQUEST)
    assert "[key]" in str(error)
    for shown in (repr(model), repr(model.endpoint), str(Secret(KEY)), f"{model.endpoint!r}", caplog.text, repr(error)):
        assert KEY not in shown


@pytest.mark.parametrize("key", ["sk-with\nnewline", "sk-ключ", "sk\x00"])
async def test_a_key_that_cannot_be_sent(key: str) -> None:
    _, error = await play_to_error(provider("http://127.0.0.1:9/v1", api_key=Secret(key)), REQUEST)
    assert isinstance(error, errors.AccessRefused)
    assert "DEMO_API_KEY" in str(error)


async def test_a_header_that_cannot_be_sent() -> None:
    async with FakeProvider() as server:
        _, error = await play_to_error(provider(server.base_url, headers=(("x", "secret\nvalue"),)), REQUEST)
    assert isinstance(error, errors.RequestRefused)
    assert "secret" not in str(error)


async def test_models_are_listed() -> None:
    async with FakeProvider() as server:
        model = provider(server.base_url)
        assert await model.list_models() == ("fake-1", "fake-2")
        await model.aclose()
        assert repr(model) == f"<OpenAICompatible demo at 127.0.0.1:{server.port}>"
    with pytest.raises(errors.Unreachable):
        await model.list_models()


async def test_a_list_that_drips_is_given_up() -> None:
    """A byte now and then is no sign of life: whoever looks for a server must not wait for ever for what is not one."""

    async def drip(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
            with contextlib.suppress(anyio.BrokenResourceError):
                while True:
                    await stream.send(b" ")
                    await anyio.sleep(0.02)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, drip)
        model = provider(f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/v1")
        with within(5), pytest.raises(errors.ModelError):
            await model.list_models(Timeouts(0.1, 0.1, 0.1))
        await model.aclose()
        tasks.cancel_scope.cancel()
