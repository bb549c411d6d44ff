"""The one door for untrusted text on its way to a terminal.

Untrusted is whatever plait did not write itself: text of models, tools, files, file names, errors and session names. The rules:

* Nothing is dropped, everything is shown. What a terminal would act upon, or would not show, comes out as visible text: C0 and DEL
  as control pictures (``ESC [2J`` becomes ``␛[2J``), other invisible characters as ``<U+202E>``. Colours are added by the renderer,
  after this door; so the only control characters that ever leave it are line feed and tab.
* A line ends at LF or CRLF and nowhere else. A lone CR, VT, FF, NEL, U+2028 and U+2029 are shown.
* Invisible characters that belong to writing are kept only where they do: ZWJ between two pictographs (at most `MAX_JOINS` in one
  cluster), an emoji selector after a pictograph or in a keycap, ZWJ and ZWNJ after a letter or mark of a script that joins (Arabic,
  Indic and their like), ideographic and Mongolian selectors after their letters, one each. Flags made of tag characters are shown in
  pieces, since a tag can hide any ASCII text.
* At most `MAX_MARKS` combining marks stand on one base; the rest is counted (``<+992 marks>``). A mark with nothing to stand on gets
  a dotted circle, so that it cannot attach itself to what plait drew to its left.
* A lone surrogate becomes U+FFFD; noncharacters are shown; private use (icon fonts) and unassigned characters (newer emoji) are kept.

`sanitize` is idempotent. A stream cut anywhere gives the same text as the whole: at most one character and one count are held back.
Cost per 100 kB (2 shared cores, Python 3.11): ASCII, Chinese or Russian 0.2 ms, controls and bidi controls 2, Hindi, Thai, emoji 20,
a CRLF after each word 20, marks 35, every code point once at random 50.
"""

from __future__ import annotations

import re

from plait.core.characters import Kind, kind_of

MAX_MARKS = 8  # vocalised and cantillated Hebrew needs 5, Tibetan stacks 7; beyond it is decoration that climbs over other lines
MAX_JOINS = 5  # the longest recommended emoji sequences (two people, skin tones, a kiss) have 3

_ZWJ = "\u200d"
_EMOJI_STYLE = "\ufe0f"
_KEYCAP_MARK = "\u20e3"

# An invisible character is kept directly after one of these, and what it makes of its base.
_KEPT_AFTER: dict[Kind, frozenset[Kind]] = {
    Kind.JOINER: frozenset({Kind.JOINING, Kind.JOINING_MARK}),
    Kind.EMOJI_SELECTOR: frozenset({Kind.PICTOGRAPH}),
    Kind.IDEOGRAPH_SELECTOR: frozenset({Kind.IDEOGRAPH}),
    Kind.MONGOLIAN_SELECTOR: frozenset({Kind.JOINING}),
}


def _shown(char: str) -> str:
    """An invisible character made visible, as `<U+202E>`."""
    return f"<U+{ord(char):04X}>"


# The commonest of what is never kept, for speed; `kind_of` knows the rest.
_NEVER_KEPT = (
    *((0x80, 0x9F), (0xAD, 0xAD), (0x61C, 0x61C), (0x200B, 0x200B), (0x200E, 0x200F), (0x2028, 0x202E)),
    *((0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xE0000, 0xE00FF)),
)
_PICTURES: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x7F: "\u2421",
    **{code: _shown(chr(code)) for first, last in _NEVER_KEPT for code in range(first, last + 1)},
}
_LINE_PICTURES: dict[int, str] = {0x09: "\u2409", 0x0A: "\u240a"}

# 1: bases, of which only the last one's kind matters. 2: what is always shown. 3: all others, one by one.
_PIECES = re.compile(
    "([\t\n -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u0590\u05d0-\u05ea\u0621-\u063f\u0641-\u064a\u0904-\u0939\u0e01-\u0e30"
    "\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u208e\u20a0-\u20bf\u2100-\u2bff\u3000-\u3029\u3030-\u3098\u309b-\u3163\u3165-\u4dbf"
    "\u4e00-\ua48c\uac00-\ud7a3\uff01-\uff9f\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\U00020000-\U0002a6df]+)"
    "|([\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _NEVER_KEPT) + "]+)|(\r\n|.)",
    re.DOTALL,
)


