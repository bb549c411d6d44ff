"""Calls of the real adapter over loopback, and what is true of every error that they give."""

from __future__ import annotations

import re
from dataclasses import replace

import anyio

from plait.core import errors
from plait.core.messages import ModelRequest, UserMessage
from plait.models.endpoint import Endpoint, Secret, Timeouts
from plait.models.openai_compatible import OpenAICompatible
from tests.models.fake_provider import FakeProvider, Scenario
from tests.models.playing import play_to_error, text_of
from tests.timing import LIMIT

KEY = "sk-proj-0123456789abcdef"
PATIENT = Timeouts(LIMIT / 2, LIMIT / 2, LIMIT / 2)
QUICK = Timeouts(connect=LIMIT / 2, first_byte=0.15, idle=0.15)
"""For what never comes; what does come has to be given more time, on a busy machine."""
REQUEST = ModelRequest("demo-1", (UserMessage("hi"),))


def provider(base_url: str, timeouts: Timeouts = PATIENT, **more: object) -> OpenAICompatible:
    return OpenAICompatible(replace(Endpoint("demo", base_url, Secret(KEY), key_env="DEMO_API_KEY"), **more), timeouts=timeouts)  # type: ignore[arg-type]


async def failure_at(base_url: str, host: str, timeouts: Timeouts = PATIENT) -> tuple[str, errors.ModelError]:
    """Text and error of a call; checks what is true of every error."""
    model = provider(base_url, timeouts)
    with anyio.fail_after(LIMIT):
        events, error = await play_to_error(model, REQUEST)
    await model.aclose()
    assert error is not None
    text = str(error)
    assert host in text
    assert KEY not in text
    assert text.isprintable()
    assert len(text) < 600
    assert re.search(r"\. [A-Z].*\.$", text), "a sentence says what happened, and one what to do"
    return text_of(events), error


async def failure(scenario: Scenario, timeouts: Timeouts = PATIENT) -> tuple[str, errors.ModelError]:
    async with FakeProvider(scenario) as server:
        return await failure_at(server.base_url, f"127.0.0.1:{server.port}", timeouts)
