"""Every setting, declared once: its type, range, default and meaning.

Rules:
1. A field of `Settings` is the declaration; the file, the environment, the flags, `config show`, the JSON schema and `docs/settings.md`
   are all read off it. A setting that nothing reads has no place here.
2. None means that the provider, or the layer below, decides.
3. The environment variable of a setting is `PLAIT_` and its key in capitals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

Value: TypeAlias = str | int | float | bool | None
Layer: TypeAlias = Literal["default", "file", "environment", "flag"]

BUILT_IN_PROVIDERS = ("offline", "openai", "anthropic", "google", "ollama", "scripted")
KINDS = ("openai",)
"""Kinds of a provider of one's own: the wires that plait speaks itself."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table. `lowest` and `highest` are of the value, of a text of its length."""

    key: str
    kind: type
    default: Value
    description: str
    lowest: float | None = None
    highest: float | None = None
    flag: str = ""
    """The command line's name of it, such as `--model`; empty if it has none."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "PLAIT_" + self.key.upper()

    @property
    def allowed(self) -> str:
        """What it takes, in words."""
        if self.kind is bool:
            return "true or false"
        if self.kind is str:
            return f"text of at most {self.highest:,.0f} characters" if self.highest else "text"
        noun = "a whole number" if self.kind is int else "a number"
        if self.highest is None:
            return f"{noun}, at least {self.lowest:g}" if self.lowest is not None else noun
        return f"{noun} from {self.lowest or 0:g} to {self.highest:,.15g}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which layer a value comes from, and where in it."""

    layer: Layer = "default"
    place: str = ""
    """`--model`, `PLAIT_MODEL`, or `/path/config.toml line 3`."""

    def __str__(self) -> str:
        return f"{self.layer} {self.place}".rstrip()


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """A provider of the user's own, `[providers.NAME]`."""

    name: str
    kind: str
    base_url: str
    api_key_env: str = ""
    """The variable that holds the key; empty for a server that asks for none."""
    model: str = ""
    """The model that the bare provider name stands for."""
    context_window: int | None = None
    """Tokens; None if not known."""


def _setting(
    kind: type, default: Value, description: str, *, lowest: float | None = None, highest: float | None = None, flag: str = ""
) -> Any:
    row = {"kind": kind, "default": default, "description": description, "lowest": lowest, "highest": highest, "flag": flag}
    return field(default=default, metadata=row)


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds in this run, all layers merged."""

    model: str = _setting(str, "", "The model, as `provider:name`; empty takes the best that is there.", highest=200, flag="--model")
    system: str = _setting(str, "", "The system prompt of every session that has none of its own.", highest=100_000, flag="--system")
    temperature: float | None = _setting(
        float, None, "How freely to sample; without it the provider decides.", lowest=0, highest=2, flag="--temperature"
    )
    top_p: float | None = _setting(
        float, None, "Sample from the likeliest tokens that add up to this share.", lowest=0, highest=1, flag="--top-p"
    )
    max_tokens: int | None = _setting(int, None, "The longest answer, in tokens.", lowest=1, highest=10_000_000, flag="--max-tokens")
    max_turns: int = _setting(int, 50, "Model calls in one turn, tool calls between them.", lowest=1, highest=1000, flag="--max-turns")
    vi_mode: bool = _setting(bool, False, "Edit the prompt with the keys of vi.")
    plain: bool = _setting(bool, False, "Linear text, words for marks, nothing redrawn.", flag="--plain")
    timestamps_after: int = _setting(
        int, 60, "Show the time when this many minutes lie between two messages; 0 never shows it.", lowest=0, highest=525_600
    )
    max_sessions: int = _setting(int, 10, "Sessions open at once.", lowest=1, highest=500)
    max_concurrent_calls: int = _setting(int, 5, "Model calls running at once, all sessions together.", lowest=1, highest=100)
    first_byte_timeout: float = _setting(
        float, 60.0, "Seconds to wait for the first byte of an answer; then the call is tried again.", lowest=1, highest=3600
    )
    idle_timeout: float = _setting(
        float, 60.0, "Seconds without a byte after which a running answer counts as stalled.", lowest=1, highest=3600
    )
    offline_idle_minutes: float = _setting(
        float, 10.0, "Minutes without a call after which the bundled model's process ends.", lowest=0.1, highest=1440
    )
    providers: tuple[ProviderSettings, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict, repr=False, compare=False)

    def origin(self, key: str) -> Origin:
        """The layer and place that `key`, or `providers.NAME`, comes from."""
        return self.origins.get(key, Origin())


TABLE: dict[str, Setting] = {one.name: Setting(key=one.name, **one.metadata) for one in fields(Settings) if one.metadata}


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A row of the table of `[providers.NAME]`."""

    key: str
    kind: type
    description: str
    required: bool = False


PROVIDER_TABLE: dict[str, ProviderKey] = {
    one.key: one
    for one in (
        ProviderKey("kind", str, "The wire that the server speaks: `openai`, which is also what is taken without it."),
        ProviderKey("base_url", str, "Where it is: `http` or `https`, a host, and the path before `/chat/completions`.", required=True),
        ProviderKey("api_key_env", str, "The name of the environment variable that holds the key, never the key itself."),
        ProviderKey("model", str, "The model that the bare provider name stands for; without it, the first that the server lists."),
        ProviderKey("context_window", int, "How many tokens its models take, where that is known."),
    )
}
