"""Reading the file of `scripted:FILE`; `plait.models.scripted` says what it means.

Rules: every mistake is one `ConfigError` that names file, line and key and says what is allowed; nothing is guessed or passed over.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from plait.core.errors import ConfigError
from plait.core.messages import CallId, StopReason, ToolCall, Usage
from plait.models.scripted import FAULTS, Reply, ScriptedModel

MAX_BYTES = 16_000_000
"""A script is written by hand or by a benchmark; more is a mistaken file name."""
WINDOW = "context_window"


def load(path: Path) -> ScriptedModel:
    """The model that a file describes. Raises `ConfigError`."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"The script {path} is over {MAX_BYTES:,} bytes. Name a TOML file with [[reply]] tables.")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"The script {path} cannot be read: {error.strerror or error}. Check the name after 'scripted:'.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"The script {path} is not UTF-8 text. Save it as UTF-8.") from error
    replies, window = read_script(text, str(path))
    return ScriptedModel(replies, f"The script {path}", window)


def parse(text: str, source: str) -> tuple[Reply, ...]:
    """The replies of a script; `source` names it in errors. Raises `ConfigError`."""
    return read_script(text, source)[0]


def read_script(text: str, source: str) -> tuple[tuple[Reply, ...], int | None]:
    """The replies of a script, and the context window that it says the model has. Raises `ConfigError`."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"The script {source} is not valid TOML: {error}. Correct it there.") from error
    for key in data:
        if key not in ("reply", WINDOW):
            raise _wrong(source, _line(text, key, None), key, "is not known", f"Use [[reply]] tables, and before them {WINDOW}")
    try:
        window = _window(data[WINDOW]) if WINDOW in data else None
    except ValueError as error:
        where = _line(text, WINDOW, None)
        raise _wrong(source, where, WINDOW, f"is {_short(data[WINDOW])}", "It takes a whole number from 1 on") from error
    tables = data.get("reply", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _wrong(source, _line(text, "reply", None), "reply", "is not a list of tables", "Write [[reply]], with two brackets")
    return tuple(_reply(table, number, text, source) for number, table in enumerate(tables)), window


def _reply(table: dict[str, Any], number: int, text: str, source: str) -> Reply:
    values: dict[str, Any] = {}
    for key, value in table.items():
        check = _CHECKS.get(key)
        if check is None:
            raise _wrong(source, _line(text, key, number), key, "is not known", f"A reply takes: {', '.join(_CHECKS)}")
        read, allowed = check
        try:
            values[key] = read(value)
        except (TypeError, ValueError, KeyError) as error:
            raise _wrong(source, _line(text, key, number), key, f"is {_short(value)}", f"It takes {allowed}") from error
    return Reply(**values)


def _wrong(source: str, line: int, key: str, what: str, way_out: str) -> ConfigError:
    return ConfigError(f"{source}, line {line}: '{key}' {what}. {way_out}.")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _line(text: str, key: str, number: int | None) -> int:
    """The line of `key` in the reply of that number (0-based; None: anywhere); the table's own line where it is not found."""
    header, seen, at = re.compile(r"\s*\[\[\s*reply\s*\]\]"), -1, 1
    wanted = re.compile(rf"""(?:.*[{{,])?\s*\[*\s*["']?{re.escape(key)}["']?\s*[\].=]""")
    for count, line in enumerate(text.splitlines(), 1):
        if header.match(line):
            seen += 1
            if seen == number:
                at = count
        if (number is None or seen == number) and wanted.match(line):
            return count
    return at


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _number(kind: type[int] | type[float], least: float, most: float) -> Callable[[object], Any]:
    def read(value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, (int,) if kind is int else (int, float)) or not least <= value <= most:
            raise ValueError
        return kind(value)

    return read


def _one_of(*allowed: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in allowed:
            raise ValueError
        return str(value)

    return read


def _calls(value: object) -> tuple[ToolCall, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_call(one) for one in value)


def _call(value: object) -> ToolCall:
    if not isinstance(value, dict) or value.keys() - {"id", "name", "arguments"}:
        raise KeyError
    arguments = value.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(CallId(_string(value.get("id", ""))), _string(value["name"]), text)


def _usage(value: object) -> Usage:
    names = {one.name for one in fields(Usage)}
    if not isinstance(value, dict) or value.keys() - names:
        raise ValueError
    return Usage(**{key: _tokens(one) for key, one in value.items()})


_tokens = _number(int, 0, 10**12)
_seconds = _number(float, 0, 86_400)
_window = _number(int, 1, 10**9)

_CHECKS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "match": (_string, "a text"),
    "text": (_string, "a text"),
    "thinking": (_string, "a text"),
    "calls": (_calls, "a list of { name = text, arguments = table or JSON text, id = text }"),
    "words": (_number(int, 0, 10_000_000), "a whole number from 0 to 10,000,000"),
    "per_second": (_number(float, 0, 1_000_000), "a number from 0 to 1,000,000"),
    "chunk": (_number(int, 1, 1_000_000), "a whole number from 1 to 1,000,000"),
    "wait": (_seconds, "seconds from 0 to 86,400"),
    "delay": (_seconds, "seconds from 0 to 86,400"),
    "stop": (_one_of(*get_args(StopReason)), f"one of {', '.join(get_args(StopReason))}"),
    "usage": (_usage, "a table { input = 0, output = 0, cached = 0 } of whole numbers"),
    "error": (_one_of(*FAULTS), f"one of {', '.join(FAULTS)}"),
    "message": (_string, "a text"),
    "retry_after": (_seconds, "seconds from 0 to 86,400"),
    "cut": (_number(int, 0, 10**9), "a whole number of characters"),
    "hang": (_flag, "true or false"),
    "times": (_number(int, 0, 10**9), "a whole number"),
    "repeat": (_number(int, 1, 100_000), "a whole number from 1 to 100,000"),
}
