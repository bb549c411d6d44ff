"""`docs/commands.md`, made from the table of commands: `python -m plait.repl.slash.document > docs/commands.md`. A test compares them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from plait.repl.slash.commands import all_commands
from plait.repl.slash.help import INPUT
from plait.repl.slash.registry import TOPICS, SlashCommand

_INTRODUCTION = """# What you can type at the prompt

| begins with | what it does |
|---|---|
"""

_RULES = """
**Commands** begin with `/` in the very first column. A name is matched whole, or by a beginning that only one command has (`/stat`);
capitals do not matter. `/3` goes to the session number 3. Everything after the first blank is the command's argument. `/help COMMAND`
and `/COMMAND --help` say more about one. What nobody knows is refused, with the nearest name, and is not sent to the model. A first
word with a second slash in it (`/etc/hosts is odd`) is a message.

**Shell.** `!command` is run by `$SHELL -c` (`/bin/sh` without it) in the session's directory, each in a shell of its own. Its output is
shown as it comes, up to 10 MiB, and goes to you alone. It has no terminal and no input, so nothing can ask a question. Ctrl+C ends it and
what it started. It has your environment, without the keys of model providers; what it leaves running in the background stays
yours, but is shown no more once the command itself has ended.

**Files.** `@path` gives the model a text file with the message: relative to the session's directory, absolute, or from `~`. Punctuation
after it is not part of it. A word that names no file stays text, unless it looks like a path; then it is refused, because you meant one
(`\\\\@` keeps it as text). Regular files of UTF-8 text up to 1 MiB are taken, at most 20 in a message; a directory, FIFO, device, socket,
binary, empty or unreadable file is refused with its name and the reason. An `@` in a paste that is shown collapsed attaches nothing, and
a line that begins with such a paste is a message.

**Clipboard.** `/copy` uses `pbcopy`, `wl-copy`, `xclip`, `xsel` or `clip.exe`, tmux's own buffer, or else the terminal (OSC 52), which some
terminals have to be told to allow. Over SSH it is always the terminal.
"""


def page() -> str:
    """The whole page."""
    registry = all_commands()
    rows = "".join(f"| {_cell(begins)} | {_cell(does)} |\n" for begins, does in INPUT)
    topics = "".join(_topic(topic, [one for one in registry.commands if one.topic == topic]) for topic in TOPICS)
    return _INTRODUCTION + rows + _RULES.replace("\\\\", "\\") + topics


def _topic(topic: str, commands: Sequence[SlashCommand]) -> str:
    return f"\n## {TOPICS[topic]}\n" + "".join(map(_command, commands))


def _command(command: SlashCommand) -> str:
    also = f" Also {', '.join(f'`/{alias}`' for alias in command.aliases)}." if command.aliases else ""
    text = " ".join(part for part in (command.summary, command.detail) if part)
    examples = "".join(f"- `{line}` {effect}\n" for line, effect in command.examples)
    return f"\n### `{command.usage}`\n\n{text}{also}\n\n{examples}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
