"""The keys of the prompt, beyond what prompt_toolkit's emacs and vi modes bind themselves.

Enter sends; Alt+Enter and Ctrl+J begin a new line; Up and Down move in the text, else in the history; Tab completes; Ctrl+G and
Ctrl+X Ctrl+E open the editor; Ctrl+C, Ctrl+D, Ctrl+Z, Ctrl+L as the caller of the screen sees fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, has_focus, has_selection
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from plait.repl.paste import PasteShelf, normalise

LONG = 10_000  # characters; a text from the history that is longer is shown as a placeholder


@dataclass(frozen=True, slots=True)
class Actions:
    """What keys do outside of the text. Each is called in the event loop and returns at once."""

    submit: Callable[[], None]
    interrupt: Callable[[], None]
    end: Callable[[], None]
    suspend: Callable[[], None]
    redraw: Callable[[], None]
    edit: Callable[[], None]


class Picker(Protocol):
    """A choice that is made in the input line: see `repl.prompt.Prompt`."""

    @property
    def picking(self) -> bool:
        """Whether something is being chosen."""
        ...

    def picked(self) -> bool:
        """Take what is marked, or what fits best; False, and the choice is over, if there is nothing."""
        ...

    def cancel(self) -> None:
        """Choose nothing."""
        ...

    def widen(self) -> None:
        """Offer more, or less again."""
        ...


def build_keys(buffer: Buffer, shelf: PasteShelf, sanitize: Callable[[str], str], actions: Actions, picker: Picker) -> KeyBindings:
    """The bindings for the input `buffer`."""
    keys = KeyBindings()
    focused = has_focus(buffer)
    _bind_actions(keys, buffer, actions)
    _bind_picker(keys, buffer, actions, picker)
    _bind_text(keys, buffer, shelf, sanitize)

    @keys.add("up", filter=focused & ~Condition(lambda: picker.picking))
    def _up(event: KeyPressEvent) -> None:
        buffer.auto_up(count=event.arg)
        _shorten(buffer, shelf)

    @keys.add("down", filter=focused & ~Condition(lambda: picker.picking))
    def _down(event: KeyPressEvent) -> None:
        buffer.auto_down(count=event.arg)
        _shorten(buffer, shelf)

    @keys.add("tab", filter=focused)
    def _complete(event: KeyPressEvent) -> None:
        if buffer.complete_state is None:
            buffer.start_completion(insert_common_part=True)
        else:
            buffer.complete_next()

    return keys


def _bind_actions(keys: KeyBindings, buffer: Buffer, actions: Actions) -> None:
    focused = has_focus(buffer)
    empty = Condition(lambda: not buffer.text)

    @keys.add("enter", filter=focused)
    def _enter(event: KeyPressEvent) -> None:
        if buffer.complete_state is not None and buffer.complete_state.current_completion is not None:
            buffer.complete_state = None  # takes the completion; the next Enter sends
        else:
            actions.submit()

    @keys.add("c-c", filter=focused)
    def _interrupt(event: KeyPressEvent) -> None:
        actions.interrupt()

    @keys.add("c-d", filter=focused & empty)
    def _end(event: KeyPressEvent) -> None:
        actions.end()

    @keys.add("c-z")
    def _suspend(event: KeyPressEvent) -> None:
        actions.suspend()

    @keys.add("c-l")
    def _redraw(event: KeyPressEvent) -> None:
        actions.redraw()

    @keys.add("c-g", filter=focused & ~has_selection)
    @keys.add("c-x", "c-e", filter=focused)
    def _edit(event: KeyPressEvent) -> None:
        actions.edit()


def _bind_picker(keys: KeyBindings, buffer: Buffer, actions: Actions, picker: Picker) -> None:
    picking = has_focus(buffer) & Condition(lambda: picker.picking)

    @keys.add("enter", filter=picking)
    def _take(event: KeyPressEvent) -> None:
        if picker.picked():
            actions.submit()

    @keys.add("escape", filter=picking, eager=True)
    @keys.add("c-c", filter=picking)
    @keys.add("c-g", filter=picking)
    def _cancel(event: KeyPressEvent) -> None:
        picker.cancel()

    @keys.add("c-a", filter=picking)
    def _widen(event: KeyPressEvent) -> None:
        picker.widen()

    @keys.add("down", filter=picking)
    def _next(event: KeyPressEvent) -> None:
        buffer.complete_next()

    @keys.add("up", filter=picking)
    def _previous(event: KeyPressEvent) -> None:
        buffer.complete_previous()


def _bind_text(keys: KeyBindings, buffer: Buffer, shelf: PasteShelf, sanitize: Callable[[str], str]) -> None:
    focused = has_focus(buffer)

    @keys.add("escape", "enter", filter=focused)
    @keys.add("c-j", filter=focused)
    def _new_line(event: KeyPressEvent) -> None:
        buffer.insert_text("\n")

    @keys.add(Keys.BracketedPaste)
    def _paste(event: KeyPressEvent) -> None:
        text = sanitize(normalise(event.data))
        if buffer is event.current_buffer:
            buffer.save_to_undo_stack()
            buffer.insert_text(shelf.shown(text))
        else:  # the search field: one line
            event.current_buffer.insert_text(text.replace("\n", " "))

    @keys.add("backspace", filter=focused & Condition(lambda: bool(shelf.ending_at(buffer.document.text_before_cursor))))
    def _delete_paste(event: KeyPressEvent) -> None:
        buffer.save_to_undo_stack()
        buffer.delete_before_cursor(shelf.ending_at(buffer.document.text_before_cursor))


def _shorten(buffer: Buffer, shelf: PasteShelf) -> None:
    """A huge text out of the history would make each drawing slow."""
    if len(buffer.text) > LONG:
        buffer.document = Document(shelf.shown(buffer.text))
