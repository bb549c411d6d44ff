"""Anthropic and Google, through the real libraries, against a server on loopback that speaks their wires."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import aclosing

import anyio
import pytest

from plait.core import errors
from plait.core.messages import (
    AssistantMessage,
    Attachment,
    CallId,
    Finished,
    Message,
    ModelRequest,
    Sampling,
    ToolCall,
    ToolMessage,
    ToolResult,
    ToolSpec,
    Usage,
    UserMessage,
)
from plait.models.endpoint import Secret, Timeouts
from plait.models.pydantic_ai import PydanticAI
from tests.models import fake_provider as fake, wires
from tests.models.calling import PATIENT
from tests.models.fake_provider import FakeProvider, Scenario
from tests.models.playing import play, play_to_error, text_of, thinking_of
from tests.timing import LIMIT, keep, within

pytestmark = pytest.mark.anyio

KEY = "sk-ant-0123456789abcdef"
REQUEST = ModelRequest("m-1", (UserMessage("hi"),))
QUICK = Timeouts(connect=LIMIT, first_byte=0.3, idle=0.3)

both = pytest.mark.parametrize("name", ["anthropic", "google"])


def provider(name: str, server: FakeProvider, timeouts: Timeouts | None = None) -> PydanticAI:
    return PydanticAI(name, Secret(KEY), timeouts=timeouts or PATIENT, base_url=server.root)


async def failure(name: str, scenario: Scenario, timeouts: Timeouts | None = None) -> tuple[str, errors.ModelError]:
    async with FakeProvider(scenario) as server:
        model = provider(name, server, timeouts)
        with anyio.fail_after(LIMIT):
            events, error = await play_to_error(model, REQUEST)
        await model.aclose()
    assert error is not None
    assert f"127.0.0.1:{server.port}" in str(error)
    assert KEY not in str(error)
    assert len(server.exchanges) == 1, "no library makes a second attempt"
    assert not any(isinstance(event, Finished) for event in events)
    return text_of(events), error


@both
@pytest.mark.parametrize("said", wires.EVERY_SAID)
async def test_streams(name: str, said: wires.Said) -> None:
    async with FakeProvider(fake.says(said)) as server:
        model = provider(name, server)
        events = await play(model, REQUEST)
        await model.aclose()
    assert text_of(events) == "".join(said.text)
    assert thinking_of(events) == "".join(said.thinking)
    last = events[-1]
    assert isinstance(last, Finished)
    assert [(call.id, call.name, json.loads(call.arguments)) for call in last.calls] == [
        (call.id, call.name, json.loads(call.arguments)) for call in said.calls
    ]
    assert last.usage == Usage(12, 34, 5)
    assert last.stop == ("tool_calls" if said.calls else "end")


@both
async def test_the_state_goes_back_as_it_came(name: str) -> None:
    async with FakeProvider(fake.says(wires.ALL_AT_ONCE)) as server:
        model = provider(name, server)
        events = await play(model, REQUEST)
        last = events[-1]
        assert isinstance(last, Finished)
        answer = AssistantMessage(text_of(events), thinking_of(events), last.calls, last.provider_state, name)
        result = ToolMessage(tuple(ToolResult(call.id, call.name, "a.txt") for call in last.calls))
        await play(model, ModelRequest("m-1", (UserMessage("hi"), answer, result)))
        await model.aclose()
    sent = server.exchanges[1].body.decode()
    assert ("sig-of-thinking" if name == "anthropic" else "c2ln") in sent
    assert "a.txt" in sent


@both
@pytest.mark.parametrize(("state", "origin"), [("{broken", ""), ("[]", ""), ("{}", "other"), ("[]", "other"), (None, "")])
async def test_state_of_another_is_passed_over(name: str, state: str | None, origin: str) -> None:
    call = ToolCall(CallId("c1"), "read", '{"path": "x"}')
    messages: tuple[Message, ...] = (
        UserMessage("look", (Attachment("a.txt", "content of a"),)),
        AssistantMessage("earlier words", "thought", (call, ToolCall(CallId("c2"), "read", "{half")), state, origin or name),
        ToolMessage((ToolResult(call.id, "read", "text"), ToolResult(CallId("c2"), "read", "no JSON", "error"))),
    )
    tools = (ToolSpec("read", "Read a file.", '{"type": "object", "properties": {"path": {"type": "string"}}}'),)
    async with FakeProvider() as server:
        model = provider(name, server)
        await play(model, ModelRequest("m-1", messages, "Be brief.", tools, Sampling(0.5, 0.9, 100)))
        await model.aclose()
    body = server.exchanges[0].body.decode()
    for words in ("Be brief.", "content of a", "earlier words", "Read a file.", "text", "no JSON", "0.5", "100"):
        assert words in body
    assert "thought" not in body.replace("thoughtSignature", "")


@both
@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        ("no-key", errors.AccessRefused),
        ("forbidden", errors.AccessRefused),
        ("missing", errors.ModelMissing),
        ("large", errors.ContextTooLong),
        ("long", errors.ContextTooLong),
        ("rate-limit", errors.RateLimited),
        ("quota", errors.AccessRefused),
        ("broken", errors.Overloaded),
        ("gateway", errors.Overloaded),
        ("unavailable", errors.Overloaded),
        ("overloaded", errors.Overloaded),
        ("hangs-up", errors.Unreachable),
        ("gibberish", errors.Unreachable),
        ("web-page", errors.BadAnswer),
        ("garbled", errors.BadAnswer),
    ],
)
async def test_failures(name: str, scenario: str, kind: type[errors.ModelError]) -> None:
    _, error = await failure(name, fake.SCENARIOS[scenario])
    assert type(error) is kind
    assert "<html" not in str(error)
    assert ("web page" in str(error)) == (scenario == "web-page")
    if isinstance(error, errors.RateLimited):
        assert error.retry_after == 2.0


@pytest.mark.parametrize(
    ("name", "message", "kind"),
    [
        ("anthropic", "prompt is too long: 210000 tokens > 200000 maximum", errors.ContextTooLong),
        ("anthropic", "Your credit balance is too low to access the Anthropic API.", errors.AccessRefused),
        ("google", "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).", errors.ContextTooLong),
        ("google", "API key not valid. Please pass a valid API key.", errors.AccessRefused),
        ("google", "models/m-1 is not found for API version v1beta", errors.ModelMissing),
    ],
)
async def test_refusals_in_their_own_words(name: str, message: str, kind: type[errors.ModelError]) -> None:
    code = "invalid_request_error" if name == "anthropic" else "INVALID_ARGUMENT"
    _, error = await failure(name, fake.refuses(400, message, code))
    assert type(error) is kind


async def test_an_error_inside_an_open_stream() -> None:
    events = wires.anthropic(wires.PLAIN)[:4]
    broken = wires.event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    text, error = await failure("anthropic", fake.streams([*events, broken]))
    assert isinstance(error, errors.Overloaded)
    assert text == "Hello, "


@both
@pytest.mark.parametrize("scenario", [fake.silent, fake.streams([], "stall")])
async def test_no_first_byte(name: str, scenario: Scenario) -> None:
    await failure(name, fake.hangs_up)  # whose imports do not count
    with within(2):
        _, error = await failure(name, scenario, QUICK)
    assert isinstance(error, errors.Unreachable)


@both
@pytest.mark.parametrize("said", [wires.THOUGHT, wires.CALLED])
@pytest.mark.parametrize("end", ["close", "cut", "reset", "stall"])
async def test_cut_after_each_event(name: str, said: wires.Said, end: str) -> None:
    events = wires.WIRES[name](said)
    last = len(events) - (2 if name == "anthropic" else 1)
    async with FakeProvider() as server:
        model = provider(name, server, Timeouts(LIMIT, LIMIT, 0.05) if end == "stall" else PATIENT)
        for count in range(1, last + 1):
            server.scenario = fake.streams(events[:count], end)
            got, error = await play_to_error(model, REQUEST)
            assert "".join(said.text).startswith(text_of(got))
            if end != "reset":  # which may overtake what was sent
                sent = b"".join(events[:count])
                assert text_of(got) == "".join(piece for piece in said.text if json.dumps(piece).encode() in sent)
            assert isinstance(error, errors.BadAnswer | errors.Unreachable)
            if text_of(got) or thinking_of(got):
                assert isinstance(error, errors.BadAnswer), "what was shown is not asked for again by itself"
            assert not any(isinstance(event, Finished) for event in got)
        await model.aclose()


@both
async def test_closing_the_generator_closes_the_connection(name: str) -> None:
    async with FakeProvider(fake.streams(wires.WIRES[name](wires.PLAIN)[:4], "stall")) as server:
        model = provider(name, server, PATIENT)
        async with aclosing(model.stream(REQUEST)) as events:
            await anext(events)
            before = time.monotonic()
        with anyio.fail_after(LIMIT):
            await server.exchanges[0].gone.wait()
        keep(0.1, time.monotonic() - before)
        await model.aclose()


@both
async def test_a_cancel_closes_the_connection_at_once(name: str) -> None:
    async with FakeProvider(fake.silent) as server:
        model = provider(name, server, PATIENT)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(play_to_error, model, REQUEST)
            with anyio.fail_after(LIMIT):
                while not server.exchanges:
                    await anyio.lowlevel.checkpoint()
            before = time.monotonic()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(LIMIT):
            await server.exchanges[0].gone.wait()
        keep(0.1, time.monotonic() - before)
        await model.aclose()


@both
@pytest.mark.parametrize("key", ["", "sk\nx", "schlüssel"])
async def test_without_a_usable_key(name: str, key: str) -> None:
    model = PydanticAI(name, Secret(key))
    _, error = await play_to_error(model, REQUEST)
    assert isinstance(error, errors.AccessRefused)
    assert model.endpoint.key_env in str(error)
    assert ("Secret(…)" if key else "Secret()") in repr(model.endpoint)
    assert not key or key not in repr(model.endpoint)
    await model.aclose()


@both
async def test_refused_and_unknown_hosts(name: str) -> None:
    async with FakeProvider() as server:
        pass
    for address, words in ((server.root, "refused"), ("http://models.invalid", "DNS")):
        model = PydanticAI(name, Secret(KEY), base_url=address, timeouts=PATIENT)
        _, error = await play_to_error(model, REQUEST)
        await model.aclose()
        assert isinstance(error, errors.Unreachable)
        assert words in str(error)


@both
async def test_a_redirect_is_not_followed(name: str) -> None:
    async with FakeProvider() as other:
        _, error = await failure(name, fake.answers(307, b"", "", location=other.root))
        assert not other.exchanges
    assert isinstance(error, errors.RequestRefused | errors.BadAnswer)


@both
def test_without_the_extra_it_says_how_to_get_it(name: str) -> None:
    program = f"""
