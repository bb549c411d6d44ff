"""The system prompt: what is said first stands first, and the nearest instruction file last."""

from __future__ import annotations

from plait.core.prompt import Instructions, system_prompt


def test_the_parts_stand_in_the_order_of_nearness() -> None:
    files = [("/home/u/.config/plait/AGENTS.md", "Be brief.\n"), ("/shop/AGENTS.md", "\nRun the tests.\n")]
    assert system_prompt("You sell.", files) == (
        "You sell.\n\n"
        "Instructions from /home/u/.config/plait/AGENTS.md:\n\nBe brief.\n\n"
        "Instructions from /shop/AGENTS.md:\n\nRun the tests."
    )


def test_without_a_text_of_its_own_nothing_stands_before_the_files() -> None:
    assert system_prompt("", [("/a", "x")]) == "Instructions from /a:\n\nx"
    assert system_prompt("", []) == ""


def test_no_files_mean_no_digest() -> None:
    assert Instructions() == Instructions((), (), "", ())
