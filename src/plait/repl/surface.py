"""What the prompt loop needs of a screen: two seams, a small one for whoever only shows, and the whole one for the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from prompt_toolkit.history import History

from plait.repl.lines import Ended, LeaveAsked, Line


class Surface(Protocol):
    """What the printer needs of a screen: a scrollback that takes finished text, and a live tail."""

    @property
    def columns(self) -> int:
        """The width to render finished text for."""
        ...

    def write(self, text: str) -> None:
        """Put finished text, of whole lines, into the scrollback."""
        ...

    def set_tail(self, text: str) -> None:
        """Show the unfinished text below the scrollback; an empty one shows nothing."""
        ...


class Terminal(Surface, Protocol):
    """What the loop needs of a screen: `repl.screen.Screen`, or `repl.plain.PlainScreen` where nothing may be redrawn."""

    @property
    def vi_mode(self) -> bool:
        """Whether the keys are vi's."""
        ...

    @vi_mode.setter
    def vi_mode(self, on: bool) -> None: ...

    @property
    def draft(self) -> str:
        """The text under way."""
        ...

    @draft.setter
    def draft(self, text: str) -> None: ...

    @property
    def cursor(self) -> int:
        """Where the cursor stands in `draft`."""
        ...

    @property
    def keeps_draft(self) -> bool:
        """Whether `draft` can be read back and set: not where the terminal itself edits the line."""
        ...

    def put_draft(self, text: str, cursor: int) -> None:
        """Set the text under way to a kept draft, which answers no question, with the cursor at a place in it."""
        ...

    def pick(self, start: str, on_cancel: Callable[[], None], on_widen: Callable[[], None] | None = None) -> None:
        """Let the user choose what completes `start`, and submit that; `on_widen` is called when they want another selection."""
        ...

    async def read(self) -> Line | LeaveAsked | Ended:
        """The next line, the wish to leave, or the end."""
        ...

    def put(self, line: Line | LeaveAsked) -> None:
        """Add a line, or the wish to leave, behind those that were submitted before."""
        ...

    def refresh(self) -> None:
        """Draw prompt and toolbar again."""
        ...

    def hint(self, text: str, seconds: float = 4.0) -> None:
        """Show a line for a while; an empty one takes away what is shown."""
        ...

    def forward(self, sequence: str) -> None:
        """Send a control sequence of ours as it is."""
        ...

    async def drained(self) -> None:
        """Return once the terminal has taken most of what was written."""
        ...

    def use_history(self, history: History) -> None:
        """Walk another history from now on."""
        ...

    async def edit(self, text: str) -> str | None:
        """The text after the user's editor; None if it did not change it."""
        ...

    def leave(self) -> None:
        """End the lines."""
        ...
