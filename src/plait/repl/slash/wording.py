"""What is told of a session, in words: never by a colour alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from plait.core.commands import SessionInfo
from plait.core.session import Awaited, SessionState
from plait.repl.parts import session_mark
from plait.repl.style import BOLD, CYAN, DIM, GREEN, RED, YELLOW

_WAITS: Final[Mapping[Awaited, tuple[str, str]]] = {
    "question": ("asks you", f"{BOLD};{YELLOW}"),
    "answer": ("has answered", GREEN),
    "failed": ("has failed", RED),
    "interrupted": ("was interrupted", YELLOW),
    "limit": ("stopped at its limit", YELLOW),
}
_STATES: Final[Mapping[SessionState, tuple[str, str]]] = {
    SessionState.ACTIVE: ("ready", ""),
    SessionState.PROCESSING: ("working", CYAN),
    SessionState.PAUSED: ("paused", DIM),
    SessionState.COMPLETED: ("closed", DIM),
}


def state_mark(row: SessionInfo) -> tuple[str, str]:
    """The mark of a session's state, that of the toolbar where it has one, and the colour that goes with it and its words."""
    mark = "-" if row.state is SessionState.COMPLETED else session_mark(row) or "·"
    return mark, _state(row)[1]


def state_words(row: SessionInfo) -> str:
    """A session's state: "working, 2 queued"."""
    words = _state(row)[0]
    return f"{words}, {row.queued:,} queued" if row.queued else words


def _state(row: SessionInfo) -> tuple[str, str]:
    return _WAITS[row.waiting_for or "answer"] if row.state is SessionState.WAITING else _STATES[row.state]


def size(amount: int) -> str:
    """Bytes in a unit that can be read: "12 kB"."""
    for unit in ("bytes", "kB"):
        if amount < 1024:
            return f"{amount:,.0f} {unit}"
        amount //= 1024
    return f"{amount:,.0f} MB"


def quoted(rows: Sequence[SessionInfo]) -> list[str]:
    """Names of sessions, as they stand in a sentence."""
    return [f"'{row.name}'" for row in rows]
