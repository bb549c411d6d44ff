"""`plait`: the prompt first, then what stands behind it.

Rules:
1. What is imported here draws a prompt and takes keys, and no more. All the rest, by far the larger part, is imported in a thread while the
   prompt is there already; what is typed meanwhile is shown, and a line that is sent waits in the screen.
2. What a message needs beyond that (the HTTP client) follows from the first key on, or at once when a prompt came on the command line.
3. What fails on the way takes the prompt away and is told like any other error.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
from prompt_toolkit.completion import Completer, DummyCompleter, DynamicCompleter

from plait.core.errors import UsageError
from plait.core.sanitize import sanitize
from plait.fault_log import start_log
from plait.lazy_import import imported
from plait.program import Beginning, Program, fetch_if_chosen, unkept
from plait.repl.plain import PlainScreen
from plait.repl.screen import Screen
from plait.repl.session_keys import session_keys
from plait.repl.style import Look
from plait.repl.terminal import Terminal, prepare_terminal

if TYPE_CHECKING:
    from plait.repl.app import Repl
    from plait.repl.choosing import Choosing


class Front:
    """What the screen asks for: of the loop once it is there, until then a prompt without a name."""

    def __init__(self) -> None:
        self._loop: Repl | Choosing | None = None
        self.completer: Completer = DummyCompleter()

    def lead_to(self, loop: Repl | Choosing, completer: Completer) -> None:
        """The loop is there."""
        self._loop, self.completer = loop, completer

    def prompt(self) -> str:
        """See `Screen`."""
        return self._loop.prompt_text() if self._loop else "(...) > "

    def linear_prompt(self) -> str:
        """The prompt where it cannot be taken back: none until its name is known."""
        return self._loop.linear_prompt_text() if self._loop else ""

    def toolbar(self) -> str:
        """See `Screen`; what every toolbar has, so that no row is added later."""
        return self._loop.toolbar_text() if self._loop else "/help"

    def status(self) -> str:
        """See `Screen`."""
        return self._loop.status_text() if self._loop else ""

    def interrupt(self) -> bool:
        """See `Screen`."""
        return self._loop.interrupt() if self._loop else False

    def may_leave(self) -> bool:
        """See `Screen`."""
        return self._loop.may_leave() if self._loop else True

    def cannot_stop(self) -> str:
        """See `Screen`."""
        return self._loop.cannot_stop() if self._loop else ""

    def edited(self) -> None:
        """See `Screen`."""
        if self._loop:
            self._loop.edited()

    def move(self, name: str, argument: str = "") -> None:
        """A key that goes to another session; until the sessions are there it does nothing."""
        if self._loop:
            self._loop.move(name, argument)

    def choose(self) -> None:
        """The key that offers all sessions."""
        if self._loop:
            self._loop.choose()

    def go_back(self) -> None:
        """The key that offers the messages to go back to."""
        if self._loop:
            self._loop.go_back()


def run_repl(program: Program, prompt: str, beginning: Beginning) -> int:
    """The prompt, in the program's directory; returns the exit code. Raises `PlaitError`."""
    terminal = prepare_terminal()
    if not terminal.is_tty:
        raise UsageError("plait needs a terminal for its prompt. Use 'plait run PROMPT' in scripts and pipes.")
    fetch_if_chosen(program)
    with unkept(program):
        return anyio.run(_run_repl, program, terminal, prompt, beginning)


async def _run_repl(program: Program, terminal: Terminal, prompt: str, beginning: Beginning) -> int:
    start_log(program.paths if program.settings.persist else None)
    columns, _ = terminal.size()
    encoding = sys.stdout.encoding or "ascii"
    look = Look.of_terminal(
        program.environ, tty=True, encoding=encoding, width=columns, plain=program.settings.plain or program.settings.screen_reader
    )
    look = replace(look, high_contrast=program.settings.high_contrast)
    if look.plain:
        look = replace(look, colour=False)  # linear text has no escape sequence at all
    front, typed = Front(), anyio.Event()
    if prompt:
        typed.set()
    async with _screen(front, look, terminal, program.settings.vi_mode, typed.set) as screen:
        conversation = await imported("plait.conversation")
        gc.freeze()  # what was imported stays: the collector need not look at it again and again
        code: int = await conversation.converse(program, front, screen, look, typed, beginning, prompt)
    return code


def _screen(front: Front, look: Look, terminal: Terminal, vi_mode: bool, on_activity: Callable[[], None]) -> Screen | PlainScreen:
    """The live prompt, or the linear one where nothing may be redrawn."""
    if look.plain:
        return PlainScreen(
            terminal,
            prompt=front.linear_prompt,
            sanitize=sanitize,
            on_interrupt=front.interrupt,
            may_leave=front.may_leave,
            cannot_stop=front.cannot_stop,
            on_activity=on_activity,
        )
    return Screen(
        terminal,
        prompt=front.prompt,
        status=front.status,
        toolbar=front.toolbar,
        completer=DynamicCompleter(lambda: front.completer),
        vi_mode=vi_mode,
        key_bindings=session_keys(front.move, front.choose, front.go_back),
        colours=look.colour,
        sanitize=sanitize,
        on_interrupt=front.interrupt,
        may_leave=front.may_leave,
        cannot_stop=front.cannot_stop,
        on_activity=on_activity,
        on_edit=front.edited,
    )
