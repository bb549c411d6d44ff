"""The list of sessions for programs, and what every list of them says: numbers, and where a session belongs. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from plait.core.commands import SessionInfo
from plait.core.session import SessionState

UNBROKEN = 100_000
"""Columns where no terminal shows a list: what is one line to a reader is one line to a program."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A session in the list: its `number` (0 for a closed one), and what is told below it."""

    row: SessionInfo
    number: int = 0
    shown: bool = False
    place: str = ""
    """The project, where it is not the one that the prompt is in."""
    below: tuple[str, ...] = ()


def tags_text(tags: Sequence[str]) -> str:
    """Tags as they are shown."""
    return " ".join(f"#{tag}" for tag in tags)


def places(rows: Sequence[SessionInfo], home: str) -> dict[str, str]:
    """What each project but `home` is called in a list: its id without the digits at the end, where no other is called so."""
    short = {row.project: row.project.rpartition("-")[0] or row.project for row in rows}
    names = list(short.values())
    return {project: name if names.count(name) == 1 else project for project, name in short.items() if project != home}


def json_lines(listed: Sequence[Listed]) -> str:
    """One JSON array, each session on a line of its own that is not wrapped. Times are seconds since 1970."""
    lines = ",\n".join(_json(one) for one in listed)
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def _json(one: Listed) -> str:
    row = one.row
    plain = {
        "number": one.number or None,
        "id": row.id,
        "name": row.name,
        "title": row.title,
        "type": row.kind,
        "state": row.state,
        "waitingFor": row.waiting_for or None,
        "waitingSince": row.waiting_since if row.waiting_for else None,
        "shown": one.shown,
        "project": row.project,
        "cwd": row.directory,
        "messages": row.messages,
        "unread": row.unread,
        "queued": row.queued,
        "draft": row.draft and not one.shown,
        "first": row.first,
        "tags": row.tags,
        "pinned": row.pinned,
        "archived": row.archived,
        "trashedAt": row.trashed_at or None,
        "forkedFrom": row.forked_from or None,
        "muted": row.muted,
        "createdAt": row.created_at,
        "lastAt": row.last_at,
        "completed": row.state is SessionState.COMPLETED,
    }
    return json.dumps(plain)  # ASCII: nothing in it can mean anything to a terminal
