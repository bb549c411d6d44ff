"""What is told of going back and branching off."""

from __future__ import annotations

import pytest

from plait.core import events as e
from plait.core.messages import SessionId, Turn
from plait.repl.revisions import QUOTED, revision_text

T = Turn(2)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (e.Rewound(T, "fix it", 1), "Taken back: 'fix it'. /redo brings it back."),
        (e.Rewound(T, "fix it", 2), "Taken back: 'fix it' and the answer to it. /redo brings it back."),
        (e.Rewound(T, "fix it", 1_004), "Taken back: 'fix it' and the 1,003 messages after it. /redo brings it back."),
        (e.Rewound(T, "fix it", 2, replaced=True), "Taken back: 'fix it' and the answer to it. The next message stands in its place."),
        (e.Rewound(T), "Taken back: a message. /redo brings it back."),
        (e.Redone("fix it", 2), "Brought back: 'fix it' and the answer to it."),
        (e.Forked(SessionId("e1"), 9, "auth"), "Branched off here from 'auth'; what is above was copied from it."),
        (e.Forked(SessionId("e1"), 9), "Branched off here from 'e1'; what is above was copied from it."),
        (e.DirectoryChanged("/shop"), "This session works in /shop from here on."),
        (e.Noted("other"), ""),
    ],
)
def test_each_event_is_a_sentence(event: e.Event, text: str) -> None:
    assert revision_text(event, now=True) == text
    assert revision_text(event) == text.replace(" /redo brings it back.", "")


def test_a_long_message_is_quoted_in_part() -> None:
    text = revision_text(e.Rewound(T, "word " * 30, 1))
    assert "…'." in text
    assert len(text) < QUOTED + 20
