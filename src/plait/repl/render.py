"""What has been said, as text for the terminal.

`AnswerStream` turns a streamed answer into finished blocks, each printed once to the scrollback, and a tail that is still growing. The
other functions render what plait itself puts around it. All text from outside passes the sanitizer here, and all of it is laid out to the
right of the gutter (`style`): column 0 is plait's own.

The parts: `core.sanitize` makes it harmless, `blocks` cuts it into pieces, `markdown`, `code` and `tables` make rows of a piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from plait.core.sanitize import StreamSanitizer, sanitize
from plait.repl.blocks import Piece, Splitter
from plait.repl.markdown import PROSE_WIDTH, render_piece
from plait.repl.style import BOLD, CYAN, DIM, GREEN, GUTTER, ITALIC, RED, YELLOW, Look, Row, wrap

Kind = Literal["info", "success", "warning", "error"]

# Mark, word for plain looks, colour. Never the colour alone: each has a sign of its own.
_KINDS: Final[dict[Kind, tuple[str, str, str]]] = {
    "info": ("·", "notice", DIM),
    "success": ("✓", "done", GREEN),
    "warning": ("!", "warning", YELLOW),
    "error": ("✗", "error", RED),
}

USER_ROWS: Final = 12  # a longer message of the user's is collapsed; it is theirs, they know it
USER_SHOWN: Final = 6
THINKING_ROWS: Final = 2
GAP_S: Final = 3600.0  # a pause this long is worth a line, unless a setting says otherwise
TAIL_ROWS: Final = 12  # the screen shows at most so many
TAIL_STEP: Final = 4_000  # characters, more than TAIL_ROWS rows of 300 columns

_SPANS_OF_TIME: Final = ((365 * 86400, "year"), (30 * 86400, "month"), (7 * 86400, "week"), (86400, "day"), (3600, "hour"), (60, "minute"))


class AnswerStream:
    """One answer, as it comes. `look` may be exchanged between calls (a resize); it counts for what is rendered after.

    `feed` and `finish` return finished blocks as text with colours, each of whole lines with a line feed at the end; joined, they are the
    same however the answer was cut. `tail` is what is not in a block yet: sanitized, without colours, at most some 24,000 characters. It
    is content: whoever draws it keeps it right of the gutter. Nothing is raised: a piece that `render` cannot take is shown as it came.
    """

    def __init__(self, look: Look, render: Callable[[Piece, Look], list[Row]] = render_piece) -> None:
        self.look = look
        self._render = render
        self._sanitizer = StreamSanitizer()
        self._splitter = Splitter()
        self._printed = False
        self._gap = False

    @property
    def tail(self) -> str:
        """The unfinished part of the answer."""
        return self._splitter.tail

    def feed(self, delta: str) -> list[str]:
        """Blocks that this delta finished."""
        return self._rendered(self._splitter.feed(self.look.encode(self._sanitizer.feed(delta))))

    def finish(self, interrupted: bool = False) -> list[str]:
        """The rest of the answer, and a mark if it was cut off. The stream is as new after it."""
        pieces = self._splitter.feed(self.look.encode(self._sanitizer.finish())) + self._splitter.finish()
        blocks = self._rendered(pieces)
        if interrupted:
            blocks.append(render_notice("warning", "Interrupted. What came until then is kept.", self.look))
        self._printed = self._gap = False
        return blocks

    def _rendered(self, pieces: list[Piece]) -> list[str]:
        blocks = []
        for piece in pieces:
            self._gap = self._gap or piece.gap
            rows = self._rows(piece)
            if rows:
                if self._gap and self._printed:
                    rows.insert(0, [])
                blocks.append(_lines(rows, self.look))
                self._printed, self._gap = True, False
        return blocks

    def _rows(self, piece: Piece) -> list[Row]:
        try:
            return self._render(piece, self.look)
        except Exception:  # noqa: BLE001  # fault boundary: whatever trips the parser or a lexer over this piece, nothing of it is lost
            return wrap([(piece.text, "")], self.look.content_width)


def render_tail(text: str, look: Look) -> str:
    """The end of an unfinished answer as rows right of the gutter, without a line feed after the last; already sanitized text.

    Only as much is laid out as a tall terminal can show; a long line is cut at a multiple of `TAIL_STEP`, so that its rows stand still
    while it grows.
    """
    lines = text.split("\n")[-TAIL_ROWS:]
    last = lines[-1]
    lines[-1] = last[max(0, len(last) - 1) // TAIL_STEP * TAIL_STEP - (TAIL_STEP if len(last) > TAIL_STEP else 0) :]
    rows = wrap([("\n".join(lines), "")], look.content_width)
    return "\n".join(look.paint([(GUTTER, ""), *row]) for row in rows[-TAIL_ROWS:])


def _lines(rows: list[Row], look: Look) -> str:
    """Rows behind the gutter, as text."""
    return "".join(look.paint([(GUTTER, ""), *row]) + "\n" for row in rows)


def _marked(mark: str, colour: str, word: str, rows: list[Row], look: Look, *, repeat: bool = False) -> str:
    """Rows with a mark of plait's own in column 0 of the first (or of each); a word instead in plain looks."""
    if look.plain:
        rows = wrap([(f"{word}: ", ""), *(span for row in rows for span in [*row, ("\n", "")])][:-1], look.content_width)
        return "".join(look.paint([("" if index == 0 else GUTTER, ""), *row]) + "\n" for index, row in enumerate(rows))
    column = (look.marks(mark) + " ", colour)
    return "".join(look.paint([column if repeat or index == 0 else (GUTTER, ""), *row]) + "\n" for index, row in enumerate(rows))


