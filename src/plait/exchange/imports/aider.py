"""aider's `.aider.chat.history.md`: Markdown, one file for each directory, to which every run of aider appends.

A run begins with `# aider chat started at TIME`. Lines that begin with `#### ` and end with two spaces are the user's; what follows them
is the answer. aider's own remarks begin with `> ` and end with two spaces; those before and after an answer are notes beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import PurePath
from typing import IO

from plait.core.codec import without_surrogates
from plait.exchange.imports.found import Conversation, Left, Reading, Said
from plait.exchange.imports.lines import lines
from plait.exchange.imports.values import moment

SOURCE = "aider"
HEAD = "# aider chat started at "
_MODEL = re.compile(r"^> (?:Main )?[Mm]odel: (\S+)", re.MULTILINE)


class _Chat:
    """One run of aider, line by line."""

    def __init__(self, started: str) -> None:
        self.started = started.strip()
        self.said: list[Said] = []
        self._at = moment(self.started, local=True)
        self._model = ""
        self._role = "preamble"
        self._text: list[str] = []

    def take(self, line: str) -> None:
        """One line, without its end."""
        if line.startswith("#### ") and line.endswith("  "):
            self._turn_to("user")
            self._text.append(line[5:].removesuffix("  "))
        else:
            if self._role == "user" and line.strip():
                self._turn_to("answer")
            self._text.append(line)

    def conversation(self, directory: str) -> Conversation | None:
        """All of it; None where nobody said anything."""
        self._turn_to("end")
        first = next((one.text for one in self.said if one.role == "user"), None)
        if first is None:
            return None
        digest = sha256(without_surrogates(first).encode()).hexdigest()[:12]
        return Conversation(SOURCE, f"{self.started}/{digest}", tuple(self.said), "", directory, self._at)

    def _turn_to(self, role: str) -> None:
        if role == self._role:
            return
        lines, was = self._text, self._role
        self._role, self._text = role, []
        if was == "preamble":
            found = _MODEL.search("\n".join(lines))
            self._model = found[1] if found else ""
        elif was == "user":
            self._add(Said("user", _joined(lines), self._at))
        elif was == "answer":
            begin, end = 0, len(lines)
            while begin < end and _is_remark(lines[begin]):
                begin += 1
            while end > begin and _is_remark(lines[end - 1]):
                end -= 1
            self._add(Said("note", _joined(lines[:begin]), self._at))
            self._add(Said("assistant", _joined(lines[begin:end]), self._at, model=self._model))
            self._add(Said("note", _joined(lines[end:]), self._at))

    def _add(self, said: Said) -> None:
        if not said.empty:
            self.said.append(said)


def _is_remark(line: str) -> bool:
    return not line.strip() or (line.startswith("> ") and line.endswith("  "))


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip()


def read(stream: IO[bytes], origin: str) -> Reading:
    """The runs of a file; each is a conversation in the file's directory."""
    directory = str(PurePath(origin).parent)
    chat: _Chat | None = None
    silent = 0
    for found in lines(stream, origin):
        if isinstance(found, Left):
            yield found
            continue
        number, line = found
        line = line.rstrip("\r\n")
        if line.startswith(HEAD):
            if chat is not None:
                conversation = chat.conversation(directory)
                silent += conversation is None
                if conversation is not None:
                    yield conversation
            chat = _Chat(line.removeprefix(HEAD))
        elif chat is not None:
            chat.take(line)
        elif line.strip():
            yield Left(f"{origin}:{number}", "the line stands before the first chat")
    if chat is not None and (conversation := chat.conversation(directory)) is not None:
        yield conversation
    else:
        silent += chat is not None
    if silent:
        yield Left(origin, "a run of aider in which nobody said anything", silent, loss=False)
