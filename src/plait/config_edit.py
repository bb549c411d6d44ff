"""Changing the settings file: one key, or in an editor.

Rules:
1. Nothing is written that `load` would refuse; an editor's result is checked afterwards and kept as it is, with the problem shown.
2. A file is replaced in one step (temporary file beside it, synced, renamed), mode 0600. A symbolic link stays: its target is replaced.
3. Comments and order survive.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.config import load, parse, path_of
from plait.config_file import MAX_BYTES, ConfigFile, KeyPath, parse_file, read_file
from plait.core.errors import ConfigError, PlaitError
from plait.paths import ensure
from plait.settings import PROVIDER_TABLE, TABLE, Settings, Value


def set_value(path: Path, key: str, text: str) -> Settings:
    """Write `key` (or `providers.NAME.KEY`) into the file at `path`, made if need be; returns what the file now says.

    Raises `ConfigError`, and writes nothing, for an unknown key, a value that it does not take, or a file that is broken already.
    """
    file = read_file(path) or ConfigFile(path, "")
    load(file, {}, {})
    changed = ConfigFile(path, _with(file, path_of(key), _parsed(key, text)))
    try:
        settings = load(changed, {}, {})
    except ConfigError as error:
        raise ConfigError(f"{error}\nNothing was written to {path}. Give {key} another value.") from error
    write_file(changed)
    return settings


def _parsed(key: str, text: str) -> Value:
    parts = path_of(key)
    if parts[0] == "providers":
        # isdecimal takes what int takes: digits of any script, and nothing else.
        return int(text) if PROVIDER_TABLE[parts[2]].kind is int and text.isdecimal() and len(text) < 20 else text
    try:
        return parse(TABLE[key], text)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _with(file: ConfigFile, path: KeyPath, value: Value) -> str:
    """The file's text with one more value; comments and order as they were."""
    import tomlkit  # heavy: 20 ms, for this command alone

    document: Any = tomlkit.parse(file.text)
    table = document
    for part in path[:-1]:
        if part not in table:
            table[part] = tomlkit.table(is_super_table=part == "providers")
        table = table[part]
    table[path[-1]] = value
    return tomlkit.dumps(document)


def write_file(file: ConfigFile) -> None:
    """Replace the file in one step. Raises `ConfigError` where the disk does not allow it."""
    if len(file.text.encode()) > MAX_BYTES:
        raise ConfigError(f"{file.path} would be larger than {MAX_BYTES // 1024} KiB. Nothing was written; keep settings only in it.")
    target = Path(os.path.realpath(file.path))
    if target == file.path:
        ensure(target.parent)
    try:
        descriptor, name = tempfile.mkstemp(prefix=".config.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(file.text)
                stream.flush()
                os.fsync(descriptor)
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise ConfigError(f"{file.path} cannot be written ({error.strerror}). Make its directory writable, or free some space.") from error


# What the template shows for a setting whose default says nothing about its form.
_EXAMPLES = {"model": '"openai:gpt-6.1-terra"', "temperature": "0.7", "top_p": "0.9", "max_tokens": "4096", "requests_per_minute": "60"}


def template() -> str:
    """A settings file that sets nothing and names everything."""
    lines = ["# plait's settings. Take the '#' off a line to use it; `plait config show` tells what holds and why.", ""]
    for setting in TABLE.values():
        example = _EXAMPLES.get(setting.key) or json.dumps(setting.default)
        lines += [f"# {setting.description}", f"# {setting.key} = {example}", ""]
    lines += ["# A server of your own that speaks the OpenAI protocol, used as `--model lab:NAME`.", "# [providers.lab]"]
    lines += ['# kind = "openai"', '# base_url = "http://localhost:8000/v1"', '# api_key_env = "LAB_API_KEY"', ""]
    return "\n".join(lines)


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """The user's editor as an argument list. Raises `ConfigError` if there is none."""
    for variable in ("VISUAL", "EDITOR"):
        if environ.get(variable, "").strip():
            try:
                return shlex.split(environ[variable])
            except ValueError as error:
                raise ConfigError(f"{variable} is not a command ({error}). Set it to the editor that you want.") from error
    for name in ("editor", "nano", "vi"):
        if shutil.which(name, path=environ.get("PATH")):
            return [name]
    raise ConfigError("No editor was found. Set EDITOR to the one that you want.")


def edit(path: Path, environ: Mapping[str, str]) -> None:
    """Open the file in the user's editor, made from the template if need be, and check it afterwards.

    Raises `ConfigError` for what it then holds (it is kept), `PlaitError` where the editor fails.
    """
    command = editor_command(environ)
    if not os.path.lexists(path):
        write_file(ConfigFile(path, template()))
    try:
        code = subprocess.run([*command, str(path)], check=False).returncode
    except OSError as error:
        raise ConfigError(f"The editor {command[0]} cannot be started ({error.strerror}). Set EDITOR to another one.") from error
    if code:
        raise PlaitError(f"The editor {command[0]} ended with code {code}. Look at {path}, or set EDITOR to another editor.")
    file = read_file(path)
    if file is not None:
        parse_file(file)
        load(file, {}, {})
