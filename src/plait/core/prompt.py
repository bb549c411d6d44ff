"""The system prompt: what plait says, what the user set, and the instruction files, in that order of place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_SYSTEM = "You are a helpful assistant in a terminal. Answer in Markdown, briefly and to the point."


@dataclass(frozen=True, slots=True)
class Instructions:
    """The instruction files of one directory: the user's own and the project's, each (path, text); and the digest of the project's.

    `digest` is empty where the project has none. `problems` are sentences about files that could not be used.
    """

    own: tuple[tuple[str, str], ...] = ()
    project: tuple[tuple[str, str], ...] = ()
    digest: str = ""
    problems: tuple[str, ...] = ()


def system_prompt(system: str, files: Sequence[tuple[str, str]]) -> str:
    """The whole system prompt of a request; `files` are the instruction files that the model may see, nearest last."""
    parts = [system]
    for path, text in files:
        parts.append(f"Instructions from {path}:\n\n{text.strip()}")
    return "\n\n".join(part for part in parts if part)
