"""What stands behind the prompt: the database, the coordinator over it, and the loop that joins it to the screen.

Part of the composition root; `interactive` imports it in a thread once the prompt is there.
"""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import anyio.to_thread

from plait.app import models_over, open_app, open_database
from plait.beginning import first_session, offer_directory
from plait.builders import warm
from plait.core import commands as c
from plait.core.notices import parse_rules
from plait.interactive import Front
from plait.program import Beginning, Program
from plait.repl.app import Repl
from plait.repl.choosing import Choosing
from plait.repl.complete import PromptCompleter
from plait.repl.key_table import render_keys
from plait.repl.options import ReplOptions
from plait.repl.render import render_notice
from plait.repl.slash.commands import all_commands
from plait.repl.style import Look
from plait.repl.surface import Terminal
from plait.settings import Origin, Settings
from plait.store.sqlite import Finding


async def converse(program: Program, front: Front, screen: Terminal, look: Look, typed: anyio.Event, beginning: Beginning, prompt: str) -> int:
    """Show the session to begin with, then what the user wants, until they leave; returns the exit code. Raises `PlaitError`.

    `typed` is set from the first key on.
    """
    findings: list[Finding] = []
    store = await anyio.to_thread.run_sync(open_database, program, findings.append)
    registry = all_commands({"keys": render_keys}, str(program.paths.database))
    async with models_over(store, program) as catalog, open_app(program, store, catalog) as client:

        async def choose(rows: Sequence[c.SessionInfo]) -> c.SessionInfo | None:
            choosing = Choosing(screen, look, rows, program.directory)
            front.lead_to(choosing, choosing.completer)
            return await choosing.chosen()

        shown = await first_session(client, program.directory, beginning, choose)
        if shown is None:
            return 0
        repl = Repl(client, registry, look, program.environ, options_of(program.settings), screen)
        front.lead_to(repl, PromptCompleter(client, registry, shown.directory, lambda: repl.fleet))
        for finding in findings:
            repl.show(render_notice("warning", finding.text, repl.look))
        await offer_directory(screen, shown)
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
