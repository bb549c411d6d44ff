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


READ = [ROOT / "README.md", *(ROOT / "docs" / name for name in ("tutorial.md", "guide.md", "faq.md"))]


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_pages_name_only_commands_and_settings_that_there_are(page: Path) -> None:
    reference = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"^### `/([\w-]+)", reference, re.MULTILINE)) | set(re.findall(r"Also ((?:`/[\w?]+`(?:, )?)+)", reference))
    commands |= {alias for group in list(commands) for alias in re.findall(r"/([\w?]+)`", group)} | {str(number) for number in range(1, 11)}
    settings = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), re.MULTILINE))
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL))
    named = {match[1] for span in spans if (match := re.match(r"/([\w?-]+)(?: |$)", span))}
    set_to = {match[1] for span in spans if (match := re.match(r"(?:plait config set )?([a-z]+(?:_[a-z]+)+)(?: |$)", span))}
    assert named, f"{page.name} names no command"
    assert named <= commands
    assert set_to - {"ask_user"} <= settings


def test_anchors_within_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
            other = (page.parent / target).read_text(encoding="utf-8") if target else page.read_text(encoding="utf-8")
            headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", other, flags=re.DOTALL), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, f"{page.name}: #{anchor}"


def test_the_questions_are_many_and_the_answers_short() -> None:
    text = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    answers = re.findall(r"^\*\*([^*]+)\*\* (.+?)(?=\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(answers) >= 25
    assert len({question for question, _ in answers}) == len(answers)
    for question, answer in answers:
        assert 0 < len(re.findall(r"[.!?:](?=\s|$)", re.sub(r"`[^`]*`", "", answer))) <= 5, question
