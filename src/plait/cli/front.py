"""The command line: parses, imports lazily, and turns every error into one text and an exit code.

Rules:
1. Only click, and modules of ours that import next to nothing, are imported here; everything else when its command runs.
2. A first word that is a command is that command; anything else begins the prompt. After `--` everything is the prompt.
3. Options may stand before or after a command or prompt; the later one wins.
4. No traceback reaches a user. Exit codes: 0 done, 1 failed, 2 usage or settings, 3 denied, 4 limit, 5 no model, 75 later, 130 interrupted,
   141 the reader of our output has gone.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import Any, NoReturn

import click

from plait import __version__
from plait.cli.commands import COMMANDS
from plait.cli.options import RESUME, beginning_of, given, options, program_of, settings_of
from plait.cli.outcome import guarded
from plait.core.errors import UsageError

PROMPT = "(prompt)"
"""The hidden command that a prompt without a command runs; nobody can type it as a command, see `Front.parse_args`."""
COLLECTED = (50_000, 20, 20)
"""Thresholds of the garbage collector. Python's own look at the growing heap hundreds of times during the imports: a tenth of the start."""
SHELLS = ("bash", "zsh", "fish")

EXAMPLES = """\b
Examples:
  plait                              open the prompt here
  plait "explain this project"       open it and ask at once
  plait --model ollama:llama3.2      with a model of a local server
  plait --model offline              with the bundled model, no key needed
  git diff | plait run "review this" answer once, for scripts
  plait -p "a name for a cat?" --output-format json
  plait models                       what there is to talk to
  plait config set model openai      keep a choice
"""


class Front(click.Group):
    """`plait [OPTIONS] [PROMPT]`: a group whose unknown first word begins a prompt."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the hidden command before a prompt."""
        place, word = self._first_word(args)
        is_prompt = word is not None and (word == PROMPT or word not in self.commands)
        if is_prompt and not ctx.resilient_parsing:
            args = [*args[:place], PROMPT, *args[place:]]
        return super().parse_args(ctx, args)

    def _first_word(self, args: list[str]) -> tuple[int, str | None]:
        """The first argument that is neither an option nor an option's value, and where it stands."""
        valued = {name for one in self.params if isinstance(one, click.Option) and not one.is_flag for name in one.opts}
        place = 0
        while place < len(args):
            word = args[place]
            if word == "--" or word == "-" or not word.startswith("-"):
                return place, word
            no_value = word in RESUME and args[place + 1 : place + 2] and args[place + 1].startswith("-")
            place += 2 if word in valued and not no_value else 1
        return place, None


HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


_METAVAR = "[PROMPT] | COMMAND …"


@click.group(cls=Front, commands=COMMANDS, invoke_without_command=True, context_settings=HELP, epilog=EXAMPLES, subcommand_metavar=_METAVAR)
@options
@click.version_option(__version__, prog_name="plait", message="%(prog)s %(version)s")
@click.pass_context
def front(ctx: click.Context, /, **_: Any) -> int | None:
    """Many conversations, one prompt: a chat with language models that lives in your terminal."""
    if ctx.invoked_subcommand is None:
        return _start(ctx, ())
    if ctx.params.get("ephemeral") and any(ctx.invoked_subcommand == command.name for command in COMMANDS):
        raise UsageError(f"plait {ctx.invoked_subcommand} is about what is on disk, and --ephemeral keeps nothing there. Leave it out.")
    return None


@front.command(PROMPT, hidden=True, add_help_option=False)
@options
@click.option("-h", "--help", "wants_help", is_flag=True, is_eager=True)
@click.argument("words", nargs=-1)
@click.pass_context
def prompted(ctx: click.Context, /, words: tuple[str, ...], wants_help: bool, **_: Any) -> int:
    """Open the prompt and ask at once."""
    if wants_help:
        click.echo(ctx.find_root().get_help())
        return 0
    return _start(ctx, words)


@front.command()
@options
@click.argument("words", nargs=-1, metavar="[PROMPT]")
@click.pass_context
def run(ctx: click.Context, /, words: tuple[str, ...], **_: Any) -> int:
    """Answer once, for scripts; piped text is joined to it."""
    return _start(ctx, words, once=True)


def _start(ctx: click.Context, words: tuple[str, ...], *, once: bool = False) -> int:
    """The prompt, or one answer."""
    chosen = given(ctx)
    asked = chosen.get("prompt")
    if asked is not None and words:
        raise UsageError("There are two prompts, one with -p and one without. Give one of them.")
    once = once or asked is not None
    if chosen.get("output_format") and not once:
        raise UsageError("--output-format is for one answer. Give a prompt with -p, or use: plait run")
    prompt = asked if asked is not None else " ".join(words)
    beginning = beginning_of(chosen, once=once)
    program = program_of(chosen)
    if not once:
        from plait.interactive import run_repl

        return run_repl(program, prompt, beginning)
    from plait.cli.standard_input import joined, read_piped
    from plait.headless import RunRequest
    from plait.once import run_once

    request = RunRequest(
        joined(prompt, read_piped()),
        program.directory,
        beginning.session,
        chosen.get("output_format") or "text",
        beginning.last,
        beginning.resume or "",
    )
    return run_once(program, request)


@front.group(invoke_without_command=True)
@click.pass_context
def models(ctx: click.Context) -> None:
    """List what there is to talk to, and why the rest is not."""
    if ctx.invoked_subcommand is None:
        import anyio

        from plait.cli.models import list_models

        click.echo(anyio.run(list_models, *settings_of(given(ctx)), dict(os.environ)))


@models.command()
def fetch() -> None:
    """Fetch the bundled model (93 MB) ahead of time."""
    from plait.models.bundle import fetch as fetch_bundle
    from plait.models.fetch_progress import FetchProgress
    from plait.paths import find_paths

    progress = FetchProgress(sys.stderr)
    try:
        fetch_bundle(find_paths(os.environ).data, progress)
    finally:
        progress.close()


@front.group()
def config() -> None:
    """Show or change the settings."""


@config.command("path")
def config_path() -> None:
    """Print where the settings file is."""
    from plait.paths import find_paths

    click.echo(str(find_paths(os.environ).config_file))


@config.command("show")
@click.pass_context
def config_show(ctx: click.Context) -> None:
    """Print every setting with its value and the layer it comes from."""
    from plait.settings_doc import show

    click.echo(show(settings_of(given(ctx))[0], os.environ))


@config.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value")
def config_set(key: str, value: str) -> None:
    """Write one setting into the file.

    KEY is a setting of `plait config show`, or providers.NAME.KEY. Comments in the file are kept.
    """
    from plait.config_edit import set_value
    from plait.paths import find_paths

    set_value(find_paths(os.environ).config_file, key, value)


@config.command("edit")
def config_edit() -> None:
    """Open the settings file in your editor, and check it afterwards."""
    from plait.config_edit import edit
    from plait.paths import find_paths

    edit(find_paths(os.environ).config_file, os.environ)


@config.command("schema")
def config_schema() -> None:
    """Print the JSON schema of the settings file."""
    from plait.settings_doc import schema

    click.echo(schema())


@front.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    Put it to use with: source <(plait completion bash)
    """
    from plait.cli.completion import script

    click.echo(script(front, shell))


def main() -> NoReturn:
    """The entry point: private files, no core dumps, one text for every error."""
    os.umask(0o077)
    gc.set_threshold(*COLLECTED)
    sys.exit(guarded(front, sys.argv[1:]))
