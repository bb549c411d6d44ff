"""Settings from their layers: defaults < file < environment < flags.

Rules:
1. `load` is a pure function of the file's text, the environment and the flags.
2. Every problem of every layer is found in one go, each with its place, what is allowed, and the nearest known key; then nothing is used.
3. An empty environment variable counts as unset. An unknown `PLAIT_…` variable is not ours to refuse.
4. A value is echoed only where it cannot be a key to somebody's account.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from plait.config_file import ConfigFile, KeyPath, key_lines, line_of, parse_file
from plait.core.errors import ConfigError, UsageError
from plait.core.notices import parse_rules
from plait.settings import (
    BUILT_IN_PROVIDERS,
    KINDS,
    PROVIDER_TABLE,
    REQUESTS,
    TABLE,
    Origin,
    ProviderSettings,
    Setting,
    Settings,
    Value,
)

MAX_PROBLEMS = 10
_Place = Callable[..., str]
"""Where a key, given part by part, stands in the file: `/path/config.toml line 3`."""
_PROVIDER_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def load(file: ConfigFile | None, environ: Mapping[str, str], flags: Mapping[str, Value]) -> Settings:
    """What holds, all layers merged; `flags` are by key, None where not given. Raises `ConfigError`, a line for each problem."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    if file is not None:
        _take_file(file, values, origins, problems)
    for setting in TABLE.values():
        variable = next(filter(environ.get, (setting.variable, setting.second_variable)), "")
        if variable:
            _take(setting, environ[variable], Origin("environment", variable), values, origins, problems)
    for key, value in flags.items():
        if value is not None:
            _take(TABLE[key], value, Origin("flag", TABLE[key].flag), values, origins, problems)
    if problems:
        more = [f"There are {len(problems) - MAX_PROBLEMS} more problems."] if len(problems) > MAX_PROBLEMS else []
        raise ConfigError("\n".join(problems[:MAX_PROBLEMS] + more))
    return Settings(**values, origins=origins)


def _take(setting: Setting, given: Value, origin: Origin, values: dict[str, Any], origins: dict[str, Origin], problems: list[str]) -> None:
    """One value from the environment or a flag."""
    try:
        values[setting.key] = check(setting, parse(setting, given) if isinstance(given, str) else given)
        origins[setting.key] = origin
    except ValueError as error:
        problems.append(f"{origin.place}: {error}")


def parse(setting: Setting, text: str) -> Value:
    """A setting's value from its text, as the environment and `config set` give it. Raises `ValueError`."""
    if setting.kind is str:
        return text
    word = text.strip().lower()
    if setting.kind is bool and word in (*_TRUE, *_FALSE):
        return word in _TRUE
    if setting.kind is not bool:
        try:
            number: int | float = int(word) if re.fullmatch(r"[+-]?[0-9]{1,20}", word) else float(word)
        except ValueError:
            pass
        else:
            return number
    words = f" ({' or '.join(_TRUE)}, {' or '.join(_FALSE)})"
    raise ValueError(f"{setting.key} does not take that value. It takes {setting.allowed}{words if setting.kind is bool else ''}.")


def check(setting: Setting, value: object) -> Value:
    """The value, if the setting takes it; whole numbers become floats where a number is wanted. Raises `ValueError`."""
    if setting.kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 1e15 else math.inf
    if not isinstance(value, setting.kind) or (isinstance(value, bool) and setting.kind is not bool):
        raise ValueError(f"{setting.key} is {_type_name(value)}. It takes {setting.allowed}.")
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _check_text(setting, value)
    assert isinstance(value, int | float)
    too_low = setting.lowest is not None and not value >= setting.lowest
    too_high = setting.highest is not None and not value <= setting.highest
    if too_low or too_high:
        raise ValueError(f"{setting.key} is {value:.15g}. It takes {setting.allowed}.")
    return value


def _check_text(setting: Setting, value: str) -> str:
    if setting.highest is not None and len(value) > setting.highest:
        raise ValueError(f"{setting.key} has {len(value):,} characters. It takes {setting.allowed}.")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"{setting.key} is not UTF-8. It takes {setting.allowed}.")
    if "\0" in value or (setting.key == "model" and not value.isprintable()):
        raise ValueError(f"{setting.key} has a control character in it. It takes {setting.allowed}.")
    if setting.choices and value not in setting.choices:
        near = difflib.get_close_matches(value, setting.choices, n=1)
        raise ValueError(
            f"{setting.key} takes {setting.allowed}, not that word. {f'Did you mean {near[0]}?' if near else 'Give one of them.'}"
        )
    if setting.key == "notify":
        try:
            parse_rules(value)
        except UsageError as error:
            raise ValueError(f"notify: {error}") from error
    return value


def _type_name(value: object) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def _take_file(file: ConfigFile, values: dict[str, Any], origins: dict[str, Origin], problems: list[str]) -> None:
    plain = parse_file(file)
    lines = key_lines(file.text)

    def place(*path: str) -> str:
        return f"{file.path} line {line_of(lines, path)}"

    for key, value in plain.items():
        if key == "providers":
            values[key], values["built_in_requests"] = _providers(value, place, origins, problems)
        elif key not in TABLE:
            problems.append(f"{place(key)}: there is no setting {key}. {_hint(key, (*TABLE, 'providers'))}")
        else:
            try:
                values[key] = check(TABLE[key], value)
                origins[key] = Origin("file", place(key))
            except ValueError as error:
                problems.append(f"{place(key)}: {error}")


