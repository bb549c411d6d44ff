"""Commands about what was typed and not sent. `core.commands` names them with all others."""

from __future__ import annotations

from dataclasses import dataclass

from plait.core.messages import SessionId


@dataclass(frozen=True, slots=True)
class KeepDraft:
    """Keep what was typed in this session and not sent; an empty text forgets it. `cursor` counts characters from the start."""

    session: SessionId
    text: str
    cursor: int = 0


@dataclass(frozen=True, slots=True)
class ReadDraft:
    """What was typed in this session and not sent. Answered with `Draft`."""

    session: SessionId
