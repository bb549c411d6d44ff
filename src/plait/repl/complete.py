"""What Tab offers: commands by prefix, arguments as each command says, and `@paths`.

Rules:
1. Nothing here changes anything, and nothing raises: what cannot be looked up offers nothing.
2. Directories are read in a thread, `MOST_SCANNED` entries at the most. A name with characters that a terminal would not show is left out.
3. What has to be fetched (the models) is kept for a while, since completion is asked for at each key; sessions are looked up anew.
4. What fits best comes first; of many choices the first `MOST_OFFERED` are offered.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import anyio.to_thread
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from plait.core.errors import PlaitError, UsageError
from plait.core.ports import Client
from plait.core.sanitize import sanitize_line
from plait.repl.fleet import FleetView
from plait.repl.slash.choices import DIRECTORIES, Choice, Lookup, rank
from plait.repl.slash.line import Message, SlashLine, parse_line
from plait.repl.slash.registry import Registry

MOST_SCANNED = 5000
MOST_OFFERED = 200
_DIRECTORY = re.compile(r'(?:^|(?<=\s))(?:"([^"\n]*)|(\S*))$')
_PATH = re.compile(r'(?:^|(?<=[\s(\[{]))@(?:"([^"\n]*)|([^\s"@]\S*)?)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    is_directory: bool


class PromptCompleter(Completer):
    """Completion of the input line. `fleet` is the prompt's own view of the open sessions; paths are relative to the directory of the one
    that it shows, or to `directory` where that is not known.
    """

    def __init__(self, client: Client, commands: Registry, directory: str, fleet: Callable[[], FleetView]) -> None:
        self._directory = directory
        self._commands = commands
        self._fleet = fleet
        self._lookup = Lookup(client, fleet)

    @property
    def directory(self) -> str:
        """What paths are relative to."""
        view = self._fleet()
        row = view.row(view.shown)
        return row.directory if row else self._directory

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
        word = self._lookup.typed = re.split(r"\s", argument)[-1]
        try:
            offered = await command.complete(self._lookup, argument[: len(argument) - len(word)].strip())
        except PlaitError:  # what there is could not be read: the command itself says so
            return
        if offered is DIRECTORIES and (match := _DIRECTORY.search(argument)):
            quoted = match[1] is not None
            written = match[1] or match[2] or ""
            for entry in await anyio.to_thread.run_sync(_entries, written, self.directory, abandon_on_cancel=True):
                if entry.is_directory:
                    yield _path_completion(written, entry, quoted=quoted)
            return
        for choice in _fitting(word, offered):
            yield Completion(choice.text, start_position=-len(word), display_meta=sanitize_line(choice.note)[:80])


def _fitting(word: str, offered: Sequence[Choice]) -> Iterator[Choice]:
    """The choices that fit what is typed, the best first. What a terminal would not show as it is, is left out."""
    ranked = [(place, choice) for choice in offered if (place := rank(word, choice)) is not None]
    ranked.sort(key=lambda pair: pair[0])
    for _, choice in ranked[:MOST_OFFERED]:
        if sanitize_line(choice.text) == choice.text:
            yield choice


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
