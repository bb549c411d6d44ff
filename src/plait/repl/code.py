"""Code to rows: highlighted where the language is known and the terminal has colours.

* Code stands two columns further in than prose, so that it is told apart without colours. Long lines are broken hard at the width.
* The highlighter sees at most `blocks.CODE_LINES` lines of a fence at a time, so a string that spans such a lot is coloured as code from
  there on. It must give back exactly the text it got, or its colours are not used.
* Only the languages listed here, all of them fed with hostile fragments: some of pygments' 570 lexers take minutes over 6 kB of these
  (rita, tnt), and a model chooses the language.
* Bounds: lines beyond `LINE_LIMIT` characters are not highlighted (minified code costs most and gains nothing); at most `LANGUAGES`
  languages are loaded in one process. pygments costs 2 MB and 25 ms when the first fence with a known language comes, a language 0.5 MB.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from plait.repl.style import BLUE, CYAN, DIM, GREEN, MAGENTA, MIN_WIDTH, RED, YELLOW, Look, Row, Span, wrap

INDENT: Final = "  "
LINE_LIMIT: Final = 300
LANGUAGES: Final = 24

# Beginnings of pygments' token names, the longest first where one begins another.
_COLOURS: Final = (
    ("Token.Comment", DIM),
    ("Token.Keyword", MAGENTA),
    ("Token.Literal.String", GREEN),
    ("Token.Literal.Number", YELLOW),
    ("Token.Name.Builtin", CYAN),
    ("Token.Name.Function", BLUE),
    ("Token.Name.Class", BLUE),
    ("Token.Name.Decorator", BLUE),
    ("Token.Name.Tag", MAGENTA),
    ("Token.Name.Attribute", CYAN),
    ("Token.Operator.Word", MAGENTA),
    ("Token.Generic.Deleted", RED),
    ("Token.Generic.Inserted", GREEN),
    ("Token.Generic.Heading", BLUE),
    ("Token.Generic.Subheading", BLUE),
    ("Token.Generic.Prompt", DIM),
)

_KNOWN: Final = (
    "python py py3 python3|javascript js jsx mjs node|typescript ts tsx|java|c h|cpp c++ cc hpp|csharp c# cs|go golang|rust rs|ruby rb|php"
    "|perl pl|lua|bash sh shell zsh ksh|powershell ps1 pwsh|batch bat cmd|sql|html|xml svg|css|scss|less|json jsonc json5|yaml yml|toml"
    "|ini cfg conf|diff patch|make makefile|cmake|docker dockerfile|haskell hs|ocaml ml|scala|kotlin kt|swift|r|julia jl|elixir ex exs"
    "|erlang erl|clojure clj|nim|zig|dart|groovy gradle|vim|nginx|latex tex|graphql|protobuf proto|nasm asm|matlab|fortran f90"
    "|common-lisp lisp elisp|scheme|fsharp f#|elm|nixos nix|objective-c objc"
)
_BY_LINE: Final = frozenset({"java"})  # its lexer takes time beyond the square of words in a row; so it sees one line at a time
_loaded: dict[str, Any] = {}  # lexers by their pygments name; modules cannot be unloaded, so this only grows, up to LANGUAGES


@cache
def _names() -> dict[str, str]:
    """pygments' name of each language by the words that stand after a fence."""
    return {alias: line.split()[0] for line in _KNOWN.split("|") for alias in line.split()}


def _lexer(language: str) -> Any:
    """The lexer for the word after a fence, or None for an unknown one or one too many."""
    name = _names().get(language.lower())
    if name is None:
        return None
    if name not in _loaded:
        if len(_loaded) >= LANGUAGES:
            return None
        from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]  # pygments ships no types; lazy: see the top

        _loaded[name] = get_lexer_by_name(name, stripnl=False, ensurenl=False)
    return _loaded[name]


@cache
def _colour(token: object) -> str:
    """The SGR parameters for a pygments token type (there are some hundreds)."""
    name = str(token)
    return next((sgr for prefix, sgr in _COLOURS if name.startswith(prefix)), "")


def _highlight(code: str, language: str) -> list[list[Span]]:
    """The lines of the code as spans."""
    plain: list[list[Span]] = [[(line, "")] for line in code.split("\n")]
    lexer = _lexer(language) if language else None
    if lexer is None or any(len(line) > LINE_LIMIT for line in code.split("\n")):
        return plain
    parts = code.splitlines(keepends=True) if _names()[language.lower()] in _BY_LINE else [code]
    tokens = [(text, _colour(token)) for part in parts for token, text in lexer.get_tokens(part)]
    if "".join(text for text, _ in tokens) != code:
        return plain
    return _by_line(tokens)


def _by_line(tokens: Iterable[Span]) -> list[list[Span]]:
    """Spans with line feeds in them, as one list of spans a line."""
    lines: list[list[Span]] = [[]]
    for text, sgr in tokens:
        head, *others = text.split("\n")
        lines[-1].append((head, sgr))
        lines.extend([(other, sgr)] for other in others)
    return lines


def code_rows(code: str, info: str, look: Look, width: int, *, first: bool = True, last: bool = True) -> list[Row]:
    """Rows of some lines of code; `info` is what stood after the fence. `first` and `last`: the fence opens, closes here.

    A fence's words are shown where they say more than a language, and always in plain looks, which also name the end.
    """
    words = info.split()
    rows: list[Row] = []
    inner, indent = (width - len(INDENT), INDENT) if width - len(INDENT) >= MIN_WIDTH else (width, "")
    if first and (look.plain or len(words) > 1 or len(info) > 24):
        label = f"code {look.clean(info)}".rstrip() + ":" if look.plain else look.clean(info)
        rows.extend(wrap([(label, DIM)], width))
    if code or not (first and last):
        lines = _highlight(code, words[0] if words else "") if look.colour else [[(line, "")] for line in code.split("\n")]
        for line in lines:
            spans = [(look.clean(text), sgr) for text, sgr in line]
            rows.extend([(indent, ""), *row] for row in wrap(spans, inner, hard=True))
    if last and look.plain:
        rows.extend(wrap([("end of code", DIM)], width))
    return rows
