"""One piece of Markdown to rows of text.

* No text is lost. HTML stays text, since nothing here would show it; link definitions stay paragraphs, since what refers to them may be
  printed already; nesting too deep for the parser is shown as it came. Only markup itself goes away, and without colours the markup
  that carries meaning (code, headings) stays.
* An address is always shown beside its link, as text: no terminal hyperlinks, whose target nobody sees.
* A line break of the writer's stays a line break.
* Entities are decoded by the parser, after the sanitizer; so each leaf passes it once more.

The parser is imported when the first piece with markup comes: 2.5 MB and 25 ms. Text without markup never needs it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from plait.repl.blocks import Piece
from plait.repl.code import code_rows
from plait.repl.style import BLUE, BOLD, CYAN, DIM, ITALIC, MIN_WIDTH, STRUCK, UNDERLINE, Look, Row, Span, row_width, wrap
from plait.repl.tables import table_rows

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

PROSE_WIDTH: Final = 120  # columns; longer lines are hard to read. Code and tables take all there is

# Anything that may mean something to the parser, at the start of a line or within it.
_MARKUP = re.compile(r"[*_`\[\]<&\\~|!]|^ *(?:[-+#>=]|\d+[.)]| {4})", re.MULTILINE)
# More containers in one line, or a deeper list, than anybody reads: shown as it came.
_TOO_DEEP = re.compile(r"^(?: *(?:>|[-*+](?= )|\d{1,9}[.)](?= ))){24}|^ {96}", re.MULTILINE)
_MAX_NESTING = 400  # of the parser; beyond it, it would drop text. What `_TOO_DEEP` lets through stays below 200

_SEPARATORS = re.compile(r"[\s|\\]")  # what splitting a table's line into cells takes away

_STYLES: Final = {"strong": BOLD, "em": ITALIC, "s": STRUCK, "link": UNDERLINE}


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # lazy: see the top of this file

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING})
    return parser.enable(["table", "strikethrough"]).disable("reference")


def render_piece(piece: Piece, look: Look) -> list[Row]:
    """The rows of a piece, each at most `look.content_width` columns, without the gutter. `piece.text` is sanitized and encoded."""
    if piece.language is not None:
        return code_rows(piece.text, piece.language, look, look.content_width, first=piece.first, last=piece.last)
    width = _inside(look.content_width, piece.indent)
    if not _MARKUP.search(piece.text) or _TOO_DEEP.search(piece.text):
        rows = wrap([(piece.text, "")], min(width, PROSE_WIDTH))
    else:
        writer = _Writer(piece, look)
        rows = writer.blocks(_parser().parse(piece.text), width)
    return _beside([(" " * piece.indent, "")], rows, look.content_width) if piece.indent else rows


def _inside(width: int, size: int) -> int:
    """The columns beside a mark of `size` columns; all of them where what is left would be too little (`_beside` agrees)."""
    return width - size if width - size >= MIN_WIDTH else width


def _beside(mark: Row, rows: list[Row], width: int, *, repeat: bool = False) -> list[Row]:
    """Rows with a mark before the first (or, `repeat`, before each) and blanks before the others; on top of them where room is short."""
    size = row_width(mark)
    if _inside(width, size) == width:
        return rows if mark[0][0].isspace() else [mark, *rows]
    rest = mark if repeat else [(" " * size, "")]
    return [[*(rest if index else mark), *row] for index, row in enumerate(rows or [[]])]


class _Writer:
    """Walks the parser's flat list of tokens. Depth is bounded by `_TOO_DEEP`."""

    def __init__(self, piece: Piece, look: Look) -> None:
        self._look = look
        self._number = piece.number
        self._source = piece.text.split("\n")

    def blocks(self, tokens: Sequence[Token], width: int) -> list[Row]:
        """The rows of a run of sibling blocks, with an empty row between those that are not tight."""
        rows: list[Row] = []
        at = 0
        while at < len(tokens):
            end = _end_of(tokens, at)
            block = self._block(tokens[at : end + 1], width)
            tight = tokens[at].hidden or (at > 0 and tokens[at - 1].hidden)
            if rows and block and not tight:
                rows.append([])
            rows.extend(block)
            at = end + 1
        return rows

    def _block(self, tokens: Sequence[Token], width: int) -> list[Row]:
        opening, inside = tokens[0], tokens[1:-1]
        match opening.type:
            case "heading_open":
                return self._heading(opening, inside[0], width)
            case "blockquote_open":
                bar: Row = [(self._look.marks("│ "), DIM)]
                return _beside(bar, self.blocks(inside, _inside(width, 2)), width, repeat=True)
            case "bullet_list_open" | "ordered_list_open":
                return self._list(opening, inside, width)
            case "table_open":
                head, *body = self._cells(inside)
                right = ["right" in str(token.attrGet("style")) for token in inside if token.type == "th_open"]
                return table_rows(head, body, right, self._look, width)
            case "fence" | "code_block":
                return code_rows(opening.content.removesuffix("\n"), opening.info, self._look, width)
            case "hr":
                return [[(self._look.marks("─") * min(width, 40), DIM)]]
            case _:
                inline = inside[0] if inside else opening
                return wrap(self._inline(inline), min(width, PROSE_WIDTH))

    def _heading(self, opening: Token, inline: Token, width: int) -> list[Row]:
        level = int(opening.tag[1:])
        style = (f"{BOLD};{UNDERLINE}", BOLD)[min(level, 2) - 1]
        spans = [(text, f"{style};{sgr}" if sgr else style) for text, sgr in self._inline(inline)]
        if not self._look.colour:
            spans.insert(0, ("#" * level + " ", ""))
        return wrap(spans, min(width, PROSE_WIDTH))

    def _list(self, opening: Token, inside: Sequence[Token], width: int) -> list[Row]:
        number: int | None = None
        if opening.type == "ordered_list_open":
            number = int(opening.attrGet("start") or 0) if opening.attrGet("start") is not None else 1
            number, self._number = (number if self._number is None else self._number), None
        rows: list[Row] = []
        at, loose = 0, False
        while at < len(inside):
            end = _end_of(inside, at)
            mark = self._look.marks("• ") if number is None else f"{number}{opening.markup} "
            content = inside[at + 1 : end]
            loose = loose or any(
                token.type == "paragraph_open" and not token.hidden for token in content if token.level == opening.level + 2
            )
            if rows and loose:
                rows.append([])
            rows.extend(_beside([(mark, BLUE)], self.blocks(content, _inside(width, len(mark))), width))
            number = number + 1 if number is not None else None
            at = end + 1
        return rows

    def _cells(self, tokens: Sequence[Token]) -> list[list[list[Span]]]:
        """The cells of a table, row by row, the head first. What the parser drops, cells beyond the head's, joins the last cell."""
        rows: list[list[list[Span]]] = []
        texts: list[str] = []
        source = ""
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
                texts = []
                source = self._source[token.map[0]] if token.map else ""
            elif token.type == "inline":
                rows[-1].append(self._inline(token))
                texts.append(token.content)
            elif token.type == "tr_close" and (excess := _excess(source, texts)):
                rows[-1][-1].append((" " + self._look.clean(excess), ""))
        return rows

    def _inline(self, token: Token) -> list[Span]:
        """The text of a block as spans; every leaf goes through the sanitizer again."""
        spans: list[Span] = []
        styles: list[str] = []
        links: list[tuple[int, Token]] = []
        for child in token.children or ():
            kind = child.type.removesuffix("_open").removesuffix("_close")
            if child.nesting > 0:
                styles.append(_STYLES[kind])
                if kind == "link":
                    links.append((len(spans), child))
            elif child.nesting < 0:
                styles.pop()
                if kind == "link":
                    begin, link = links.pop()
                    spans.extend(self._address(link, "href", "".join(text for text, _ in spans[begin:])))
            elif kind in ("softbreak", "hardbreak"):
                spans.append(("\n", ""))
            elif kind == "code_inline":
                text = self._look.clean(child.content)
                spans.append((text if self._look.colour else f"`{text}`", ";".join([*styles, CYAN])))
            elif kind == "image":
                spans.append((f"[image: {self._look.clean(child.content)}]", ";".join(styles)))
                spans.extend(self._address(child, "src", ""))
            else:
                spans.append((self._look.clean(child.content), ";".join(styles)))
        return spans

    def _address(self, token: Token, attribute: str, shown: str) -> list[Span]:
        """Where a link leads, and its title, unless the text says so already."""
        address = self._look.clean(str(token.attrGet(attribute) or ""))
        title = self._look.clean(str(token.attrGet("title") or ""))
        parts = [address] if address and address not in (shown, f"mailto:{shown}") else []
        parts += [f'"{title}"'] if title else []
        return [(f" ({' '.join(parts)})", DIM)] if parts else []


def _end_of(tokens: Sequence[Token], at: int) -> int:
    """The index of the token that closes the one at `at` (itself, if it opens nothing)."""
    if tokens[at].nesting <= 0:
        return at
    level = tokens[at].level
    end = at + 1
    while tokens[end].level > level:
        end += 1
    return end


def _excess(line: str, cells: Sequence[str]) -> str:
    """What follows the last of these cells in its line of the source."""
    bare = _SEPARATORS.sub("", line)
    known = _SEPARATORS.sub("", "".join(cells))
    begin = bare.find(known)
    more = len(bare) - begin - len(known)
    if begin < 0 or more <= 0:
        return ""
    places = [at for at, char in enumerate(line) if not _SEPARATORS.match(char)]
    return line[places[-more] :].strip(" |")
