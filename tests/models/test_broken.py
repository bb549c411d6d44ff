"""Connections that fail, and answers that are none: the right error, a sentence with the host and no key, in time."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from plait.core import errors
from plait.models import http
from plait.models.endpoint import Timeouts
from tests.models import fake_provider as fake, wires
from tests.models.calling import PATIENT, QUICK, REQUEST, failure, failure_at, provider
from tests.models.decoding import decode
from tests.models.fake_provider import FakeProvider, Scenario
from tests.models.playing import play_to_error, text_of
from tests.timing import LIMIT, keep

pytestmark = pytest.mark.anyio


async def test_refused() -> None:
    async with FakeProvider() as server:
        pass
    _, error = await failure_at(server.base_url, f"127.0.0.1:{server.port}")
    assert isinstance(error, errors.Unreachable)
    assert "refused" in str(error)


async def test_an_unknown_name() -> None:
    _, error = await failure_at("https://models.invalid/v1", "models.invalid")
    assert isinstance(error, errors.Unreachable)
    assert "DNS" in str(error)


async def test_tls_to_a_plain_port() -> None:
    async with FakeProvider() as server:
        _, error = await failure_at(server.base_url.replace("http:", "https:"), "127.0.0.1")
    assert isinstance(error, errors.Unreachable)
    assert "TLS" in str(error)
    assert "http://" in str(error)


async def test_a_certificate_that_nobody_signed() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("untrusted.pem"))
    async with FakeProvider(tls=context) as server:
        _, error = await failure_at(server.base_url, "127.0.0.1")
        _, plain = await failure_at(server.base_url.replace("https:", "http:"), "127.0.0.1")
    assert isinstance(error, errors.Unreachable)
    assert "certificate" in str(error)
    assert isinstance(plain, errors.Unreachable)


async def test_a_proxy_that_does_not_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with FakeProvider(fake.answers(403, b"", "text/plain")) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.root)
        _, error = await failure_at("https://models.invalid/v1", "models.invalid")
    assert isinstance(error, errors.Unreachable)
    assert "proxy" in str(error)


async def test_nobody_answers_the_door() -> None:
    """A listener whose queue is full lets the next connection wait."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        with ExitStack() as stack:
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(address)
            _, error = await failure_at(f"http://127.0.0.1:{address[1]}/v1", "127.0.0.1", Timeouts(0.1, LIMIT, LIMIT))
    assert isinstance(error, errors.Unreachable)
    assert "in time" in str(error)


async def test_a_port_that_speaks_something_else() -> None:
    _, error = await failure(fake.gibberish)
    assert "does not answer in HTTP" in str(error)


@pytest.mark.parametrize(
    "address", ["models.example/v1", "ftp://models.example/v1", "http://[::1/v1", "http://" + "x" * 70 + ".example/v1", "http://a b/", ""]
)
async def test_an_address_that_is_none(address: str) -> None:
    _, error = await play_to_error(provider(address), REQUEST)
    assert isinstance(error, errors.RequestRefused | errors.Unreachable)
    assert "base_url" in str(error)


@pytest.mark.parametrize(
    "scenario", [fake.silent, fake.streams([], "stall"), fake.streams([b": hi\n"], "stall"), fake.dribbles(b"d", 0.05)]
)
async def test_no_first_byte_in_time_may_be_repeated(scenario: Scenario) -> None:
    started = time.monotonic()
    _, error = await failure(scenario, QUICK)
    took = time.monotonic() - started
    assert isinstance(error, errors.Unreachable)
    assert "0.15 s" in str(error)
    assert took > 0.14
    keep(1.5, took)


@pytest.mark.parametrize("scenario", [fake.hangs_up, fake.gibberish, fake.streams([], "reset"), fake.streams([], "cut")])
async def test_a_connection_that_breaks_before_the_answer_may_be_repeated(scenario: Scenario) -> None:
    _, error = await failure(scenario)
    assert isinstance(error, errors.Unreachable)


# Answers that are none


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        (fake.answers(200, fake.PAGE, "text/html; charset=utf-8"), "web page"),
        (fake.answers(200, b"\x89PNG", "image/png"), "'image/png'"),
        (fake.answers(200, b"{oops", "application/json"), "garbled"),
        (fake.answers(200, b'"hm"', "application/json"), "garbled"),
        (fake.answers(200, {"choices": []}), "cut off"),
        (fake.streams([b"data: {oops\n\n"]), "garbled"),
        (fake.streams([b"no gzip at all"], content_encoding="gzip"), "garbled"),
        (fake.streams([]), "ended before it began"),
        (fake.bomb(80), "line of over"),
    ],
)
async def test_bad_answers(scenario: Scenario, words: str) -> None:
    _, error = await failure(scenario)
    assert isinstance(error, errors.BadAnswer)
    assert words in str(error)


async def test_an_error_in_a_json_answer() -> None:
    _, error = await failure(fake.answers(200, {"error": {"message": "Overloaded", "code": 503}}))
    assert isinstance(error, errors.Overloaded)


@pytest.mark.parametrize("said", wires.EVERY_SAID)
@pytest.mark.parametrize("end", ["close", "reset", "cut", "stall"])
async def test_cut_after_each_event(said: wires.Said, end: str) -> None:
    events = wires.openai(said)
    sent: list[bytes] = []
    async with FakeProvider() as server:
        for event in events[:-3]:
            sent.append(event)
            server.scenario = fake.streams(sent, end)
            text, error = await failure_at(server.base_url, "127.0.0.1", Timeouts(LIMIT, LIMIT, 0.05) if end == "stall" else PATIENT)
            assert isinstance(error, errors.BadAnswer)
            assert "".join(said.text).startswith(text)
            if end != "reset":  # which may overtake what was sent
                assert text == text_of(decode(b"".join(sent))[0])
            assert "/retry" in str(error)
            if end == "stall":
                assert "stalled" in str(error)


async def test_a_json_answer_without_end() -> None:
    _, error = await failure(fake.answers(200, b" " * (http.MAX_JSON_BODY + 1)))
    assert isinstance(error, errors.BadAnswer)
    assert "over 32,000,000 bytes" in str(error)


@pytest.mark.parametrize("body", [{"models": []}, [], {"data": 3}])
async def test_a_list_of_models_that_is_none(body: object) -> None:
    async with FakeProvider() as server:
        server.models = body
        model = provider(server.base_url)
        with pytest.raises(errors.BadAnswer, match="no list of models"):
            await model.list_models()
        server.models = {"object": "list", "data": None}
        assert await model.list_models() == ()
        await model.aclose()
