"""The prompt without a live region: linear text, no redraw, no escape sequence. For `--plain`, dumb terminals and screen readers.

Rules:

* The interface is that of `Screen`; what a linear terminal cannot show (tail, status, toolbar) is left out, a hint is a line.
* The terminal itself edits the line: it stays in the modes in which it was found.
* The prompt is printed when nothing more is printed for a moment, never in the middle of output.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from types import TracebackType

from prompt_toolkit.history import History

from plait.repl.backlog import MAX_WAITING, Backlog
from plait.repl.editor import run_editor
from plait.repl.lines import TWICE, Ended, EndReason, LeaveAsked, Line, LineQueue, clean
from plait.repl.paste import BURST, normalise
from plait.repl.signals import handled, stop_group
from plait.repl.sink import Sink
from plait.repl.terminal import Terminal

QUIET = 0.2  # seconds without output after which the prompt is printed again
_WIDE = 100  # columns to render for; the terminal breaks longer lines itself


class PlainScreen:
    """A prompt of lines; use as `async with PlainScreen(...) as screen: line = await screen.read()`.

    `prompt`, `sanitize`, `on_interrupt`, `may_leave`, `cannot_stop`, `on_activity`: as for `Screen`. Colours must not be in any text.
    """

    vi_mode = False
    keeps_draft = False
    cursor = 0

    def __init__(
        self,
        terminal: Terminal,
        *,
        prompt: Callable[[], str],
        sanitize: Callable[[str], str] = str,
        on_interrupt: Callable[[], bool] = bool,
        may_leave: Callable[[], bool] = lambda: True,
        cannot_stop: Callable[[], str] = str,
        on_activity: Callable[[], object] = bool,
    ) -> None:
        self._terminal = terminal
        self._prompt = prompt
        self._sanitize = sanitize
        self._on_interrupt = on_interrupt
        self._may_leave = may_leave
        self._cannot_stop = cannot_stop
        self._on_activity = on_activity
        self._queue = LineQueue()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._input = ""
        self._backlog = Backlog()
        self._prompted = False
        self._held = False
        self._interrupted = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._burst: asyncio.TimerHandle | None = None
        self._roomy = asyncio.Event()
        self._stack = ExitStack()
        self._sink: Sink

    def __repr__(self) -> str:
        return f"<PlainScreen [{self._queue.ended.reason.name if self._queue.ended else 'open'}]>"

    async def __aenter__(self) -> PlainScreen:
        """Print the prompt and read. Needs the main thread, for the signals."""
        self._terminal.restore()
        self._sink = Sink(self._terminal.writer(), self._flush, self._lost)
        self._stack.callback(self._terminal.guard)
        self._stack.enter_context(handled(self._signalled, self._suspend, self._show_prompt))
        self._stack.callback(self._terminal.close)
        self._read_on()
        self._show_prompt()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Print what waits, within half a second even if the terminal takes no output."""
        self._end(EndReason.CLOSED)
        for timer in (self._timer, self._burst):
            if timer is not None:
                timer.cancel()
        self._stop_reading()
        self._sink.finish(("\n" if self._prompted else "") + self._backlog.take(MAX_WAITING))
        self._stack.close()
        self._queue.close()

    async def read(self) -> Line | LeaveAsked | Ended:
        """The next line, or the user's wish to leave; `Ended` when there are no more."""
        return await self._queue.read()

    def put(self, line: Line | LeaveAsked) -> None:
        """Add a line, or the wish to leave, behind those that were submitted before."""
        self._queue.put(line)

    @property
    def ended(self) -> Ended | None:
        """Why there are no more lines; None while there may be."""
        return self._queue.ended

    @property
    def columns(self) -> int:
        """The width to render text for."""
        return min(self._terminal.size()[0], _WIDE)

    @property
    def bytes_written(self) -> int:
        """All bytes sent to the terminal so far."""
        return self._sink.written

    @property
    def draft(self) -> str:
        """Always empty: the terminal has the text under way. A text that is set is printed."""
        return ""

    @draft.setter
    def draft(self, text: str) -> None:
        if text:
            self.write(f"Draft: {text}")

    def put_draft(self, text: str, cursor: int) -> None:
        """Print it."""
        self.draft = text

    def pick(self, start: str, on_cancel: Callable[[], None], on_widen: Callable[[], None] | None = None) -> None:
        """Nothing: there are no keys here but those of the terminal."""

    def write(self, text: str) -> None:
        """Print finished text; a line feed is added where it has none."""
        self._backlog.add(text)
        self._flush()

    def set_tail(self, text: str) -> None:
        """Nothing: unfinished text is not shown, since it could not be taken back."""

    async def drained(self) -> None:
        """Return once the terminal has taken what was written."""
        while self._sink.busy and self._queue.ended is None:
            self._roomy = asyncio.Event()
            await self._roomy.wait()

    def forward(self, sequence: str) -> None:
        """Nothing: no control sequence is sent."""

    def use_history(self, history: History) -> None:
        """Nothing: the terminal edits the line."""

    def refresh(self) -> None:
        """There is no toolbar; the prompt is printed soon if it is not there."""
        self._prompt_soon()

    def hint(self, text: str, seconds: float = 4.0) -> None:
        """Print it; an empty one takes back what was hinted, which a linear terminal cannot."""
        if text:
            self.write(text)

    def leave(self) -> None:
        """End the lines."""
        self._end(EndReason.CLOSED)

    @asynccontextmanager
    async def suspended(self) -> AsyncIterator[Terminal]:
        """Another program has the terminal meanwhile; output waits."""
        self._stop_reading()
        self._held = True
        try:
            yield self._terminal
        finally:
            self._held = False
            self._prompted = False
            self._terminal.restore()
            self._read_on()
            self._flush()
            self._show_prompt()

    async def edit(self, text: str) -> str | None:
        """Let the user edit `text` in their editor; None, and a line why, if there is no new text."""
        async with self.suspended() as terminal:
            edited, problem = await run_editor(text, terminal.stdin, terminal.stdout)
        if problem:
            self.write(problem)
        return None if edited is None else clean(edited)

    def _read_on(self) -> None:
        try:
            asyncio.get_running_loop().add_reader(self._terminal.stdin, self._read)
        except OSError:  # a file or /dev/null: nothing that can be waited for
            self._end(EndReason.EOF)

    def _stop_reading(self) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal.stdin)

    def _read(self) -> None:
        try:
            data = os.read(self._terminal.stdin, 64 * 1024)
        except OSError:
            self._lost()
            return
        self._on_activity()
        if not data:
            self._submit()
            self._leave(EndReason.EOF)
            return
        self._input += normalise(self._decoder.decode(data))
        if self._burst is not None:
            self._burst.cancel()
        self._burst = asyncio.get_running_loop().call_later(BURST, self._submit)

    def _submit(self) -> None:
        """What came in one burst is one message: a paste does not send its inner lines."""
        text, end, rest = self._input.rpartition("\n")
        if not end:
            return
        self._input = rest
        self._prompted = False
        if text.strip():
            self._interrupted = float("-inf")
            text = clean(self._sanitize(text))
            self._queue.put(Line(text, text, asyncio.get_running_loop().time()))
        self._prompt_soon()

    def _flush(self) -> None:
        """Print what waits, on lines of its own."""
        if not self._sink.busy:
            self._roomy.set()
        if self._held or self._sink.busy or not self._backlog:
            return
        self._sink.write(("\n" if self._prompted else "") + self._backlog.take(MAX_WAITING))
        self._prompted = False
        self._prompt_soon()

    def _prompt_soon(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(QUIET, self._show_prompt)

    def _show_prompt(self) -> None:
        if not self._prompted and not self._held and not self._sink.busy and self._queue.ended is None:
            text = self._prompt()
            self._prompted = bool(text)
            self._sink.write(text)

    def _signalled(self, number: int) -> None:
        if number != signal.SIGINT:
            self._end(EndReason.SIGNAL, 128 + number)
        elif not self._held:
            self._interrupt()

    def _interrupt(self) -> None:
        now = asyncio.get_running_loop().time()
        self._input = ""
        if self._on_interrupt():
            self._interrupted = float("-inf")
        elif now - self._interrupted < TWICE:
            self._leave(EndReason.INTERRUPT)
        else:
            self._interrupted = now
            self.write("Press Ctrl+C again to leave.")

    def _leave(self, reason: EndReason) -> None:
        if self._may_leave():
            self._stop_reading()
            self._end(reason)
        else:
            self._queue.put(LeaveAsked())

    def _suspend(self) -> None:
        if reason := self._cannot_stop():
            return self.write(reason)
        stop_group(self._suspend)
        self._prompted = False
        return self._show_prompt()

    def _lost(self) -> None:
        self._end(EndReason.HANGUP, 129)

    def _end(self, reason: EndReason, exit_code: int = 0) -> None:
        self._roomy.set()
        self._queue.end(Ended(reason, exit_code))
