"""What the settings decide about the prompt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from plait.core.notices import Rules


@dataclass(frozen=True, slots=True)
class ReplOptions:
    """See the settings of the same names (`settings.Settings`); `gap` is in seconds, 0 for never."""

    gap: float = 3600.0
    kept: bool = True
    """Whether sessions are kept on disk."""
    many: bool = True
    """Whether there may be many sessions."""
    to_many: str = ""
    """Where there may not: how to have them, as a sentence."""
    indicator: bool = True
    indicator_sessions: int = 5
    text_only_indicator: bool = False
    announce: bool = True
    """Whether linear text says when another session's state changes."""
    terminal_title: bool = True
    notify: Rules = Rules()  # noqa: RUF009  # frozen
    notify_command: str = ""
    notify_cooldown: float = 10.0
    secret: Collection[str] = ()
    """Variables beyond the known keys that the user's commands are not given."""
