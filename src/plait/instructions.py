"""AGENTS.md: instructions for the model, read as text and nothing else.

Rules:
1. The user's own, in the config directory, is always given. The project's, from its root down to the working directory, only after the
   user said yes to exactly what they hold: the answer is pinned to their digest (promise P11).
2. Only regular files are read, of the project's only those inside its root, `LONGEST` bytes of each at the most; what is left out is said.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plait.core.prompt import Instructions

FILE = "AGENTS.md"
LONGEST = 32 * 1024
"""Bytes; the size that Codex CLI takes."""


def read_instructions(own: Path, directory: str) -> Instructions:
    """The instruction files that hold for a session in `directory`. Blocks; raises nothing: problems are told in the result."""
    problems: list[str] = []
    mine = _read(own, None, problems)
    found = []
    root = project_root(directory)
    for place in _down(root, directory):
        text = _read(place / FILE, root, problems)
        if text is not None:
            found.append((str(place / FILE), text))
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest() if found else ""
    return Instructions(((str(own), mine),) if mine is not None else (), tuple(found), digest, tuple(problems))


def project_root(directory: str) -> Path:
    """The directory with the `.git` above or at `directory`; itself where there is none."""
    here = Path(os.path.abspath(directory))
    return next((place for place in (here, *here.parents) if os.path.exists(place / ".git")), here)


def _down(root: Path, directory: str) -> list[Path]:
    here = Path(os.path.abspath(directory))
    steps = [here, *here.parents]
    return list(reversed(steps[: steps.index(root) + 1]))


@contextmanager
def _closed(descriptor: int) -> Iterator[None]:
    """Close a file descriptor on the way out."""
    try:
        yield
    finally:
        os.close(descriptor)


def _read(path: Path, root: Path | None, problems: list[str]) -> str | None:
    """The text of a file that lies inside `root` when all links are followed; None for `root` takes the user's own, wherever it lies."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        problems.append(f"{path} was left out: it cannot be read ({error.strerror}). Make it readable, or remove it.")
        return None
    with _closed(descriptor):
        inside = root is None or Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not inside:
            problems.append(f"{path} was left out: it is not a regular file of this project. Replace it with one.")
            return None
        data = b""
        while len(data) <= LONGEST and (more := os.read(descriptor, LONGEST + 1 - len(data))):
            data += more
    text = data[:LONGEST].decode("utf-8", "replace")
    if len(data) > LONGEST:
        problems.append(f"{path} is longer than {LONGEST // 1024} KiB; only its beginning is used. Shorten it.")
    return text if text.strip() else None
