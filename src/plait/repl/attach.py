"""`@path` in a message: which words are files, and what they hold.

Rules:
1. A word that begins with `@` is a file if there is one of that path, relative to the session's directory; punctuation at its end is
   tried without. `@"a b.txt"` takes blanks, `@~/x` the home directory.
2. A word that names nothing stays text (`@alice`, `@dataclass`, `a@b.c`), unless it looks like a path: then it is refused, for the user
   meant a file. `\\@` is never a file.
3. Only regular text files are read, of at most `LONGEST` bytes. The kind is asked before opening (opening a FIFO or a device does
   something) and again of the open descriptor, opened without waiting; what is read is what was checked, however the path changes.
4. The text of the message is not changed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NoReturn

import anyio.to_thread

from plait.core.errors import UsageError
from plait.core.messages import Attachment

LONGEST = 1024 * 1024
"""Bytes of one file: some 250,000 tokens, more than most models take."""
MOST = 20
"""Files in one message."""

WORD = re.compile(r'(?:^|(?<=[\s(\[{]))@(?:"([^"\n]*)"|([^\s"@]\S*))', re.MULTILINE)
_PUNCTUATION = ".,;:!?)]}>'\"`…"
_TEXT_FILE = re.compile(
    r"\.(c|cc|cfg|cmake|conf|cpp|cs|css|csv|diff|env|ex|go|h|hpp|htm|html|ini|ipynb|java|js|json|jsonl|jsx|kt|lock|log|lua|m|md|mjs|patch"
    r"|php|pl|proto|ps1|py|pyi|r|rb|rs|rst|scala|sh|sql|svg|swift|tex|toml|ts|tsx|txt|vue|xml|ya?ml|zig|zsh)",
    re.IGNORECASE,
)
"""Endings by which a word that names nothing was meant as a file; `@pytest.fixture` and `@app.route` in pasted code are not."""
_KINDS = (
    (stat.S_ISDIR, "a directory", "Name the files in it that the model shall see"),
    (stat.S_ISFIFO, "a FIFO", "Attach a regular file"),
    (stat.S_ISSOCK, "a socket", "Attach a regular file"),
    (stat.S_ISCHR, "a device", "Attach a regular file"),
    (stat.S_ISBLK, "a device", "Attach a regular file"),
)


@dataclass(frozen=True, slots=True)
class Attached:
    """A message's text as it was typed, and the files that it names, each once."""

    text: str
    attachments: tuple[Attachment, ...] = ()


async def attach(text: str, directory: str, typed: str | None = None) -> Attached:
    """Read the files that a message names, in a thread. Raises `UsageError` with the path and the reason if one cannot be attached.

    `typed` is the text with its pastes left out, where it has any: what is pasted must not be able to attach files.
    """
    names = text if typed is None else typed
    if "@" not in names:
        return Attached(text)
    return Attached(text, await anyio.to_thread.run_sync(read_attachments, names, directory, abandon_on_cancel=True))


def without_files(text: str, paths: Collection[str]) -> str:
    """`text` without the words that name one of these files."""

    def kept(match: re.Match[str]) -> str:
        quoted, word = match.groups()
        path = quoted if quoted is not None else word
        return " " if path in paths or path.rstrip(_PUNCTUATION) in paths else match[0]

    return WORD.sub(kept, text)


def read_attachments(text: str, directory: str) -> tuple[Attachment, ...]:
    """The files that `text` names. Blocks. Raises `UsageError`."""
    found: dict[str, Attachment] = {}
    for path in _paths(text, directory):
        place = os.path.normpath(_place(path, directory))
        if place in found:
            continue
        if len(found) == MOST:
            raise UsageError(f"The message names more than {MOST} files. Send it in parts.")
        found[place] = Attachment(path, read_text(_place(path, directory), path))
    return tuple(found.values())


def _paths(text: str, directory: str) -> Iterator[str]:
    """The words of `text` that are files, as they were written. Raises `UsageError` for one that should be and is not there."""
    for match in WORD.finditer(text):
        quoted, word = match.groups()
        path = quoted if quoted is not None else _without_punctuation(word, directory)
        if quoted or _exists(path, directory):
            yield path
        elif path and _looks_like_path(path, directory):
            _refuse(path, "does not exist", "Check the path, or write \\@ to keep it as text")


def _without_punctuation(word: str, directory: str) -> str:
    """The longest beginning of `word` that exists, as punctuation at its end is taken away; without any if none does."""
    end = len(word) if word.strip(_PUNCTUATION) else 0
    while end and not _exists(word[:end], directory):
        if word[end - 1] not in _PUNCTUATION:
            return word.rstrip(_PUNCTUATION)
        end -= 1
    return word[:end]


def _looks_like_path(path: str, directory: str) -> bool:
    """Whether who writes this means a file: it begins like a path, ends like a text file, or its first directory is there."""
    if path.startswith(("/", "./", "../", "~")):
        return True
    if _TEXT_FILE.fullmatch(os.path.splitext(path)[1]) and "(" not in path:
        return True
    first, slash, _ = path.partition("/")
    return bool(slash) and os.path.isdir(_place(first, directory))


def _place(path: str, directory: str) -> str:
    try:
        return os.path.join(directory, os.path.expanduser(path))
    except ValueError:  # a home directory is looked up by a name that no name can be
        return os.path.join(directory, path)


def _exists(path: str, directory: str) -> bool:
    return bool(path) and os.path.lexists(_place(path, directory))


def read_text(place: str, path: str) -> str:
    """The text of the regular file at `place`, called `path` in errors. Blocks, never on a FIFO. Raises `UsageError` with the reason."""
    try:
        _check_kind(os.stat(place), path)
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            data = _read(descriptor, path)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        _refuse(path, "does not exist", "Check the path")
    except OSError as error:
        _refuse(path, f"cannot be read ({(error.strerror or str(error)).lower()})", "Attach a file that you may read")
    except ValueError:
        _refuse(path, "is not a path", "Check its characters")
    if len(data) > LONGEST:
        _refuse(path, f"is larger than {LONGEST // 1024:,} KiB", "Attach the part that matters")
    return _decoded(data, path)


def _read(descriptor: int, path: str) -> bytes:
    """At most one byte more than `LONGEST`, so that too much is seen; sizes told by the file system (0 under /proc) are not relied on."""
    _check_kind(os.fstat(descriptor), path)
    parts: list[bytes] = []
    left = LONGEST + 1
    while left and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _check_kind(about: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(about.st_mode):
        what, way_out = next(
            ((what, way_out) for test, what, way_out in _KINDS if test(about.st_mode)), ("no file", "Attach a regular file")
        )
        _refuse(path, f"is {what}, not a regular file", way_out)


def _decoded(data: bytes, path: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        _refuse(path, "is UTF-16 text", "Convert it to UTF-8")
    if b"\0" in data:
        _refuse(path, "is a binary file", "Attach a text file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(path, f"is not UTF-8 text (byte {error.start + 1:,})", "Convert it to UTF-8")
    if not text:
        _refuse(path, "is empty", "Attach a file that holds something")
    return text


def _refuse(path: str, what: str, way_out: str) -> NoReturn:
    raise UsageError(f"'{path[:200]}' {what}. {way_out}.")
