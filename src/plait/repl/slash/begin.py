"""/new and /reopen: opening sessions, fresh ones and completed ones. At the limit the one left alone longest can make room."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from plait.core import commands as c, events as e
from plait.core.counting import counted
from plait.core.errors import LimitReached, UsageError
from plait.core.messages import SessionId
from plait.core.naming import ID_PREFIX, proposed
from plait.core.revision_commands import ForkSession
from plait.core.session import SessionState
from plait.repl.attach import attach
from plait.repl.render import relative_time, render_error
from plait.repl.slash.choices import Choice, Lookup, closed_session
from plait.repl.slash.lifecycle import complete
from plait.repl.slash.registry import Prompt, SlashCommand, notice, usage_error
from plait.repl.slash.targets import completed, fleet_now, one_word, shown_or_meant
from plait.repl.slash.wording import state_words

KINDS: Final[dict[str, e.Kind]] = {
    "debug": "debug",
    "planning": "planning",
    "plan": "planning",
    "development": "development",
    "dev": "development",
    "code-review": "code-review",
    "review": "code-review",
}
"""The words for a type, whole and never a beginning of one: all other words are names."""
NEW = "/new [TYPE] [NAME] [-- FIRST MESSAGE]"
LISTED = 9
"""Completed sessions that are listed where one has to be chosen."""
Opening: TypeAlias = c.OpenSession | c.ReopenSession | ForkSession


@dataclass(frozen=True, slots=True)
class Wanted:
    """What /new was told."""

    kind: e.Kind | None
    name: str
    message: str


def parse_new(argument: str) -> Wanted:
    """The argument of /new. Raises `UsageError`."""
    head, *message = re.split(r"(?:^|(?<=\s))--(?=\s|$)", argument, maxsplit=1)
    words = head.split()
    kind = KINDS.get(words[0].lower()) if words else None
    names = words[1:] if kind else words
    if place := next((name for name in names if name.startswith(("/", "~", "."))), ""):
        raise UsageError(f"'{place[:200]}' is no name. Type /session new {place[:200]} to open a session that works in that directory.")
    if len(names) > 1:
        near = difflib.get_close_matches(words[0].lower(), KINDS, n=1, cutoff=0.7) if len(words) == 2 else []
        hint = f". Did you mean /new {near[0]} {words[1][:40]}?" if near else f"; '{proposed(' '.join(names)) or 'my-work'}' could be one"
        raise usage_error("new", NEW, f"'{' '.join(names)[:40]}' is no name, for it has a blank in it{hint}")
    if message and not message[0].strip():
        raise usage_error("new", NEW, "There is no message after --")
    return Wanted(kind, names[0] if names else "", message[0].strip() if message else "")


async def new(prompt: Prompt, argument: str) -> None:
    """Open a session where the shown one works, and show it."""
    wanted = parse_new(argument)
    here = await shown_or_meant(prompt, "")
    await begin(prompt, c.OpenSession(here.directory, wanted.name, wanted.kind), wanted.message)


async def begin(prompt: Prompt, command: c.OpenSession, message: str = "") -> None:
    """Open a session, show it, and say something in it. A message whose files cannot be read opens nothing."""
    attached = await attach(message, command.directory) if message else None
    session = await open_one(prompt, command)
    if session is None:
        return
    await prompt.switch(session)
    row = (await fleet_now(prompt)).row(session)
    if row is not None:
        named = "" if command.name or message else " Your first messages give it its name."
        notice(prompt, f"Opened '{row.name}', a session of type {row.kind} in {row.directory}.{named}", "success")
    if attached is not None:
        await prompt.submit(c.Say(session, attached.text, attached.attachments))


async def open_one(prompt: Prompt, command: Opening) -> SessionId | None:
    """Open or reopen a session. At the limit the user is offered to close the one left alone longest. None where none was opened."""
    reply = await prompt.client.submit(command)
    closed: c.SessionInfo | None = None
    if isinstance(reply, c.Refused) and reply.error == LimitReached.__name__:
        closed = await _make_room(prompt, reply.text)
        if closed is None:
            return None
        reply = await prompt.client.submit(command)
    if isinstance(reply, c.Done):
        return reply.session
    if isinstance(reply, c.Refused):
        prompt.show(render_error(reply.text, prompt.look))
    if closed is not None:
        await prompt.show_another(closed.id)
    return None


async def _make_room(prompt: Prompt, why: str) -> c.SessionInfo | None:
    """Close the session that was left alone longest, if the user says so. One that works or asks is not offered."""
    prompt.show(render_error(why, prompt.look))
    rows = (await fleet_now(prompt)).sessions
    idle = [row for row in rows if row.messages and row.state is not SessionState.PROCESSING and row.waiting_for != "question"]
    if not idle:
        return None
    longest = min(idle, key=lambda row: row.last_at)
    unread = f", {counted(longest.unread, 'unread message')}" if longest.unread else ""
    used = relative_time(time.time() - longest.last_at)
    if await prompt.confirm(f"Close '{longest.name}' ({state_words(longest)}{unread}, last used {used}) and go on?"):
        return longest if await complete(prompt, longest) else None
    notice(prompt, "Nothing was closed or opened.")
    return None


async def reopen(prompt: Prompt, argument: str) -> None:
    """Open a closed session again, and show it."""
    word = one_word("reopen", "/reopen NAME", argument)
    rows = await completed(prompt, trashed=True)
    if not rows:
        raise UsageError("No session is closed. /sessions lists those that are open.")
    if not word:
        raise usage_error("reopen", "/reopen NAME", f"/reopen needs a closed session, such as {_choices(rows)}")
    row = await _closed_one(prompt, rows, word)
    session = await open_one(prompt, c.ReopenSession(row.id))
    if session is None:
        return
    await prompt.switch(session)
    other = await other_name(prompt, row)
    older = [one.id for one in rows if one.name == row.name and one.id != row.id]
    more = f" An older one of that name is /reopen {older[0]}." if older and word.lower() == row.name else ""
    done = f"Took '{row.name}' out of the trash and opened it again." if row.trashed_at else f"Opened '{row.name}' again."
    notice(prompt, f"{done}{other}{more}", "success")


async def other_name(prompt: Prompt, row: c.SessionInfo) -> str:
    """A sentence about the name of a session that was opened again, if it has another one than the `row` of before; else empty."""
    now = (await fleet_now(prompt)).row(row.id)
    return f" It is called '{now.name}' now, because another session has its name." if now and now.name != row.name else ""


async def _closed_one(prompt: Prompt, rows: Sequence[c.SessionInfo], word: str) -> c.SessionInfo:
    """The completed session that a word names; of one name the newest. Raises `UsageError`."""
    wanted = word.casefold()
    named = [row for row in rows if row.name.casefold() == wanted or row.id == wanted]
    if named:
        return named[0]
    found = [row for row in rows if row.name.casefold().startswith(wanted)]
    found = found or [row for row in rows if len(wanted) >= ID_PREFIX and row.id.startswith(wanted)]
    if len({row.name for row in found}) == 1:
        return found[0]
    if found:
        raise UsageError(f"'{word[:40]}' can mean {counted(len(found), 'closed session')}: {_choices(found)}. Type more of the name.")
    if any(row.name.casefold() == wanted for row in (await fleet_now(prompt)).sessions):
        raise UsageError(f"'{word[:40]}' is open. /switch {word[:40]} shows it.")
    near = difflib.get_close_matches(wanted, [row.name for row in rows], n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"There are {_choices(rows)}; /sessions --all lists all."
    raise UsageError(f"No closed session is called '{word[:40]}'. {hint}")


def _choices(rows: Sequence[c.SessionInfo]) -> str:
    names = list(dict.fromkeys(row.name for row in rows))
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more:,} more" if more > 0 else "")


async def kind_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    """The types, for the first word after /new."""
    return () if before else [Choice(word, "type" if word == kind else f"is {kind}") for word, kind in KINDS.items()]


COMMANDS = (
    SlashCommand(
        "new",
        new,
        "sessions",
        NEW,
        "Open a session where the shown one works, and show it. The others go on.",
        (
            ("/new debug", "opens one of that type; its first messages give it a name"),
            ("/new review login -- look at @login.py", "opens 'login', a code review, and says the first thing in it"),
            ("/new auth-fix", "opens one of that name"),
        ),
        detail="Types are debug, planning (or plan), development (dev) and code-review (review); without one, the messages tell. "
        "A first word that is a type is one: /new debug debug opens a session called 'debug'. A name has lower-case words joined by '-', "
        "20 characters at most.",
        complete=kind_choices,
        many=True,
    ),
    SlashCommand(
        "reopen",
        reopen,
        "sessions",
        "/reopen NAME|ID",
        "Open a closed session again, and show it: it undoes /close, /archive and /delete. Of one name the newest is taken.",
        (("/reopen auth-fix", "goes on with it; /sessions --all lists the closed ones"),),
        complete=closed_session,
        many=True,
    ),
)
