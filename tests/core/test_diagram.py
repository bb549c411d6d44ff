"""The documentation shows the table that the code uses, and names files that are there."""

from __future__ import annotations

import re
from pathlib import Path

from plait.core.diagram import state_diagram, state_table
from plait.core.states import TRANSITIONS, SessionState, Trigger

ROOT = Path(__file__).parents[2]
PAGE, SOURCE = ROOT / "docs" / "architecture.md", ROOT / "src" / "plait"


def test_the_page_holds_the_diagram_and_the_table_as_they_are_made() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"<!-- made by plait.core.diagram.state_diagram -->\n```mermaid\n{state_diagram()}```\n" in text
    assert f"<!-- made by plait.core.diagram.state_table -->\n{state_table()}" in text


def test_the_page_names_files_that_are_there() -> None:
    named = re.findall(r"`((?:core|runtime|store|models|tools|names|repl)/[\w./]+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 50
    assert [name for name in named if not (SOURCE / name).exists()] == []


def test_the_diagram_has_an_arrow_for_every_step_to_another_state() -> None:
    lines = state_diagram().splitlines()
    for state, steps in TRANSITIONS.items():
        for trigger, target in steps.items():
            arrow = [line for line in lines if line.startswith(f"    {state} --> {target}: ")]
            assert len(arrow) == (target is not state)
            assert target is state or trigger in arrow[0].split(": ", 1)[1].split(" / ")


def test_the_table_has_a_cell_for_every_pair() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in state_table().splitlines()]
    assert rows[0] == ["", *SessionState]
    assert [row[0] for row in rows[2:]] == list(Trigger)
    illegal = sum(row.count("—") for row in rows[2:])
    assert illegal == len(Trigger) * len(SessionState) - sum(map(len, TRANSITIONS.values()))
