"""What changes in the sessions that are not shown: notices by their rules, and where text is linear a sentence.

Everything is told by comparing two looks at the open sessions; nothing is kept beside them.
"""

from __future__ import annotations

from collections.abc import Callable

from plait.core.commands import SessionInfo
from plait.core.errors import UsageError
from plait.core.notices import NoticeKind, Rules, parse_rules
from plait.core.session import SessionState
from plait.repl.fleet import FleetView
from plait.repl.notices import Notifier

_WORDS = {
    "question": "asks you something. /inbox shows it, /switch {name} goes there.",
    "failed": "failed. /switch {name} shows why; /retry there asks again.",
    "limit": "stopped at its limit of model calls. /switch {name} goes there.",
    "interrupted": "was interrupted. /switch {name} goes there.",
    "answer": "has answered. /switch {name} shows it.",
}


class Announcer:
    """Compares looks at the sessions. `say` shows a sentence of plait's own where state changes are to be told in words; None says none.

    `is_closing` says whether a command is being carried out here, which may be what closes the shown session.
    """

    def __init__(
        self, notifier: Notifier, say: Callable[[str], None] | None, warn: Callable[[str], None], is_closing: Callable[[], bool] = bool
    ) -> None:
        self._notifier = notifier
        self._say = say
        self._warn = warn
        self._is_closing = is_closing

    def changed(self, old: FleetView, new: FleetView) -> None:
        """The open sessions were as `old` says, and are as `new` says."""
        for session, text in new.heavy_texts.items():
            if session not in old.heavy_texts:
                self._warn(text)
        shown = old.row(old.shown)
        if shown is not None and new.shown == shown.id and new.row(shown.id) is None and not self._is_closing():
            self._warn(f"'{shown.name}' was closed in another terminal. /reopen {shown.name} opens it again, /sessions lists the others.")
        for row in new.sessions:
            before = old.row(row.id)
            if before is not None and row.id != new.shown:
                self._compare(before, row, new.text_of(row.id))

    def _compare(self, before: SessionInfo, row: SessionInfo, detail: str) -> None:
        kind = notice_kind(before, row)
        if kind is not None:
            self._notifier.tell(kind, row, detail, own_rules(row), row.muted)
        if self._say is None or row.muted:
            return
        if row.waiting_for and (row.waiting_for, row.waiting_since) != (before.waiting_for, before.waiting_since):
            self._say(f"{row.name} {_WORDS[row.waiting_for].format(name=row.name)}")
        elif row.state is SessionState.PROCESSING and before.state is not SessionState.PROCESSING:
            self._say(f"{row.name} is at work.")


def notice_kind(before: SessionInfo, row: SessionInfo) -> NoticeKind | None:
    """What a session that is not shown has to tell since it was as `before`; None for nothing, and for what was seen before it was left."""
    if not row.unread:
        return None
    if row.waiting_for == "question" and (before.waiting_for != "question" or row.waiting_since != before.waiting_since):
        return "question"
    if row.ended == before.ended:
        return None
    return "done" if row.ending == "done" else "failed" if row.ending in ("failed", "limit") else None


def own_rules(row: SessionInfo) -> Rules | None:
    """The session's own rules for notices; those that a later version wrote, and this one cannot read, count as none."""
    try:
        return parse_rules(row.notify) if row.notify else None
    except UsageError:
        return None
