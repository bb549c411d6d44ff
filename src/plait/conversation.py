"""What stands behind the prompt: the database, the coordinator over it, and the loop that joins it to the screen.

Part of the composition root; `interactive` imports it in a thread once the prompt is there.
"""

from __future__ import annotations

import anyio
import anyio.to_thread

from plait.app import models_over, open_app, open_database
from plait.builders import warm
from plait.core import commands as c
from plait.core.errors import PlaitError
from plait.core.naming import checked_name, session_named
from plait.core.notices import parse_rules
from plait.core.ports import Client
from plait.core.session import SessionState
from plait.interactive import Front
from plait.program import Program
from plait.repl.app import Repl
from plait.repl.complete import PromptCompleter
from plait.repl.key_table import render_keys
from plait.repl.options import ReplOptions
from plait.repl.render import render_notice
from plait.repl.slash.commands import all_commands
from plait.repl.style import Look
from plait.repl.surface import Terminal
from plait.settings import Origin, Settings
from plait.store.sqlite import Finding


async def converse(program: Program, front: Front, screen: Terminal, look: Look, typed: anyio.Event, session: str, prompt: str) -> int:
    """Show the session of that name, or the one to begin with, until the user leaves; returns the exit code. Raises `PlaitError`.

    `typed` is set from the first key on.
    """
    findings: list[Finding] = []
    store = await anyio.to_thread.run_sync(open_database, program, findings.append)
    registry = all_commands({"keys": render_keys}, str(program.paths.database))
    async with models_over(store, program) as catalog, open_app(program, store, catalog) as client:
        shown = await _first_session(client, program.directory, session)
        repl = Repl(client, registry, look, program.environ, options_of(program.settings), screen)
        front.lead_to(repl, PromptCompleter(client, registry, shown.directory, lambda: repl.fleet))
        for finding in findings:
            repl.show(render_notice("warning", finding.text, repl.look))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_warm, typed)
            code = await repl.run(shown.id, prompt)
            tasks.cancel_scope.cancel()
    return code


def options_of(settings: Settings) -> ReplOptions:
    """What the settings decide about the prompt."""
    return ReplOptions(
        gap=settings.timestamps_after * 60.0,
        many=settings.multi_session_enabled,
        to_many=_to_many(settings.origin("multi_session_enabled")),
        indicator=settings.indicator,
        indicator_sessions=settings.indicator_sessions,
        text_only_indicator=settings.text_only_indicator,
        announce=settings.announce_state_changes,
        terminal_title=settings.terminal_title,
        notify=parse_rules(settings.notify),
        notify_command=settings.notify_command,
        notify_cooldown=settings.notify_cooldown,
        secret=tuple(one.api_key_env for one in settings.providers if one.api_key_env),
    )


def _to_many(origin: Origin) -> str:
    """How to have many sessions where `origin` says that there is one."""
    match origin.layer:
        case "flag" | "environment":
            return f"Start plait without {origin.place} for many."
        case _:
            return "plait config set multi_session_enabled true allows many, from the next start on."


async def _warm(typed: anyio.Event) -> None:
    """Import what a message needs, from the first key on."""
    await typed.wait()
    await warm()


async def _first_session(client: Client, directory: str, name: str) -> c.SessionInfo:
    """The session to show first: the one of that name, made if there is none; without a name the project's last one, else a fresh one."""
    command: c.Command = c.EnterProject(directory)
    if name:
        known = session_named(await client.sessions(), name, directory)
        if known is None:
            checked_name(name)  # here it is a word of the command line, and as such wrong (exit code 2)
            command = c.OpenSession(directory, name)
        elif known.state is SessionState.COMPLETED:
            command = c.ReopenSession(known.id)
        else:
            return known
    reply = await client.submit(command)
    if not isinstance(reply, c.Done):
        raise PlaitError(reply.text if isinstance(reply, c.Refused) else "The session could not be opened. Try again.")
    return next(row for row in await client.sessions() if row.id == reply.session)
