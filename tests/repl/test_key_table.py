"""The table of keys tells what is bound, and the page tells the table."""

from __future__ import annotations

from pathlib import Path

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.key_binding import merge_key_bindings
from prompt_toolkit.key_binding.defaults import load_key_bindings
from prompt_toolkit.keys import Keys

from plait.repl.key_table import KEYS, page, render_keys
from plait.repl.keys import Actions, build_keys
from plait.repl.paste import PasteShelf
from plait.repl.session_keys import session_keys
from plait.repl.style import Look

_NAMES = {"enter": Keys.Enter, "tab": Keys.Tab, "backspace": Keys.Backspace}


class Nothing:
    """A picker that offers nothing."""

    picking = False

    def picked(self) -> bool:
        return False

    def cancel(self) -> None:
        return

    def widen(self) -> None:
        return


def nothing(*arguments: str) -> None:
    return


def test_every_key_of_the_table_is_bound() -> None:
    own = build_keys(Buffer(), PasteShelf(), str, Actions(nothing, nothing, nothing, nothing, nothing, nothing), Nothing())
    bindings = merge_key_bindings([load_key_bindings(), own, session_keys(nothing, nothing, nothing)])
    sequences = [sequence for row in KEYS for sequence in row.bound]
    assert len(sequences) > 15
    for sequence in sequences:
        keys = tuple(_NAMES.get(key) or Keys(key) if len(key) > 1 else key for key in sequence)
        assert bindings.get_bindings_for_keys(keys), f"nothing is bound to {sequence}"


def test_every_key_between_sessions_is_in_the_table() -> None:
    told = {keys for row in KEYS for keys in row.bound}
    bound = {
        tuple(key if isinstance(key, str) and len(key) == 1 else Keys(key).value for key in one.keys)
        for one in session_keys(nothing, nothing, nothing).bindings
    }
    assert len(bound) == 26
    assert bound <= told


def test_the_page_is_up_to_date() -> None:
    written = Path(__file__).parents[2] / "docs" / "keys.md"
    assert written.read_text(encoding="utf-8") == page(), "run: python -m plait.repl.key_table > docs/keys.md"


def test_help_shows_each_row() -> None:
    shown = render_keys(Look(width=200))
    assert all(row.told in shown for row in KEYS)
