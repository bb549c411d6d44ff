"""Which models there are, and how a name becomes one.

Rules:
1. A full name is `provider:name`, cut at the first colon. A bare provider name stands for its usual model; a bare model name is taken
   where exactly one provider is known to have it. Nothing is matched by "contains".
2. Without a name: the configured model, else the first provider whose key is there, else an Ollama that answers, else the offline model if
   it is installed, else one screen with the three ways to get one.
3. A missing key, package or server is told by `choose` when it matters, and never prevents a start.
4. One provider object for each provider, made when first chosen, closed by `aclose`.
5. This module decides; whatever is heavy to import is behind `Builders`, which the composition root passes in.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol, Self

import anyio

from plait.core.commands import ModelLine
from plait.core.errors import AccessRefused, ModelError, NoModel
from plait.core.ports import ModelChoice, ModelProvider
from plait.models.endpoint import Endpoint, Secret, ollama_base_url
from plait.models.known import KNOWN, Known, look_up, providers_of, window_of

KEYS: dict[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
}
"""The variables that a provider's key is looked for in; in this order providers are tried when no model is named."""
BUILT_IN = ("offline", *KEYS, "ollama", "scripted")
OPENAI_URL = "https://api.openai.com/v1"
OFFLINE_MODEL = "smollm2"
OFFLINE_WINDOW = 8192
"""What it was trained for; all its slots together hold no more."""
PROBE_SECONDS = 0.3
"""A server on this machine answers in a few; nobody shall wait for one that is not there."""
LIST_SECONDS = 3.0


class Builders(Protocol):
    """How providers are made; their imports happen in a thread. Every method may raise `ModelError`."""

    async def openai_compatible(self, endpoint: Endpoint) -> ModelProvider:
        """A server that speaks the OpenAI protocol."""
        ...

    async def other(self, provider: str, key: Secret) -> ModelProvider:
        """Anthropic or Google."""
        ...

    async def scripted(self, file: str) -> ModelProvider:
        """The deterministic model of a file. Raises `ConfigError` for a broken one."""
        ...

    async def offline(self) -> ModelProvider:
        """The bundled model."""
        ...

    def missing(self, provider: str) -> str:
        """What this installation lacks for a provider, as the command that mends it; empty if nothing."""
        ...

    async def models_of(self, endpoint: Endpoint, seconds: float) -> Sequence[str]:
        """The names of the models that a server lists, its own order; gives up after `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class OwnProvider:
    """A provider of the user's own; `key_env` names the variable of its key, empty if it asks for none."""

    name: str
    base_url: str
    key_env: str = ""
    model: str = ""
    context_window: int | None = None


