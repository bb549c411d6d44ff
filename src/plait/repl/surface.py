"""What the prompt loop needs of a screen: two seams, a small one for whoever only shows, and the whole one for the loop."""

from __future__ import annotations

from typing import Protocol

from prompt_toolkit.history import History

from plait.repl.lines import Ended, Line


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

    async def read(self) -> Line | Ended:
        """The next line, or the end."""
        ...

    def refresh(self) -> None:
        """Draw prompt and toolbar again."""
        ...

    def hint(self, text: str, seconds: float = 4.0) -> None:
        """Show a line for a while."""
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
