"""The session that a prompt begins with: the one that was asked for on the command line, else the project's last one.

Part of the composition root, like `conversation`.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import anyio.to_thread

from plait.core import commands as c
from plait.core.errors import PlaitError, UsageError, error_named
from plait.core.naming import checked_name, session_named
from plait.core.ports import Client
from plait.core.resuming import resumable, session_to_resume, those_meant
from plait.core.revision_commands import ContinueLast
from plait.core.session import SessionState
from plait.program import Beginning
from plait.repl.lines import Line
from plait.repl.surface import Terminal

Choice: TypeAlias = Callable[[Sequence[c.SessionInfo], str], Awaitable[c.SessionInfo | None]]
"""Has the user choose among sessions, with words that narrow them already; None if they leave instead."""


async def first_session(client: Client, directory: str, beginning: Beginning, choose: Choice) -> c.SessionInfo | None:
    """The session to show first; None if the user was to choose one and left. Raises `PlaitError`.

    A name that was given is opened, made if need be. Without any wish it is the project's last one, else a fresh one.
    """
    command: c.Command = c.EnterProject(directory)
    wanted = beginning.session
    if beginning.last:
        command = ContinueLast(directory)
    elif beginning.resume is not None:
        row = await _resumed(client, directory, beginning.resume, choose)
        if row is None or row.state is not SessionState.COMPLETED:
            return row
        command, wanted = c.ReopenSession(row.id), row.id
    elif beginning.session:
        known = session_named(await client.sessions(), beginning.session, directory)
        if known is None:
            checked_name(beginning.session)  # here it is a word of the command line, and as such wrong (exit code 2)
            command = c.OpenSession(directory, beginning.session)
        elif known.state is SessionState.COMPLETED:
            command = c.ReopenSession(known.id)
        else:
            return known
    reply = await client.submit(command)
    if not isinstance(reply, c.Done):
        meanwhile = session_named(await client.sessions(), wanted, directory) if wanted else None
        if meanwhile is not None and meanwhile.state is not SessionState.COMPLETED:
            return meanwhile  # another plait that was started at the same time has opened it
        raise _error(reply, "opened")
    fleet = await client.submit(c.ReadFleet())  # the open ones, however many are stored
    if not isinstance(fleet, c.Fleet):
        raise _error(fleet, "shown")
    return next(row for row in fleet.sessions if row.id == reply.session)


def _error(reply: c.Reply, what: str) -> PlaitError:
    if isinstance(reply, c.Refused):
        return error_named(reply.error)(reply.text)
    return PlaitError(f"The session could not be {what}. Try again.")


async def _resumed(client: Client, directory: str, words: str, choose: Choice) -> c.SessionInfo | None:
    rows = await client.sessions()
    if words and len(those_meant(rows, words, directory)) < 2:
        return session_to_resume(rows, words, directory)
    offered = resumable(rows, directory)
    if not offered:
        raise UsageError("There is no session to go on with yet. Start plait without -r.")
    return await choose(offered, words.strip())


async def offer_directory(screen: Terminal, shown: c.SessionInfo) -> None:
    """Where the session's directory is gone, have the prompt say so first, and offer another."""
    if not await anyio.to_thread.run_sync(os.path.isdir, shown.directory):
        command = f"/resume {shown.id}"
        screen.put(Line(command, command, by_key=True))
