"""The user's own editor, on a text: `$VISUAL`, else `$EDITOR`, else the first usual one that is there."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import anyio

from plait.repl.paste import normalise

_USUAL = ("sensible-editor", "nano", "vim", "vi")


def editor_command(environment: Mapping[str, str]) -> list[str]:
    """The command and its arguments; empty when there is no editor at all."""
    for name in ("VISUAL", "EDITOR"):
        if environment.get(name, "").strip():
            try:
                return shlex.split(environment[name])
            except ValueError:  # an open quotation mark
                return [environment[name]]
    found = next(filter(None, map(shutil.which, _USUAL)), None)
    return [found] if found else []


async def run_editor(text: str, stdin: int, stdout: int) -> tuple[str | None, str]:
    """Edit `text` in a private temporary file. Returns (new text, "") or (None, what went wrong and what to do)."""
    command = editor_command(os.environ)
    if not command:
        return None, "No editor was found. Set VISUAL or EDITOR to one."
    try:
        path = _put(text)
        try:
            async with await anyio.open_process([*command, str(path)], stdin=stdin, stdout=stdout, stderr=stdout) as process:
                code = await process.wait()
            if code:
                return None, f"The editor ended with code {code}. The text is as it was."
            return _get(path), ""
        finally:
            _remove(path)
    except OSError as error:
        return None, f"The editor {command[0]} could not be used ({error.strerror}). Set VISUAL or EDITOR to one that is there."


def _put(text: str) -> Path:
    descriptor, name = tempfile.mkstemp(prefix="plait-", suffix=".md")  # 0600
    with open(descriptor, "wb") as file:
        file.write(text.encode("utf-8", "replace"))
    return Path(name)


def _get(path: Path) -> str:
    return normalise(path.read_bytes().decode("utf-8", "replace")).removesuffix("\n")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
