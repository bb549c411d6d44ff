"""The options of the command line, which hold with a command, with a prompt and with neither; and what is made of them.

As in `front`, everything but click is imported when it is needed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from plait.core.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from plait.paths import Paths
    from plait.program import Beginning, Program
    from plait.settings import Settings, Value

RESUME = ("-r", "--resume")
"""The option whose value can be left out."""
FLAG_KEYS = ("model", "system", "temperature", "top_p", "max_tokens", "max_turns")


def _complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from plait.cli.completion import model_names

    return model_names(ctx, param, incomplete)


def _complete_session(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from plait.cli.completion import session_names

    return session_names(ctx, param, incomplete)


def options(command: Any) -> Any:
    """The options that hold with a command, with a prompt, and with neither."""
    for option in reversed(
        (
            click.option("-p", "--prompt", metavar="TEXT", help="Answer this once and exit, like `plait run TEXT`."),
            click.option(
                "-m", "--model", metavar="NAME", shell_complete=_complete_model, help="The model, as PROVIDER:NAME; see `plait models`."
            ),
            click.option("-C", "--cwd", metavar="DIR", help="Start in this directory."),
            click.option("--session", metavar="NAME", shell_complete=_complete_session, help="Go on in the session of this name."),
            click.option("-c", "--continue", "last", is_flag=True, help="Go on in the session used last."),
            click.option(
                "-r",
                "--resume",
                metavar="[NAME|ID]",
                is_flag=False,
                flag_value="",
                shell_complete=_complete_session,
                help="Go on in this one, or choose one.",
            ),
            click.option("--system", metavar="TEXT", help="The system prompt."),
            click.option("--temperature", metavar="NUMBER", help="How freely to sample, 0 to 2."),
            click.option("--top-p", metavar="NUMBER", help="Sample from the likeliest share, 0 to 1."),
            click.option("--max-tokens", metavar="NUMBER", help="The longest answer, in tokens."),
            click.option("--max-turns", metavar="NUMBER", help="Model calls in one turn."),
            click.option("--output-format", type=click.Choice(["text", "json", "stream-json"]), help="Of `run` and `-p`."),
            click.option("--plain", is_flag=True, help="Linear text, words for marks, nothing redrawn."),
            click.option("--ephemeral", is_flag=True, help="Keep nothing of this; what is on disk is not shown."),
            click.option("--single", is_flag=True, help="One session at this prompt; the others are kept."),
        )
    ):
        command = option(command)
    return command


def given(ctx: click.Context) -> dict[str, Any]:
    """The options of this command line, those of the command over those before it."""
    before = ctx.find_root().params
    return {**before, **{key: value for key, value in ctx.params.items() if value not in (None, False)}}


def beginning_of(chosen: dict[str, Any], *, once: bool) -> Beginning:
    """Which session is asked for. Raises `UsageError` where that is said in two ways, or cannot be asked."""
    from plait.program import Beginning

    session, last, resume = chosen.get("session") or "", bool(chosen.get("last")), chosen.get("resume")
    if bool(session) + last + (resume is not None) > 1:
        raise UsageError("Only one of --session, -c and -r can say which session is meant. Give one of them.")
    if once and resume == "":
        raise UsageError("There is nobody to choose a session here. Give its name: -r NAME, or take the one used last with -c.")
    if chosen.get("ephemeral") and (last or resume is not None):
        raise UsageError("With --ephemeral the sessions on disk are not shown, so there is none to go on in. Leave it out, or -c and -r.")
    return Beginning(session, last, resume)


def program_of(chosen: dict[str, Any]) -> Program:
    """What every way of running plait is given. Raises as `settings_of`."""
    settings, paths = settings_of(chosen)
    from plait.program import Program

    return Program(settings, paths, dict(os.environ), os.getcwd())


def settings_of(chosen: dict[str, Any]) -> tuple[Settings, Paths]:
    """Settings of all layers, after `-C`. Raises `ConfigError`, `UsageError`."""
    from plait.config import load
    from plait.config_file import read_file
    from plait.paths import find_paths

    paths = find_paths(os.environ)
    flags: dict[str, Value] = {key: chosen.get(key) for key in FLAG_KEYS}
    flags |= {"plain": chosen.get("plain") or None, "multi_session_enabled": False if chosen.get("single") else None}
    flags["persist"] = False if chosen.get("ephemeral") else None
    settings = load(read_file(paths.config_file), os.environ, flags)
    _enter(chosen.get("cwd"))
    return settings, paths


def _enter(directory: str | None) -> None:
    try:
        if directory is not None:
            os.chdir(directory)
        os.getcwd()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a null character in it"
        place = directory if directory is not None else "The current directory"
        raise UsageError(f"{place} cannot be entered ({reason}). Give another one with -C.") from error
