"""What Tab offers: commands by prefix, arguments as each command says, and `@paths`.

Rules:
1. Nothing here changes anything, and nothing raises: what cannot be looked up offers nothing.
2. Directories are read in a thread, `MOST_SCANNED` entries at the most. A name with characters that a terminal would not show is left out.
3. What has to be fetched (the models) is kept for a while, since completion is asked for at each key.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

import anyio.to_thread
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from plait.core.errors import UsageError
from plait.core.ports import Client
from plait.core.sanitize import sanitize_line
from plait.repl.slash.line import Message, SlashLine, parse_line
from plait.repl.slash.registry import Lookup, Registry

MOST_SCANNED = 5000
MOST_OFFERED = 200
_PATH = re.compile(r'(?:^|(?<=[\s(\[{]))@(?:"([^"\n]*)|([^\s"@]\S*)?)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    is_directory: bool


class PromptCompleter(Completer):
    """Completion of the input line. `directory` is that of the session; the loop sets it anew when another session is shown."""

    def __init__(self, client: Client, commands: Registry, directory: str) -> None:
        self.directory = directory
        self._commands = commands
        self._lookup = Lookup(client)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Nothing: prompt_toolkit asks `get_completions_async`."""
        return ()

    async def get_completions_async(self, document: Document, complete_event: CompleteEvent) -> AsyncGenerator[Completion, None]:
        """What the text before the cursor can go on with."""
        text = document.text_before_cursor
        line = parse_line(text)
        if isinstance(line, SlashLine):
            async for completion in self._slash(text, line):
                yield completion
        elif isinstance(line, Message) and (match := _PATH.search(text)):
            quoted, word = match.groups()
            written = quoted if quoted is not None else word or ""
            for entry in await anyio.to_thread.run_sync(_entries, written, self.directory, abandon_on_cancel=True):
                yield _path_completion(written, entry, quoted=quoted is not None)

    async def _slash(self, text: str, line: SlashLine) -> AsyncGenerator[Completion, None]:
        if not any(char.isspace() for char in text):
            for name, command in self._commands.starting(line.name):
                note = command.summary if name == command.name else f"is /{command.name}"
                yield Completion(f"/{name}", start_position=-len(text), display_meta=note)
            return
        try:
            command = self._commands.find(line.name)
        except UsageError:
            return
        if command.complete is None or not line.name:
            return
        argument = re.split(r"\s", text, maxsplit=1)[1].lstrip()
        word = re.split(r"\s", argument)[-1]
        for choice in await command.complete(self._lookup, argument[: len(argument) - len(word)].strip()):
            if choice.text.lower().startswith(word.lower()):
                shown = sanitize_line(choice.text)
                if shown == choice.text:
                    yield Completion(choice.text, start_position=-len(word), display_meta=sanitize_line(choice.note)[:80])


def _path_completion(written: str, entry: _Entry, *, quoted: bool) -> Completion:
    """The whole word again, quoted where it has blanks; a directory ends in `/` and stays open for more."""
    head = written[: written.rfind("/") + 1]
    path = head + entry.name + ("/" if entry.is_directory else "")
    start = -len(written) - (1 if quoted else 0)
    if quoted or re.search(r"\s", path):
        path = f'"{path}' + ("" if entry.is_directory else '"')
    return Completion(path, start_position=start, display=entry.name + ("/" if entry.is_directory else ""))


def _entries(written: str, directory: str) -> list[_Entry]:
    """Entries that `written`, a path being typed, can become: directories first, each in order of the alphabet. Blocks."""
    head, _, prefix = written.rpartition("/")
    place = os.path.join(directory, os.path.expanduser(head + "/" if written.startswith("/") or head else ""))
    found: list[_Entry] = []
    try:
        with os.scandir(place) as entries:
            for _, entry in zip(range(MOST_SCANNED), entries, strict=False):
                if entry.name.startswith(prefix) and (prefix or not entry.name.startswith(".")) and _can_be_typed(entry.name):
                    found.append(_Entry(entry.name, entry.is_dir()))
    except (OSError, ValueError):
        pass  # no such directory, or none that may be read: there is nothing to offer
    return sorted(found, key=lambda entry: (not entry.is_directory, entry.name))[:MOST_OFFERED]


def _can_be_typed(name: str) -> bool:
    return '"' not in name and sanitize_line(name) == name