class StreamSanitizer:
    """`sanitize` for text that comes in chunks, cut anywhere.

    `"".join(map(feed, chunks)) + finish() == sanitize("".join(chunks))`. Held back between chunks: a CR, a ZWJ after a pictograph, or the
    selector of a keycap (one character at most), and the number of marks beyond the cap.
    """

    __slots__ = ("_before", "_dropped", "_held", "_joins", "_marks", "_out")

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._out: list[str] = []
        self._held = ""
        self._before = Kind.NOTHING
        self._marks = 0
        self._dropped = 0
        self._joins = 0

    def feed(self, chunk: str) -> str:
        """What can be said for certain after this chunk; may be empty."""
        for match in _PIECES.finditer(chunk):
            piece = match[0]
            if match[1] is not None:
                self._plain(piece)
            elif match[2] is not None:
                self._settle("")
                self._put(piece.translate(_PICTURES), Kind.PLAIN)
            else:
                self._single(piece)
        return self._take()

    def finish(self) -> str:
        """What was held back, made visible. The sanitizer is as new after it."""
        self._settle("")
        text = self._take()
        self._reset()
        return text

    def _take(self) -> str:
        text = "".join(self._out)
        self._out.clear()
        return text

    def _put(self, text: str, kind: Kind) -> None:
        """Add text that is finished and stands on its own as a base."""
        self._out.append(text)
        self._before = kind
        self._marks = 0
        self._joins = 0

    def _settle(self, following: str) -> None:
        """Decide about what was held, now that the following character is known ("": the end, or a control)."""
        if self._dropped:
            self._put(f"<+{self._dropped} marks>", Kind.PLAIN)
            self._dropped = 0
        if self._held == "\r" and following != "\n":
            self._put("\u240d", Kind.PLAIN)
        elif self._held == _EMOJI_STYLE and following != _KEYCAP_MARK:
            self._put(_shown(_EMOJI_STYLE), Kind.PLAIN)
        elif self._held == _ZWJ and not (following and kind_of(following) is Kind.PICTOGRAPH):
            self._put(_shown(_ZWJ), Kind.PLAIN)
        elif self._held and self._held != "\r":
            self._out.append(self._held)
        self._held = ""

    def _plain(self, run: str) -> None:
        """A run of characters that are all bases."""
        joins = self._joins + 1 if self._held == _ZWJ and kind_of(run[0]) is Kind.PICTOGRAPH and len(run) == 1 else 0
        self._settle(run[0])
        self._put(run, kind_of(run[-1]))
        self._joins = joins

    def _single(self, char: str) -> None:
        """A character whose fate hangs on its neighbours, or CRLF."""
        if char[0] == "\r":
            self._settle("")
            if char == "\r":
                self._held = char
            else:
                self._put("\n", Kind.NOTHING)
            return
        kind = kind_of(char)
        if kind in (Kind.MARK, Kind.JOINING_MARK):
            self._mark(char, kind)
        elif kind in _KEPT_AFTER:
            self._invisible(char, kind)
        elif kind is Kind.HIDDEN:
            self._settle("")
            self._put(_shown(char), Kind.PLAIN)
        elif kind is Kind.SURROGATE:
            self._settle("")
            self._put("\ufffd", Kind.PLAIN)
        else:
            self._plain(char)

    def _mark(self, char: str, kind: Kind) -> None:
        """A combining mark: kept up to the cap, then counted."""
        if self._held:
            self._settle(char)
        if self._before is Kind.NOTHING:
            self._put("\u25cc", Kind.PLAIN)
        self._marks += 1
        if self._marks > MAX_MARKS:
            self._dropped += 1
            return
        self._out.append(char)
        self._before = kind if kind is Kind.JOINING_MARK else Kind.EXTENDED

    def _invisible(self, char: str, kind: Kind) -> None:
        """A joiner or selector: kept where it belongs to writing, held where the next character decides, else shown."""
        if self._held:
            self._settle(char)
        emoji = self._before in (Kind.PICTOGRAPH, Kind.STYLED)
        if (char == _ZWJ and emoji and self._joins < MAX_JOINS) or (char == _EMOJI_STYLE and self._before is Kind.KEYCAP):
            self._held = char
        elif self._before in _KEPT_AFTER[kind] and self._marks < MAX_MARKS:
            self._marks += 1
            self._out.append(char)
            self._before = Kind.STYLED if kind is Kind.EMOJI_SELECTOR else Kind.EXTENDED
        else:
            self._settle("")
            self._put(_shown(char), Kind.PLAIN)


def sanitize(text: str) -> str:
    """`text`, of any length and origin, fit for a terminal. Keeps line feeds and tabs; see the rules at the top of this file."""
    stream = StreamSanitizer()
    return stream.feed(text) + stream.finish()


def sanitize_line(text: str) -> str:
    """`text` fit for a place that holds one line (a name, a title, the terminal's title): line ends and tabs are shown as well."""
    return sanitize(text).translate(_LINE_PICTURES)
