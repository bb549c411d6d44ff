"""Text that waits for a terminal: in order, whole lines, and what is dropped is counted."""

from __future__ import annotations

import re

from hypothesis import given, strategies as st

from plait.repl.backlog import MAX_WAITING, Backlog


@given(st.lists(st.text("ab\n", max_size=30)), st.integers(1, 40))
def test_everything_comes_out_in_order_in_whole_lines(texts: list[str], limit: int) -> None:
    backlog = Backlog()
    for text in texts:
        backlog.add(text)
    taken: list[str] = []
    while backlog:
        taken.append(backlog.take(limit))
    assert "".join(taken) == "".join(text if text.endswith("\n") else text + "\n" for text in texts if text)
    assert all(text.endswith("\n") for text in taken)
    assert len(backlog) == 0


def test_the_oldest_are_dropped_and_counted() -> None:
    backlog = Backlog()
    for number in range(30):
        backlog.add(f"{number}\n" + "x" * (MAX_WAITING // 20))
    text = backlog.take(MAX_WAITING * 2)
    match = re.match(r"\[(\d+) lines are not shown here", text)
    assert match
    assert int(match[1]) + text.count("\n") - 1 == 60
    assert len(text) < MAX_WAITING + 200
    assert text.endswith("x\n")
    assert "\n29\n" in text
