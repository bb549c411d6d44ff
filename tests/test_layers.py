"""Imports point down (`architecture.md`), and the house rules that can be read off the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from plait.core.ports import ToolContext

SOURCE = Path(__file__).parent.parent / "src" / "plait"
FILES = sorted(SOURCE.rglob("*.py"))

# What each layer may import of plait, itself apart. The top-level modules are the composition root and what it is made of.
MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "store": {"core"},
    "models": {"core"},
    "tools": {"core"},
    "names": {"core"},
    "exchange": {"core"},
    "runtime": {"core"},
    "remote": {"core"},
    "repl": {"core", "exchange"},
}
# The command line stands above the root, which knows it by the one module that starts it.
COMMAND_LINE = "cli"
STARTS = {"start"}
# Modules of the root that a layer's rule holds for too.
FRONT_ENDS = {"headless": {"core"}, "instructions": {"core"}}

# Where even what no program should catch becomes a text and an exit code.
LAST_BOUNDARY = "cli/outcome.py"

# Files that import own modules inside a function, where the import is heavy and not always needed.
LAZY_FILES = {
    "app.py",
    "builders.py",
    "cli/commands.py",
    "cli/completion.py",
    "cli/front.py",
    "cli/models.py",
    "cli/options.py",
    "cli/outcome.py",
    "cli/sessions.py",
    "interactive.py",
    "program.py",
    "start.py",
}

STANDARD_OF_CORE = {
    "__future__",
    "bisect",
    "collections",
    "dataclasses",
    "difflib",
    "enum",
    "functools",
    "itertools",
    "json",
    "math",
    "re",
    "types",
    "typing",
    "unicodedata",
}


def layer_of(path: Path) -> str:
    relative = path.relative_to(SOURCE)
    return relative.parts[0] if len(relative.parts) > 1 else ""


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{one.name}" for one in node.names)


def own(names: Iterator[str]) -> set[str]:
    """The layers, or modules of the root, among imported names."""
    return {parts[1] for name in names if (parts := name.split("."))[0] == "plait" and len(parts) > 1}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_there_is_something_to_walk() -> None:
    assert {layer_of(path) for path in FILES} >= {"", "core", "runtime", "store", "models", "repl"}
    assert {layer_of(path) for path in FILES} <= {"", COMMAND_LINE, *MAY_IMPORT}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    layer, stem = layer_of(path), path.stem
    if layer in MAY_IMPORT:
        assert own(imported(parsed(path))) - {layer, "__version__"} <= MAY_IMPORT[layer]
    elif stem in FRONT_ENDS:
        assert own(imported(parsed(path))) <= FRONT_ENDS[stem]
    elif layer != COMMAND_LINE and stem not in STARTS:
        assert COMMAND_LINE not in own(imported(parsed(path)))


@pytest.mark.parametrize("path", [path for path in FILES if layer_of(path) == "core"], ids=lambda path: path.name)
def test_the_core_is_pure(path: Path) -> None:
    tree = parsed(path)
    roots = {name.split(".")[0] for name in imported(tree)}
    assert roots <= STANDARD_OF_CORE | {"plait", "wcwidth"}
    # A Protocol's asynchronous methods have no body; nothing else may be asynchronous.
    for function in functions(tree):
        if isinstance(function, ast.AsyncFunctionDef):
            assert path.name == "ports.py"
            assert isinstance(function.body[-1], ast.Expr)
    assert not {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)} & {
        "open",
        "print",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_own_modules_are_imported_at_the_top(path: Path) -> None:
    hidden = {name for function in functions(parsed(path)) for name in imported(function) if name.split(".")[0] == "plait"}
    assert not hidden or str(path.relative_to(SOURCE)) in LAZY_FILES, hidden


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_house_rules(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a file begins with its rules"
    assert len(text.splitlines()) <= 300
    for function in functions(tree):
        assert (function.end_lineno or 0) - function.lineno < 50, function.name
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} | {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
    }
    assert not names & {"create_task", "gather", "ensure_future", "NotImplementedError"}
    for word in ("TODO", "FIXME", "XXX"):
        assert word not in text


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_broad_excepts_say_why(path: Path) -> None:
    """`except Exception` stands at fault boundaries only, with a comment; `BaseException` is raised again."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for handler in (node for node in ast.walk(parsed(path)) if isinstance(node, ast.ExceptHandler)):
        broad = handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException"))
        again = isinstance(handler.body[-1], ast.Raise)
        plain = isinstance(handler.type, ast.Name) and handler.type.id in (
            "Exception",
            str(path.relative_to(SOURCE)) == LAST_BOUNDARY and "BaseException",
        )
        assert not broad or again or (plain and "#" in lines[handler.lineno - 1]), f"line {handler.lineno}"


def test_a_tool_learns_little_of_where_it_runs() -> None:
    assert [one.name for one in fields(ToolContext)] == ["session", "directory", "call"]
