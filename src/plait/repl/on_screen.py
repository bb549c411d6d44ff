"""What the prompt loop and the commands do with the screen and the client, and nothing more."""

from __future__ import annotations

from plait.core import commands as c
from plait.core.ports import Client
from plait.repl.printer import Printer
from plait.repl.render import Kind, render_error, render_notice
from plait.repl.style import Look
from plait.repl.surface import Terminal


class OnScreen:
    """The part of `repl.slash.registry.Prompt` that only passes on."""

    def __init__(self, client: Client, screen: Terminal, printer: Printer) -> None:
        self.client = client
        self._screen = screen
        self._printer = printer

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

    def tell(self, kind: Kind, text: str) -> None:
        """Show a sentence of plait's own, which may quote untrusted text."""
        self.show(render_notice(kind, text, self.look))

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
        """Put text into the input line, before what was typed there meanwhile."""
        typed = self._screen.draft
        self._screen.draft = f"{text}\n{typed}" if typed else text

    def offer(self, start: str) -> bool:
        """Let the user choose what completes the start of a command; not over something that is being typed."""
        if not self._screen.keeps_draft or self._screen.draft:
            return False
        self._screen.pick(start, lambda: None)
        return True

    def go_back(self) -> None:
        """The key that offers the messages to go back to. While a turn runs none can be taken back, and nobody shall choose in vain."""
        if self._printer.running is not None or self._printer.queued:
            self._screen.hint("A turn is running here. Stop it with Ctrl+C, or wait for its end.")
        else:
            self.offer("/rewind ")

    def forward(self, sequence: str) -> None:
        """Send a control sequence of ours to the terminal."""
        self._screen.forward(sequence)