class Catalog:
    """The models of this run; a `core.ports.Models`. `model` is the configured name, `environ` holds the keys."""

    def __init__(self, builders: Builders, environ: Mapping[str, str], model: str = "", own: Sequence[OwnProvider] = ()) -> None:
        self._builders = builders
        self._environ = environ
        self._model = model
        self._own = {one.name: one for one in own}
        self._made: dict[str, ModelProvider] = {}
        self._making: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)
        self._found = ""

    def __repr__(self) -> str:
        return f"<Catalog model: {self._model or self._found or 'not chosen'} | open: {', '.join(self._made) or 'none'}>"

    async def choose(self, name: str) -> ModelChoice:
        """The model of that name; an empty one takes `default()`. Raises `ModelError` (`NoModel`, `AccessRefused`, ...), `ConfigError`."""
        full = await self.resolve(name)
        provider, _, model = full.partition(":")
        made = await self._provider(provider, model)
        known = self._known(provider, model)
        prices = (known.input_price, known.cached_price, known.output_price)
        return ModelChoice(made, model, window_of(made, known), *prices, full, can_summarise=provider != "offline")

    async def default(self) -> str:
        """The full name that an empty name stands for now. Raises `NoModel` with the three ways to get a model."""
        if self._model:
            return await self.resolve(self._model)
        if not self._found:
            self._found = await self._find()
        return self._found

    async def resolve(self, name: str) -> str:
        """The full name, `provider:name`, that `name` stands for. Raises `NoModel` for a provider or model that nobody knows."""
        name = name.strip()
        if not name:
            return await self.default()
        provider, colon, model = name.partition(":")
        if provider in BUILT_IN or provider in self._own:
            return name if model else f"{provider}:{await self._usual(provider)}"
        places = [f"{place}:{name}" for place in providers_of(name)] or [
            f"ollama:{model}" for model in await self._ollama_models(PROBE_SECONDS) if model in (name, f"{name}:latest")
        ]
        if len(places) == 1:
            return places[0]
        raise NoModel(self._unknown(provider, bool(colon)))

    def _unknown(self, provider: str, is_full: bool) -> str:
        names = (*BUILT_IN, *self._own)
        models = () if is_full else tuple(one.model for row in KNOWN.values() for one in row)
        nearest = difflib.get_close_matches(provider.lower(), (*names, *models), n=1)
        hint = f"Did you mean {nearest[0]}?" if nearest else f"Name a model as PROVIDER:NAME, with one of: {', '.join(names)}."
        return f"There is no {'provider' if is_full else 'provider or model'} '{provider}'. {hint}"

    async def _usual(self, provider: str) -> str:
        """The model that a bare provider name stands for."""
        if provider in KNOWN:
            return KNOWN[provider][0].model
        if provider == "offline":
            return OFFLINE_MODEL
        if provider == "scripted":
            raise NoModel("A scripted model needs its file. Name it as scripted:FILE.")
        if provider in self._own and self._own[provider].model:
            return self._own[provider].model
        models = await self._builders.models_of(self._endpoint(provider), LIST_SECONDS)
        if not models:
            raise NoModel(f"{provider} has no model yet. {self._get_one(provider)}")
        return models[0]

    @staticmethod
    def _get_one(provider: str) -> str:
        return "Fetch one, for example with: ollama pull llama3.2" if provider == "ollama" else f"Name one as {provider}:NAME."

    async def _find(self) -> str:
        for provider in KEYS:
            if self._has_key(provider) and not self._builders.missing(provider):
                return f"{provider}:{await self._usual(provider)}"
        models = await self._ollama_models(PROBE_SECONDS)
        if models:
            return f"ollama:{models[0]}"
        if not self._builders.missing("offline"):
            return f"offline:{OFFLINE_MODEL}"
        raise NoModel(self._screen())

    def _screen(self) -> str:
        # A provider whose key is there is passed over for one reason alone.
        lacking = [
            f"     (a key of {one} is there; get its extra with: {self._builders.missing(one)})" for one in KEYS if self._has_key(one)
        ]
        return "\n".join(
            (
                "There is no model to talk to yet. Get one in one of three ways:",
                "  1. a model on this machine, with no key: plait --model offline",
                f"     (get it first with: {self._builders.missing('offline')})",
                "  2. a provider's key: export OPENAI_API_KEY, ANTHROPIC_API_KEY or GOOGLE_API_KEY, and start again",
                *lacking,
                "  3. a local server: start Ollama (ollama pull llama3.2), or name your own with",
                "     plait config set providers.NAME.base_url http://localhost:8000/v1",
            )
        )

    async def _ollama_models(self, seconds: float) -> Sequence[str]:
        """What Ollama has; nothing where it does not answer in time."""
        try:
            return await self._builders.models_of(self._endpoint("ollama"), seconds)
        except ModelError:
            return ()

    def _known(self, provider: str, model: str) -> Known:
        if provider in self._own:
            return Known(model, self._own[provider].context_window)
        if provider in ("offline", "ollama", "scripted"):
            return Known(model, OFFLINE_WINDOW if provider == "offline" else None, 0.0, 0.0, 0.0)
        if provider == "openai" and self._environ.get("OPENAI_BASE_URL", OPENAI_URL).rstrip("/") != OPENAI_URL:
            # Another server's model of the same name has its own price.
            return Known(model, look_up(provider, model).context_window)
        return look_up(provider, model)

    def _key(self, variables: Sequence[str]) -> tuple[Secret, str]:
        """The first key that is set, and the variable that it is in."""
        found = next((name for name in variables if self._environ.get(name, "").strip()), "")
        return Secret(self._environ.get(found, "")), found or (variables[0] if variables else "")

    def _has_key(self, provider: str) -> bool:
        return bool(self._key(KEYS[provider])[0]) or (provider == "openai" and bool(self._environ.get("OPENAI_BASE_URL")))

    def _lacks_key(self, provider: str) -> str:
        """The sentence about a missing key; empty where it is there, or not needed."""
        variables = KEYS.get(provider, ())
        if provider in self._own and self._own[provider].key_env:
            variables = (self._own[provider].key_env,)
        if not variables or self._key(variables)[0] or (provider in KEYS and self._has_key(provider)):
            return ""
        return f"{' or '.join(variables)} is not set. Export it, or choose another model with --model or /model."

    def _lacks_part(self, provider: str) -> str:
        """The sentence about what is not installed; empty where nothing is lacking."""
        command = self._builders.missing(provider)
        return f"What {provider} needs is not here yet. Get it with: {command}" if command else ""

    def _endpoint(self, provider: str) -> Endpoint:
        if provider in self._own:
            own = self._own[provider]
            key, variable = self._key((own.key_env,) if own.key_env else ())
            return Endpoint(provider, own.base_url, key, key_env=variable)
        if provider == "ollama":
            return Endpoint(provider, ollama_base_url(self._environ.get("OLLAMA_HOST", "")))
        key, variable = self._key(KEYS[provider])
        return Endpoint(provider, self._environ.get("OPENAI_BASE_URL", "").strip() or OPENAI_URL, key, key_env=variable)

    async def _provider(self, provider: str, model: str) -> ModelProvider:
        identity = f"{provider}:{model}" if provider == "scripted" else provider
        async with self._making[identity]:
            if identity not in self._made:
                self._made[identity] = await self._make(provider, model)
        return self._made[identity]

    async def _make(self, provider: str, model: str) -> ModelProvider:
        lacking = self._lacks_key(provider)
        if lacking:
            raise AccessRefused(lacking)
        if provider == "scripted":
            return await self._builders.scripted(model)
        if provider == "offline":
            return await self._builders.offline()
        if provider in ("anthropic", "google"):
            lacking = self._lacks_part(provider)
            if lacking:
                raise NoModel(lacking)
            return await self._builders.other(provider, self._key(KEYS[provider])[0])
        return await self._builders.openai_compatible(self._endpoint(provider))

    async def listing(self) -> Sequence[ModelLine]:
        """Every model that can be chosen now; then the providers that offer none, with the reason and the way out."""
        rows = self._rows("offline", [OFFLINE_MODEL], self._lacks_part("offline"))
        for provider in KEYS:
            rows += self._rows(provider, [one.model for one in KNOWN[provider]], self._lacks_key(provider) or self._lacks_part(provider))
        asked: dict[str, list[ModelLine]] = {}
        async with anyio.create_task_group() as group:
            for provider in ("ollama", *self._own):
                group.start_soon(self._ask, provider, asked)
        rows += [row for provider in ("ollama", *self._own) for row in asked[provider]]
        return sorted(rows, key=lambda row: not row.available)

    async def _ask(self, provider: str, asked: dict[str, list[ModelLine]]) -> None:
        seconds = PROBE_SECONDS if provider == "ollama" and not self._environ.get("OLLAMA_HOST") else LIST_SECONDS
        names, trouble = list[str](), self._lacks_key(provider)
        if not trouble:
            try:
                names = list(await self._builders.models_of(self._endpoint(provider), seconds))
            except ModelError as error:
                trouble = str(error)
        usual = self._own[provider].model if provider in self._own else ""
        if usual and usual not in names:
            names.insert(0, usual)
        asked[provider] = self._rows(provider, names, trouble)

    def _rows(self, provider: str, models: Sequence[str], trouble: str) -> list[ModelLine]:
        if trouble or not models:
            return [ModelLine(provider, False, trouble or f"It has no model yet. {self._get_one(provider)}")]
        found = [(model, self._known(provider, model)) for model in models]
        return [ModelLine(f"{provider}:{model}", True, "", one.context_window, one.input_price, one.output_price) for model, one in found]

    async def aclose(self) -> None:
        """Close every provider that was made; the failure of one keeps none of the others open."""
        made, self._made = list(self._made.values()), {}
        async with AsyncExitStack() as stack:
            for one in made:
                stack.push_async_callback(one.aclose)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
