"""Names become models: the rules of the catalog over plain builders, and its real ends over loopback."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from plait import settings
from plait.builders import ProviderBuilders
from plait.core import errors
from plait.core.messages import ModelRequest, UserMessage
from plait.core.ports import ModelProvider, Models
from plait.models import catalog as catalog_module
from plait.models.catalog import BUILT_IN, Builders, Catalog, OwnProvider
from plait.models.endpoint import Endpoint, Secret
from plait.models.known import KNOWN, look_up, providers_of
from plait.models.scripted import Reply, ScriptedModel
from plait.paths import Paths
from tests.models.fake_provider import FakeProvider
from tests.models.playing import play, text_of
from tests.timing import within

pytestmark = pytest.mark.anyio

KEY = {"ANTHROPIC_API_KEY": "k"}


class Closing(ScriptedModel):
    """A scripted model that tells whether it was closed."""

    closed = False
    trouble = ""

    async def aclose(self) -> None:
        """Note it; fail if that is wanted."""
        self.closed = True
        if self.trouble:
            raise errors.ModelError(self.trouble)


@dataclass
class Plain:
    """Builders whose world is written down: what is lacking, and what servers list."""

    lacking: dict[str, str] = field(default_factory=lambda: {"offline": "plait models fetch"})
    lists: dict[str, Sequence[str]] = field(default_factory=dict)
    made: list[Any] = field(default_factory=list)
    asked: list[tuple[str, float]] = field(default_factory=list)

    async def openai_compatible(self, endpoint: Endpoint) -> ModelProvider:
        """Keeps the endpoint."""
        return await self._make(endpoint)

    async def other(self, provider: str, key: Secret) -> ModelProvider:
        """Keeps the key."""
        return await self._make((provider, key))

    async def scripted(self, file: str) -> ModelProvider:
        """Keeps the file."""
        return await self._make(file)

    async def offline(self) -> ModelProvider:
        """Keeps nothing."""
        return await self._make("offline")

    def missing(self, provider: str) -> str:
        """As written down."""
        return self.lacking.get(provider, "")

    async def models_of(self, endpoint: Endpoint, seconds: float) -> Sequence[str]:
        """As written down, else nobody answers."""
        self.asked.append((endpoint.base_url, seconds))
        if endpoint.name not in self.lists:
            raise errors.Unreachable(f"Nothing listens at {endpoint.place}. Start it.")
        return self.lists[endpoint.name]

    async def _make(self, of: Any) -> ModelProvider:
        await anyio.lowlevel.checkpoint()  # so that two at once would both get here
        self.made.append(of)
        return Closing()


async def refusal(catalog: Catalog, name: str, kind: type[errors.PlaitError]) -> str:
    """What `choose` says."""
    with pytest.raises(kind) as caught:
        await catalog.choose(name)
    return str(caught.value)


# Names


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("anthropic:claude-x", "anthropic:claude-x"),
        (" anthropic ", "anthropic:claude-sonnet-5-5"),
        ("openai", "openai:gpt-6.1-terra"),
        ("google:", "google:gemini-3.8-flash"),
        ("claude-opus-5-5", "anthropic:claude-opus-5-5"),
        ("claude-opus-5-5-20261001", "anthropic:claude-opus-5-5-20261001"),
        ("offline", "offline:smollm2"),
        ("ollama", "ollama:qwen3:4b"),
        ("ollama:llama3.2:3b", "ollama:llama3.2:3b"),
        ("qwen3:4b", "ollama:qwen3:4b"),
        ("mistral", "ollama:mistral:latest"),
        ("lab", "lab:big"),
        ("lab:any/thing:7", "lab:any/thing:7"),
        ("shed", "shed:first"),
        ("scripted:/a:b.toml", "scripted:/a:b.toml"),
    ],
)
async def test_a_name_becomes_a_full_name(name: str, full: str) -> None:
    plain = Plain(lists={"ollama": ["qwen3:4b", "mistral:latest"], "shed": ["first", "second"]})
    own = [OwnProvider("lab", "http://x/v1", model="big"), OwnProvider("shed", "http://y/v1")]
    assert await Catalog(plain, {}, own=own).resolve(name) == full


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("opnai:gpt-5", ["no provider 'opnai'", "Did you mean openai?"]),
        ("labb:x", ["Did you mean lab?"]),
        ("claude-sonet-5-5", ["Did you mean claude-sonnet-5-5?"]),
        ("zzz", ["provider or model 'zzz'", "PROVIDER:NAME", "lab", "ollama"]),
        ("sonnet", ["provider or model 'sonnet'"]),
        ("scripted", ["scripted:FILE"]),
        ("OpenAI:gpt-5", ["Did you mean openai?"]),
    ],
)
async def test_a_name_that_nobody_knows_is_told_with_the_nearest(name: str, said: list[str]) -> None:
    catalog = Catalog(Plain(), {}, own=[OwnProvider("lab", "http://x/v1")])
    text = await refusal(catalog, name, errors.NoModel)
    assert [words for words in said if words not in text] == []


async def test_a_server_without_a_model_says_how_to_get_one() -> None:
    catalog = Catalog(Plain(lists={"ollama": [], "lab": []}), {}, own=[OwnProvider("lab", "http://x/v1")])
    assert "ollama pull" in await refusal(catalog, "ollama", errors.NoModel)
    assert "lab:NAME" in await refusal(catalog, "lab", errors.NoModel)


def test_the_providers_of_settings_and_catalog_agree() -> None:
    assert set(settings.BUILT_IN_PROVIDERS) == set(BUILT_IN)
    assert all(provider in BUILT_IN for provider in KNOWN)


def test_figures_are_plausible_and_names_unique() -> None:
    names = [one.model for row in KNOWN.values() for one in row]
    assert len(names) == len(set(names))
    for row in KNOWN.values():
        for one in row:
            assert one.input_price is not None
            assert one.output_price is not None
            assert (one.cached_price or 0) < one.input_price < one.output_price
            assert one.context_window is None or 100_000 <= one.context_window <= 2_000_000


def test_a_dated_name_is_the_same_model_and_a_longer_one_is_not() -> None:
    assert look_up("openai", "gpt-5-2026-01-31").input_price == look_up("openai", "gpt-5").input_price
    assert look_up("openai", "gpt-5-turbo").input_price is None
    assert look_up("lab", "gpt-5").input_price is None
    assert providers_of("gpt-5-latest") == ("openai",)


# The model of an empty name


async def test_the_configured_model_comes_first() -> None:
    assert await Catalog(Plain(), KEY, model="openai").default() == "openai:gpt-6.1-terra"


@pytest.mark.parametrize(
    ("environ", "default"),
    [
        ({"OPENAI_API_KEY": "k", "GOOGLE_API_KEY": "k"}, "openai:gpt-6.1-terra"),
        ({"GEMINI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, "anthropic:claude-sonnet-5-5"),
        ({"GEMINI_API_KEY": "k"}, "google:gemini-3.8-flash"),
        ({"OPENAI_API_KEY": "  ", "GEMINI_API_KEY": "k"}, "google:gemini-3.8-flash"),
        ({"OPENAI_BASE_URL": "http://localhost:1/v1"}, "openai:gpt-6.1-terra"),
        ({}, "ollama:qwen3"),
    ],
)
async def test_then_the_first_provider_with_a_key_then_ollama(environ: dict[str, str], default: str) -> None:
    plain = Plain(lacking={}, lists={"ollama": ["qwen3"]})
    catalog = Catalog(plain, environ)
    assert await catalog.default() == default
    assert await catalog.resolve("") == default
    assert (await catalog.choose("")).model == default.partition(":")[2]


async def test_then_offline_and_what_was_found_stays() -> None:
    plain = Plain(lacking={})
    catalog = Catalog(plain, {})
    assert await catalog.default() == "offline:smollm2"
    plain.lists["ollama"] = ["qwen3"]
    assert await catalog.default() == "offline:smollm2"
    assert plain.asked == [("http://127.0.0.1:11434/v1", 0.3)]


async def test_a_provider_whose_extra_is_lacking_is_passed_over() -> None:
    plain = Plain(lacking={"anthropic": "pip install 'plait[anthropic]'", "offline": "plait models fetch"})
    assert await Catalog(plain, KEY | {"GEMINI_API_KEY": "k"}).default() == "google:gemini-3.8-flash"
    with pytest.raises(errors.NoModel, match=r"a key of anthropic is there; .*plait\[anthropic\]"):
        await Catalog(plain, KEY).default()


async def test_else_one_screen_with_three_ways_and_it_is_asked_again() -> None:
    plain = Plain(lists={"ollama": []})
    catalog = Catalog(plain, {})
    with pytest.raises(errors.NoModel) as caught:
        await catalog.default()
    text = str(caught.value)
    for way in ("--model offline", "plait models fetch", "OPENAI_API_KEY", "ollama pull", "providers.NAME.base_url"):
        assert way in text
    assert len(text.splitlines()) <= 12
    plain.lists["ollama"] = ["qwen3"]
    assert await catalog.default() == "ollama:qwen3"


# Choosing


async def test_a_missing_key_is_told_when_it_is_chosen_and_names_the_variable() -> None:
    catalog = Catalog(Plain(), {}, own=[OwnProvider("lab", "http://x/v1", key_env="LAB_API_KEY")])
    assert "OPENAI_API_KEY is not set" in await refusal(catalog, "openai:gpt-5", errors.AccessRefused)
    assert "GOOGLE_API_KEY or GEMINI_API_KEY" in await refusal(catalog, "google", errors.AccessRefused)
    assert "LAB_API_KEY is not set" in await refusal(catalog, "lab:x", errors.AccessRefused)


async def test_a_missing_extra_is_told_when_it_is_chosen() -> None:
    catalog = Catalog(Plain(lacking={"anthropic": "pip install 'plait[anthropic]'"}), KEY)
    assert "pip install 'plait[anthropic]'" in await refusal(catalog, "anthropic", errors.NoModel)


async def test_where_each_provider_is_and_with_which_key() -> None:
    plain = Plain(lacking={})
    environ = {"OPENAI_API_KEY": "ok", "GEMINI_API_KEY": "gk", "OLLAMA_HOST": "box:1", "LAB_API_KEY": "lk", "ANTHROPIC_API_KEY": "ak"}
    catalog = Catalog(plain, environ, own=[OwnProvider("lab", "http://x/v1", "LAB_API_KEY"), OwnProvider("shed", "http://y/v1")])
    for name in ("openai:a", "ollama:a", "lab:a", "shed:a", "anthropic:a", "google:a", "scripted:f.toml", "offline"):
        await catalog.choose(name)
    openai, ollama, lab, shed, anthropic, google, script, offline = plain.made
    assert (openai.base_url, openai.api_key.reveal(), openai.key_env) == ("https://api.openai.com/v1", "ok", "OPENAI_API_KEY")
    assert (ollama.base_url, ollama.api_key.reveal()) == ("http://box:1/v1", "")
    assert (lab.base_url, lab.api_key.reveal(), lab.key_env) == ("http://x/v1", "lk", "LAB_API_KEY")
    assert (shed.base_url, bool(shed.api_key), shed.key_env) == ("http://y/v1", False, "")
    assert (anthropic[0], anthropic[1].reveal(), google[1].reveal()) == ("anthropic", "ak", "gk")
    assert (script, offline) == ("f.toml", "offline")


async def test_prices_and_windows_belong_to_the_providers_own_address() -> None:
    at_home = await Catalog(Plain(), {"OPENAI_API_KEY": "k"}).choose("openai:gpt-5")
    assert (at_home.context_window, at_home.input_price, at_home.cached_price, at_home.output_price) == (400_000, 1.25, 0.125, 10.0)
    same = await Catalog(Plain(), {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://api.openai.com/v1/"}).choose("openai:gpt-5")
    assert same.input_price == 1.25
    elsewhere = await Catalog(Plain(), {"OPENAI_BASE_URL": "http://localhost:1/v1"}).choose("openai:gpt-5")
    assert (elsewhere.context_window, elsewhere.input_price) == (400_000, None)
    catalog = Catalog(Plain(lacking={}), {}, own=[OwnProvider("lab", "http://x/v1", context_window=4096)])
    assert ((await catalog.choose("lab:x")).context_window, (await catalog.choose("lab:x")).input_price) == (4096, None)
    offline = await catalog.choose("offline")
    assert (offline.context_window, offline.output_price) == (8192, 0.0)


async def test_one_provider_is_made_however_many_ask_at_once() -> None:
    plain = Plain()
    catalog = Catalog(plain, KEY)
    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(catalog.choose, f"anthropic:m{number}")
            group.start_soon(catalog.choose, f"scripted:{number % 2}.toml")
    assert len(plain.made) == 3


async def test_all_are_closed_even_if_one_fails() -> None:
    plain = Plain()
    catalog = Catalog(plain, KEY)
    choices = [await catalog.choose(name) for name in ("anthropic", "scripted:a", "scripted:b")]
    providers = [choice.provider for choice in choices]
    middle = providers[1]
    assert isinstance(middle, Closing)
    middle.trouble = "It would not. Wait."
    with pytest.raises(errors.ModelError, match="would not"):
        await catalog.aclose()
    assert [provider.closed for provider in providers if isinstance(provider, Closing)] == [True, True, True]
    await catalog.aclose()
    assert (await catalog.choose("anthropic")).provider is not providers[0]


async def test_the_bundled_model_is_too_small_to_be_asked_for_summaries() -> None:
    offline = await Catalog(Plain(), {}).choose("offline")
    assert (offline.context_window, offline.can_summarise) == (8192, False)


def test_it_fits_its_seam_and_imports_nothing_heavy() -> None:
    models: Models = Catalog(Plain(), {})
    builders: type[Builders] = Plain
    assert "not chosen" in repr(models)
    assert builders is Plain
    source = inspect.getsource(catalog_module)
    assert [name for name in ("httpx2", "pydantic_ai", "xllamacpp") if f"import {name}" in source] == []


# The list


async def test_the_list_says_what_is_there_and_why_the_rest_is_not() -> None:
    plain = Plain(lists={"ollama": ["qwen3", "mistral"], "lab": ["one"]})
    own = [
        OwnProvider("lab", "http://x/v1", model="big"),
        OwnProvider("shed", "http://y/v1"),
        OwnProvider("vault", "http://z/v1", "VAULT_KEY"),
    ]
    listing = await Catalog(plain, KEY, own=own).listing()
    assert [row.available for row in listing] == sorted((row.available for row in listing), reverse=True)
    rows = {row.name: row for row in listing}
    assert rows["anthropic:claude-haiku-4-5"].available
    assert rows["anthropic:claude-haiku-4-5"].input_price == 1.0
    assert {"ollama:qwen3", "ollama:mistral", "lab:big", "lab:one"} <= {name for name, row in rows.items() if row.available}
    notes = {name: row.note for name, row in rows.items() if not row.available}
    assert "plait models fetch" in notes["offline"]
    assert "OPENAI_API_KEY is not set" in notes["openai"]
    assert "Nothing listens" in notes["shed"]
    assert "VAULT_KEY" in notes["vault"]
    assert "http://z/v1" not in [url for url, _ in plain.asked]


# Real ends


@asynccontextmanager
async def raw_server(answer: Callable[[Any], Awaitable[None]]) -> Any:
    """A listener on loopback that treats each connection with `answer`; gives its port."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:

        async def handle(stream: Any) -> None:
            async with stream:
                await answer(stream)

        group.start_soon(listener.serve, handle)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        group.cancel_scope.cancel()


