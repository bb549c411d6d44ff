"""Many sessions at one prompt: what a list of sessions shows without a fold, and what was typed and not sent."""

import json
import re
from typing import Any

from sqlite_utils import Database, Migrations

migrations = Migrations("plait")


@migrations()
def m0002_many_sessions(database: Database) -> None:
    """Widen the row of a session, make the table of drafts, and bring what is stored up to them."""
    for statement in (*_COLUMNS, _DRAFTS, _MARKS, _USED):
        database.execute(statement)
    for (session,) in database.execute("SELECT id FROM sessions").fetchall():
        try:
            _bring_up(database, session)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            continue  # what cannot be read is refused when it is used, as ever; its row is as the columns' defaults say


# Who waits, for what and since when, how much nobody has seen, and how that is told: without these columns a start would have to fold
# every open session before it could show the list. As all of the row but the project, they can be computed again from the events.
_COLUMNS = tuple(
    f"ALTER TABLE sessions ADD COLUMN {column}"
    for column in (
        "title TEXT NOT NULL DEFAULT ''",
        "named_by_hand INTEGER NOT NULL DEFAULT 0 CHECK (named_by_hand IN (0, 1))",
        "waiting_for TEXT NOT NULL DEFAULT ''",
        "waiting_since REAL NOT NULL DEFAULT 0",
        "unread INTEGER NOT NULL DEFAULT 0",
        "ended INTEGER NOT NULL DEFAULT 0",
        "ending TEXT NOT NULL DEFAULT 'done'",
        "queued INTEGER NOT NULL DEFAULT 0",
        "used_at REAL NOT NULL DEFAULT 0",
        "muted INTEGER NOT NULL DEFAULT 0 CHECK (muted IN (0, 1))",
        "notify TEXT NOT NULL DEFAULT ''",
    )
)

# What was typed in a session and not sent. A table and no event: it changes with every pause in typing, only its latest state is worth
# anything, and none of it happened in the conversation.
_DRAFTS = """
CREATE TABLE drafts (
    session TEXT PRIMARY KEY REFERENCES sessions (id),
    text TEXT NOT NULL CHECK (text <> ''),
    cursor INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT
"""

# A mark says how far the user has seen. It used to mean everything before it.
_MARKS = """
UPDATE events SET data = '{"type":"Seen","upto":' || (seq - 1) || ',"shown":0}' WHERE type = 'Seen'
"""

_USED = "UPDATE sessions SET used_at = last_at"
_UPDATE = """
UPDATE sessions SET named_by_hand = ?, waiting_for = ?, waiting_since = ?, unread = ?, ended = ?, ending = ?, queued = ?, used_at = ?
WHERE id = ?
"""
_EVENTS = """
SELECT seq, at, type, CASE WHEN type IN ('SessionOpened', 'Renamed', 'TurnStarted', 'TurnEnded') THEN data END FROM events
WHERE session = ? ORDER BY seq
"""
_USE = ("SessionOpened", "UserSaid", "RetryAsked", "SettingChanged", "Seen", "Paused", "Unpaused", "Reopened")
_ENDINGS = ("done", "failed", "interrupted", "limit")


def _bring_up(database: Database, session: str) -> None:
    """Fill the new columns of one session from its events, by the rules that held when they were written."""
    row = _Row()
    for seq, at, event, data in database.execute(_EVENTS, (session,)).fetchall():
        told = json.loads(data) if data else {}
        if event == "SessionOpened":
            # Nobody but the user made names then, apart from the placeholder, so that none of them may be replaced now.
            row.named = not re.fullmatch(r"default(-\d+)?", told["name"])
            told |= {"named_by_hand": row.named, "kind_by_hand": told["kind"] != "development"}
            opened = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
            database.execute("UPDATE events SET data = ? WHERE session = ? AND seq = ?", (opened, session, seq))
        row.take(seq, at, event, told)
    database.execute(_UPDATE, (*row.columns(), session))


class _Row:
    """What the new columns hold after the events that were taken in."""

    def __init__(self) -> None:
        self.named = False
        self.queue: list[int] = []
        self.running = 0
        self.paused = self.closed = self.unseen = False
        self.unread = self.ended = 0
        self.ending = "done"
        self.state = ""
        self.since = self.used = 0.0

    def take(self, seq: int, at: float, event: str, told: dict[str, Any]) -> None:
        if event in _USE:
            self.used = at
        match event:
            case "Renamed":
                self.named = bool(told["by_hand"])
            case "UserSaid" | "RetryAsked":
                self.queue.append(seq)
            case "TurnStarted":
                self.running = self.queue.pop(0)
            case "AssistantSaid":
                self.unread += 1
            case "TurnEnded":
                self._end(seq, told)
            case "Seen":
                self._see()
            case "Paused" | "Unpaused":
                self.paused = event == "Paused"
            case "Closed":
                self.queue, self.running, self.paused, self.closed = [], 0, False, True
                self._see()
            case "Reopened":
                self.closed = False
        self._settle(at)

    def _end(self, seq: int, told: dict[str, Any]) -> None:
        if told["turn"] == self.running:
            self.running = 0
        else:
            self.queue.remove(told["turn"])
        self.ended, self.ending = seq, _ENDINGS[_ENDINGS.index(told["ending"])]
        self.unseen = True
        self.unread += self.ending != "done"
        if told["seen"]:
            self._see()

    def _see(self) -> None:
        self.unseen, self.unread = False, 0

    def _settle(self, at: float) -> None:
        work = "works" if self.queue or self.running else "waits" if self.unseen else "rests"
        state = "closed" if self.closed else "paused" if self.paused else work
        if state != self.state:
            self.state = state
            self.since = at if state == "waits" else self.since

    def columns(self) -> tuple[object, ...]:
        """As `_UPDATE` takes them."""
        awaited = ("answer" if self.ending == "done" else self.ending) if self.state == "waits" else ""
        return self.named, awaited, self.since, self.unread, self.ended, self.ending, len(self.queue), self.used
