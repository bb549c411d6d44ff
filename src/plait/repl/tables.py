"""Tables to rows: in columns where they fit, as a list of records where they do not.

A column is never narrower than its longest word, up to `WORD` columns; what is longer is broken. A table that does not fit even so, or
any table in a plain look, becomes one line per cell, "head: value", with an empty row between records. Nothing is cut off.
"""

from __future__ import annotations

from typing import Final

from plait.repl.style import BOLD, DIM, Look, Row, Span, row_width, wrap

WORD: Final = 12
Cell = list[Span]


def table_rows(head: list[Cell], body: list[list[Cell]], right: list[bool], look: Look, width: int) -> list[Row]:
    """Rows of at most `width` columns; `right` says which columns are set to the right. Every line has as many cells as the head."""
    table = [[[(text.replace("\n", " "), sgr) for text, sgr in cell] for cell in line] for line in [head, *body]]
    widths = None if look.plain else _widths(table, width - 3 * (len(head) - 1))
    if widths is None:
        return _records(table[0], table[1:], look, width)
    rows = _line([[(text, f"{BOLD};{sgr}" if sgr else BOLD) for text, sgr in cell] for cell in table[0]], widths, right, look)
    rows.append([(look.marks("─┼─").join(look.marks("─") * size for size in widths), DIM)])
    for line in table[1:]:
        rows.extend(_line(line, widths, right, look))
    return rows


def _widths(table: list[list[Cell]], room: int) -> list[int] | None:
    """The columns' widths, or None where there is no room for them. What room is left goes to where text is longest."""
    columns = list(zip(*table, strict=True))
    wanted = [max(1, *(row_width(cell) for cell in column)) for column in columns]
    least = [min(WORD, want, max(1, *(_longest_word(cell) for cell in column))) for want, column in zip(wanted, columns, strict=True)]
    if sum(wanted) <= room:
        return wanted
    if sum(least) > room:
        return None
    widths, left = least, room - sum(least)
    missing = [want - size for want, size in zip(wanted, widths, strict=True)]
    shares = [left * lack // max(1, sum(missing)) for lack in missing]
    return [size + share for size, share in zip(widths, shares, strict=True)]


def _longest_word(cell: Cell) -> int:
    return max((row_width([(word, "")]) for word in "".join(text for text, _ in cell).split(" ")), default=0)


def _line(cells: list[Cell], widths: list[int], right: list[bool], look: Look) -> list[Row]:
    """One line of the table, as high as its highest cell."""
    columns = [wrap(cell, size) for cell, size in zip(cells, widths, strict=True)]
    rows: list[Row] = []
    for index in range(max(map(len, columns))):
        row: Row = []
        for column, size, to_right in zip(columns, widths, right, strict=True):
            if row:
                row.append((look.marks(" │ "), DIM))
            part = column[index] if index < len(column) else []
            blanks = (" " * (size - row_width(part)), "")
            row.extend([blanks, *part] if to_right else [*part, blanks])
        rows.append(row)
    return rows


def _records(head: list[Cell], body: list[list[Cell]], look: Look, width: int) -> list[Row]:
    """Each line of the table as a list of its cells; a table without a body as its head."""
    if not body:
        return [row for cell in head for row in wrap(cell, width)]
    rows: list[Row] = []
    for line in body:
        if rows:
            rows.append([])
        for name, cell in zip(head, line, strict=True):
            if any(text.strip() for text, _ in [*name, *cell]):
                rows.extend(wrap([*((text, BOLD) for text, _ in name), (": ", ""), *cell], width))
    return rows
