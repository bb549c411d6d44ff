"""The pages say what is there: every link leads somewhere, every event and table is named, the README's commands are CI's."""

from __future__ import annotations

import re
import sqlite3  # noqa: TID251  # any SQLite tells which tables a migration made
from pathlib import Path
from typing import get_args

import pytest

from plait.core import events
from plait.store.sqlite import open_store

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if "://" not in target:
            assert (page.parent / target.partition("#")[0]).exists() or target.startswith("#"), f"{target} is not there"


def test_every_durable_event_is_described() -> None:
    described = set(re.findall(r"`([A-Z]\w+)`", FORMATS.partition("## The database")[2].partition("## Scripted")[0]))
    durable = {kind.__name__ for kind in get_args(events.Durable)} - {"UnknownEvent"}
    assert durable <= described
    assert described - durable <= {"AGENTS"}


def test_every_table_is_described(tmp_path: Path) -> None:
    open_store(tmp_path / "plait.db", now=0.0, report=lambda finding: None).close()
    database = sqlite3.connect(tmp_path / "plait.db")
    tables = {
        name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'")
    }
    database.close()
    assert tables >= {"projects", "sessions", "threads", "events"}
    for table in tables - {"sqlite_sequence"}:
        assert f"`{table}`" in FORMATS, f"docs/formats.md does not name the table {table}"


def test_the_two_commands_stand_in_the_readme() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv .venv && ")]
    assert len(commands) == 2, ".ci/run takes its two commands from the README"
    assert "--model offline" in commands[0]
    assert commands[1].endswith(".venv/bin/pytest")
