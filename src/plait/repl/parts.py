"""The parts of the toolbar and how they are put into one row: what matters least is left out first. Pure; the texts are sanitized here
where they come from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from operator import itemgetter
from typing import Final, NamedTuple

from plait.core.commands import GateFigures, SessionInfo
from plait.core.messages import SessionId
from plait.core.session import SessionState
from plait.repl.fleet import FleetView
from plait.repl.indicator import AWAITED_MARKS, shorten
from plait.repl.rows import text_width
from plait.repl.style import Look

MODEL_WIDTH: Final = 40
"""Columns of a model's name at the most."""
MODEL_END: Final = 6
"""Characters of a shortened name that still tell it apart."""
SMALLEST_SESSION: Final = 6
"""Columns of a session in the row at the least: its number, its name, what stands between."""
BETWEEN: Final = 3
"""Columns between two parts."""


class Rank(IntEnum):
    """What matters most, first; the row leaves out from the end. What is `SPARE` leaves room for the model's name as well."""

    TROUBLE = 0
    QUEUED = 1
    DOING = 2
    SHOWN = 3
    ASKS = 4
    HELD = 5
    ANSWERED = 6
    STOPS = 7
    WORKS = 8
    GATE = 9
    CONTEXT = 10
    PAUSED = 11
    IDLE = 12
    HELP = 13


SPARE: Final = Rank.PAUSED


class Part(NamedTuple):
    """Something that the row says, if there is room for it."""

    rank: Rank
    text: str
    is_session: bool = False


def session_parts(fleet: FleetView, look: Look) -> list[Part]:
    """Open sessions by number, name and mark, such as `1 auth-fix*` (the shown one) or `2 docs ?`, in the order of their numbers.

    Only as many of those that matter most as a row could hold: the others' texts are not made at each drawing.
    """
    ranked = sorted((_session_rank(one, fleet.shown), number) for number, one in enumerate(fleet.sessions, 1))
    parts: list[Part] = []
    for rank, number in sorted(ranked[: look.width // SMALLEST_SESSION + 1], key=itemgetter(1)):
        one = fleet.sessions[number - 1]
        mark = session_mark(one)
        shown = one.id == fleet.shown
        if shown and one.state is SessionState.PROCESSING:
            mark = ""  # what it does stands in the row in words
        text = f"{number} {shorten(one.name, look.width, look)}{'*' if shown else ''}{' ' + look.marks(mark) if mark else ''}"
        parts.append(Part(rank, text, True))
    return parts


def session_mark(one: SessionInfo) -> str:
    """What a session does or waits for, in one character: `?` asks, `✗` failed, `!` was stopped, `✓` answered, `…` works, `‖` is paused."""
    match one.state:
        case SessionState.WAITING:
            return AWAITED_MARKS.get(one.waiting_for, "✓")
        case SessionState.PROCESSING:
            return "…"
        case SessionState.PAUSED:
            return "‖"
        case SessionState.ACTIVE | SessionState.COMPLETED:
            return "✓" if one.unread else ""


def _session_rank(one: SessionInfo, shown: SessionId) -> Rank:
    if one.id == shown:
        return Rank.SHOWN
    match one.state:
        case SessionState.WAITING:
            return Rank.ANSWERED if one.waiting_for == "answer" else Rank.ASKS
        case SessionState.PROCESSING:
            return Rank.WORKS
        case SessionState.PAUSED:
            return Rank.PAUSED
        case SessionState.ACTIVE | SessionState.COMPLETED:
            return Rank.ANSWERED if one.unread else Rank.IDLE


def row_text(parts: Sequence[Part], sessions: int, model: str, look: Look) -> str:
    """The parts that fit together, how many of the `sessions` are left out, and as much of the model's name as there is room for."""
    between = look.marks(" · ")
    order = sorted(range(len(parts)), key=lambda index: parts[index].rank)
    reserved = _shortest_model(model, look) if sessions else ""
    kept = _fitting([parts[index] for index in order], sessions, BETWEEN + text_width(reserved) if reserved else 0, look.width)
    if not kept:
        return shorten(parts[order[0]].text, look.width, look)
    chosen = [parts[index] for index in sorted(order[:kept])]
    first = [part.text for part in chosen if part.is_session]
    if first and len(first) < sessions:
        first.append(f"+{sessions - len(first)} more")
    rest = [part.text for part in chosen if not part.is_session]
    room = look.width - sum(text_width(text) + BETWEEN for text in (*first, *rest))
    groups = (between.join(first), between.join(filter(None, (_model_within(model, min(room, MODEL_WIDTH), look), *rest))))
    return look.marks(" │ ").join(filter(None, groups))


def _fitting(order: Sequence[Part], sessions: int, reserved: int, width: int) -> int:
    """How many of the parts, the most important first, fit with what says how many sessions are left out.

    Room is `reserved` only where it is there without the parts that are `SPARE`.
    """
    best = needed = used = named = 0
    room = width
    first_spare = next((index for index, part in enumerate(order) if part.rank >= SPARE), len(order))
    for index, part in enumerate(order):
        if index == first_spare and needed + reserved <= width:
            room -= reserved
        used += text_width(part.text) + BETWEEN
        named += part.is_session
        left_out = BETWEEN + len(f"+{sessions - named} more") if named and named < sessions else 0
        needed = used - BETWEEN + left_out
        if used - BETWEEN > room:
            break
        if needed <= room:
            best = index + 1
    return best


def _model_within(model: str, room: int, look: Look) -> str:
    """A long model name keeps its provider and its end, which tell it apart; nothing where there is no room for that."""
    if text_width(model) <= room:
        return model
    head = model.partition(":")[0] + ":" + look.marks("…")
    end = room - text_width(head)
    if end < MODEL_END or not model.isascii():
        return ""
    return head + model[-end:]


def _shortest_model(model: str, look: Look) -> str:
    short = model.partition(":")[0] + ":" + look.marks("…") + model[-MODEL_END:]
    return short if model.isascii() and len(short) < len(model) else model if text_width(model) <= MODEL_WIDTH else ""


def gate_parts(gate: GateFigures, look: Look) -> list[Part]:
    """The calls of all sessions while there are any, and the providers that asked for a pause."""
    parts: list[Part] = []
    if gate.queued:
        parts.append(Part(Rank.HELD, f"llm {gate.running}/{gate.limit}, {gate.queued} queued"))
    elif gate.running:
        parts.append(Part(Rank.GATE, f"llm {gate.running}/{gate.limit}"))
    if gate.paused:
        parts.append(Part(Rank.HELD, f"{', '.join(map(look.clean, gate.paused))} wait{'s' if len(gate.paused) == 1 else ''}"))
    return parts
