"""The commands about models, settings and figures, over a real coordinator."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.core import commands as c
from plait.core.messages import Usage
from plait.models.scripted import Reply
from tests.repl.prompting import prompt_over
from tests.runtime.waiting import until

pytestmark = pytest.mark.anyio
ANSWER = Reply(text="An answer.", usage=Usage(400, 100, 100))


async def test_model_lists_and_switches(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        shown = " ".join((await prompt.type("/model")).split())
        assert "scripted:test in use; 1,000 tokens; $1 in, $2 out per million" in shown
        assert "locked:big LOCKED_API_KEY is not set. Set it and start plait again." in shown
        assert "In use: scripted:test (found by itself)" in shown
        assert "The model is near:one (set for this session)" in await prompt.type("/model near:one")
        assert "The model is near:two:latest" in await prompt.type("/model two")
        assert (await prompt.status()).model == "near:two:latest"
        assert "The model is scripted:test (found by itself)" in await prompt.type("/model default")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("one", "More than one provider has 'one'. Type one of /model near:one or /model far:one."),
        ("naer:one", "There is no provider 'naer'. Did you mean /model near:one?"),
        (
            "zzz",
            "There is no model 'zzz'. /model lists what there is. A full name is PROVIDER:NAME, with a provider of "
            "far, locked, near or scripted.",
        ),
        ("near one", "The name of a model has no blanks. Type /model NAME"),
    ],
)
async def test_a_model_that_cannot_be_is_refused(name: str, answer: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert answer in " ".join((await prompt.type(f"/model {name}")).split())
        assert (await prompt.status()).model == "scripted:test"


@pytest.mark.parametrize(
    ("name", "full", "doubt"),
    [
        ("near:new", "near:new", "near does not list it"),
        ("locked:big", "locked:big", "LOCKED_API_KEY is not set"),
        ("big", "locked:big", "LOCKED_API_KEY is not set"),
        ("locked:other", "locked:other", "LOCKED_API_KEY is not set"),
        ("near", "near", ""),
        ("scripted:/a/file.toml", "scripted:/a/file.toml", ""),
    ],
)
async def test_a_model_that_nobody_lists_is_taken_with_a_warning(name: str, full: str, doubt: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        shown = await prompt.type(f"/model {name}")
        assert (await prompt.status()).model == full
        assert (f"! {doubt}" in shown) if doubt else "! " not in shown


async def test_a_long_list_of_models_is_cut(tmp_path: Path) -> None:
    listed = [c.ModelLine(f"many:{number}", True) for number in range(500)]
    async with prompt_over(tmp_path, listed=listed) as prompt:
        shown = await prompt.type("/model")
        assert "and 460 more" in shown
        assert len(shown.splitlines()) < 60


async def test_system_is_shown_set_and_reset(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert "You are a helpful assistant" in await prompt.type("/system")
        assert "is set (23 characters)" in await prompt.type("/system Help me.\nAnswer --help.")
        await prompt.say("hello")
        assert prompt.models.model.requests[-1].system == "Help me.\nAnswer --help."
        assert "Help me." in await prompt.type("/system")
        await prompt.type("/system RESET")
        assert "You are a helpful" in (await prompt.status()).system


async def test_set_changes_how_answers_are_sampled(tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert "temperature is 0.3 in this session" in await prompt.type("/set temperature 0.3")
        assert "max_tokens is 2,000" in await prompt.type("/set max-tokens=2000")
        await prompt.say("hello")
        sampling = prompt.models.model.requests[-1].sampling
        assert (sampling.temperature, sampling.max_tokens, sampling.top_p) == (0.3, 2000, None)
        assert "temperature 0.3, max_tokens 2,000" in await prompt.type("/status")
        assert "0.3" in await prompt.type("/set temperature")
        shown = " ".join((await prompt.type("/set")).split())
        assert "temperature 0.3 top_p the provider's own max_tokens 2,000" in shown
        assert "temperature is the provider's own" in await prompt.type("/set TEMPERATURE default")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/set temprature 1", "/set knows no 'temprature'. Did you mean temperature?"),
        ("/set model x", "There are temperature, top_p, max_tokens, compact_at and window_messages; /model and /system have commands"),
        ("/set temperature hot", "temperature cannot be 'hot'. Give a number from 0 to 2"),
        ("/set temperature 3", "temperature cannot be"),
        ("/set top_p nan", "top_p cannot be"),
        ("/set max_tokens 1.5", "max_tokens cannot be"),
    ],
)
async def test_what_cannot_be_set_is_refused(line: str, answer: str, tmp_path: Path) -> None:
    async with prompt_over(tmp_path) as prompt:
        assert answer in " ".join((await prompt.type(line)).split())
        assert (await prompt.status()).temperature is None


async def test_status_shows_what_is_going_on(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("Be brief.")
    async with prompt_over(tmp_path, [ANSWER]) as prompt:
        await prompt.say("hello")
        shown = " ".join((await prompt.type("/status")).split())
        for part in (
            f"default ({prompt.session}), ready directory",
            str(tmp_path),
            "messages 2",
            "scripted:test (from default)",
            "as the provider does",
            "500 of 1,000 tokens (50%)",
            "0 of at most 5 running, 0 waiting",
            f"not given yet {tmp_path}/AGENTS.md",
            "/trust",
        ):
            assert part in shown


async def test_usage_counts_tokens_and_money(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [ANSWER, ANSWER]) as prompt:
        assert "context nothing used yet" in " ".join((await prompt.type("/usage")).split())
        await prompt.say("a")
        shown = " ".join((await prompt.type("/usage")).split())
        assert "tokens in 400 cached 100 (25% of those in) tokens out 100 cost $0.00055 context 500 of 1,000 tokens (50%)" in shown
        await prompt.type("/model near:one")
        await prompt.say("b")
        assert "without 1 call whose price is not known" in await prompt.type("/usage")


async def test_the_price_of_nothing_known_is_not_0(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [ANSWER]) as prompt:
        await prompt.type("/model near:one")
        await prompt.say("a")
        assert "not known (1 call whose price is not known)" in await prompt.type("/usage")


async def test_status_while_an_answer_is_written(tmp_path: Path) -> None:
    async with prompt_over(tmp_path, [Reply(text="half", hang=True)]) as prompt:
        await prompt.client.submit(c.Say(prompt.session, "one"))
        await prompt.client.submit(c.Say(prompt.session, "two"))
        await until(lambda: bool(prompt.models.model.requests))
        assert "working, 1 queued" in await prompt.type("/status")
        assert "1 of at most 5 running" in await prompt.type("/status")
        assert "still comes from the one before" in " ".join((await prompt.type("/model near:one")).split())
