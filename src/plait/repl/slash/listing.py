"""How sessions are listed: in columns where they fit, else each in rows of its own; in words alone for a plain look; or as JSON.

Names, titles and directories are untrusted: all of them pass `Look.clean`, or are escaped as JSON does it. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from plait.core.commands import SessionInfo
from plait.core.session import SessionState
from plait.repl.indicator import KIND_COLOURS, shorten
from plait.repl.render import relative_time
from plait.repl.slash.wording import counted, state_mark, state_words
from plait.repl.style import BOLD, DIM, GUTTER, Look, Row, Span, row_width, width_of, wrap

TITLE = 16
"""Columns that a title needs beside the rest; with less, it stands below."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A session in the list: its `number` (0 for a completed one), and what is told below it."""

    row: SessionInfo
    number: int = 0
    shown: bool = False
    place: str = ""
    """The project, where it is not the one that the prompt is in."""
    below: tuple[str, ...] = ()


def list_rows(listed: Sequence[Listed], look: Look, now: float) -> list[Row]:
    """Rows of at most `look.content_width` columns; `now` is in seconds since 1970."""
    if look.plain:
        return [row for one in listed for row in _in_words(one, look, now)]
    cells = [_cells(one, look, now) for one in listed]
    widths = [max(width_of(one[column][0]) for one in cells) for column in range(len(cells[0]))] if cells else []
    room = look.content_width - sum(widths) - 2 * len(widths)
    rest = [_rest(one) for one in listed]
    if any(room < width_of(look.clean(texts)) + (TITLE if one.row.title else 0) for one, texts in zip(listed, rest, strict=True)):
        return [row for one, spans in zip(listed, cells, strict=True) for row in _narrow(one, spans, look)]
    rows: list[Row] = []
    for one, parts, facts in zip(listed, cells, rest, strict=True):
        row: Row = []
        for (text, colour), width in zip(parts, widths, strict=True):
            row += [(text, colour), (" " * (width - width_of(text) + 2), "")]
        last = "  ".join(part for part in (facts, one.row.title) if part)
        rows.append([*row, (shorten(last, room, look), DIM)])
        rows += _below(one, look)
    return rows


def _cells(one: Listed, look: Look, now: float) -> list[Span]:
    row = one.row
    mark, colour = state_mark(row)
    return [
        (_number(one), BOLD if one.shown else DIM),
        (look.clean(row.name), BOLD),
        (f"{look.marks(mark)} {state_words(row)}", colour),
        (row.kind, KIND_COLOURS[row.kind]),
        (counted(row.messages, "message"), ""),
        (relative_time(now - row.last_at), ""),
    ]


def _number(one: Listed) -> str:
    return f"{'*' if one.shown else ' '}{one.number or '-':>3}"


def _rest(one: Listed) -> str:
    """What only some sessions have; all but the title. What is typed in the shown one is before the user's eyes."""
    row = one.row
    facts = (
        f"{row.unread:,} unread" if row.unread else "",
        "(draft)" if row.draft and not one.shown else "",
        f"in {one.place}" if one.place else "",
    )
    return "  ".join(fact for fact in facts if fact)


def _narrow(one: Listed, cells: Sequence[Span], look: Look) -> list[Row]:
    """One session in rows of its own."""
    (number, tone), (name, bold), (state, colour), *more = cells
    head: Row = [(f"{number} ", tone), (name, bold), ("  ", ""), (state, colour)]
    rows = [head] if row_width(head) <= look.content_width else wrap(head, look.content_width)
    facts = (*(text for text, _ in more), *look.clean(_rest(one)).split("  "), look.clean(one.row.title))
    for line in _joined([fact for fact in facts if fact], look.marks(" · "), look.content_width - len(_indent(look))):
        rows += _indented(line, look)
    return [*rows, *_below(one, look)]


def _joined(facts: Sequence[str], between: str, room: int) -> list[str]:
    """Facts on as few lines as they need; one that has no room even alone is wrapped by whoever shows it."""
    lines = facts[:1]
    for fact in facts[1:]:
        longer = f"{lines[-1]}{between}{fact}"
        lines = [*lines[:-1], longer] if width_of(longer) <= room else [*lines, fact]
    return list(lines)


def _in_words(one: Listed, look: Look, now: float) -> list[Row]:
    row = one.row
    number = f"{one.number} " if one.number else ""
    shown = ", shown now" if one.shown else ""
    facts = [
        row.kind,
        counted(row.messages, "message"),
        relative_time(now - row.last_at),
        *_rest(one).replace("(draft)", "draft").split("  "),
    ]
    words = f"{number}{row.name}{shown}: {state_words(row)}, {', '.join(fact for fact in facts if fact)}"
    words += f", {row.title}" if row.title else ""
    return [*wrap([(look.clean(words), "")], look.content_width), *_below(one, look)]


def _below(one: Listed, look: Look) -> list[Row]:
    return [row for text in one.below for row in _indented(look.clean(text), look)]


def _indent(look: Look) -> str:
    """Four columns, where there is room."""
    return GUTTER * 2 if look.content_width >= 24 else ""


def _indented(text: str, look: Look) -> list[Row]:
    """Clean text, wrapped and set off."""
    indent = (_indent(look), "")
    return [[indent, *row] for row in wrap([(text, DIM)], look.content_width - len(indent[0]))]


def places(rows: Sequence[SessionInfo], home: str) -> dict[str, str]:
    """What each project but `home` is called in a list: its id without the digits at the end, where no other is called so."""
    short = {row.project: row.project.rpartition("-")[0] or row.project for row in rows}
    names = list(short.values())
    return {project: name if names.count(name) == 1 else project for project, name in short.items() if project != home}


def json_lines(listed: Sequence[Listed]) -> str:
    """One JSON array, each session on a line of its own that is not wrapped. Times are seconds since 1970."""
    lines = ",\n".join(_json(one) for one in listed)
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def _json(one: Listed) -> str:
    row = one.row
    plain = {
        "number": one.number or None,
        "id": row.id,
        "name": row.name,
        "title": row.title,
        "type": row.kind,
        "state": row.state,
        "waitingFor": row.waiting_for or None,
        "waitingSince": row.waiting_since if row.waiting_for else None,
        "shown": one.shown,
        "project": row.project,
        "cwd": row.directory,
        "messages": row.messages,
        "unread": row.unread,
        "queued": row.queued,
        "draft": row.draft and not one.shown,
        "createdAt": row.created_at,
        "lastAt": row.last_at,
        "completed": row.state is SessionState.COMPLETED,
    }
    return json.dumps(plain)  # ASCII: nothing in it can mean anything to a terminal
