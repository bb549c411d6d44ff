"""The wire against a real llama.cpp server: the bundled model, whole, as a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest

from plait.core.errors import ContextTooLong
from plait.core.messages import Finished, ModelRequest, Sampling, TextDelta, ToolSpec, UserMessage
from plait.models.endpoint import Timeouts
from plait.models.offline import OfflineServer
from plait.models.offline_model import OfflineModel

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

PATIENT = Timeouts(connect=30, first_byte=200, idle=60)


def asked(text: str, limit: int = 24) -> ModelRequest:
    return ModelRequest("smollm2", (UserMessage(text),), "Be brief.", sampling=Sampling(temperature=0.0, max_tokens=limit))


async def answer(model: OfflineModel, request: ModelRequest) -> tuple[str, Finished]:
    text = ""
    async with aclosing(model.stream(request)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, Finished):
                return text, event
    raise AssertionError("the stream ended without Finished")


@pytest.fixture
async def model(bundled_model: Path) -> AsyncIterator[OfflineModel]:
    with TemporaryDirectory(prefix="plait-") as state:
        made = OfflineModel(OfflineServer(bundled_model, Path(state)), PATIENT)
        yield made
        await made.aclose()


async def test_answers_and_counts_its_tokens(model: OfflineModel) -> None:
    text, finished = await answer(model, asked("Count from one to five."))
    assert len(text.split()) > 2
    assert finished.usage is not None
    assert finished.usage.input > 5
    assert 0 < finished.usage.output <= 25


async def test_the_length_limit_is_told(model: OfflineModel) -> None:
    _, finished = await answer(model, asked("Tell a long story about the sea.", limit=8))
    assert finished.stop == "length"


async def test_tools_are_left_out_of_the_request(model: OfflineModel) -> None:
    tool = ToolSpec("clock", "Tells the time.", '{"type": "object", "properties": {}}')
    _, finished = await answer(
        model, ModelRequest("smollm2", (UserMessage("What time is it?"),), tools=(tool,), sampling=Sampling(max_tokens=8))
    )
    assert finished.calls == ()


async def test_an_answer_given_up_leaves_the_model_free(model: OfflineModel) -> None:
    async with aclosing(model.stream(asked("Tell a very long story.", limit=1000))) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    with anyio.fail_after(60):
        text, _ = await answer(model, asked("Say yes.", limit=4))
    assert text


async def test_a_conversation_that_does_not_fit_is_told_as_such(model: OfflineModel) -> None:
    with pytest.raises(ContextTooLong):
        await answer(model, asked("word " * 9_000))


async def test_six_calls_at_once_are_all_answered(model: OfflineModel) -> None:
    answers: list[str] = []

    async def one(number: int) -> None:
        text, _ = await answer(model, asked(f"Say the number {number}.", limit=8))
        answers.append(text)

    async with anyio.create_task_group() as tasks:
        for number in range(6):
            tasks.start_soon(one, number)
    assert len(answers) == 6
    assert all(answers)
