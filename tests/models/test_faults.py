"""Every status and every wording of a refusal, through the real adapter: the right error, and the wait that was asked for."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from plait.core import errors
from tests.models import fake_provider as fake
from tests.models.calling import KEY, failure
from tests.models.fake_provider import FakeProvider, Scenario

pytestmark = pytest.mark.anyio


async def refused(status: int, message: str, kind: str = "", **headers: str) -> errors.ModelError:
    return (await failure(fake.refuses(status, message, kind, **headers)))[1]


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        (fake.refuses(401, f"Incorrect API key provided: {KEY}"), errors.AccessRefused),
        (fake.refuses(402, "Pay."), errors.AccessRefused),
        (fake.refuses(403, "Not in your country."), errors.AccessRefused),
        (fake.refuses(404, "The model `demo-1` does not exist", "model_not_found"), errors.ModelMissing),
        (fake.answers(404, b"404 page not found", "text/plain"), errors.ModelMissing),
        (fake.answers(404, {"error": "model 'demo-1' not found"}), errors.ModelMissing),
        (fake.answers(400, {"error": {"message": "demo-1 is not a valid model ID", "code": 400}}), errors.ModelMissing),
        (fake.refuses(413, "Payload too large"), errors.ContextTooLong),
        (fake.refuses(400, fake.TOO_LONG, "context_length_exceeded"), errors.ContextTooLong),
        (
            fake.answers(
                400,
                {"error": {"code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error"}},
            ),
            errors.ContextTooLong,
        ),
        (fake.answers(400, {"object": "error", "message": fake.TOO_LONG, "type": "BadRequestError", "code": 400}), errors.ContextTooLong),
        (fake.answers(400, {"error": "the input length exceeds the context length"}), errors.ContextTooLong),
        (
            fake.answers(
                500, {"error": "Trying to keep the first 9 tokens when context the overflows: tokens to keep from the initial prompt"}
            ),
            errors.ContextTooLong,
        ),
        (fake.refuses(429, "slow down"), errors.RateLimited),
        (fake.refuses(429, "You exceeded your current quota.", "insufficient_quota"), errors.AccessRefused),
        (fake.refuses(400, "Unsupported parameter: 'max_tokens'."), errors.RequestRefused),
        (fake.answers(422, {"detail": [{"msg": "field required"}]}), errors.RequestRefused),
        (fake.answers(418, b"\x1b[31mteapot\x00\xe2\x80\xae", "text/plain"), errors.RequestRefused),
        (fake.refuses(408, "late"), errors.Overloaded),
        (fake.refuses(500, "oops"), errors.Overloaded),
        (fake.answers(502, fake.PAGE, "text/html"), errors.Overloaded),
        (fake.refuses(503, "Loading model"), errors.Overloaded),
        (fake.refuses(529, "Overloaded"), errors.Overloaded),
        (fake.answers(302, b"", "", location="https://elsewhere.example/?k=1"), errors.RequestRefused),
    ],
)
async def test_statuses(scenario: Scenario, kind: type[errors.ModelError]) -> None:
    _, error = await failure(scenario)
    assert type(error) is kind
    assert "<html>" not in str(error)


async def test_a_redirect_is_not_followed() -> None:
    async with FakeProvider() as other:
        _, error = await failure(fake.answers(307, b"", "", location=other.base_url + "/chat/completions"))
        assert not other.exchanges
    assert "redirect" in str(error)


async def test_the_way_out_of_a_refused_key_names_its_variable() -> None:
    assert "DEMO_API_KEY" in str(await refused(401, "no"))


async def test_a_long_refusal_is_cut_and_one_line() -> None:
    text = str(await refused(400, "line\n" * 5_000))
    assert "line line" in text
    assert "…" in text


async def test_a_refusal_whose_text_never_ends() -> None:
    async def endless(exchange: fake.Exchange) -> None:
        await exchange.head(400, "text/plain")
        while True:
            await exchange.send(b"no " * 1000)

    assert isinstance((await failure(endless))[1], errors.RequestRefused)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after": "99999999"}, 99999999.0),
        ({"retry_after": formatdate(0, usegmt=True)}, 0.0),
        ({"retry_after": "-3"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "Fri, 99 Foo 2020 25:61:61 GMT"}, None),
        ({}, None),
        ({"x_ratelimit_reset_requests": "1s", "x_ratelimit_reset_tokens": "6m0.5s"}, 360.5),
        ({"x_ratelimit_reset_requests": "120ms"}, 0.12),
        ({"x_ratelimit_reset": "12"}, 12.0),
        ({"x_ratelimit_reset": "1.2.3s"}, None),
    ],
)
async def test_waits(headers: dict[str, str], wait: float | None) -> None:
    error = await refused(429, "slow down", **headers)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == wait


async def test_waits_until_a_moment() -> None:
    for value in (formatdate(time.time() + 50, usegmt=True), None):
        headers = {"retry_after": value} if value else {"x_ratelimit_reset": str(int((time.time() + 50) * 1000))}
        error = await refused(429, "slow down", **headers)
        assert isinstance(error, errors.RateLimited)
        assert error.retry_after is not None
        assert 45 < error.retry_after <= 51


async def test_a_wait_in_the_body() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "35s"}]
    _, error = await failure(
        fake.answers(429, {"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "details": details}})
    )
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == 35.0


async def test_a_refusal_whose_text_breaks_off() -> None:
    async def breaks(exchange: fake.Exchange) -> None:
        await exchange.head(503, "text/plain", content_length="1000")
        await exchange.send(b"still loading")

    _, error = await failure(breaks)
    assert isinstance(error, errors.Overloaded)
    assert "still loading" in str(error)
