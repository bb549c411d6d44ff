"""Completion for shells: the script that a shell sources, and the names of models and sessions that it offers."""

from __future__ import annotations

import os

import click
from click.shell_completion import CompletionItem, get_completion_class, shell_complete

from plait.core.errors import PlaitError, UsageError
from plait.core.resuming import Candidates, resumable
from plait.core.sanitize import sanitize_line
from plait.models.known import KNOWN
from plait.paths import find_paths
from plait.store.reading import reading

VARIABLE = "_PLAIT_COMPLETE"
"""Set by the script when the shell asks; its value is the question."""


def script(command: click.Command, shell: str) -> str:
    """What the shell has to source. Raises `UsageError` for a shell that is not known."""
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"There is no completion for {shell}. There is one for bash, zsh and fish.")
    made = kind(command, {}, "plait", VARIABLE)
    # click's bash class runs bash to look at its version, which is not ours to do when a script is only printed.
    return made.source_template % made.source_vars()


def answer(command: click.Command, question: str) -> int:
    """Answer a shell that is completing; returns the exit code."""
    return shell_complete(command, {}, "plait", VARIABLE, question)


def model_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The models that are known beforehand, for `--model`. bash ends a word at a colon, so there it helps with providers."""
    names = ["offline", "ollama:", *(f"{provider}:{one.model}" for provider, row in KNOWN.items() for one in row)]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def session_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The sessions that can be resumed, for `--resume` and `--session`; none where they cannot be read."""
    try:
        with reading(find_paths(os.environ).database) as reader:
            candidates = Candidates(resumable(reader.sessions() if reader else (), os.getcwd()))
    except (PlaitError, OSError):
        return []
    words = ((candidates.word_for(row), row) for row in candidates.rows)
    return [CompletionItem(word, help=sanitize_line(row.title or row.first)) for word, row in words if word.startswith(incomplete)]
