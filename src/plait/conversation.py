"""What stands behind the prompt: the database, the coordinator over it, and the loop that joins it to the screen.

Part of the composition root; `interactive` imports it in a thread once the prompt is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import anyio
import anyio.from_thread

from plait.builders import warm
from plait.core import commands as c
from plait.core.notices import parse_rules
from plait.first_session import first_session, offer_directory
from plait.interactive import Front
from plait.owning import apply_settings, session_client
from plait.program import Beginning, Program
from plait.remote.ownership import GOOD_NEWS
from plait.remote.reconnecting import ReconnectingClient
from plait.repl.app import Repl
from plait.repl.choosing import Choosing
from plait.repl.complete import PromptCompleter
from plait.repl.key_table import render_keys
from plait.repl.lines import Ended
from plait.repl.options import ReplOptions
from plait.repl.render import Kind, render_notice
from plait.repl.slash.commands import all_commands
from plait.repl.style import Look
from plait.repl.surface import Terminal
from plait.settings import Origin, Settings
from plait.store.sqlite import Finding

PATIENCE = 5.0
"""Seconds that a start waits for a process that has the database and shares it with nobody (yet)."""
LOOK = 0.1
"""Seconds between two looks at whether the user wants to leave, while nobody answers."""


class EndingTerminal(Terminal, Protocol):
    """A screen that also says whether its lines have ended."""

    @property
    def ended(self) -> Ended | None:
        """Why there are no more lines; None while there may be."""
        ...


def attached_text(pid: int) -> str:
    """What is told at the start where another process owns the sessions."""
    return f"Another plait (process {pid}) runs the sessions; this one shares them."


async def converse(
    program: Program, front: Front, screen: EndingTerminal, look: Look, typed: anyio.Event, beginning: Beginning, prompt: str
) -> int:
    """Show the session to begin with, then what the user wants, until they leave; returns the exit code. Raises `PlaitError`.

    `typed` is set from the first key on.
    """
    registry = all_commands({"keys": render_keys}, str(program.paths.database) if program.settings.persist else None)
    messages = Messages(screen, look)
    client = session_client(program, messages.found, messages.tell, PATIENCE)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as watching:
            watching.start_soon(_leave_silent_owner, client, screen, scope)
            async with client:

                async def choose(rows: Sequence[c.SessionInfo], words: str) -> c.SessionInfo | None:
                    choosing = Choosing(screen, look, rows, program.directory)
                    front.lead_to(choosing, choosing.completer)
                    return await choosing.chosen(words)

                shown = await first_session(client, program.directory, beginning, choose)
                if shown is None:
                    watching.cancel_scope.cancel()
                    return screen.ended.exit_code if screen.ended else 0
                if client.attached_to:
                    messages.tell(attached_text(client.attached_to), "info")
                    messages.tell(await apply_settings(client, program, shown.id))
                repl = Repl(client, registry, look, program.environ, options_of(program.settings), screen, client)
                messages.lead_to(repl)
                front.lead_to(repl, PromptCompleter(client, registry, shown.directory, lambda: repl.fleet))
                await offer_directory(screen, shown)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_warm, typed)
                    code = await repl.run(shown.id, prompt)
                    tasks.cancel_scope.cancel()
            watching.cancel_scope.cancel()
            return code
    return screen.ended.exit_code if screen.ended else 1


class Messages:
    """Sentences about the database and the other plait: shown at once, whether or not the loop is there."""

    def __init__(self, screen: Terminal, look: Look) -> None:
        self._screen = screen
        self._look = look
        self._loop: Repl | None = None

    def lead_to(self, loop: Repl) -> None:
        """The loop is there, and knows the terminal's width."""
        self._loop = loop

    def tell(self, text: str, kind: Kind = "warning") -> None:
        """Show a sentence; nothing, if it is empty."""
        kind = "info" if text in GOOD_NEWS else kind
        if text:
            self._screen.write(render_notice(kind, text, self._loop.look if self._loop else self._look))

    def found(self, finding: Finding) -> None:
        """What opening the database had to tell. Called in a thread."""
        anyio.from_thread.run_sync(self.tell, finding.text)


async def _leave_silent_owner(client: ReconnectingClient, screen: EndingTerminal, scope: anyio.CancelScope) -> None:
    """Leave where the user wants to and nobody answers: whatever the loop asks for before it ends would wait for ever."""
    while True:
        await client.until_silent()
        while client.silent:
            await anyio.sleep(LOOK)
            if screen.ended:
                scope.cancel()


def options_of(settings: Settings) -> ReplOptions:
    """What the settings decide about the prompt."""
    return ReplOptions(
        gap=settings.timestamps_after * 60.0,
        kept=settings.persist,
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
