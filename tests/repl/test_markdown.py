"""What Markdown looks like on the terminal: examples by kind of block, and what must never get lost or drawn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plait.repl.code import LANGUAGES, _loaded, _names, code_rows
from plait.repl.render import AnswerStream
from plait.repl.style import GREEN, Look

BARE = Look(colour=False, width=40)


def shown(text: str, look: Look = BARE) -> str:
    """The whole answer as printed."""
    stream = AnswerStream(look)
    return "".join(stream.feed(text) + stream.finish())


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("plain words\nsecond line\n\nnext", "  plain words\n  second line\n\n  next\n"),
        ("# One\n## Two with *style*\nThree\n===\n", "  # One\n  ## Two with style\n  # Three\n"),
        ("**bold** *em* ~~gone~~ `code`", "  bold em gone `code`\n"),
        ("- a\n- b\n  - c\n  d\n\n  e\n", "  • a\n  • b\n\n    • c\n      d\n\n    e\n"),
        ("1. a\n1. b\n1. c\n", "  1. a\n  2. b\n  3. c\n"),
        ("3) a\n4) b\n\n5) c\n", "  3) a\n  4) b\n\n  5) c\n"),
        ("1. a\n```\nx\n```\n2. b\n- c\n", "  1. a\n    x\n  2. b\n  • c\n"),
        ("1. a\n   ```\n   x\n\n   y\n   ```\n   b\n", "  1. a\n       x\n\n       y\n     b\n"),
        ("- a\nlazy\n\nend", "  • a\n    lazy\n\n  end\n"),
        ("- a\n# h\n- b\n***\n- [ ] c\n", "  • a\n  # h\n  • b\n  " + "─" * 38 + "\n  • [ ] c\n"),
        ("> a\nlazy\n> > b\n", "  │ a\n  │ lazy\n  │\n  │ │ b\n"),
        ("a\n> b\nc\n\n- d", "  a\n  │ b\n  │ c\n\n  • d\n"),
        ("~~~\n- no list\n# no heading\n~~~~\nafter", "    - no list\n    # no heading\n  after\n"),
        ("```\nopen for ever\n  x", "    open for ever\n      x\n"),
        ("    indented\n\n\ttab", "    indented\n\n    tab\n"),
        ("- a\n  1. b\n\n  2. c\n     - d\n     - e", "  • a\n    1. b\n\n    2. c\n\n       • d\n       • e\n"),
        ("```\n```\n", ""),
        ("a  \nb\\\nc", "  a\n  b\n  c\n"),
        ("-\n- x\n", "  •\n  • x\n"),
    ],
)
def test_blocks(markdown: str, expected: str) -> None:
    assert shown(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("[a](http://b)", "a (http://b)"),
        ("[a](http://b 't')", 'a (http://b "t")'),
        ("<http://b> <x@y.z> [http://b](http://b)", "http://b x@y.z http://b"),
        ("![a](http://b)", "[image: a] (http://b)"),
        ("[a][1]\n\n[1]: http://b", "a][1]"),
        ("[1]: http://b", "[1]: http://b"),
        ("[a](javascript:x)", "[a](javascript:x)"),
        ("[a](http://ex\u0430mple.com)", "xn--"),
        ("<b>x</b> <!-- y -->", "<b>x</b> <!-- y -->"),
        ("<div>\nx\n</div>", "<div>"),
        ("&lt;a&gt; &#x41;", "<a> A"),
    ],
)
def test_links_html_and_entities_are_shown_as_text(markdown: str, expected: str) -> None:
    assert expected in shown(markdown, Look(colour=False, width=100))


@pytest.mark.parametrize("entity", ["&#x1b;[2J", "&#x9b;2J", "&#x202E;", "&#13;", "&#12;", "&ZeroWidthSpace;", "&#x2028;", "&#10;", "&#9;"])
@pytest.mark.parametrize(
    "frame", ["{}", "`{}`", "[x](http://y/{})", "# {}", "| {} |\n|--|\n", "- {}", "``` {} x\n```", "![{}](y)", "[x](y '{}')"]
)
def test_entities_open_no_second_door(entity: str, frame: str) -> None:
    text = shown(f"a {frame.format(entity)} b", Look(colour=False, width=200)) + shown(frame.format(entity))
    assert text.replace("\n", "").isprintable()


def test_colours_are_ours_and_end_with_the_row() -> None:
    text = shown("**" + "bold words " * 10 + "end**", Look(width=40))
    assert all(line.startswith("  \x1b[1m") and line.endswith("\x1b[0m") for line in text.splitlines())


def test_tables_in_columns() -> None:
    table = "| a | num | text |\n|---|--:|---|\n| x | 1 | one two three four five six seven |\n| `y` | 22 | z | more |\n"
    assert shown(table).splitlines() == [
        "  a   │ num │ text",
        "  ────┼─────┼───────────────────────────",
        "  x   │   1 │ one two three four five",
        "      │     │ six seven",
        "  `y` │  22 │ z more",
    ]


def test_tables_without_room_become_records() -> None:
    table = "| name | value | remark |\n|---|---|---|\n| alpha | one | good |\n| beta | two | bad |\n"
    expected = "  name: alpha\n  value: one\n  remark: good\n\n  name: beta\n  value: two\n  remark: bad\n"
    assert shown(table, Look(colour=False, width=18)) == expected
    assert shown(table, Look(colour=False, plain=True)) == expected
    assert "b: c" in shown("|  | b |\n|---|---|\n|  | c |\n", Look(colour=False, plain=True))
    assert shown("| a | b |\n|---|---|\n", Look(colour=False, plain=True)) == "  a\n  b\n"


def test_plain_looks_name_code_in_words() -> None:
    assert shown("```python\nx\n```", Look(colour=False, plain=True)) == "  code python:\n    x\n  end of code\n"


def test_words_beside_a_fence_are_kept() -> None:
    assert "every word counts" in shown("```every word counts\nx\n```")


def test_nesting_too_deep_is_shown_as_it_came() -> None:
    for text in (">" * 500 + " x", "- " * 500 + "x", "* a\n" + " " * 100 + "* b"):
        assert "".join(shown(text).split()) == "".join(text.split())


def test_deep_emphasis_does_not_break_the_walk() -> None:
    assert "core" in shown("*_" * 3000 + "core" + "_*" * 3000)


def test_lines_of_code_are_broken_hard_and_whole() -> None:
    code = "x = [" + "1, " * 30 + "]"
    rows = shown(f"```\n{code}\n```").splitlines()
    assert "".join(row[4:].ljust(36) for row in rows).rstrip() == code


def test_known_languages_get_colours_and_keep_their_text() -> None:
    look = Look()
    rows = code_rows("def f():\n\n    return 'a'  ", "python", look, 70)
    assert ["".join(text for text, _ in row) for row in rows] == ["  def f():", "  ", "      return 'a'  "]
    assert any(sgr == GREEN for row in rows for _, sgr in row)
    for unknown in ("no-such-language", "", "text"):
        assert all(not sgr for row in code_rows("def f(): 'a'", unknown, look, 70) for _, sgr in row)


@pytest.mark.parametrize("language", ["java", "js", "rs", "bash", "c++", "HTML", "diff"])
def test_highlighting_gives_back_the_code(language: str) -> None:
    code = "/* a\n b */ x = 'y' # z\n\n<a b=\"c\"> -1\n+ 2 \u2318 f(x) {\n}\n"
    assert ["".join(text for text, _ in row) for row in code_rows(code, language, Look(), 70)] == [f"  {line}" for line in code.split("\n")]


def test_hostile_code_costs_little() -> None:
    """Words in a row without a bracket would take one lexer minutes; the suite's time limit judges."""
    rows = code_rows(("x y z " * 49 + "\n") * 24, "java", Look(), 400)
    assert "".join(text for row in rows for text, _ in row).count("x") == 49 * 24


def test_long_lines_are_not_highlighted() -> None:
    assert all(not sgr for row in code_rows("'a'" * 500, "python", Look(), 70) for _, sgr in row)


@pytest.fixture
def no_language_loaded() -> Iterator[None]:
    """The count of loaded languages is the process's own; other tests need theirs."""
    _loaded.clear()
    yield
    _loaded.clear()


@pytest.mark.usefixtures("no_language_loaded")
def test_a_model_cannot_load_every_language() -> None:
    names = sorted(set(_names().values()))
    coloured = [name for name in names if any(sgr for row in code_rows('"a" 1 # x\n+ y\n; z', name, Look(), 70) for _, sgr in row)]
    assert 0 < len(coloured) <= LANGUAGES < len(names)