async def silence(stream: Any) -> None:
    """Take the connection and say nothing."""
    await anyio.sleep_forever()


async def nothing_installed(stream: Any) -> None:
    """An Ollama without a model."""
    await stream.receive()
    await stream.send(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{"object":"list","data":null}')


def real(tmp_path: Path, environ: dict[str, str], own: Sequence[OwnProvider] = ()) -> Catalog:
    """A catalog over the real builders."""
    paths = Paths(tmp_path / "config", tmp_path / "data", tmp_path / "state", tmp_path / "cache")
    return Catalog(ProviderBuilders(settings.Settings(), paths), environ, own=own)


async def test_an_ollama_that_answers_is_found_and_answers(tmp_path: Path) -> None:
    async with FakeProvider() as server, real(tmp_path, {"OLLAMA_HOST": f"127.0.0.1:{server.port}"}) as catalog:
        assert await catalog.default() == "ollama:fake-1"
        choice = await catalog.choose("")
        events = await play(choice.provider, ModelRequest(choice.model, (UserMessage("hi"),)))
        assert text_of(events)
        assert server.exchanges[-1].model == "fake-1"
        assert [row.name for row in await catalog.listing() if row.available] == ["ollama:fake-1", "ollama:fake-2"]


async def test_a_server_of_ones_own_gets_its_key(tmp_path: Path) -> None:
    async with FakeProvider() as server:
        own = [OwnProvider("lab", server.base_url, "LAB_API_KEY")]
        async with real(tmp_path, {"LAB_API_KEY": "hunter2-key"}, own) as catalog:
            choice = await catalog.choose("lab")
            await play(choice.provider, ModelRequest(choice.model, (UserMessage("hi"),)))
        assert {exchange.headers["authorization"] for exchange in server.exchanges} == {"Bearer hunter2-key"}


@pytest.mark.parametrize("server", [silence, nothing_installed])
async def test_an_ollama_of_no_use_is_passed_over_soon(tmp_path: Path, server: Callable[[Any], Awaitable[None]]) -> None:
    opened: AbstractAsyncContextManager[int] = raw_server(server)
    async with opened as port, real(tmp_path, {"OLLAMA_HOST": f"127.0.0.1:{port}"}) as catalog:
        with within(10), pytest.raises(errors.NoModel, match="three ways"):
            await catalog.default()


async def test_a_script_plays_and_a_broken_one_is_told(tmp_path: Path) -> None:
    script = tmp_path / "a.toml"
    script.write_text('context_window = 2000\n[[reply]]\ntext = "Good day."\n')
    async with real(tmp_path, {}) as catalog:
        choice = await catalog.choose(f"scripted:{script}")
        assert (choice.context_window, choice.can_summarise) == (2000, True)
        assert text_of(await play(choice.provider, ModelRequest(choice.model, (UserMessage("hi"),)))) == "Good day."
        assert str(tmp_path) in await refusal(catalog, f"scripted:{tmp_path}/none.toml", errors.PlaitError)


def test_scripted_models_of_the_tests_are_providers() -> None:
    model: ModelProvider = Closing([Reply(text="x")])
    assert model.name == "scripted"
