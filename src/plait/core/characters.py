"""What each character is to the sanitizer: base, mark, joiner, selector, pictograph, or something that a terminal would not show.

The kinds are ranges of code points where Unicode has a property that Python's `unicodedata` lacks, and its general category elsewhere.
wcwidth knows the marks of Unicode versions that are newer than the running Python's. A character that no version knows is a plain
base: new emoji and icon fonts stay what they are.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from enum import IntEnum
from functools import lru_cache

from wcwidth import wcwidth


class Kind(IntEnum):
    """What a character is to the rules above."""

    NOTHING = 0  # no base for a mark: the start, a line end, a tab
    PLAIN = 1
    KEYCAP = 2  # 0-9 # *
    PICTOGRAPH = 3
    STYLED = 4  # a pictograph with its selector
    IDEOGRAPH = 5
    JOINING = 6  # letters and marks of scripts that use ZWJ and ZWNJ
    EXTENDED = 7  # a base that has got its one selector or joiner
    MARK = 8
    JOINING_MARK = 9
    JOINER = 10
    EMOJI_SELECTOR = 11
    IDEOGRAPH_SELECTOR = 12
    MONGOLIAN_SELECTOR = 13
    HIDDEN = 14
    SURROGATE = 15


# First and last of each range, in order. Invisible: Default_Ignorable_Code_Point of DerivedCoreProperties.txt (Unicode 17), C1 and the line
# separators. Pictographs: Extended_Pictographic of emoji-data.txt, a little widened. The rest: Blocks.txt.
_RANGES: tuple[tuple[int, int, Kind], ...] = (
    (0x09, 0x0A, Kind.NOTHING),
    (0x23, 0x23, Kind.KEYCAP),
    (0x2A, 0x2A, Kind.KEYCAP),
    (0x30, 0x39, Kind.KEYCAP),
    (0x80, 0x9F, Kind.HIDDEN),
    (0xA9, 0xA9, Kind.PICTOGRAPH),
    (0xAD, 0xAD, Kind.HIDDEN),
    (0xAE, 0xAE, Kind.PICTOGRAPH),
    (0x34F, 0x34F, Kind.HIDDEN),
    (0x600, 0x605, Kind.PLAIN),  # signs before Arabic numbers: format characters, but drawn
    (0x61C, 0x61C, Kind.HIDDEN),
    (0x620, 0x6DC, Kind.JOINING),
    (0x6DD, 0x6DD, Kind.PLAIN),
    (0x6DE, 0x70E, Kind.JOINING),
    (0x710, 0x88F, Kind.JOINING),
    (0x890, 0x891, Kind.PLAIN),
    (0x898, 0x8E1, Kind.JOINING),
    (0x8E2, 0x8E2, Kind.PLAIN),
    (0x8E3, 0xDFF, Kind.JOINING),
    (0x1000, 0x109F, Kind.JOINING),
    (0x115F, 0x1160, Kind.HIDDEN),
    (0x1780, 0x17B3, Kind.JOINING),
    (0x17B4, 0x17B5, Kind.HIDDEN),
    (0x17B6, 0x17FF, Kind.JOINING),
    (0x180B, 0x180D, Kind.MONGOLIAN_SELECTOR),
    (0x180E, 0x180E, Kind.HIDDEN),
    (0x180F, 0x180F, Kind.MONGOLIAN_SELECTOR),
    (0x1820, 0x18AF, Kind.JOINING),
    (0x1B00, 0x1BFF, Kind.JOINING),
    (0x200B, 0x200B, Kind.HIDDEN),
    (0x200C, 0x200D, Kind.JOINER),
    (0x200E, 0x200F, Kind.HIDDEN),
    (0x2028, 0x202E, Kind.HIDDEN),
    (0x203C, 0x203C, Kind.PICTOGRAPH),
    (0x2049, 0x2049, Kind.PICTOGRAPH),
    (0x2060, 0x206F, Kind.HIDDEN),
    (0x2122, 0x2122, Kind.PICTOGRAPH),
    (0x2139, 0x2139, Kind.PICTOGRAPH),
    (0x2194, 0x21AA, Kind.PICTOGRAPH),
    (0x231A, 0x23FF, Kind.PICTOGRAPH),
    (0x24C2, 0x24C2, Kind.PICTOGRAPH),
    (0x25AA, 0x25C0, Kind.PICTOGRAPH),
    (0x25FB, 0x27BF, Kind.PICTOGRAPH),
    (0x2934, 0x2935, Kind.PICTOGRAPH),
    (0x2B05, 0x2B55, Kind.PICTOGRAPH),
    (0x3030, 0x3030, Kind.PICTOGRAPH),
    (0x303D, 0x303D, Kind.PICTOGRAPH),
    (0x3164, 0x3164, Kind.HIDDEN),
    (0x3297, 0x3299, Kind.PICTOGRAPH),
    (0x3400, 0x4DBF, Kind.IDEOGRAPH),
    (0x4E00, 0x9FFF, Kind.IDEOGRAPH),
    (0xA800, 0xA8FF, Kind.JOINING),
    (0xA980, 0xA9DF, Kind.JOINING),
    (0xABC0, 0xABFF, Kind.JOINING),
    (0xD800, 0xDFFF, Kind.SURROGATE),
    (0xF900, 0xFAFF, Kind.IDEOGRAPH),
    (0xFDD0, 0xFDEF, Kind.HIDDEN),
    (0xFE00, 0xFE0D, Kind.IDEOGRAPH_SELECTOR),
    (0xFE0E, 0xFE0F, Kind.EMOJI_SELECTOR),
    (0xFEFF, 0xFEFF, Kind.HIDDEN),
    (0xFFA0, 0xFFA0, Kind.HIDDEN),
    (0xFFF0, 0xFFFB, Kind.HIDDEN),
    (0x11000, 0x110BC, Kind.JOINING),
    (0x110BD, 0x110BD, Kind.PLAIN),
    (0x110BE, 0x110CC, Kind.JOINING),
    (0x110CD, 0x110CD, Kind.PLAIN),
    (0x110CE, 0x11FFF, Kind.JOINING),
    (0x1E900, 0x1E95F, Kind.JOINING),
    (0x1F000, 0x1F1E5, Kind.PICTOGRAPH),
    (0x1F200, 0x1FAFF, Kind.PICTOGRAPH),
    (0x1FC00, 0x1FFFD, Kind.PICTOGRAPH),
    (0x20000, 0x3FFFD, Kind.IDEOGRAPH),
    (0xE0000, 0xE00FF, Kind.HIDDEN),
    (0xE0100, 0xE01EF, Kind.IDEOGRAPH_SELECTOR),
    (0xE01F0, 0xE0FFF, Kind.HIDDEN),
)
_STARTS = [first for first, _, _ in _RANGES]


@lru_cache(maxsize=4096)
def kind_of(char: str) -> Kind:
    """The kind of one character (tab and line feed: `NOTHING`). Other C0 controls and DEL have no kind; they are not asked for."""
    code = ord(char)
    category = unicodedata.category(char)
    first, last, kind = _RANGES[max(0, bisect_right(_STARTS, code) - 1)]
    if not first <= code <= last:
        kind = Kind.PLAIN
        if category == "Cf" or code & 0xFFFE == 0xFFFE:
            return Kind.HIDDEN
    if kind is not Kind.PLAIN and kind is not Kind.JOINING:
        return kind
    if category[0] == "M" or wcwidth(char) == 0:
        return Kind.MARK if kind is Kind.PLAIN else Kind.JOINING_MARK
    return kind if category[0] == "L" else Kind.PLAIN
