"""The prompt loop: lines of input become commands of the client, events become text on the screen.

Rules:
1. It knows the rest of plait as a `Client`; over a socket it is the same.
2. Lines are taken in order. A message is on its way as soon as it is recorded; waiting for the disk holds up no later line.
3. What is shown of a conversation comes from events, live or replayed; nothing is echoed before it is durable.
4. Every task lives in the loop's task group; leaving it leaves nothing behind.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from contextlib import aclosing

import anyio
from anyio.abc import TaskGroup

from plait.core import commands as c
from plait.core import events as e
from plait.core.errors import PlaitError
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.repl.attach import attach
from plait.repl.lines import Ended, Line
from plait.repl.opening import read_opening
from plait.repl.outbox import Outbox
from plait.repl.printer import Printer
from plait.repl.render import render_error, render_notice
from plait.repl.shell import child_environment, run_shell
from plait.repl.slash.line import BlankLine, Message, ShellLine, SlashLine, parse_line
from plait.repl.slash.registry import Registry
from plait.repl.status import Toolbar
from plait.repl.style import Look
from plait.repl.surface import Terminal
from plait.repl.trust import TrustDialog


class Repl:
    """The loop over one client, one session shown at a time; a `repl.slash.registry.Prompt`.

    `gap` is in seconds, see `Printer`. `secret` names variables that the user's shell commands are not given.
    """

    def __init__(
        self, client: Client, registry: Registry, look: Look, environ: Mapping[str, str], gap: float, secret: Collection[str] = ()
    ) -> None:
        self.client = client
        self.environ = environ
        self._secret = secret
        self._registry = registry
        self._plain_look = look
        self._gap = gap
        self.name = ""
        self._session = SessionId("")
        self._shell: anyio.CancelScope | None = None
        self._following = anyio.CancelScope()
        self._outbox = Outbox(self.submit)
        self._screen: Terminal
        self._printer: Printer
        self._toolbar: Toolbar
        self._trust: TrustDialog
        self._tasks: TaskGroup

    def __repr__(self) -> str:
        return f"<Repl '{self.name}' [{'running' if self._toolbar.running else 'idle'}]>"

    def use(self, screen: Terminal) -> None:
        """Draw on this screen from now on; call it once, before `run`."""
        self._screen = screen
        self._printer = Printer(screen, self._plain_look, self._gap)
        self._toolbar = Toolbar(self._printer, time.monotonic, screen.refresh)
        self._printer.on_change = self._toolbar.changed
        self._trust = TrustDialog(self, screen, lambda: self._registry.run(self, SlashLine("trust", "show")), self._give_back)

    # What the screen asks for at each drawing, and tells.

    def prompt_text(self) -> str:
        """The prompt: the session's name, or the question that waits for an answer."""
        return "give AGENTS.md to the model? (y/n/v) > " if self._trust.is_open else f"({self.look.clean(self.name)}) > "

    def linear_prompt_text(self) -> str:
        """The prompt where it cannot be taken back: nothing while an answer comes, so that it stands in no answer's middle."""
        return "" if self._toolbar.running else self.prompt_text()

    def toolbar_text(self) -> str:
        """The row below the prompt."""
        return self._toolbar.text()

    def interrupt(self) -> bool:
        """Ctrl+C: stop a shell command, else the turn; says whether there was something to stop."""
        if self._shell is not None:
            self._shell.cancel()
            return True
        if self._toolbar.running or self._printer.queued or self._outbox:
            self._tasks.start_soon(self.submit, c.Interrupt(self._session))
            return True
        return False

    # The loop.

    async def run(self, session: SessionId, prompt: str) -> int:
        """Show `session`, send `prompt` if there is one, and take lines until the end; returns the exit code."""
        async with anyio.create_task_group() as self._tasks:
            self._tasks.start_soon(self._toolbar.tick)
            await self.switch(session)
            if self._toolbar.status is not None:
                self._trust.ask(self._toolbar.status)
            ended = await self._take_lines(prompt)
            await self._outbox.drain()  # Enter was pressed before whatever ended the lines
            self._tasks.cancel_scope.cancel()
        if not ended.exit_code and not (self._toolbar.status and self._toolbar.status.trouble):  # else it is not quite true
            self.show(render_notice("info", f"{self.name} is kept. Start plait here again to go on.", self.look))
        return ended.exit_code

    async def _take_lines(self, prompt: str) -> Ended:
        """All lines until the end; `prompt` is the first of them, once no question stands before it."""
        while True:
            if prompt and not self._trust.is_open:
                await self._message(prompt)
                prompt = ""
            line = await self._screen.read()
            if isinstance(line, Ended):
                return line
            await self._take(line)

    async def _take(self, line: Line) -> None:
        if await self._trust.take(line.text):
            return
        match parse_line(line.text, line.shown):
            case BlankLine():
                pass
            case SlashLine() as command:
                if not self.look.plain:  # a linear terminal has shown what was typed
                    self.show(render_notice("info", line.shown.strip(), self.look))
                await self._registry.run(self, command)
                await self._refresh_status()
            case ShellLine(command=command):
                self._tasks.start_soon(self._run_shell, command)
            case Message(text=text):
                await self._message(text, line.shown)

    async def _message(self, text: str, typed: str | None = None) -> None:
        """Send a message with the files that it names; `typed` is what of it was typed and not pasted, where that is known."""
        try:
            attached = await attach(text, self._directory, typed)
        except PlaitError as error:
            self.show(render_error(str(error), self.look))
            self._give_back(text)
            return
        self._outbox.add()
        self._tasks.start_soon(self._outbox.send, c.Say(self._session, attached.text, attached.attachments))

    def _give_back(self, text: str) -> None:
        """Put what was not taken into the input line, before what was typed meanwhile."""
        meanwhile = self._screen.draft
        self.prefill(f"{text}\n{meanwhile}" if meanwhile.strip() else text)

    async def _run_shell(self, command: str) -> None:
        if self._shell is not None:
            self.show(render_error("A shell command is running already. Wait for it, or stop it with Ctrl+C.", self.look))
            return
        self._toolbar.command_started()
        try:
            with anyio.CancelScope() as self._shell:
                await run_shell(command, self._directory, child_environment(self.environ, self._secret), self)
        except PlaitError as error:
            self.show(render_error(str(error), self.look))
        finally:
            self._shell = None
            self._toolbar.command_ended()

    @property
    def _directory(self) -> str:
        """The session's directory."""
        return self._toolbar.status.info.directory if self._toolbar.status else os.curdir

    # One session shown.

    async def switch(self, session: SessionId) -> None:
        """Show another session: what was said last, then everything as it comes."""
        self._following.cancel()
        self._printer.reset()
        self._session = session
        await self._refresh_status()
        opening = await read_opening(self.client, session)
        self._screen.use_history(opening.history)
        elsewhere = "" if self._directory == os.getcwd() else self._directory
        if heading := opening.heading(self.name, elsewhere, time.time()):
            self.show(render_notice("info", heading, self.look))
        for stamped in opening.recent:
            self._printer.show(stamped)
        await self.client.submit(c.MarkSeen(session))
        self._following = anyio.CancelScope()
        self._tasks.start_soon(self._follow, session, e.Cursor(0, opening.seq), self._following)

    async def _follow(self, session: SessionId, after: e.Cursor, scope: anyio.CancelScope) -> None:
        with scope:
            try:
                async with aclosing(self.client.follow(session, after)) as events:
                    async for stamped in events:
                        if session != self._session:
                            return  # cancelled already; what had come before that is the other session's
                        self._printer.show(stamped)
                        if isinstance(stamped.event, (e.TurnEnded, e.StoreTrouble, e.StoreRecovered, e.Renamed)):
                            self._tasks.start_soon(self._refresh_status)
            except PlaitError as error:
                self.show(render_error(str(error), self.look))

    async def _refresh_status(self) -> None:
        reply = await self.client.submit(c.ReadStatus(self._session))
        if isinstance(reply, c.Status) and reply.info.id == self._session:  # another one may be shown by now
            self._toolbar.status = reply
            self.name = reply.info.name
            self._screen.refresh()

    # What commands use: `repl.slash.registry.Prompt`.

    @property
    def session(self) -> SessionId:
        """The session that is shown."""
        return self._session

    @property
    def look(self) -> Look:
        """The look at the terminal's present width."""
        return self._printer.look

    @property
    def vi_mode(self) -> bool:
        """Whether the keys are vi's."""
        return self._screen.vi_mode

    def set_vi_mode(self, on: bool) -> None:
        """Edit with vi's keys, or Emacs'."""
        self._screen.vi_mode = on

    def show(self, text: str) -> None:
        """Put finished text into the scrollback."""
        self._screen.write(text)

    async def shown(self) -> None:
        """Return once the terminal has taken most of what was shown."""
        await self._screen.drained()

    async def submit(self, command: c.Command) -> c.Reply | None:
        """Carry out a command; a refusal is shown, and None returned."""
        reply = await self.client.submit(command)
        if isinstance(reply, c.Refused):
            self.show(render_error(reply.text, self.look))
            return None
        return reply

    async def edit(self, text: str) -> str | None:
        """Let the user change a text in their editor."""
        return await self._screen.edit(text)

    def prefill(self, text: str) -> None:
        """Put text into the input line."""
        self._screen.draft = text

    def forward(self, sequence: str) -> None:
        """Send a control sequence of ours to the terminal."""
        self._screen.forward(sequence)

    def leave(self) -> None:
        """Leave the program."""
        self._screen.leave()
