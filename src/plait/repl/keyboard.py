"""The keyboard: bytes of the terminal to prompt_toolkit's key presses.

Stock prompt_toolkit reads 1,024 bytes at a time and takes each character of a paste through its key parser; this reads all there is,
has pastes split off first, and hands only keys to the parser. Bytes that are not UTF-8 become U+FFFD.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.input.base import Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

from plait.repl.paste import InputSplitter, Pasted, Piece
from plait.repl.terminal import Terminal

Fault = Callable[[Exception], None]

CHUNK = 64 * 1024
MAX_DRAIN = 4 * 1024 * 1024  # bytes taken in one go; more waits for the next turn of the loop
ESCAPE_WAIT = 0.05  # seconds until an ESC is the key Esc and not the beginning of a sequence (vim's ttimeoutlen is 0.05 to 0.1)

_CSI = re.compile("\x1b\\[(?:\\[[A-E]|[0-?]*[ -/]*[@-~])")


class Keyboard(Input):
    """prompt_toolkit's input, on a `Terminal`. `on_activity` is called when any byte came in, `fault` when handling a key failed."""

    def __init__(self, terminal: Terminal, on_activity: Callable[[], object], fault: Fault) -> None:
        self._terminal = terminal
        self._on_activity = on_activity
        self._fault = fault
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._splitter = InputSplitter()
        self._keys: list[KeyPress] = []
        self._parser = Vt100Parser(self._keys.append)
        self._closed = False
        self._ready: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._escape: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Keyboard [{'closed' if self._closed else 'open'}, {len(self._keys)} keys to take]>"

    def fileno(self) -> int:
        return self._terminal.stdin

    def typeahead_hash(self) -> str:
        return f"plait-{self._terminal.stdin}"

    @property
    def closed(self) -> bool:
        return self._closed

    def read_keys(self) -> list[KeyPress]:
        keys = self._keys[:]
        self._keys.clear()
        return keys

    def flush_keys(self) -> list[KeyPress]:
        return self.read_keys()  # flushing goes by our own timer

    @contextmanager
    def raw_mode(self) -> Iterator[None]:
        self._terminal.raw()
        try:
            yield
        finally:
            self._terminal.restore()

    @contextmanager
    def cooked_mode(self) -> Iterator[None]:
        self._terminal.restore()
        try:
            yield
        finally:
            self._terminal.raw()

    @contextmanager
    def attach(self, input_ready_callback: Callable[[], None]) -> Iterator[None]:
        self._ready = input_ready_callback
        self.resume()
        try:
            yield
        finally:
            self.pause()
            self._ready = None

    @contextmanager
    def detach(self) -> Iterator[None]:
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def resume(self) -> None:
        """Read again."""
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(self.fileno(), self._read)
        except OSError:  # a file or /dev/null: nothing that can be waited for
            self._hang_up()
            loop.call_soon(self._pass_on)
        loop.call_soon(self._expire)

    def pause(self) -> None:
        """Leave the input to another program."""
        asyncio.get_running_loop().remove_reader(self.fileno())
        for timer in (self._timer, self._escape):
            if timer is not None:
                timer.cancel()

    def _hang_up(self) -> None:
        self._closed = True
        asyncio.get_running_loop().remove_reader(self.fileno())

    def _read(self) -> None:
        self._drain()
        self._pass_on()

    def _drain(self) -> None:
        """Take what has come in, and split it."""
        parts: list[bytes] = []
        size = 0
        while size < MAX_DRAIN:
            data = self._read_once()
            if data is None:
                break
            if not data:
                self._hang_up()
                break
            parts.append(data)
            size += len(data)
        if not parts:
            return
        data = b"".join(parts)
        if self._terminal.early:  # typed before CR could be told from LF
            early, self._terminal.early = self._terminal.early, max(0, self._terminal.early - len(data))
            data = data[:early].replace(b"\n", b"\r") + data[early:]
        self._on_activity()
        loop = asyncio.get_running_loop()
        self._take(self._splitter.feed(self._decoder.decode(data), loop.time()))
        self._set_timers(loop)

    def _read_once(self) -> bytes | None:
        """What is there, at most `CHUNK` bytes; b"" at the end of input, None when there is nothing now."""
        fd = self.fileno()
        try:
            if not self._terminal.readable():
                return None
            return os.read(fd, CHUNK)
        except (BlockingIOError, InterruptedError):
            return None
        except (OSError, ValueError):  # EIO: hung up
            return b""

    def _take(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Pasted):
                self._keys.append(KeyPress(Keys.BracketedPaste, piece.text))
            else:
                self._parser.feed(_CSI.sub(_known, piece.text))

    def _set_timers(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._splitter.deadline
        self._timer = None if deadline is None else loop.call_at(deadline, self._expire)
        if self._escape is not None:
            self._escape.cancel()
        self._escape = loop.call_later(ESCAPE_WAIT, self._flush_escape)

    def _expire(self) -> None:
        """Nothing followed; unless it is there already, and only the loop was late."""
        self._drain()
        loop = asyncio.get_running_loop()
        self._take(self._splitter.expire(loop.time()))
        self._pass_on()
        self._set_timers(loop)

    def _flush_escape(self) -> None:
        self._parser.feed(self._splitter.flush())
        self._parser.flush()
        self._pass_on()

    def _pass_on(self) -> None:
        if (self._keys or self._closed) and self._ready is not None:
            try:
                self._ready()
            except Exception as error:  # noqa: BLE001 - fault boundary: a binding or callback failed; the screen ends with it, restored
                self._fault(error)


def _known(match: re.Match[str]) -> str:
    """A control sequence that is a key, else nothing: reports and unknown keys are not text."""
    return match[0] if match[0] in ANSI_SEQUENCES else ""
