"""The input line: prompt_toolkit's buffer, bindings and application, put together around a `Region`.

What is typed belongs to it, and how it is shown; what becomes of a submitted line does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindingsBase, merge_key_bindings
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style, default_ui_style, merge_styles

from plait.repl.application import LiveApplication, LiveRenderer, SizedOutput
from plait.repl.keyboard import Fault, Keyboard
from plait.repl.keys import LONG, Actions, build_keys
from plait.repl.layout import Texts, build_layout
from plait.repl.paste import PasteShelf
from plait.repl.region import Region

_STYLE = {"bottom-toolbar": "noreverse", "search-toolbar": "", "status": ""}


@dataclass(frozen=True, slots=True)
class PromptOptions:
    """How the input behaves; see `Screen`."""

    completer: Completer | None = None
    history: History | None = None
    vi_mode: bool = False
    key_bindings: KeyBindingsBase | None = None
    colours: bool = True
    sanitize: Callable[[str], str] = str


class Prompt:
    """The input of a screen. `application` is to be run for as long as the prompt is wanted."""

    def __init__(self, options: PromptOptions, texts: Texts, region: Region, keyboard: Keyboard, actions: Actions, fault: Fault) -> None:
        self.shelf = PasteShelf()
        self.texts = texts
        self._region = region
        self.buffer = Buffer(
            completer=options.completer,
            complete_while_typing=options.completer is not None,
            history=options.history or InMemoryHistory(),
            multiline=True,
        )
        bindings = build_keys(self.buffer, self.shelf, options.sanitize, actions)
        style = merge_styles([default_ui_style(), Style.from_dict(_STYLE)])
        output = SizedOutput(self._room, region.bell)
        depth = ColorDepth.from_env() or ColorDepth.DEFAULT if options.colours else ColorDepth.DEPTH_1_BIT
        self.application = LiveApplication(
            on_resize=region.resized,
            layout=build_layout(texts, self.buffer),
            style=style,
            include_default_pygments_style=False,
            key_bindings=merge_key_bindings([bindings, options.key_bindings]) if options.key_bindings else bindings,
            color_depth=depth,
            editing_mode=EditingMode.VI if options.vi_mode else EditingMode.EMACS,
            input=keyboard,
            output=output,
        )
        self.application.renderer = LiveRenderer(style, output, depth, region.set_live, fault)

    def _room(self) -> Size:
        """What the layout may take: the tail keeps its share. Called once per drawing, so the texts are taken here."""
        columns, rows = self._region.columns, self._region.rows
        self.texts.take(columns, rows)
        return Size(rows=max(1, rows - self._region.tail_limit), columns=columns)

    def take(self) -> tuple[str, str]:
        """The text, whole and as shown, which goes to the history; the input is empty after it."""
        shown = self.buffer.text
        whole = self.shelf.whole(shown)
        if shown.strip():
            self.buffer.append_to_history()
        self.buffer.reset()
        return whole, shown

    @property
    def text(self) -> str:
        """The text under way, pastes whole."""
        return self.shelf.whole(self.buffer.text)

    @text.setter
    def text(self, text: str) -> None:
        self.buffer.document = Document(self.shelf.shown(text) if len(text) > LONG else text)

    def use_history(self, history: History) -> None:
        """Walk another history from now on; the text under way stays."""
        document = self.buffer.document
        self.buffer.history = history
        self.buffer.reset(document)
