"""`docs/cli.md`, written by the command line itself.

`python -m plait.cli.document > docs/cli.md` writes the page again; a test fails while it differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from plait.cli.front import HELP, front

_INTRODUCTION = """# The command line

`plait [PROMPT]` opens the prompt, and asks at once if one is given; `plait run PROMPT`, or `plait -p PROMPT`, answers once, for scripts.
A first word that is a command is that command; anything else begins the prompt, and after `--` everything does. Options may stand before
or after a command or prompt. What is piped in is put before the prompt of `run`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | the command line or the settings were wrong |
| 3 | denied by policy |
| 4 | the budget or the turn limit was reached |
| 5 | no model could be reached |
| 75 | busy or rate limited: try again later |
| 130 | interrupted |
| 141 | whoever read the output has gone |
"""


def page() -> str:
    """The page, whole."""
    parts = [f"\n## {title}\n\n```text\n{text}\n```\n" for title, text in _helps(front, click.Context(front, info_name="plait", **HELP))]
    return _INTRODUCTION + "".join(parts)


def _helps(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Each command's path and help, the group's before those of its commands."""
    context.terminal_width = 100
    yield context.command_path, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            one = command.commands[name]
            if not one.hidden:
                yield from _helps(one, click.Context(one, info_name=name, parent=context))


if __name__ == "__main__":
    sys.stdout.write(page())
