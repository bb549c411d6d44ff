"""How sessions are listed: in columns where they fit, else each in rows of its own; or in words alone for a plain look.

Names, titles and directories are untrusted: all of them pass `Look.clean`. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.commands import SessionInfo
from plait.core.counting import counted
from plait.exchange.listing import Listed, tags_text
from plait.repl.indicator import KIND_COLOURS, shorten
from plait.repl.render import relative_time
from plait.repl.slash.wording import state_mark, state_words
from plait.repl.style import BOLD, DIM, GUTTER, Look, Row, Span, row_width, width_of, wrap

TITLE = 16
"""Columns that a title needs beside the rest; with less, it stands below."""


def list_rows(listed: Sequence[Listed], look: Look, now: float) -> list[Row]:
    """Rows of at most `look.content_width` columns; `now` is in seconds since 1970."""
    if look.plain:
        return [row for one in listed for row in _in_words(one, look, now)]
    cells = [_cells(one, look, now) for one in listed]
    widths = [max(width_of(one[column][0]) for one in cells) for column in range(len(cells[0]))] if cells else []
    room = look.content_width - sum(widths) - 2 * len(widths)
    rest = [_rest(one, room - TITLE) for one in listed]
    if any(room < width_of(look.clean(texts)) + (TITLE if one.row.title else 0) for one, texts in zip(listed, rest, strict=True)):
        return [row for one, spans in zip(listed, cells, strict=True) for row in _narrow(one, spans, look)]
    rows: list[Row] = []
    for one, parts, facts in zip(listed, cells, rest, strict=True):
        row: Row = []
        for (text, colour), width in zip(parts, widths, strict=True):
            row += [(text, colour), (" " * (width - width_of(text) + 2), "")]
        last = "  ".join(part for part in (facts, one.row.title) if part)
        rows.append([*row, (shorten(last, room, look), DIM)])
        if one.row.tags and tags_text(one.row.tags) not in facts:
            rows += _indented(look.clean(tags_text(one.row.tags)), look)
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
        (_messages(row), ""),
        (relative_time(now - row.last_at), ""),
    ]


def _number(one: Listed) -> str:
    return f"{'*' if one.shown else ' '}{one.number or '-':>3}"


def _messages(row: SessionInfo) -> str:
    unread = f", {row.unread:,} unread" if row.unread else ""
    return f"{counted(row.messages, 'message')}{unread}"


def _rest(one: Listed, room: int = 10_000) -> str:
    """What only some sessions have; all but the title, and tags only where they have room.

    What is typed in the shown one is before the user's eyes.
    """
    row = one.row
    facts = [
        "pinned" if row.pinned else "",
        "in the trash" if row.trashed_at else "archived" if row.archived else "",
        "(draft)" if row.draft and not one.shown else "",
        f"in {one.place}" if one.place else "",
    ]
    told = "  ".join(fact for fact in facts if fact)
    tagged = "  ".join(text for text in (told, tags_text(row.tags)) if text)
    return tagged if width_of(tagged) <= room else told


def _narrow(one: Listed, cells: Sequence[Span], look: Look) -> list[Row]:
    """One session in rows of its own."""
    (number, tone), (name, bold), (state, colour), *more = cells
    head: Row = [(f"{number} ", tone), (name, bold), ("  ", ""), (state, colour)]
    rows = [head] if row_width(head) <= look.content_width else wrap(head, look.content_width)
    facts = (*(part for text, _ in more for part in text.split(", ")), *look.clean(_rest(one)).split("  "), look.clean(one.row.title))
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
        _messages(row),
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
