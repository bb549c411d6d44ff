"""The keys that go from session to session. Each has a command as well: `/switch N`, `/next`, `/back`, `/switch`.

Alt with a digit, n or p; in vi mode, where Esc is a key of its own, Ctrl+X and then the same. Ctrl+X works in both. Ctrl+O offers all
sessions to choose from: a key that no terminal keeps for itself once it is in raw mode. Esc twice on an empty line offers the messages
to go back to, as `/rewind` does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition, emacs_mode
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent


def session_keys(move: Callable[[str, str], None], choose: Callable[[], None], go_back: Callable[[], None]) -> KeyBindings:
    """The bindings, for `Screen(key_bindings=...)`.

    `move` is given a command's name and its argument, `choose` offers all sessions, `go_back` the messages; all return at once.
    """
    keys = KeyBindings()
    for digit in range(10):
        _bind(keys, str(digit), partial(move, "switch", str(digit or 10)))
    _bind(keys, "n", partial(move, "next", ""))
    _bind(keys, "p", partial(move, "back", ""))

    @keys.add("c-o")
    def _choose(event: KeyPressEvent) -> None:
        choose()

    @keys.add("escape", "escape", filter=emacs_mode & Condition(lambda: not get_app().current_buffer.text))
    def _messages(event: KeyPressEvent) -> None:
        go_back()

    return keys


def _bind(keys: KeyBindings, key: str, action: Callable[[], None]) -> None:
    @keys.add("escape", key, filter=emacs_mode)
    @keys.add("c-x", key)
    def _pressed(event: KeyPressEvent) -> None:
        action()
