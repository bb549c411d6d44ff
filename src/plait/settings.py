"""Every setting, declared once: its type, range, default and meaning.

Rules:
1. A field of `Settings` is the declaration; the file, the environment, the flags, `config show`, the JSON schema and `docs/settings.md`
   are all read off it. A setting that nothing reads has no place here.
2. None means that the provider, or the layer below, decides.
3. The environment variable of a setting is `PLAIT_` and its key in capitals; one has a second, shorter name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from plait.core.notices import DEFAULT_NOTIFY

Value: TypeAlias = str | int | float | bool | None
Layer: TypeAlias = Literal["default", "file", "environment", "flag"]

BUILT_IN_PROVIDERS = ("offline", "openai", "anthropic", "google", "ollama", "scripted")
REQUESTS = "requests_per_minute"
"""The one key of `[providers.NAME]` that a provider which is built in takes too."""
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
    choices: tuple[str, ...] = ()
    """The words that a text may be; empty if it may be any."""
    second_variable: str = ""
    """Another environment variable that sets it, where `variable` does not."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "PLAIT_" + self.key.upper()

    @property
    def allowed(self) -> str:
        """What it takes, in words."""
        if self.kind is bool:
            return "true or false"
        if self.choices:
            return " or ".join(self.choices)
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
    requests_per_minute: int | None = None
    """None for what holds for every provider."""


def _setting(
    kind: type,
    default: Value,
    description: str,
    *,
    lowest: float | None = None,
    highest: float | None = None,
    flag: str = "",
    choices: tuple[str, ...] = (),
    second_variable: str = "",
) -> Any:
    row = {"kind": kind, "default": default, "description": description, "lowest": lowest, "highest": highest, "flag": flag}
    return field(default=default, metadata={**row, "choices": choices, "second_variable": second_variable})


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
    compact_at: int = _setting(
        int,
        80,
        "Percent of the model's context window from which on a conversation is compacted by itself; 0 never does it.",
        lowest=0,
        highest=100,
    )
    window_messages: int = _setting(
        int, 0, "Tell the model only about so many of a session's last messages; 0 tells it all.", lowest=0, highest=1_000_000
    )
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
    multi_session_enabled: bool = _setting(
        bool,
        True,
        "Many sessions at one prompt; without it one, and the others are kept until it is on again.",
        flag="--single",
        second_variable="PLAIT_MULTI_SESSION",
    )
    persist: bool = _setting(
        bool, True, "Keep sessions on disk; without it nothing of them is written, and those on disk are not shown.", flag="--ephemeral"
    )
    auto_names: bool = _setting(bool, True, "Name a session from its first messages, unless you have named it.")
    titles: str = _setting(
        str,
        "keywords",
        "Who writes a session's title: nobody beyond the keywords of its name, or its model, in the background.",
        choices=("keywords", "model"),
    )
    buffer_events: int = _setting(
        int, 512, "Events of unseen output that are held for each session; the rest is in its history.", lowest=16, highest=100_000
    )
    buffer_mb: float = _setting(
        float, 10.0, "MiB of unseen output that are held for each session; the rest is in its history.", lowest=0.1, highest=1000
    )
    session_warn_mb: float = _setting(
        float, 50.0, "A session that holds more than this many MiB of memory is named in a notice.", lowest=1, highest=100_000
    )
    session_unload_mb: float = _setting(
        float,
        75.0,
        "A session that holds more than this many MiB, is not shown and does no work is put out of memory until it is needed.",
        lowest=1,
        highest=100_000,
    )
    requests_per_minute: int | None = _setting(
        int, None, "Model calls that a provider is sent in a minute, each provider for itself; the rest wait.", lowest=1, highest=100_000
    )
    indicator: bool = _setting(bool, True, "A line above the prompt with the sessions that wait for you.")
    indicator_sessions: int = _setting(int, 5, "Sessions named in that line; the rest is counted.", lowest=1, highest=20)
    terminal_title: bool = _setting(bool, True, "Show in the terminal's title how many sessions wait.")
    notify: str = _setting(
        str, DEFAULT_NOTIFY, "Which notices come how, as `KIND=WAY`, such as `approval=bell,desktop done=off`.", highest=300
    )
    notify_command: str = _setting(
        str, "", "The shell command of notices with the way `command`; it gets one JSON object on its standard input.", highest=2000
    )
    notify_cooldown: float = _setting(
        float,
        10.0,
        "Seconds in which a session gives no second notice of the same kind; a question and an approval always come.",
        lowest=0,
        highest=3600,
    )
    screen_reader: bool = _setting(bool, False, "For screen readers: linear text, words for marks, no boxes, nothing that moves.")
    text_only_indicator: bool = _setting(bool, False, "Words for the marks and colours of sessions.")
    high_contrast: bool = _setting(bool, False, "Nothing dim and no colours: bold, marks and words tell things apart.")
    announce_state_changes: bool = _setting(
        bool, True, "Say in words when another session begins to wait for you, where nothing is redrawn."
    )
    providers: tuple[ProviderSettings, ...] = ()
    built_in_requests: Mapping[str, int] = field(default_factory=dict)
    """`requests_per_minute` of providers that are built in, which have no other setting of their own."""
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
        ProviderKey(
            REQUESTS,
            int,
            "Model calls that it is sent in a minute; without it, the setting of that name holds.",
        ),
    )
}
