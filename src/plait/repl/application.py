"""prompt_toolkit's application, with a renderer that draws into our live region. All private names of prompt_toolkit are here.

Stock rendering asks the terminal for the cursor's position, erases without knowing what the terminal made of its rows on a resize, and
redraws by itself; here it only lays out. `PRIVATE_NAMES` lists what is overridden without being documented as a place to do so; a test
fails when one is gone.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Size
from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.mouse_handlers import MouseHandlers
from prompt_toolkit.layout.screen import Char, Screen, WritePosition
from prompt_toolkit.output import ColorDepth, DummyOutput
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import Renderer
from prompt_toolkit.styles import BaseStyle

from plait.repl.rows import Row, is_certain

# (class, name, why)
PRIVATE_NAMES: tuple[tuple[type, str, str], ...] = (
    (Application, "_on_resize", "called on SIGWINCH: a change of size waits until it has settled"),
    (Renderer, "request_absolute_cursor_position", "asks the terminal for the cursor's row: never done"),
    (Renderer, "height_is_known", "stock knows it only after the terminal's answer, and hides toolbars until then"),
    (Renderer, "render", "called for each redraw"),
    (Renderer, "erase", "called when the application is done"),
    (Renderer, "clear", "called by clear-screen"),
)

Fault = Callable[[Exception], None]
Draw = Callable[[list[Row], tuple[int, int]], None]


class SizedOutput(DummyOutput):
    """An output that writes nothing and knows the size that the layout may take."""

    def __init__(self, room: Callable[[], Size], bell: Callable[[], None]) -> None:
        self._room = room
        self._bell = bell

    def get_size(self) -> Size:
        return self._room()

    def bell(self) -> None:
        self._bell()


class LiveRenderer(Renderer):
    """Lays out, makes rows of it, and hands them to `draw` with the cursor's (x, y)."""

    def __init__(self, style: BaseStyle, output: SizedOutput, depth: ColorDepth, draw: Draw, fault: Fault) -> None:
        self._colours = _Colours(style, depth)
        self._draw_rows = draw
        self._fault = fault
        super().__init__(style, output)

    @property
    def height_is_known(self) -> bool:
        return True

    def request_absolute_cursor_position(self) -> None:
        """The position is not asked for, ever."""

    def erase(self, leave_alternate_screen: bool = True) -> None:
        """The region is taken away by its owner, together with the terminal's modes."""

    def clear(self) -> None:
        """A key of ours draws anew instead."""

    def render(self, app: Application[Any], layout: Layout, is_done: bool = False) -> None:
        try:
            self._lay_out(layout)
        except Exception as error:  # noqa: BLE001 - fault boundary: a caller's text or completion failed; the screen ends with it, restored
            self._fault(error)

    def _lay_out(self, layout: Layout) -> None:
        size = self.output.get_size()
        screen = Screen()
        screen.show_cursor = False
        height = max(1, min(size.rows, layout.container.preferred_height(size.columns, size.rows).preferred))
        layout.container.write_to_screen(
            screen,
            MouseHandlers(),
            WritePosition(xpos=0, ypos=0, width=size.columns, height=height),
            parent_style="",
            erase_bg=False,
            z_index=None,
        )
        screen.draw_all_floats()
        cursor = screen.get_cursor_position(layout.current_window)
        layout.visible_windows = screen.visible_windows
        self._draw_rows([self._row(screen, y, size.columns) for y in range(height)], (cursor.x, cursor.y))

    def _row(self, screen: Screen, y: int, columns: int) -> Row:
        cells = screen.data_buffer[y]
        used = [x for x, cell in cells.items() if x < columns and (cell.char not in (" ", "") or self._colours.shows_blank(cell.style))]
        width = max(used, default=-1) + 1
        parts: list[str] = []
        colour = ""
        certain = True
        x = 0
        while x < width:
            cell: Char = cells[x]
            wanted = self._colours[cell.style]
            if wanted != colour:
                parts.append(("\x1b[0m" if colour else "") + wanted)
                colour = wanted
            parts.append(cell.char)
            certain = certain and is_certain(cell.char)
            x += cell.width or 1
        return Row("".join(parts), min(max(x, width), columns), certain, colour)


class _Colours(dict[str, str]):
    """Style string to the escape sequence that switches it on, "" for the terminal's own."""

    def __init__(self, style: BaseStyle, depth: ColorDepth) -> None:
        super().__init__()
        self._style = style
        self._depth = depth
        self._blank: dict[str, bool] = {}

    def __missing__(self, style: str) -> str:
        written = io.StringIO()
        output = Vt100_Output(written, lambda: Size(24, 80))
        output.set_attributes(self._style.get_attrs_for_style_str(style), self._depth)
        output.flush()
        sequence = written.getvalue()
        self[style] = "" if sequence == "\x1b[0m" else sequence.replace("\x1b[0;", "\x1b[")
        return self[style]

    def shows_blank(self, style: str) -> bool:
        """Whether a blank in this style can be seen."""
        if style not in self._blank:
            attrs = self._style.get_attrs_for_style_str(style)
            self._blank[style] = bool(attrs.bgcolor or attrs.underline or attrs.strike or attrs.blink or attrs.reverse)
        return self._blank[style]


class LiveApplication(Application[None]):
    """An application that reports a change of size instead of redrawing at once."""

    def __init__(self, on_resize: Callable[[], None], **options: Any) -> None:
        self._resized = on_resize
        super().__init__(erase_when_done=True, terminal_size_polling_interval=None, **options)

    def _on_resize(self) -> None:
        self._resized()


@lru_cache(maxsize=1)
def missing_private_names() -> tuple[str, ...]:
    """Which of `PRIVATE_NAMES` this prompt_toolkit does not have."""
    return tuple(f"{owner.__name__}.{name}" for owner, name, _ in PRIVATE_NAMES if not hasattr(owner, name))
