"""/session new|list|switch|close|rename|save: the commands about sessions once more, as one family."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

import anyio.to_thread

from plait.core import commands as c
from plait.core.counting import counted
from plait.core.errors import StoreError, UsageError
from plait.repl.slash.begin import begin
from plait.repl.slash.choices import DIRECTORIES, Choice, Lookup, another_session, one_session
from plait.repl.slash.filing import delete
from plait.repl.slash.lifecycle import close, rename
from plait.repl.slash.registry import Prompt, Run, SlashCommand, did_you_mean, notice, usage_error
from plait.repl.slash.sessions import flag_choices, sessions, switch
from plait.repl.slash.targets import one_word, shown_or_meant

USAGE = "/session new [PATH] [--name=NAME] | list | switch NAME | close [NAME] | delete NAME | rename [OLD] NEW | save [NAME]"
NEW = "/session new [PATH] [--name=NAME]"


async def _new(prompt: Prompt, argument: str) -> None:
    path, name = parse_new(argument)
    here = await shown_or_meant(prompt, "")
    place = await anyio.to_thread.run_sync(directory_meant, path, here.directory)
    await begin(prompt, c.OpenSession(place, name))


def directory_meant(path: str, here: str) -> str:
    """The directory that is meant, absolute. Blocks. Raises `UsageError` where there is none."""
    try:
        place = os.path.normpath(os.path.join(here, os.path.expanduser(path)))
        if os.path.isdir(place):
            return place
        what = "is not a directory" if os.path.lexists(place) else "does not exist"
    except ValueError:
        what = "is not a path"
    raise UsageError(f"'{path[:200]}' {what}. Give the directory that the session shall work in.")


def parse_new(argument: str) -> tuple[str, str]:
    """The path and the name of `/session new`, each may be empty. Raises `UsageError`."""
    try:
        words = shlex.split(argument)
    except ValueError:
        raise usage_error("session", NEW, "There is a quote without its end, or a backslash with nothing after it") from None
    path = name = ""
    rest = iter(words)
    for word in rest:
        flag, sign, value = word.partition("=")
        if flag == "--name":
            name = value if sign else next(rest, "")
            if not name:
                raise usage_error("session", NEW, "There is no name after --name")
        elif word.startswith("--"):
            raise usage_error("session", NEW, f"/session new knows no '{word[:40]}'")
        elif path:
            raise usage_error("session", NEW, f"'{word[:40]}' is a second path; one with blanks stands in quotes")
        else:
            path = word
    return path, name


def _save(database: str | None) -> Run:
    async def save(prompt: Prompt, argument: str) -> None:
        if database is None:
            raise UsageError("Nothing of this run is kept on disk, as it was started so. /export writes a session into a file.")
        row = await shown_or_meant(prompt, one_word("session", "/session save or /session save NAME", argument))
        reply = await prompt.submit(c.ReadInternals())
        if not isinstance(reply, c.Internals):
            return
        if reply.trouble:
            raise StoreError(f"Not everything is on disk: {reply.trouble} It is kept, and written as soon as that works.")
        place = f", in {database}" if database else ""
        text = f"'{row.name}' is on disk with its {counted(row.messages, 'message')}{place}. All is written as it happens."
        notice(prompt, text, "success")

    return save


def session_command(database: str | None) -> SlashCommand:
    """The family; `database` is the file in which everything is kept, empty where that is not known, None where nothing is kept."""
    family: dict[str, Run] = {"new": _new, "list": sessions, "switch": switch, "close": close, "rename": rename}
    family |= {"delete": delete, "save": _save(database)}

    async def run(prompt: Prompt, argument: str) -> None:
        word, _, rest = argument.partition(" ")
        member = family.get(word.lower())
        if member is None:
            unknown = f"/session knows no '{word[:40]}'{did_you_mean(word, family, '/session ')}"
            raise usage_error("session", USAGE, unknown if word else "/session needs a word that says what to do")
        await member(prompt, rest.strip())

    return SlashCommand(
        "session",
        run,
        "sessions",
        USAGE,
        "The commands about sessions as one family; new opens a session in another directory, save says where everything is kept.",
        (
            ("/session list", "lists the open ones, as /sessions does, with the same flags"),
            ("/session save", "says that everything is on disk, and where"),
            ("/session new ~/shop --name=auth-fix", "opens a session that works in ~/shop"),
        ),
        detail="PATH is relative to the directory of the shown session, which is also what is taken without it; one with blanks stands in "
        "quotes. switch, close, delete and rename do what /switch, /close, /delete and /rename do.",
        complete=_choices,
        many=True,
    )


async def _choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    words = before.split()
    if not words:
        return [Choice(word) for word in ("new", "list", "switch", "close", "delete", "rename", "save")]
    rest = " ".join(words[1:])
    match words[0].lower():
        case "new":
            in_quotes = rest.count('"') % 2 == 1
            return DIRECTORIES if in_quotes or all(word.startswith("--") for word in words[1:]) else ()
        case "list":
            return await flag_choices(lookup, rest)
        case "switch":
            return await another_session(lookup, rest)
        case "close" | "delete" | "rename" | "save":
            return await one_session(lookup, rest)
    return ()
