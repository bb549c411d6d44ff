"""The session's states as the documentation shows them: text made from `TRANSITIONS`, so that it cannot say anything else.

`docs/architecture.md` holds both texts; a test fails when they differ from what these functions return.
"""

from __future__ import annotations

from plait.core.states import TRANSITIONS, SessionState, Trigger


def state_diagram() -> str:
    """A Mermaid state diagram: one arrow for each pair of different states, with the triggers that take it. Ends with a line feed."""
    lines = ["stateDiagram-v2", f"    [*] --> {SessionState.ACTIVE}: opened"]
    for state, steps in TRANSITIONS.items():
        arrows: dict[SessionState, list[str]] = {}
        for trigger, target in steps.items():
            if target is not state:
                arrows.setdefault(target, []).append(trigger)
        lines += [f"    {state} --> {target}: {' / '.join(triggers)}" for target, triggers in arrows.items()]
    return "\n".join(lines) + "\n"


def state_table() -> str:
    """A Markdown table: a row for each trigger, a column for each state, in it the state that follows; '—' where it is illegal."""
    states = list(SessionState)
    lines = ["| | " + " | ".join(states) + " |", "|---" * (len(states) + 1) + "|"]
    for trigger in Trigger:
        cells = [TRANSITIONS[state].get(trigger) for state in states]
        shown = ["—" if cell is None else "stays" if cell is state else str(cell) for cell, state in zip(cells, states, strict=True)]
        lines.append(f"| {trigger} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"