import sys, anyio
sys.modules["pydantic_ai"] = None  # as if it were not installed
from plait.core.messages import ModelRequest
from plait.models.endpoint import Secret
from plait.models.pydantic_ai import PydanticAI
async def main():
    async for event in PydanticAI({name!r}, Secret("sk-123456")).stream(ModelRequest("m", ())):
        pass
try:
    anyio.run(main)
except Exception as error:
    print(type(error).__name__, error)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("NoModel ")
    assert f"pip install 'plait[{name}]'" in ran.stdout


def test_importing_it_loads_no_library() -> None:
    heavy = ("pydantic_ai", "anthropic", "google.genai")
    program = f"import sys, plait.models.pydantic_ai; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


async def test_a_call_that_the_limit_cut_is_left_out() -> None:
    events = [event.replace(b'"tool_use", "stop_sequence', b'"max_tokens", "stop_sequence') for event in wires.anthropic(wires.CALLED)]
    last_piece = next(event for event in reversed(events) if b"input_json_delta" in event)
    async with FakeProvider(fake.streams([event for event in events if event is not last_piece])) as server:
        model = provider("anthropic", server)
        last = (await play(model, REQUEST))[-1]
        await model.aclose()
    assert isinstance(last, Finished)
    assert last.stop == "length"
    assert [call.name for call in last.calls] == ["read"]
    assert last.provider_state is None