def _content(text: str, look: Look, sgr: str = "") -> list[Row]:
    """Untrusted text as rows, without Markdown."""
    clean = look.encode(sanitize(text)).expandtabs(4).strip("\n")
    if look.plain:  # wrapped once the word that goes before it is there
        return [[(line, sgr)] for line in clean.split("\n")]
    return wrap([(clean, sgr)], min(look.content_width, PROSE_WIDTH))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def render_user(text: str, look: Look) -> str:
    """The user's message, echoed; of a long one the first `USER_SHOWN` rows and how much more there is."""
    rows = _content(text[: look.content_width * 100], look)
    total = text.count("\n") + 1
    if len(rows) > USER_ROWS or len(text) > look.content_width * 100:
        more = look.marks("… ") + f"{_count(total, 'line')}, {_count(len(text), 'character')} in all"
        rows = [*rows[:USER_SHOWN], *wrap([(more, DIM)], look.content_width)]
    return _marked("▌", CYAN, "you", rows, look, repeat=True)


def render_notice(kind: Kind, text: str, look: Look) -> str:
    """A line or two of plait's own. The text may quote untrusted text."""
    mark, word, colour = _KINDS[kind]
    return _marked(mark, f"{BOLD};{colour}" if kind in ("warning", "error") else colour, word, _content(text, look, _tone(kind)), look)


def _tone(kind: Kind) -> str:
    return RED if kind == "error" else DIM if kind == "info" else ""


def render_question(question: str, choices: Sequence[str], look: Look) -> str:
    """A question of the model's, in full, with its choices numbered from 1."""
    offered = [f"  {number} {look.clean(choice)}" for number, choice in enumerate(choices, 1)]
    rows = _content("\n".join([question, *offered]), look)
    return _marked("?", f"{BOLD};{YELLOW}", "question", rows, look)


def render_rule(text: str, look: Look) -> str:
    """A line of plait's own between what was shown before and what comes now; the text may quote untrusted text."""
    words, rule = look.clean(text), look.marks("──")
    span = (words.replace(" · ", ", "), "") if look.plain else (f"{rule} {look.marks(words)} {rule}", DIM)
    return "".join(look.paint(row) + "\n" for row in wrap([span], max(look.width, 6)))


def render_error(text: str, look: Look) -> str:
    """What went wrong, and what to do: the text of a `PlaitError`."""
    return render_notice("error", text, look)


def render_thinking(text: str, look: Look, *, folded: bool = True, hint: str = "") -> str:
    """A model's thinking, dim; folded to `THINKING_ROWS` rows and a count. `hint` names the way to the rest (a command)."""
    style = f"{DIM};{ITALIC}"
    rows = _content(text, look, style)
    more = len(rows) - THINKING_ROWS
    if folded and more > 1:
        words = f"{_count(more, 'more line')} of thinking" + (f" · {hint}" if hint else "")
        rows = [*rows[:THINKING_ROWS], *wrap([(look.marks(f"… {words}"), DIM)], look.content_width)]
    if look.plain:
        return _marked("", "", "thinking", rows, look)
    return _lines(rows, look)


def span_of_time(seconds: float) -> str:
    """A length of time in its largest unit, rounded down: "6 hours", "1 day"; "" below a minute or for a clock that went back."""
    for size, noun in _SPANS_OF_TIME:
        if seconds >= size:
            return _count(int(seconds // size), noun)
    return ""


def relative_time(seconds: float) -> str:
    """How long ago something was: "6 hours ago", "just now"."""
    span = span_of_time(seconds)
    return f"{span} ago" if span else "just now"


def render_gap(seconds: float, look: Look) -> str:
    """The line "6 hours later" between two messages, or "" below a minute; whoever calls decides which pause is long (`GAP_S`)."""
    if not span_of_time(seconds):
        return ""
    words = f"{span_of_time(seconds)} later"
    if look.plain:
        return words.replace(" · ", ", ") + "\n"
    rule = look.marks("──")
    return look.paint([(f"{rule} {words} {rule}", DIM)]) + "\n"
