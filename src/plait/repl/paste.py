"""What is typed and what is pasted: told apart, and pastes kept beside the line.

Rules:

* Pasted text never submits. It comes between paste marks, or, from a terminal without them, as a burst: characters less than `BURST`
  seconds apart with a line end among them.
* What follows the end mark of a paste within the same burst belongs to that paste: text that holds an end mark of its own cannot
  break out and press Enter.
* A line end that closes a burst of one line is Enter (a script, or text typed ahead), after a wait of `BURST` for what may follow.
  Enter pressed by a person comes alone and is passed on at once.
* Reports of the terminal (mouse, focus, device attributes, cursor position) are no keys and are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

BURST = 0.010  # seconds; keyboards repeat every 30 ms, a terminal hands over a paste in pieces well under 1 ms apart
STALLED = 2.0  # seconds without a byte between the marks; then the end mark is lost
LITERAL_LINES = 4  # a paste of fewer lines and fewer characters than these is inserted as it is
LITERAL_CHARS = 500
FAST_RUN = 32  # printable characters read at once; nobody types so: inserted as text, not key by key
MAX_KEPT = 64 * 1024 * 1024  # characters of all kept pastes together; the oldest go first

_START, _END = "\x1b[200~", "\x1b[201~"
_REPORTS = re.compile(
    "\x1b\\[M[\\s\\S]{3}"  # mouse, X10
    "|\x1b\\[[<=>?][0-9;:]*[ -/]*[@-~]"  # mouse (SGR), device attributes, mode and keyboard reports
    "|\x1b\\[[0-9]+;[0-9]+(?:;[0-9]+M|R)"  # mouse (urxvt), cursor position
    "|\x1b\\[[IO]"  # focus
    "|\x1b[P\\]_^X][^\x07\x1b]*(?:\x07|\x1b\\\\)"  # answers of the string kind: version, colours, clipboard
)
_PARTIAL = re.compile("\x1b(?:\\[(?:M[\\s\\S]{0,2}|[0-?]*[ -/]*)|[P\\]_^X][^\x07\x1b]*\x1b?|O)?\\Z")
_MAX_REPORT = 4096
_LINE_END = re.compile("(?<!\x1b)[\r\n]")  # after ESC it is Alt+Enter


class Typed(NamedTuple):
    """Characters for the key parser."""

    text: str


class Pasted(NamedTuple):
    """Text to insert; line ends as they came."""

    text: str


Piece = Typed | Pasted


class InputSplitter:
    """Tells typed from pasted. Pure: the time is an argument; `deadline` is when `expire` has to be called."""

    def __init__(self) -> None:
        self._paste: list[str] = []  # a paste or a burst with line ends, as far as it has come
        self._inside = False  # between the marks
        self._tail = ""  # the last characters of the paste, which may be the beginning of the end mark
        self._held = ""  # line ends that are Enter if nothing follows
        self._partial = ""  # the beginning of a start mark or of a report
        self._last_text = float("-inf")
        self.deadline: float | None = None

    def feed(self, data: str, now: float) -> list[Piece]:
        """What is certain after these characters were read at `now` (seconds of a monotonic clock)."""
        pieces: list[Piece] = []
        if not self._inside:
            data, self._partial = self._partial + data, ""
        while data:
            if self._inside:
                data = self._feed_paste(data, now)
                continue
            before, mark, data = data.partition(_START)
            if mark:
                self._feed_run(before, now, pieces)
                self._flush_held(pieces)
                self._inside = True
            else:
                self._feed_run(self._keep_partial(before), now, pieces)
        return pieces

    def expire(self, now: float) -> list[Piece]:
        """What is certain because nothing followed. To be called at `deadline`."""
        pieces: list[Piece] = []
        if self.deadline is not None and now >= self.deadline:
            self.deadline = None
            self._inside = False
            if self._paste:
                pieces.append(Pasted("".join(self._paste).replace(_END, "") + self._tail))
                self._tail = ""
                self._paste.clear()
            self._flush_held(pieces)
        return pieces

    def flush(self) -> str:
        """The beginning of an escape sequence that was never completed: keys (Esc, Alt+[), or the torso of a report, which is dropped."""
        partial, self._partial = self._partial, ""
        return partial if len(partial) <= 2 else ""

    def _feed_paste(self, data: str, now: float) -> str:
        """Take pasted characters up to the end mark; returns what follows it."""
        content, mark, rest = (self._tail + data).partition(_END)
        self._tail = ""
        if not mark:
            kept = next((count for count in range(len(_END) - 1, 0, -1) if content.endswith(_END[:count])), 0)
            self._tail = content[len(content) - kept :]
            content = content[: len(content) - kept]
        self._paste.append(content)
        self._inside = not mark
        self.deadline = now + (BURST if mark else STALLED)
        return rest

    def _keep_partial(self, run: str) -> str:
        """Hold back the beginning of a sequence at the end of what was read."""
        match = _PARTIAL.search(run)
        if match is None or len(match[0]) > _MAX_REPORT:
            return run
        self._partial = match[0]
        return run[: match.start()]

    def _feed_run(self, run: str, now: float, pieces: list[Piece]) -> None:
        """Characters outside of paste marks."""
        run = _REPORTS.sub("", run)
        if not run:
            return
        body = run.rstrip("\r\n")
        if body.endswith("\x1b"):  # Alt+Enter
            body = run[: len(body) + 1]
        ends = run[len(body) :]
        near = now - self._last_text < BURST
        if self._paste:  # the burst goes on
            self._paste.append(run)
            self.deadline = now + BURST
        elif not body:
            if near or self._held:
                self._held += ends
                self.deadline = now + BURST
            else:
                pieces.append(Typed(ends))
        elif self._held or _LINE_END.search(body):
            self._paste.append(self._held + run)
            self._held = ""
            self.deadline = now + BURST
        else:
            pieces.append(Pasted(body) if len(body) >= FAST_RUN and body.isprintable() else Typed(body))
            self._held = ends
            self.deadline = now + BURST if ends else None
        if body:
            self._last_text = now

    def _flush_held(self, pieces: list[Piece]) -> None:
        if self._held:
            pieces.append(Typed(self._held))
            self._held = ""


def normalise(text: str) -> str:
    """One rule for line ends: CRLF and lone CR become LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def size_words(count: int) -> str:
    """A number of bytes, short: 812 B, 5.0 KB, 1.0 MB (steps of 1,024)."""
    size = float(count)
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"


class PasteShelf:
    """Long pastes, kept while the line shows a placeholder for each, such as `[pasted 1,024 lines, 1.0 MB #1]`."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}
        self._count = 0
        self._size = 0

    def __repr__(self) -> str:
        return f"<PasteShelf [{len(self._kept)} pastes, {size_words(self._size)}]>"

    def shown(self, text: str) -> str:
        """What to show for `text`: itself when it is short, else a placeholder."""
        lines = text.count("\n") + (not text.endswith("\n"))
        if lines < LITERAL_LINES and len(text) < LITERAL_CHARS:
            return text
        self._count += 1
        size = size_words(len(text.encode("utf-8", "replace")))
        placeholder = f"[pasted {lines:,} line{'s' if lines > 1 else ''}, {size} #{self._count}]"
        self._kept[placeholder] = text
        self._size += len(text)
        while self._size > MAX_KEPT and len(self._kept) > 1:
            self._size -= len(self._kept.pop(next(iter(self._kept))))
        return placeholder

    def folded(self, text: str) -> str:
        """`text` with its placeholder for each kept paste that is in it: what was pasted stays a paste when it comes back into the line."""
        for placeholder, paste in sorted(self._kept.items(), key=lambda one: -len(one[1])):
            text = text.replace(paste, placeholder)
        return text

    @property
    def kept(self) -> Mapping[str, str]:
        """Placeholder to text."""
        return self._kept

    def whole(self, shown: str) -> str:
        """`shown` with each known placeholder replaced by its text."""
        if not self._kept or "[pasted " not in shown:
            return shown
        return _PLACEHOLDER.sub(lambda match: self._kept.get(match[0], match[0]), shown)

    def ending_at(self, text: str) -> int:
        """Length of the placeholder at the end of `text`, 0 if there is none: a Backspace takes it away whole."""
        placeholder = text[text.rfind("[pasted ") :]
        return len(placeholder) if placeholder in self._kept else 0


_PLACEHOLDER = re.compile(r"\[pasted [0-9,]+ lines?, [0-9.]+ [KMG]?B #[0-9]+\]")
