"""The table of all commands; a new one is added to a family and appears everywhere: in the prompt, in completion, help and docs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from plait.repl.slash import begin, elsewhere, export, figures, filing, general, inbox, internals, lifecycle, model, notices, sessions, talk
from plait.repl.slash.context import COMMANDS as CONTEXT
from plait.repl.slash.family import session_command
from plait.repl.slash.finding import finding_commands
from plait.repl.slash.fork import COMMANDS as FORK
from plait.repl.slash.help import help_command
from plait.repl.slash.registry import Registry
from plait.repl.slash.resume import COMMANDS as RESUME
from plait.repl.slash.revise import COMMANDS as REVISE
from plait.repl.style import Look


def all_commands(pages: Mapping[str, Callable[[Look], str]] | None = None, database: str | None = "") -> Registry:
    """Every command. `pages` are further topics of /help: name -> text for a look, such as the keys.

    `database` is where all is kept, None where nothing is.
    """
    registry: Registry

    def itself() -> Registry:
        return registry

    many = (*sessions.COMMANDS, *begin.COMMANDS, *lifecycle.COMMANDS, *inbox.COMMANDS, *elsewhere.COMMANDS, *notices.COMMANDS)
    registry = Registry(
        (
            *talk.COMMANDS,
            *REVISE,
            *CONTEXT,
            *export.COMMANDS,
            *many,
            *RESUME,
            *FORK,
            session_command(database),
            *filing.COMMANDS,
            *finding_commands(),
            *internals.COMMANDS,
            *model.COMMANDS,
            *figures.COMMANDS,
            help_command(itself, pages or {}),
            *general.COMMANDS,
        )
    )
    return registry
