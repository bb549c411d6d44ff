"""The settings file: read, parsed, and its keys found by line.

Rules:
1. Whatever is wrong with the file is a `ConfigError` that names it, and the line where there is one. No value is ever echoed: somebody
   may have pasted a key.
2. Only a regular file is read, and only up to `MAX_BYTES`: a FIFO or a device would hang or never end.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.core.errors import ConfigError

MAX_BYTES = 256 * 1024  # parses in a third of a second; real files have a few hundred bytes
KeyPath = tuple[str, ...]

# tomllib takes time and memory in the square of a dotted key's length: 50,000 parts are 48 s. Ours have three.
_TOO_MANY_PARTS = re.compile(r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){64}""", re.ASCII)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A settings file as it was read."""

    path: Path
    text: str


def read_file(path: Path) -> ConfigFile | None:
    """The file at `path`, None if there is none. Raises `ConfigError` for anything but a readable UTF-8 file of a fit size."""
    try:
        # O_NONBLOCK: opening a FIFO without a writer would wait for one.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}). Make it a readable file, or remove it.") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise ConfigError(f"{path} is {_kind(mode)}, not a file. Move it away, or set PLAIT_HOME to another directory.")
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    return ConfigFile(path, _text(path, data))


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"


def _text(path: Path, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES // 1024} KiB. Keep settings only in it.")
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(f"{path} line 1 begins with a byte order mark. Save it as UTF-8 without one.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path} line {line} is not UTF-8. Save the file as UTF-8.") from error


def parse_file(file: ConfigFile) -> dict[str, Any]:
    """The file's TOML as plain data. Raises `ConfigError` with the line, and with the key where it is one that stands twice."""
    deep = _TOO_MANY_PARTS.search(file.text)
    if deep:
        line = file.text.count("\n", 0, deep.start()) + 1
        raise ConfigError(f"{file.path} line {line}: this is nested too deeply. Settings need three levels at most.")
    try:
        return tomllib.loads(file.text)
    except tomllib.TOMLDecodeError as error:
        problem, line = _problem(str(error), file.text)
        raise ConfigError(f"{file.path} line {line}: {problem} Correct it, for example with: plait config edit") from error
    except RecursionError as error:
        raise ConfigError(f"{file.path} is nested too deeply. Settings need three levels at most.") from error


_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def _problem(message: str, text: str) -> tuple[str, int]:
    """What tomllib found, in our words where it is the commonest fault, and its line."""
    lines = text.splitlines() or [""]
    place = _PLACE.search(message)
    line = int(place[1]) if place and place[1] else len(lines)
    problem = _PLACE.sub("", message)
    if problem.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot redefine", "Duplicate")):
        # The parser notices at the end of the line or at the first character of the next.
        for number in (line, line - 1):
            key = re.match(r"\s*\[*\s*([\w.\-]+)", lines[number - 1]) if 1 <= number <= len(lines) else None
            if key:
                return f"the key {key[1]} stands there a second time.", number
        return "a key stands there a second time.", line
    return f"this is not valid TOML: {problem}.", line


_HEADER = re.compile(r"^\s*\[\[?(.*?)\]\]?\s*(?:#.*)?$")
_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.|=|$)""")
_LEVELS = 4  # deeper than any setting; a line with more is found by its first four
_FENCE = re.compile(r'"""|\'\'\'')


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, on which each key of a TOML text first stands, found by a scan under its table header."""
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if fence:
            fence = "" if fence in line else fence
            continue
        header = _HEADER.match(line)
        path = table = _key_path(header[1]) if header else table
        if not header:
            own = _key_path(line)
            path = table + own if own else ()
            fence = _opened(line)
        for length in range(1, min(len(path), _LEVELS) + 1):
            found.setdefault(path[:length], number)
    return found


def _key_path(text: str) -> KeyPath:
    """The dotted key that `text` begins with; nothing where it begins with none."""
    parts: list[str] = []
    position = 0
    while part := _PART.match(text, position):
        parts.append(next(one for one in part.groups()[:3] if one is not None))
        position = part.end()
        if part[4] != ".":
            return tuple(parts)
    return ()


def _opened(line: str) -> str:
    """The fence of a text of several lines that begins on this line and does not end on it."""
    fences = _FENCE.findall(line)
    return fences[0] if fences and fences.count(fences[0]) % 2 else ""


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """The line of a key, or of the table around it where the key is inside an inline table; 1 where neither is found."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1
