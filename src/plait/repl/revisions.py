"""Going back and branching off, in sentences: the same in the scrollback, in /history and for whoever looks at it later. Pure."""

from __future__ import annotations

from plait.core import events as e

QUOTED = 60
"""Characters of a message that are quoted in a sentence."""


def revision_text(event: e.Event, *, now: bool = False) -> str:
    """What became of the conversation by this event; empty if nothing. With `now`, it is told with the way back."""
    match event:
        case e.Rewound(replaced=True):
            return f"Taken back: {_taken(event)}. The next message stands in its place."
        case e.Rewound():
            return f"Taken back: {_taken(event)}.{' /redo brings it back.' if now else ''}"
        case e.Redone():
            return f"Brought back: {_taken(event)}."
        case e.Forked(name=name):
            return f"Branched off here from '{name or event.parent}'; what is above was copied from it."
        case e.DirectoryChanged(directory=directory):
            return f"This session works in {directory} from here on."
        case e.RetryAsked():
            return "Asked once more."
        case _:
            return ""


def quoted(text: str) -> str:
    """The beginning of a message, in quotation marks."""
    return f"'{text if len(text) <= QUOTED else text[: QUOTED - 1].rstrip() + '…'}'"


def _taken(event: e.Rewound | e.Redone) -> str:
    what = quoted(event.text) if event.text else "a message"
    match event.messages:
        case 0 | 1:
            return what
        case 2:
            return f"{what} and the answer to it"
        case many:
            return f"{what} and the {many - 1:,} messages after it"
