"""/resume: going on with any session, open or closed, of any project; and with one whose directory is gone."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence

import anyio.to_thread

from plait.core import commands as c
from plait.core.errors import UsageError
from plait.core.resuming import Candidates, closed_to_resume, session_to_resume
from plait.core.revision_commands import ChangeDirectory
from plait.core.session import SessionState
from plait.exchange.listing import Listed, places
from plait.repl.render import relative_time
from plait.repl.slash.begin import open_one, other_name
from plait.repl.slash.choices import Choice, Lookup
from plait.repl.slash.family import directory_meant
from plait.repl.slash.layout import lines
from plait.repl.slash.listing import list_rows
from plait.repl.slash.registry import Prompt, SlashCommand, notice, one_session_only
from plait.repl.slash.targets import fleet_now
from plait.repl.slash.wording import state_words

USAGE = "/resume [NAME|ID|N] [PATH]"
OFFERED = 200
"""Closed sessions in the menu; more letters bring up others."""
LISTED = 20
"""Sessions that are listed where no menu can be shown."""


async def resume(prompt: Prompt, argument: str) -> None:
    """Go on with a session; without a word, offer all."""
    words, path = parse_resume(argument)
    if not prompt.many and words != prompt.session:
        raise UsageError(one_session_only(prompt, "/resume"))
    view, every = await fleet_now(prompt), await prompt.client.sessions()
    rows = [*view.sessions, *closed_to_resume(every, view.home)]
    if not words:
        if not prompt.offer("/resume "):
            await _list(prompt, rows)
        return
    row = _meant(prompt, rows, every, words)
    directory = await _directory(prompt, row, path)
    session = row.id if row.state is not SessionState.COMPLETED else await open_one(prompt, c.ReopenSession(row.id))
    if session is None:
        return
    moved = directory != row.directory and await prompt.submit(ChangeDirectory(session, directory)) is not None
    if session == prompt.session and not moved:
        notice(prompt, f"'{row.name}' is shown already.")
        return
    await prompt.switch(session)
    if row.state is SessionState.COMPLETED:
        notice(prompt, f"Opened '{row.name}' again.{await other_name(prompt, row)}", "success")


def parse_resume(argument: str) -> tuple[str, str]:
    """What names the session, and a path, which begins like one; each may be empty. Raises `UsageError`."""
    try:
        words = shlex.split(argument)
    except ValueError:
        words = argument.split()
    path = words.pop() if len(words) > 1 and words[-1].startswith(("/", "~", ".")) else ""
    return " ".join(words), path


def _meant(prompt: Prompt, rows: Sequence[c.SessionInfo], every: Sequence[c.SessionInfo], words: str) -> c.SessionInfo:
    """The session of `every` that words name, or the number of one of `rows`. Raises `UsageError`.

    It is the number that /sessions gives to an open one; in a linear terminal, where all are listed, that of the list.
    """
    number = int(words) if words.isascii() and words.isdigit() and len(words) < 9 else 0
    is_open = [row for row in rows if row.state is not SessionState.COMPLETED]
    numbered = max(len(rows[:LISTED]), len(is_open)) if prompt.look.plain else len(is_open)
    if 0 < number <= numbered and all(words not in (row.name, row.id) for row in every):
        return rows[number - 1]
    here = next((row.directory for row in rows if row.id == prompt.session), "")
    return session_to_resume(every, words, here)


async def _directory(prompt: Prompt, row: c.SessionInfo, path: str) -> str:
    """Where the session shall work: at `path`, else where it did; if that is gone, the user is offered another. Raises `UsageError`."""
    view = await fleet_now(prompt)
    shown = view.row(view.shown)
    here = await anyio.to_thread.run_sync(_present, shown.directory if shown is not None else "")
    if path:
        return await anyio.to_thread.run_sync(directory_meant, path, here)
    if await anyio.to_thread.run_sync(os.path.isdir, row.directory):
        return row.directory
    gone = f"'{row.name}' worked in {row.directory}, which is not there any more."
    if await prompt.confirm(f"{gone} Shall it work in {here} instead?"):
        return here
    notice(prompt, f"{gone} /resume {row.name} PATH gives it another directory.", "warning")
    return row.directory


def _present(directory: str) -> str:
    """The shown session's directory; where that is gone too, the one in which plait was started, or the home directory. Blocks."""
    if os.path.isdir(directory):
        return directory
    try:
        return os.getcwd()
    except OSError:
        return os.path.expanduser("~")


async def _list(prompt: Prompt, rows: Sequence[c.SessionInfo]) -> None:
    """The sessions with the numbers that /resume takes, where no menu can be shown."""
    if not rows:
        raise UsageError("There is no session to go on with. Type a message.")
    home = places(rows, prompt.fleet.home)
    listed = [Listed(row, number, row.id == prompt.session, home.get(row.project, "")) for number, row in enumerate(rows[:LISTED], 1)]
    prompt.show("\n" + lines(list_rows(listed, prompt.look, time.time()), prompt.look))
    more = f" {len(rows) - LISTED:,} more: /resume WORDS finds one by name, title, first message or project." if len(rows) > LISTED else ""
    notice(prompt, f"Type /resume and a number or a name.{more}")
    await prompt.shown()


async def _choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    """All sessions; what is typed is looked for in name, title, first message and project."""
    fleet, closed = lookup.fleet, await lookup.closed()
    there = Candidates([row for row in fleet.sessions if row.id != fleet.shown])
    taken = {row.name for row in fleet.sessions}
    named = [(row, there.word_for(row)) for row in there.fitting(before)]
    named += [(row, row.id if row.name in taken else closed.word_for(row)) for row in closed.fitting(f"{before} {lookup.typed}", OFFERED)]
    return [_choice(row, word, lookup.typed) for row, word in named]


def _choice(row: c.SessionInfo, word: str, typed: str) -> Choice:
    """A session as it is offered. A closed one was looked for already, and so fits whatever is typed."""
    name = "" if word == row.name else f"{row.name} · "
    note = f"{name}{state_words(row)} · {relative_time(time.time() - row.used_at)} · {row.title or row.first or row.directory}"
    if row.state is SessionState.COMPLETED:
        return Choice(word, note, True, (typed.lower(),))
    about = " ".join((row.name.replace("-", " "), row.title, row.first, row.project, *row.tags)).lower()
    return Choice(word, note, True, (row.id, *about.split()))


COMMANDS = (
    SlashCommand(
        "resume",
        resume,
        "sessions",
        USAGE,
        "Go on with any session, open or closed, of any project. Without a name it offers all of them.",
        (
            ("/resume", "offers all; letters of name, title, first message or project find one"),
            ("/resume auth-fix", "goes on with it, and opens it again if it is closed"),
            ("/resume auth-fix ~/shop", "the same, and lets it work in another directory from now on"),
        ),
        detail="N is a number of /sessions. Words that only one session is about will do as well. If its directory is gone, plait says so "
        "and offers the present one.",
        complete=_choices,
    ),
)
