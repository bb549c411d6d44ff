"""The input line: prompt_toolkit's buffer, bindings and application, put together around a `Region`.

What is typed belongs to it, and how it is shown; what becomes of a submitted line does not.
"""

from __future__ import annotations

import asyncio
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
    on_edit: Callable[[], object] = bool


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
            on_text_changed=self._edited,
        )
        self.began: float | None = None
        """When the first key of the text under way came, in the event loop's seconds; None while there is none, 0 for a kept draft."""
        self._on_edit = options.on_edit
        self._on_cancel: Callable[[], None] | None = None
        self._on_widen: Callable[[], None] | None = None
        bindings = build_keys(self.buffer, self.shelf, options.sanitize, actions, self)
        style = merge_styles([default_ui_style(), Style.from_dict(_STYLE)])
        output = SizedOutput(self._room, region.bell)
        depth = ColorDepth.from_env() or ColorDepth.DEFAULT if options.colours else ColorDepth.DEPTH_1_BIT
        self.application = LiveApplication(
            on_resize=region.resized,
            layout=build_layout(texts, self.buffer, lambda: self.picking),
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
        self._on_cancel = None
        self._empty()
        return whole, shown

    def _empty(self) -> None:
        """`Buffer.reset` tells nobody that the text has changed."""
        self.buffer.reset()
        self._edited(self.buffer)

    @property
    def text(self) -> str:
        """The text under way, pastes whole; none while something is chosen."""
        return "" if self.picking else self.shelf.whole(self.buffer.text)

    @property
    def cursor(self) -> int:
        """Where the cursor stands in `text`."""
        return len(self.shelf.whole(self.buffer.document.text_before_cursor))

    def put(self, text: str, cursor: int) -> None:
        """Set the text under way, which ends a choice; one that is too long to be shown whole has its cursor at the end."""
        self._on_cancel = None
        shown = self.shelf.shown(text) if len(text) > LONG else text
        self.buffer.document = Document(shown, min(cursor, len(text)) if shown == text else len(shown))

    def put_kept(self, text: str, cursor: int) -> None:
        """The same with a text that was typed some time before: it is no answer to what was asked since, and its pastes are pastes."""
        shown, before = self.shelf.folded(text), self.shelf.folded(text[:cursor])
        if shown == text and text.startswith(("!", "/")):  # nobody knows after a restart what was pasted: many lines were
            shown = self.shelf.shown(text)
        self.put(shown, len(before) if shown.startswith(before) else len(shown))
        self.began = 0.0 if text else None

    def _edited(self, buffer: Buffer) -> None:
        if not buffer.text:
            self.began = None
        elif self.began is None:
            self.began = asyncio.get_running_loop().time()
        self._on_edit()

    def pick(self, start: str, on_cancel: Callable[[], None], on_widen: Callable[[], None] | None = None) -> None:
        """Begin to choose: see `Screen.pick`. Once more, it goes on to what comes next in the menu."""
        if self.picking:
            self.buffer.complete_next()
            return
        self.buffer.document = Document(start)
        self._on_cancel, self._on_widen = on_cancel, on_widen
        self.buffer.start_completion()

    def widen(self) -> None:
        """Offer more, or less again, where whoever asked can."""
        if self._on_widen is not None:
            self._on_widen()
            self.buffer.complete_state = None
            self.buffer.start_completion()

    @property
    def picking(self) -> bool:
        """Whether something is being chosen."""
        return self._on_cancel is not None

    def picked(self) -> bool:
        """What stands in the line is chosen: what is marked in the menu, else the first that fits what was typed; False for nothing."""
        state = self.buffer.complete_state
        if not self.buffer.text.strip() and not (state and state.completions):
            self.cancel()
            return False
        self._on_cancel = None
        if state is not None and state.current_completion is None and state.completions:
            self.buffer.go_to_completion(0)
        self.buffer.complete_state = None
        return True

    def cancel(self) -> None:
        """Nothing is chosen, and the line is empty again."""
        told, self._on_cancel = self._on_cancel, None
        self._empty()
        if told is not None:
            told()

    def use_history(self, history: History) -> None:
        """Walk another history from now on; the text under way stays."""
        document = self.buffer.document
        self.buffer.history = history
        self.buffer.reset(document)
