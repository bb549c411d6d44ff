"""What becomes of a line of input: an answer, a command, a shell command, or a message; in the order in which they were submitted.

Rules:
1. A message is on its way as soon as it is recorded; waiting for the disk holds up no later line.
2. A line belongs to the session in which it was submitted, whatever is shown when it is taken.
3. A key that goes to another session waits for the lines that were submitted before it.
"""

from __future__ import annotations

from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from plait.core import commands as c
from plait.core.errors import PlaitError
from plait.core.messages import SessionId
from plait.repl.asking import Asking
from plait.repl.attach import attach
from plait.repl.drafts import Drafts
from plait.repl.leaving import Leaving
from plait.repl.lines import Ended, LeaveAsked, Line
from plait.repl.outbox import Outbox
from plait.repl.render import render_error, render_notice
from plait.repl.slash.line import BlankLine, Message, ShellLine, SlashLine, parse_line
from plait.repl.slash.registry import Prompt, Registry
from plait.repl.surface import Terminal
from plait.repl.trust import TrustDialog
from plait.repl.user_shell import UserShell

PATIENCE = 0.5
"""Seconds that a key waits for the lines that were submitted before it."""


class Loop(Prompt, Protocol):
    """What the intake uses of the prompt loop, beyond what commands do."""

    @property
    def directory(self) -> str:
        """The shown session's directory."""
        ...

    def give_back(self, text: str) -> None:
        """Put what was not taken into the input line, before what was typed meanwhile."""
        ...

    async def refresh_status(self) -> None:
        """Ask anew what the shown session is doing."""
        ...


class Intake:
    """Takes lines until the end, for `prompt`."""

    def __init__(
        self,
        prompt: Loop,
        registry: Registry,
        screen: Terminal,
        trust: TrustDialog,
        asking: Asking,
        drafts: Drafts,
        leaving: Leaving,
        shell: UserShell,
    ) -> None:
        self._prompt = prompt
        self._registry = registry
        self._screen = screen
        self._trust = trust
        self._asking = asking
        self._drafts = drafts
        self._leaving = leaving
        self._shell = shell
        self._outbox = Outbox(prompt.submit)
        self._busy = True
        self._calm = anyio.Event()
        self._tasks: TaskGroup

    def __repr__(self) -> str:
        return f"<Intake [{'busy' if self._busy else 'calm'}]>"

    @property
    def sending(self) -> bool:
        """Whether a message is on its way to the disk."""
        return bool(self._outbox)

    async def serve(self) -> None:
        """Do in the background what lines begin: runs until it is cancelled."""
        async with anyio.create_task_group() as self._tasks:
            await anyio.sleep_forever()

    async def drain(self) -> None:
        """Return when no message is on its way any more, or after a moment."""
        await self._outbox.drain()

    async def run_in_turn(self, line: SlashLine) -> None:
        """Carry out the command of a key, after the lines that were submitted before it."""
        with anyio.move_on_after(PATIENCE):
            while self._busy or self._screen.lines_waiting:
                await self._calm.wait()
        await self._registry.run(self._prompt, line)

    async def take_all(self, prompt: str) -> Ended:
        """All lines until the end; `prompt` is the first of them, once no question stands before it."""
        while True:
            if prompt and not self._trust.is_open:
                await self._message(prompt)
                prompt = ""
            self._busy = False
            self._calm.set()
            self._calm = anyio.Event()
            line = await self._screen.read()
            self._busy = True
            match line:
                case Ended():
                    return line
                case LeaveAsked():
                    await self._leaving.ask()
                case Line():
                    await self._take(line)

    async def _take(self, line: Line) -> None:
        if line.place not in ("", self._prompt.session):
            await self._take_late(line)
            return
        if await self._trust.take(line.text) or await self._asking.take(line):
            return
        match parse_line(line.text, line.shown):
            case BlankLine():
                pass
            case SlashLine() as command:
                if not self._prompt.look.plain:  # a linear terminal has shown what was typed
                    self._prompt.show(render_notice("info", line.shown.strip(), self._prompt.look))
                await self._registry.run(self._prompt, command)
                if self._asking.question is None:
                    self._drafts.give_back()  # what a choice in the line had put aside
                await self._prompt.refresh_status()
            case ShellLine(command=command):
                self._tasks.start_soon(self._shell.run, command, self._prompt.directory)
            case Message(text=text):
                await self._message(text, line.shown)

    async def _take_late(self, line: Line) -> None:
        """A line that was submitted in a session which was left before it could be taken: a message reaches it, nothing else is done."""
        row = self._prompt.fleet.row(SessionId(line.place))
        if row is not None and isinstance(message := parse_line(line.text, line.shown), Message):
            await self._message(message.text, line.shown, row)
        else:
            self._prompt.show(
                render_error(
                    f"'{line.shown.strip()[:40]}' came after its session was left, and was not done. Type it there.",
                    self._prompt.look,
                )
            )

    async def _message(self, text: str, typed: str | None = None, to: c.SessionInfo | None = None) -> None:
        """Send a message with the files that it names; `typed` is what of it was typed and not pasted, where that is known."""
        session, directory = (to.id, to.directory) if to else (self._prompt.session, self._prompt.directory)
        try:
            attached = await attach(text, directory, typed)
        except PlaitError as error:
            self._prompt.show(render_error(str(error), self._prompt.look))
            self._prompt.give_back(text)
            return
        self._outbox.add()
        self._tasks.start_soon(self._outbox.send, c.Say(session, attached.text, attached.attachments))
