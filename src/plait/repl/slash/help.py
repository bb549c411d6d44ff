"""/help: every command with an example, by topic; made from the commands themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from plait.core.errors import UsageError
from plait.repl.slash.choices import Choice, Lookup
from plait.repl.slash.layout import heading, pairs, paragraph
from plait.repl.slash.registry import TOPICS, Prompt, Registry, SlashCommand, listed
from plait.repl.style import Look

INPUT: Final = (
    ("text", "is sent to the model with Enter; Alt+Enter or Ctrl+J makes a new line"),
    ("/command", "does what it says; a beginning that only one command has is enough, and Tab completes"),
    ("!command", "runs in your shell and is shown to you, not to the model: !git status"),
    ("@path", 'gives the model a file: what does @src/main.py do? Blanks in quotes: @"a b.txt"'),
    ("blank first", "sends the line as it is; so does \\ before / or !, and before @ in the text"),
)
"""What can be typed: (how it begins, what it does)."""


def help_command(registry: Callable[[], Registry], pages: Mapping[str, Callable[[Look], str]]) -> SlashCommand:
    """/help for all commands of `registry` (itself among them); `pages` are further topics, each a text for a look."""

    async def run(prompt: Prompt, argument: str) -> None:
        prompt.show(_page(argument.lower(), registry(), pages, prompt.look))

    async def choices(lookup: Lookup, before: str) -> Sequence[Choice]:
        if before:
            return ()
        topics = [Choice(topic, "topic") for topic in (*TOPICS, "input", *pages)]
        return [*topics, *(Choice(command.name, command.summary) for command in registry().commands)]

    return SlashCommand(
        "help",
        run,
        "program",
        "/help [TOPIC|COMMAND]",
        "Show the commands with an example for each, one topic, or all about one command.",
        (("/help", "shows everything"), ("/help models", "shows a topic"), ("/help copy", "shows one command, as /copy --help does")),
        aliases=("?",),
        complete=choices,
    )


def _page(asked: str, registry: Registry, pages: Mapping[str, Callable[[Look], str]], look: Look) -> str:
    """The page that was asked for. Raises `UsageError` with what there is."""
    topics = (*TOPICS, "input", *pages)
    if not asked:
        more = f"/help COMMAND says more about one, /help TOPIC shows one topic: {listed(topics, 'or')}."
        parts = [_topic(topic, registry, look) for topic in TOPICS]
        return heading("What you can type", look) + pairs(INPUT, look) + "".join(parts) + "\n" + paragraph(more, look, dim=True)
    if asked in TOPICS:
        return _topic(asked, registry, look)
    if asked == "input":
        return heading("What you can type", look) + pairs(INPUT, look)
    if asked in pages:
        return pages[asked](look)
    try:
        return _command(registry.find(asked.removeprefix("/")), look)
    except UsageError as error:
        raise UsageError(f"{error} Topics are {listed(topics)}.") from error


def _topic(topic: str, registry: Registry, look: Look) -> str:
    rows: list[tuple[str, str]] = []
    for command in registry.commands:
        if command.topic == topic:
            example, effect = command.examples[-1]
            aliases = f" Also /{' /'.join(command.aliases)}." if command.aliases else ""
            rows.append((command.usage, f"{command.summary}{aliases}\nFor example, {example} {effect}."))
    return heading(TOPICS[topic], look) + pairs(rows, look, widest=24)


def _command(command: SlashCommand, look: Look) -> str:
    also = f"\nAlso: {', '.join(f'/{alias}' for alias in command.aliases)}" if command.aliases else ""
    text = "\n".join(part for part in (command.summary, command.detail) if part) + also
    return heading(command.usage, look) + paragraph(text, look) + heading("For example", look) + pairs(command.examples, look)
