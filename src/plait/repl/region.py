"""When the live region is drawn, and what waits while it must not be.

`Region` joins the rows of the layout and the tail of the answer, gives them to the `Painter`, and its bytes to the `Sink`. Rules:

* Drawing is put off, never lost: while it is not allowed only the newest state is kept, and the finished text in order.
* On a change of size nothing is drawn until it has settled: the terminal's rows have changed already, and what we draw for the size we
  last heard of would be broken in a way that nobody can know of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from plait.repl.backlog import MAX_WAITING, Backlog
from plait.repl.painter import Painter
from plait.repl.rows import Row, last_rows
from plait.repl.sink import Sink
from plait.repl.terminal import AUTOWRAP, MODES_ON, Terminal, reflows, settle_time

FRAMES = 20  # a second, of those that the stream causes
MAX_TAIL = 12  # rows; and a third of the terminal's: what a lower window pushes into the history cannot be taken back

ROOM = 256 * 1024  # characters; whoever writes much waits while more than this is still to be shown


class Region:
    """The live region of one terminal. `relayout` asks for new rows of the layout, which come by `set_live`."""

    def __init__(
        self, terminal: Terminal, environment: Mapping[str, str], relayout: Callable[[], None], on_lost: Callable[[], None]
    ) -> None:
        self._terminal = terminal
        self._relayout = relayout
        self._modes = MODES_ON
        self._painter = Painter(reflows(environment))
        self._settle_time = settle_time(environment)
        self._sink = Sink(terminal.writer(), self._drained, on_lost)
        self._loop = asyncio.get_running_loop()
        self._backlog = Backlog()
        self._tail = ""
        self._live: tuple[Sequence[Row], tuple[int, int]] | None = None
        self._anew = False
        self._paused = 0
        self._roomy = asyncio.Event()
        self._closed = False
        self._frame: asyncio.Handle | None = None
        self._last_frame = float("-inf")
        self._settling: asyncio.TimerHandle | None = None
        self.columns, self.rows = terminal.size()

    def __repr__(self) -> str:
        return f"<Region [{self.columns}x{self.rows}, {self._backlog!r}, {self._painter!r}]>"

    @property
    def bytes_written(self) -> int:
        """All bytes sent to the terminal so far."""
        return self._sink.written

    @property
    def tail_limit(self) -> int:
        """Rows that the tail may take."""
        return min(self.rows // 3, MAX_TAIL)

    def write(self, text: str) -> None:
        """Finished text; a line feed is added where its last line has none."""
        self._backlog.add(text)
        self._stream_changed()

    async def drained(self) -> None:
        """Return once little waits to be shown; at once if so already."""
        while len(self._backlog) > ROOM and not self._closed:
            self._roomy = asyncio.Event()
            await self._roomy.wait()

    def forward(self, sequence: str) -> None:
        """Send a control sequence that draws nothing, now or before the next frame."""
        if self._paused or self._sink.busy:
            self._modes += sequence
        else:
            self._sink.write(sequence)

    def set_tail(self, text: str) -> None:
        """The unfinished text; empty: none."""
        if text != self._tail:
            self._tail = text
            self._stream_changed()

    def set_live(self, rows: Sequence[Row], cursor: tuple[int, int]) -> None:
        """New rows of the layout, drawn at once."""
        self._live = (rows, cursor)
        self._paint()

    def await_layout(self) -> None:
        """Draw nothing before the next `set_live`, which the caller has made sure will come."""
        self._live = None

    def redraw(self) -> None:
        """Draw everything anew, as after another program wrote over it."""
        self._anew = True
        self._live = None
        self._relayout()

    def resized(self) -> None:
        """The size is changing: draw again when it has settled."""
        if self._settling is not None:
            self._settling.cancel()
        self._settling = self._loop.call_later(self._settle_time, self._settled)

    def _settled(self) -> None:
        self._settling = None
        if not self._paused:
            self._take_size()
            self.redraw()

    def _take_size(self) -> None:
        self.columns, self.rows = self._terminal.size()

    def pause(self) -> None:
        """Take the region off the screen and give the terminal back as it was found. Nests."""
        self._paused += 1
        if self._paused == 1:
            self._sink.finish(self._last_words())
            self._terminal.restore()

    def resume(self) -> None:
        """Take the terminal again; the cursor is wherever the other program left it."""
        self._paused -= 1
        if not self._paused:
            self.retake()

    def retake(self) -> None:
        """The terminal is ours, whatever happened to it: modes, size, everything drawn anew below."""
        self._terminal.raw()
        self._painter.forget()
        self._modes = f"\r{MODES_ON}"
        self._take_size()
        self.redraw()

    @property
    def paused(self) -> bool:
        """Whether another program has the terminal."""
        return self._paused > 0

    def bell(self) -> None:
        """Sound the bell."""
        if not self._paused and not self._sink.busy:
            self._sink.write("\a")

    def close(self) -> None:
        """Everything that waits goes up, the region goes away. Not later than about a second even if the terminal takes nothing."""
        self._closed = True
        self._roomy.set()
        for handle in (self._frame, self._settling):
            if handle is not None:
                handle.cancel()
        if not self._paused:
            self._paused = 1
            self._sink.finish(self._last_words(everything=True))
        self._sink.close()

    def _last_words(self, everything: bool = False) -> str:
        """The bytes that erase the region; with `everything`, then the text that waits."""
        columns, _ = self._terminal.size()
        text = self._painter.erase(columns)
        if everything:
            text += AUTOWRAP + self._backlog.take(MAX_WAITING).replace("\n", "\r\n")
        return text

    def _stream_changed(self) -> None:
        if self._frame is None and not self._paused and self._settling is None and not self._sink.busy:
            delay = self._last_frame + 1 / FRAMES - self._loop.time()
            self._frame = self._loop.call_later(delay, self._frame_due) if delay > 0 else self._loop.call_soon(self._frame_due)

    def _frame_due(self) -> None:
        self._frame = None
        self._paint()

    def _drained(self) -> None:
        self._paint()

    def _paint(self) -> None:
        """Draw the newest state, if it is allowed now."""
        if self._paused or self._settling is not None or self._sink.busy or self._live is None:
            return
        if self._terminal.size() != (self.columns, self.rows):  # changed, and the signal is still under way
            self.resized()
            return
        if self._frame is not None:
            self._frame.cancel()
            self._frame = None
        self._last_frame = self._loop.time()
        live, (x, y) = self._live
        live = live[: self.rows]
        tail = last_rows(self._tail, self.columns, min(self.tail_limit, self.rows - len(live))) if self._tail else []
        above = self._backlog.take()
        frame = self._painter.frame([*tail, *live], (x, y + len(tail)), self.columns, above, self._anew)
        self._anew = False
        self._sink.write(self._modes + frame)
        self._modes = ""
        if len(self._backlog) <= ROOM:
            self._roomy.set()
        if self._backlog:
            self._stream_changed()
