"""The part of a text that shows why it was found, in one line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.searching import Phrase, places

LENGTH = 200
"""Characters of a snippet, about; two lines of a terminal."""
BEFORE = 50
"""Characters before the first of the words."""
LOOKED_AT = 20_000
"""Characters of a long text in which the first of the words are looked for, before the whole of it is."""


def snippet(text: str, phrases: Sequence[Phrase]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The part with the most of the phrases, its blanks and line ends as one blank each, and where the phrases stand in it."""
    found = places(text[:LOOKED_AT], phrases)
    if not all(found):
        found = places(text, phrases)
    marks = _apart(sorted(mark for one in found for mark in one))
    first = _best(found)
    start = _word_start(text, max(0, first - BEFORE), first)
    end = min(len(text), start + LENGTH)
    inside = [(max(start, begin), min(end, stop)) for begin, stop in marks if begin < end and stop > start]
    return _in_one_line(text, start, end, inside)


def _best(found: Sequence[Sequence[tuple[int, int]]]) -> int:
    """Where the window begins that holds the most phrases; the first of such."""
    starts = sorted((mark[0], number) for number, marks in enumerate(found) for mark in marks)
    best, most, left = (starts[0][0] if starts else 0), 0, 0
    counts = [0] * len(found)
    for place, number in starts:
        counts[number] += 1
        while place - starts[left][0] > LENGTH - 2 * BEFORE:
            counts[starts[left][1]] -= 1
            left += 1
        held = sum(map(bool, counts))
        if held > most:
            best, most = starts[left][0], held
    return best


def _word_start(text: str, place: int, first: int) -> int:
    """The next start of a word at or after `place`, if there is one before `first`."""
    if place == 0:
        return 0
    blank = next((at for at in range(place, first) if text[at].isspace()), None)
    return place if blank is None else blank + 1


def _apart(marks: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Marks in order, those that overlap joined."""
    joined: list[tuple[int, int]] = []
    for start, end in marks:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _in_one_line(text: str, start: int, end: int, marks: Sequence[tuple[int, int]]) -> tuple[str, tuple[tuple[int, int], ...]]:
    out: list[str] = ["… "] if start else []
    size = sum(map(len, out))
    new: dict[int, int] = {}
    blank = True
    for place in range(start, end):
        new[place] = size
        char = text[place]
        if not char.isspace():
            out.append(char)
        elif not blank:
            out.append(" ")
        else:
            continue
        blank = char.isspace()
        size += 1
    new[end] = size
    line = "".join(out).rstrip()
    shown = tuple((new[one], min(new[other], len(line))) for one, other in marks)
    return f"{line} …" if end < len(text) else line, shown
