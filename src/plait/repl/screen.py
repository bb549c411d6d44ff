"""The live prompt: a line editor that stays at the bottom of the ordinary screen while text goes up above it.

Rules:

* One prompt_toolkit application runs from start to end; a submitted line leaves it, the prompt stays.
* From top to bottom: finished text (scrollback, written once), the unfinished tail of the answer, status line, input, toolbar.
* A key or `refresh` draws at once; what the stream causes (`write`, `set_tail`) is drawn at most `FRAMES` times a second.
* Nothing is drawn while the size of the window is changing, while another program has the terminal, or while the terminal has not
  taken the last frame; meanwhile finished text waits (see `Backlog`).
* It knows nothing of sessions or models.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from types import TracebackType

import anyio
from anyio.abc import TaskGroup, TaskStatus
from prompt_toolkit.completion import Completer
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindingsBase

from plait.repl.editor import run_editor
from plait.repl.keyboard import Keyboard
from plait.repl.keys import Actions
from plait.repl.layout import Texts
from plait.repl.lines import TWICE, Ended, EndReason, LeaveAsked, Line, LineQueue, clean
from plait.repl.prompt import Prompt, PromptOptions
from plait.repl.region import Region
from plait.repl.signals import handled, stop_group, stop_self
from plait.repl.terminal import Terminal


class Screen:
    """An interactive terminal with a live prompt; use as `async with Screen(...) as screen: line = await screen.read()`.

    All texts may hold SGR colours and must be sanitized. `prompt`, `status` (right-aligned above the prompt) and `toolbar` (below it) are
    asked at each drawing and must be cheap; an empty status or toolbar takes no row. `on_interrupt` is called on Ctrl+C and says whether
    it stopped something; if not, the screen clears the line, hints, and at the second Ctrl+C within 2 s ends. `may_leave` is asked before
    the user ends the lines; where it says no, a `LeaveAsked` comes instead. `cannot_stop` says why Ctrl+Z is refused. `on_activity` is
    called whenever something was typed, `on_edit` when the text under way changed. `sanitize` is applied to pasted text.
    """

    def __init__(
        self,
        terminal: Terminal,
        *,
        prompt: Callable[[], str],
        status: Callable[[], str] = str,
        toolbar: Callable[[], str] = str,
        completer: Completer | None = None,
        history: History | None = None,
        vi_mode: bool = False,
        key_bindings: KeyBindingsBase | None = None,
        colours: bool = True,
        sanitize: Callable[[str], str] = str,
        on_interrupt: Callable[[], bool] = bool,
        may_leave: Callable[[], bool] = lambda: True,
        cannot_stop: Callable[[], str] = str,
        on_activity: Callable[[], object] = bool,
        on_edit: Callable[[], object] = bool,
    ) -> None:
        self._terminal = terminal
        self._texts = Texts(prompt, status, toolbar)
        self._options = PromptOptions(completer, history, vi_mode, key_bindings, colours, sanitize, on_edit)
        self._on_interrupt = on_interrupt
        self._may_leave = may_leave
        self._cannot_stop = cannot_stop
        self._on_activity = on_activity
        self._queue = LineQueue()
        self._interrupted = float("-inf")
        self._hint_timer: asyncio.TimerHandle | None = None
        self._stack = AsyncExitStack()
        self._tasks: TaskGroup
        self._region: Region
        self._prompt: Prompt
        self._keyboard: Keyboard

    def __repr__(self) -> str:
        return f"<Screen [{self._queue.ended.reason.name if self._queue.ended else 'open'}, {self._terminal!r}]>"

    async def __aenter__(self) -> Screen:
        """Draw the prompt. Needs the main thread, for the signals."""
        self._region = Region(self._terminal, os.environ, self.refresh, self._lost)
        self._keyboard = Keyboard(self._terminal, self._on_activity, self._failed)
        at_end = partial(self._leave, EndReason.EOF)
        actions = Actions(self._submit, self._interrupt, at_end, self.suspend, self._region.redraw, self._edit_draft)
        self._prompt = Prompt(self._options, self._texts, self._region, self._keyboard, actions, self._failed)
        self._stack.callback(self._terminal.guard)
        self._stack.enter_context(handled(self._signalled, self.suspend, self._continued))
        self._stack.callback(self._terminal.close)
        self._stack.callback(self._region.close)
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        await self._tasks.start(self._run)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        """What waits goes up, the region goes away, the terminal is as it was; within about a second even if it takes no output."""
        self._end(EndReason.CLOSED)
        self._tasks.cancel_scope.cancel()
        return await self._stack.__aexit__(kind, error, trace)

    async def _run(self, *, task_status: TaskStatus[None]) -> None:
        """The application's life. It ends when it is cancelled, or when the terminal's input ends."""
        try:
            await self._prompt.application.run_async(pre_run=task_status.started, set_exception_handler=False, handle_sigint=False)
        except EOFError:
            self._lost()

    async def read(self) -> Line | LeaveAsked | Ended:
        """The next submitted line or wish to leave; `Ended` when there are no more. Raises what a callback of the caller raised."""
        return await self._queue.read()

    def put(self, line: Line | LeaveAsked) -> None:
        """Add a line, or the wish to leave, behind those that were submitted before."""
        self._queue.put(line)

    @property
    def ended(self) -> Ended | None:
        """Why there are no more lines; None while there may be."""
        return self._queue.ended

    def write(self, text: str) -> None:
        """Finished text, for the scrollback above the prompt; in order, with what else comes within the same frame."""
        self._region.write(text)

    def set_tail(self, text: str) -> None:
        """The unfinished end of the answer, shown between the scrollback and the prompt; "" takes it away.

        Its last rows are shown, at most a third of the terminal's and 12. Colours must not run over line ends. A `write` and a `set_tail`
        without an await between them come in one frame.
        """
        self._region.set_tail(text)

    async def drained(self) -> None:
        """Return once the terminal has taken most of what was written: whoever writes much waits here."""
        await self._region.drained()

    def forward(self, sequence: str) -> None:
        """Send a control sequence of the caller's own that draws nothing, such as one for the clipboard."""
        self._region.forward(sequence)

    def refresh(self) -> None:
        """Something that `prompt`, `status` or `toolbar` shows has changed: draw at once."""
        self._prompt.application.invalidate()

    def hint(self, text: str, seconds: float = 4.0) -> None:
        """Show one line in the toolbar's place for a while."""
        if self._hint_timer is not None:
            self._hint_timer.cancel()
        self._texts.hint = text
        if text:
            self._hint_timer = asyncio.get_running_loop().call_later(seconds, self.hint, "")
        self.refresh()

    @property
    def columns(self) -> int:
        """The width to render finished text for."""
        return self._region.columns

    @property
    def bytes_written(self) -> int:
        """All bytes sent to the terminal so far."""
        return self._region.bytes_written

    @property
    def draft(self) -> str:
        """The text under way, pastes whole. Setting it puts the cursor at its end."""
        return clean(self._prompt.text)

    @draft.setter
    def draft(self, text: str) -> None:
        self._prompt.put(text, len(text))
        self.refresh()

    keeps_draft = True

    @property
    def cursor(self) -> int:
        """Where the cursor stands in `draft`, in characters from its start."""
        return self._prompt.cursor

    def put_draft(self, text: str, cursor: int) -> None:
        """Set the text under way to a kept draft, with the cursor at a place in it."""
        self._prompt.put_kept(text, cursor)
        self.refresh()

    def pick(self, start: str, on_cancel: Callable[[], None], on_widen: Callable[[], None] | None = None) -> None:
        """Put a start into the empty line and offer what completes it; Enter sends, Esc calls `on_cancel`, Ctrl+A `on_widen`."""
        self._prompt.pick(start, on_cancel, on_widen)
        self.refresh()

    @property
    def vi_mode(self) -> bool:
        """Whether the keys are vi's."""
        return self._prompt.application.editing_mode is EditingMode.VI

    @vi_mode.setter
    def vi_mode(self, on: bool) -> None:
        self._prompt.application.editing_mode = EditingMode.VI if on else EditingMode.EMACS

    def use_history(self, history: History) -> None:
        """Walk and extend another history from now on; the text under way stays."""
        self._prompt.use_history(history)

    def leave(self) -> None:
        """End the lines, as the user would with Ctrl+D."""
        self._end(EndReason.CLOSED)

    @asynccontextmanager
    async def suspended(self) -> AsyncIterator[Terminal]:
        """Another program has the terminal meanwhile, in the modes in which it was found. Output waits, and goes up after it."""
        self._keyboard.pause()
        self._region.pause()
        try:
            yield self._terminal
        finally:
            self._region.resume()
            self._keyboard.resume()

    async def edit(self, text: str) -> str | None:
        """Let the user edit `text` in their editor; None, and a hint why, if there is no new text."""
        async with self.suspended() as terminal:
            edited, problem = await run_editor(text, terminal.stdin, terminal.stdout)
        if problem:
            self.hint(problem)
        return None if edited is None else clean(edited)

    def suspend(self) -> None:
        """Stop the process as Ctrl+Z does. Returns when it is continued."""
        if self._region.paused:
            return stop_self()
        if reason := self._cannot_stop():
            return self.hint(reason)
        self._region.pause()
        stop_group(self.suspend)
        return self._region.resume()

    def _continued(self) -> None:
        """Continued after a stop that nobody announced (SIGSTOP): the shell had the terminal."""
        if not self._region.paused:
            self._region.retake()

    def _signalled(self, number: int) -> None:
        if not self._region.paused or number != signal.SIGINT:  # Ctrl+C in another program is that program's
            self._end(EndReason.SIGNAL, 128 + number)

    def _lost(self) -> None:
        self._end(EndReason.HANGUP, 129)

    def _failed(self, error: Exception) -> None:
        self._queue.end(Ended(EndReason.CLOSED, 1), error)

    def _end(self, reason: EndReason, exit_code: int = 0) -> None:
        self._queue.end(Ended(reason, exit_code))

    def _leave(self, reason: EndReason) -> None:
        if self._may_leave():
            self._end(reason)
        else:
            self._queue.put(LeaveAsked())

    def _submit(self) -> None:
        if not self._prompt.buffer.text.strip():
            return
        now = asyncio.get_running_loop().time()
        began = now if self._prompt.began is None else self._prompt.began
        whole, shown = self._prompt.take()
        self._interrupted = float("-inf")
        self._region.await_layout()  # what the line causes comes with the empty prompt, in one frame
        self._queue.put(Line(clean(whole), clean(shown), began))
        self.refresh()

    def _interrupt(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._on_interrupt():
            self._interrupted = float("-inf")
        elif self._prompt.buffer.text:
            self._prompt.take()  # Up brings it back
            self._interrupted = float("-inf")
        elif now - self._interrupted < TWICE:
            self._leave(EndReason.INTERRUPT)
        else:
            self._interrupted = now
            self.hint("Press Ctrl+C again to leave.", TWICE)

    def _edit_draft(self) -> None:
        if not self._region.paused:
            self._tasks.start_soon(self._edit_and_take)

    async def _edit_and_take(self) -> None:
        if (edited := await self.edit(self.draft)) is not None:
            self.draft = edited