def _hint(key: str, known: Iterable[str]) -> str:
    known = tuple(known)
    nearest = difflib.get_close_matches(key, known, n=1)
    if nearest:
        return f"Did you mean {nearest[0]}?"
    if re.search(r"key|token|secret|password", key, re.IGNORECASE):
        return "plait keeps no keys: export the key as an environment variable, and name that variable as api_key_env."
    return f"It takes: {', '.join(known)}."


def _providers(
    plain: object, place: _Place, origins: dict[str, Origin], problems: list[str]
) -> tuple[tuple[ProviderSettings, ...], dict[str, int]]:
    """The user's own providers, and the calls in a minute of those that are built in."""
    made: list[ProviderSettings] = []
    limits: dict[str, int] = {}
    if not isinstance(plain, dict):
        problems.append(f"{place('providers')}: providers is {_type_name(plain)}. Write a table [providers.NAME] for each.")
        return (), limits
    for name, table in plain.items():
        try:
            one = _provider(name, table, lambda *path, name=name: place("providers", name, *path))
        except ValueError as error:
            problems.append(str(error))
            continue
        origins[f"providers.{name}"] = Origin("file", place("providers", name))
        if name not in BUILT_IN_PROVIDERS:
            made.append(one)
        elif one.requests_per_minute is not None:
            limits[name] = one.requests_per_minute
    return tuple(made), limits


def _provider(name: str, table: object, place: _Place) -> ProviderSettings:
    if not _PROVIDER_NAME.fullmatch(name):
        raise ValueError(
            f"{place()}: providers.{name[:40]} is not a name. It takes a small letter, then small letters, digits and '-', 32 at most."
        )
    if not isinstance(table, dict):
        raise ValueError(f"{place()}: providers.{name} is {_type_name(table)}. Write it as a table [providers.{name}].")
    built_in = name in BUILT_IN_PROVIDERS
    if built_in and set(table) - {REQUESTS}:
        raise ValueError(f"{place()}: the provider {name} is built in and takes {REQUESTS} only. Choose another name for yours.")
    for key, value in table.items():
        if key not in PROVIDER_TABLE:
            raise ValueError(f"{place(key)}: there is no setting providers.{name}.{key}. {_hint(key, PROVIDER_TABLE)}")
        wanted = PROVIDER_TABLE[key].kind
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ValueError(f"{place(key)}: {key} is {_type_name(value)}. It takes {'text' if wanted is str else 'a whole number'}.")
    for key, row in PROVIDER_TABLE.items():
        if key in table:
            _CHECKS[key](f"{place(key)}: {key}", table[key])
        elif row.required and not built_in:
            raise ValueError(f'{place()}: providers.{name} has no {key}. Add a line such as: {key} = "http://localhost:8000/v1"')
    return ProviderSettings(name=name, **{"kind": KINDS[0], "base_url": "", **table})


def _check_kind(where: str, value: str) -> None:
    if value not in KINDS:
        raise ValueError(f"{where} is not a kind that plait knows. It takes: {', '.join(KINDS)}.")


def _check_url(where: str, value: str) -> None:
    allowed = 'It takes an address such as "http://localhost:8000/v1"'
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not value.isprintable() or " " in value:
        raise ValueError(f"{where} is not an http or https address with a host. {allowed}.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError(
            f"{where} has a user, a password or a query in it. {allowed}; a key comes from the variable that api_key_env names."
        )


def _check_variable(where: str, value: str) -> None:
    # Keys have small letters, or are one long word of capitals and digits; names of variables are neither.
    long_word = len(value) >= 16 and "_" not in value and any(char.isdigit() for char in value)
    if not _VARIABLE.fullmatch(value) or long_word:
        raise ValueError(
            f"{where} is not the name of a variable (its value is not shown, for it may be a key). "
            'It takes capitals, digits and "_", such as "LAB_API_KEY"; export the key itself under that name.'
        )


def _check_size(where: str, value: int) -> None:
    if not 1 <= value <= 100_000_000:
        raise ValueError(f"{where} is {value}. It takes a whole number from 1 to 100,000,000.")


def _check_requests(where: str, value: int) -> None:
    if not 1 <= value <= 100_000:
        raise ValueError(f"{where} is {value}. It takes a whole number from 1 to 100,000.")


def _check_model(where: str, value: str) -> None:
    if not value.isprintable() or len(value) > 200:
        raise ValueError(f"{where} is not the name of a model. It takes one line of at most 200 characters.")


_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "kind": _check_kind,
    "base_url": _check_url,
    "api_key_env": _check_variable,
    "model": _check_model,
    "context_window": _check_size,
    REQUESTS: _check_requests,
}


def path_of(key: str) -> KeyPath:
    """A key as `config set` takes it, split: `model`, or `providers.NAME.base_url`. Raises `ConfigError` if there is no such setting."""
    path = tuple(key.split("."))
    if path[0] == "providers":
        if len(path) != 3:
            raise ConfigError(
                f"{key} is not a setting. A provider's settings are providers.NAME.KEY, KEY one of: {', '.join(PROVIDER_TABLE)}."
            )
        if path[2] not in PROVIDER_TABLE:
            raise ConfigError(f"There is no setting {key}. {_hint(path[2], PROVIDER_TABLE)}")
    elif key not in TABLE:
        raise ConfigError(f"There is no setting {key}. {_hint(key, TABLE)}")
    return path
