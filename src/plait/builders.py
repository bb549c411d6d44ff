"""How the composition root makes model providers: each heavy import happens in a thread, when its provider is first wanted.

Part of `app`: these lazy imports of plait's own modules are the listed exception to the rule that imports stand at the top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import anyio.to_thread

from plait.core.errors import NoModel
from plait.core.ports import ModelProvider
from plait.lazy_import import imported
from plait.models.catalog import Catalog, OwnProvider
from plait.models.endpoint import Endpoint, Secret, Timeouts
from plait.paths import Paths, ensure
from plait.program import lacks_offline_package
from plait.settings import Settings

_PACKAGES = {"anthropic": ("pydantic_ai", "anthropic"), "google": ("pydantic_ai", "google.genai")}
OFFLINE_HINT = "pip install 'plait[offline]'"
FETCH_HINT = "plait models fetch"
OFFLINE_FIRST_BYTE = 300.0
"""Seconds. Prompts are read at 165 to 390 tokens a second on two cores, so a queue of long ones takes minutes."""


class ProviderBuilders:
    """Makes providers with the user's settings and paths; a `models.catalog.Builders`."""

    def __init__(self, settings: Settings, paths: Paths) -> None:
        self._paths = paths
        self._timeouts = Timeouts(first_byte=settings.first_byte_timeout, idle=settings.idle_timeout)
        self._offline_idle = settings.offline_idle_minutes * 60

    async def openai_compatible(self, endpoint: Endpoint) -> ModelProvider:
        """A server that speaks the OpenAI protocol."""
        module = await imported("plait.models.openai_compatible")
        provider: ModelProvider = module.OpenAICompatible(endpoint, timeouts=self._timeouts)
        return provider

    async def other(self, provider: str, key: Secret) -> ModelProvider:
        """Anthropic or Google, over pydantic-ai."""
        module = await imported("plait.models.pydantic_ai")
        made: ModelProvider = module.PydanticAI(provider, key, timeouts=self._timeouts)
        return made

    async def scripted(self, file: str) -> ModelProvider:
        """The deterministic model of a file. Raises `ConfigError` for a broken one."""
        module = await imported("plait.models.script_file")
        made: ModelProvider = await anyio.to_thread.run_sync(lambda: module.load(Path(file).expanduser()))
        return made

    async def offline(self) -> ModelProvider:
        """The bundled model. Raises `NoModel` where its package or its file is missing."""
        missing = self.missing("offline")
        if missing:
            raise NoModel(f"The offline model is not there yet. Get it with: {missing}")
        module = await imported("plait.models.offline_model")
        file = import_module("plait.models.bundle").model_path(self._paths.data)
        server = module.OfflineServer(file, ensure(self._paths.state), idle=self._offline_idle)
        patient = replace(self._timeouts, first_byte=max(OFFLINE_FIRST_BYTE, self._timeouts.first_byte))
        made: ModelProvider = module.OfflineModel(server, patient)
        return made

    def missing(self, provider: str) -> str:
        """What this installation lacks for a provider, as the command that mends it; empty if nothing."""
        if provider == "offline":
            if lacks_offline_package():
                return OFFLINE_HINT
            return "" if import_module("plait.models.bundle").installed(self._paths.data) else FETCH_HINT
        if any(find_spec(package.split(".")[0]) is None for package in _PACKAGES.get(provider, ())):
            return f"pip install 'plait[{provider}]'"
        return ""

    async def models_of(self, endpoint: Endpoint, seconds: float) -> Sequence[str]:
        """The names that a server lists, in its own order. Raises `ModelError`."""
        module = await imported("plait.models.openai_compatible")
        provider = module.OpenAICompatible(endpoint)
        try:
            names: Sequence[str] = await provider.list_models(Timeouts(connect=seconds, first_byte=seconds, idle=seconds))
        finally:
            await provider.aclose()
        return names


async def warm() -> None:
    """Import what a message will need, in a thread, so that the first one does not wait for it."""
    await imported("plait.models.openai_compatible")


def catalog_of(settings: Settings, paths: Paths, environ: Mapping[str, str]) -> Catalog:
    """The models of these settings; an asynchronous context manager that closes its providers."""
    own = [OwnProvider(one.name, one.base_url, one.api_key_env, one.model, one.context_window) for one in settings.providers]
    return Catalog(ProviderBuilders(settings, paths), environ, settings.model, own)
