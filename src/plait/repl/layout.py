"""What stands in the live region below the answer: status line, input, completions, search, toolbar; as prompt_toolkit's layout.

The texts come from the caller as strings that may hold SGR colours; each is asked for once per drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, has_completions
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.layout import (
    BufferControl,
    CompletionsMenu,
    ConditionalContainer,
    Dimension,
    FormattedTextControl,
    HSplit,
    Layout,
    VSplit,
    Window,
    WindowAlign,
)
from prompt_toolkit.layout.processors import DisplayMultipleCursors, HighlightIncrementalSearchProcessor, HighlightSelectionProcessor
from prompt_toolkit.widgets import SearchToolbar

from plait.repl.rows import text_width

MENU_ROWS = 6
_LOW = 6  # in a terminal with fewer rows than this only the input is shown


@dataclass(slots=True)
class Texts:
    """Where the texts around the input come from, and what they were for the drawing under way."""

    prompt: Callable[[], str]
    status: Callable[[], str]
    toolbar: Callable[[], str]
    hint: str = ""
    rows: int = 24
    columns: int = 80
    now: tuple[str, str, str] = field(default=("", "", ""))

    def take(self, columns: int, rows: int) -> None:
        """Ask for all of them, for a terminal of this size."""
        self.columns, self.rows = columns, rows
        low = rows < _LOW
        self.now = (self.prompt(), "" if low else self.status(), "" if low else self.hint or self.toolbar())


@lru_cache(maxsize=64)
def fragments(text: str) -> StyleAndTextTuples:
    """Text with SGR colours as prompt_toolkit's fragments."""
    return to_formatted_text(ANSI(text)) if "\x1b" in text else [("", text)]


def build_layout(texts: Texts, buffer: Buffer, picking: Callable[[], bool]) -> Layout:
    """The layout, with the focus on the input. The menu is shown where there is room for it, and where something is picked from it."""
    search = SearchToolbar()
    control = BufferControl(
        buffer,
        input_processors=[HighlightIncrementalSearchProcessor(), HighlightSelectionProcessor(), DisplayMultipleCursors()],
        include_default_input_processors=False,
        search_buffer_control=search.control,
        preview_search=True,
    )

    def prefix(line: int, wrapped: int) -> StyleAndTextTuples:
        prompt = texts.now[0]
        if line == 0 and wrapped == 0:
            return fragments(prompt)
        width = text_width(prompt)
        return [("", " " * (width if width * 4 <= texts.columns else min(2, texts.columns // 4)))]

    window = Window(control, get_line_prefix=prefix, wrap_lines=True, dont_extend_height=True, height=Dimension(min=1))
    menu = VSplit([CompletionsMenu(max_height=MENU_ROWS), Window()])
    has_room = Condition(lambda: texts.rows >= (_LOW if picking() else 2 * _LOW))
    return Layout(
        HSplit(
            [
                _text_window(lambda: texts.now[1], "class:status", WindowAlign.RIGHT),
                window,
                ConditionalContainer(menu, has_completions & has_room),
                search,
                _text_window(lambda: texts.now[2], "class:bottom-toolbar", WindowAlign.LEFT),
            ]
        ),
        window,
    )


def _text_window(text: Callable[[], str], style: str, align: WindowAlign) -> ConditionalContainer:
    """One row of text, absent when the text is empty."""
    window = Window(FormattedTextControl(lambda: fragments(text())), height=1, style=style, align=align, dont_extend_height=True)
    return ConditionalContainer(window, Condition(lambda: bool(text())))
