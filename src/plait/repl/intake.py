"""What becomes of a line of input: an answer, a command, a shell command, or a message; in the order in which they were submitted.

Rules:
1. A message is on its way as soon as it is recorded; waiting for the disk holds up no later line.
2. A line belongs to the session that is shown when all that was typed before it has been carried out. A key that goes to another session
   therefore stands among the lines, in its place.
"""

from __future__ import annotations

import time
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from plait.core import commands as c
from plait.core.brief import in_one_line
from plait.core.errors import NotSaved, PlaitError
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

LATE = 1.5
"""Seconds after which a message that is not taken yet is shown: it stands in no line any more, and in the conversation only once taken."""


class Loop(Prompt, Protocol):
    """What the intake uses of the prompt loop, beyond what commands do."""

    @property
    def directory(self) -> str:
        """The shown session's directory."""
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
        self._outbox = Outbox(self._submit)
        self.carrying_out = False
        """Whether a line is being carried out."""
        self._began = 0.0
        """When the line under way was begun, in the event loop's seconds."""
        self._tasks: TaskGroup

    def __repr__(self) -> str:
        return f"<Intake [{'sending' if self._outbox else 'nothing under way'}]>"

    @property
    def sending(self) -> bool:
        """Whether a message is on its way to the disk."""
        return bool(self._outbox)

    def began_after(self, moment: float) -> bool:
        """Whether the first key of the line under way came after `moment`, in seconds since 1970."""
        return time.time() - (anyio.current_time() - self._began) >= moment

    async def serve(self) -> None:
        """Do in the background what lines begin: runs until it is cancelled. What is on its way still is in no line: it is shown."""
        try:
            async with anyio.create_task_group() as self._tasks:
                await anyio.sleep_forever()
        finally:
            for command in self._outbox.unanswered:
                if isinstance(command, c.Say):
                    unknown = "It is not known whether this message was taken. Look for it later, and send it again if it is not there: "
                    self._prompt.show(render_notice("warning", unknown + command.text, self._prompt.look))

    async def drain(self) -> None:
        """Return when no message is on its way any more, or after a moment."""
        await self._outbox.drain()

    async def take_all(self, prompt: str) -> Ended:
        """All lines until the end; `prompt` is the first of them, once no question stands before it."""
        first = self._prompt.session
        while True:
            if prompt and not self._trust.is_open and self._prompt.session == first:
                await self._message(prompt)
                prompt = ""
            match line := await self._screen.read():
                case Ended():
                    return line
                case LeaveAsked():
                    await self._leaving.ask()
                case Line():
                    await self._take(line)

    async def _take(self, line: Line) -> None:
        self._began = line.began
        if not (await self._trust.take(line.text) or await self._asking.take(line)):
            self.carrying_out = True
            try:
                await self._carry_out(line)
            finally:
                self.carrying_out = False
        if self._asking.question is None and not self._trust.is_open:
            self._drafts.give_back()  # what stood aside while something was asked or chosen

    async def _carry_out(self, line: Line) -> None:
        match parse_line(line.text, line.shown):
            case BlankLine():
                pass
            case SlashLine() as command if line.by_key:
                self._drafts.begin_to_leave()
                await self._registry.run(self._prompt, command)
                self._drafts.end_to_leave()
            case SlashLine() as command:
                if not self._prompt.look.plain:  # a linear terminal has shown what was typed
                    self._prompt.show(render_notice("info", line.shown.strip(), self._prompt.look))
                await self._registry.run(self._prompt, command)
                await self._prompt.refresh_status()
            case ShellLine(command=command):
                self._tasks.start_soon(self._shell.run, command, self._prompt.directory)
            case Message(text=text):
                await self._message(text, line.shown)

    async def _message(self, text: str, typed: str | None = None) -> None:
        """Send a message with the files that it names; `typed` is what of it was typed and not pasted, where that is known."""
        session = self._prompt.session
        try:
            attached = await attach(text, self._prompt.directory, typed)
        except PlaitError as error:
            self._prompt.show(render_error(str(error), self._prompt.look))
            self._drafts.into_line(text)
            return
        say = c.Say(session, attached.text, attached.attachments)
        self._outbox.add()
        self._tasks.start_soon(self._outbox.send, say)
        self._tasks.start_soon(self._show_if_late, say)
        self._tasks.start_soon(self._drafts.save)  # what is sent is no draft any more, once it is on disk as a message

    async def _show_if_late(self, say: c.Say) -> None:
        """Show a message that nobody has taken for a while, such as one for a plait that does not answer."""
        await anyio.sleep(LATE)
        if any(one is say for one in self._outbox.unanswered):
            waits = "This message is not taken yet. It is sent as soon as it can be: "
            self._prompt.show(render_notice("warning", waits + in_one_line(say.text), self._prompt.look))

    async def _submit(self, command: c.Command) -> None:
        """Send a message. One that was not taken is a draft of its session again; one that only waits for the disk would be there twice."""
        reply = await self._prompt.client.submit(command)
        if isinstance(reply, c.Refused):
            self._prompt.show(render_error(reply.text, self._prompt.look))
            if isinstance(command, c.Say) and reply.error != NotSaved.__name__:
                await self._drafts.take_back(command.session, command.text)
