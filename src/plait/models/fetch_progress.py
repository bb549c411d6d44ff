"""How a fetch is shown, on stderr: a bar that is redrawn on a terminal, a few plain lines elsewhere.

Rule: the bar occupies one line, never its last column, and is gone when something else is said.
"""

from __future__ import annotations

import shutil
from typing import TextIO

from plait.models.bundle import Progress

_WORDS = {"waiting": "Another plait is fetching the offline model", "downloading": "Fetching the offline model", "unpacking": "Unpacking"}
QUARTER = 25


class FetchProgress:
    """A `Report` that writes to `stream`; call `close` when the fetch has ended, well or not."""

    def __init__(self, stream: TextIO, *, bar: bool | None = None) -> None:
        self._stream = stream
        self._bar = stream.isatty() if bar is None else bar
        self._said: tuple[str, int] | None = None
        self._drawn = False

    def __call__(self, progress: Progress) -> None:
        """Show how far it is."""
        percent = progress.done * 100 // max(progress.total, 1)
        step = percent if self._bar else percent // QUARTER * QUARTER
        if (progress.phase, step) == self._said:
            return
        self._said = (progress.phase, step)
        if progress.phase == "done":
            self.close()
            self._stream.write(f"The offline model is here ({_size(progress.total)}).\n")
        elif progress.phase == "waiting":
            self.close()
            self._stream.write(f"{_WORDS['waiting']}. Waiting for it.\n")
        elif self._bar:
            self._draw(_WORDS[progress.phase], percent, f"{_size(progress.done)} of {_size(progress.total)}")
        else:
            self._stream.write(f"{_WORDS[progress.phase]}: {step} % of {_size(progress.total)}\n")
        self._stream.flush()

    def close(self) -> None:
        """Take the bar off the screen, so that the next line begins at the left."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False

    def _draw(self, words: str, percent: int, sizes: str) -> None:
        columns = shutil.get_terminal_size().columns
        fixed = f"{words} [] {percent:3d} % {sizes}"
        room = min(40, columns - 1 - len(fixed))
        if room >= 5:
            full = room * percent // 100
            line = f"{words} [{'#' * full}{'.' * (room - full)}] {percent:3d} % {sizes}"
        else:
            line = f"{words} {percent} %"[: columns - 1]
        self._stream.write(f"\r{line}\x1b[K")
        self._drawn = True


def _size(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB"
