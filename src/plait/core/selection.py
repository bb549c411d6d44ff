"""Which sessions a list shall show: where they lie, and words and filters among them such as `tag:api`. The same at the prompt and on the
command line. Pure.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from plait.core.commands import SessionInfo
from plait.core.errors import UsageError
from plait.core.session import SessionState

FILTERS: Final = ("tag:", "project:", "state:")


def _is(*states: SessionState) -> Callable[[SessionInfo], bool]:
    return lambda row: row.state in states


STATES: Final[Mapping[str, Callable[[SessionInfo], bool]]] = {
    "ready": _is(SessionState.ACTIVE),
    "waiting": _is(SessionState.WAITING),
    "working": _is(SessionState.PROCESSING),
    "paused": _is(SessionState.PAUSED),
    "closed": _is(SessionState.COMPLETED),
    "open": lambda row: row.state is not SessionState.COMPLETED,
    "asks": lambda row: row.waiting_for == "question",
    "answered": lambda row: row.waiting_for == "answer",
    "failed": lambda row: row.waiting_for == "failed",
    "unread": lambda row: row.unread > 0,
    "draft": lambda row: row.draft,
    "pinned": lambda row: row.pinned,
}
"""What may stand after `state:`."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Where to look, and what to find there: all words, tags and states. A session is open, closed, in the archive or in the trash."""

    words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    project: str = ""
    states: tuple[str, ...] = ()
    open: bool = True
    closed: bool = False
    archived: bool = False
    trashed: bool = False

    @property
    def narrows(self) -> bool:
        """Whether it leaves out anything of where it looks."""
        return bool(self.words or self.tags or self.project or self.states)

    @property
    def asked(self) -> str:
        """What it looks for, as it is typed."""
        project = (f"project:{self.project}",) if self.project else ()
        return " ".join((*self.words, *(f"tag:{tag}" for tag in self.tags), *project, *(f"state:{state}" for state in self.states)))

    def of(self, rows: Iterable[SessionInfo]) -> list[SessionInfo]:
        """Those that it selects, in their order."""
        return [row for row in rows if self._lies_there(row) and self._fits(row)]

    def _lies_there(self, row: SessionInfo) -> bool:
        if row.state is not SessionState.COMPLETED:
            return self.open
        return self.trashed if row.trashed_at else self.archived if row.archived else self.closed

    def _fits(self, row: SessionInfo) -> bool:
        told = "\n".join((row.name, row.title, row.first, row.directory, row.id, *row.tags)).casefold()
        return (
            all(word.casefold() in told for word in self.words)
            and set(self.tags) <= set(row.tags)
            and (not self.project or self.project.casefold() in row.project.casefold())
            and all(STATES[state](row) for state in self.states)
        )


def selection_of(words: Sequence[str], **where: bool) -> Selection:
    """What is asked for by words and filters among them; `where` are the fields of the places. Raises `UsageError` for an unknown state.

    Who asks for `state:closed` means the closed ones, unless it is those of the archive or the trash.
    """
    plain: list[str] = []
    found: dict[str, list[str]] = {name: [] for name in FILTERS}
    for word in words:
        name, _, value = word.partition(":")
        if value and f"{name.lower()}:" in found:
            found[f"{name.lower()}:"].append(value)
        else:
            plain.append(word)
    states = tuple(state.lower() for state in found["state:"])
    for state in states:
        if state not in STATES:
            near = difflib.get_close_matches(state, STATES, n=1)
            hint = f"Did you mean state:{near[0]}?" if near else f"There are {', '.join(STATES)}."
            raise UsageError(f"There is no state '{state[:40]}' of a session. {hint}")
    if "closed" in states and not (where.get("archived") or where.get("trashed")):
        where["closed"] = True
    tags = tuple(tag.lower() for tag in found["tag:"])
    return Selection(tuple(plain), tags, (found["project:"] or [""])[-1], states, **where)


def places_of(*, every: bool, archived: bool, trashed: bool) -> dict[str, bool]:
    """Where a list looks, by its flags: among the open ones, unless it is asked for the archive or the trash alone."""
    return {"open": every or not (archived or trashed), "closed": every, "archived": archived, "trashed": trashed}


def pinned_first(rows: Iterable[SessionInfo]) -> list[SessionInfo]:
    """The pinned ones, then the others, each in their order."""
    return sorted(rows, key=lambda row: not row.pinned)


def newest(rows: Sequence[SessionInfo], most: int) -> list[SessionInfo]:
    """At most so many of them, in their order: the pinned ones, then those that were used, or thrown away, last."""
    last = sorted(rows, key=lambda row: (not row.pinned, -max(row.used_at, row.trashed_at)))[:most]
    kept = {row.id for row in last}
    return [row for row in rows if row.id in kept]
