"""plait's own JSON of sessions: every durable event, as it is stored, through the codec, so that it can be read back alike. Pure.

`docs/formats.md` describes it. A change that an earlier plait cannot read gets another `VERSION`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from plait.core.codec import encode
from plait.core.commands import Draft
from plait.core.events import Stamped
from plait.core.messages import SessionId
from plait.core.ports import Project

FORMAT, VERSION = "plait-sessions", 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as it is kept: its project, its events in order, and what was typed and not sent."""

    session: SessionId
    project: Project
    events: tuple[Stamped, ...]
    draft: Draft | None = None


def to_json(kept: Iterable[Kept], *, program: str, at: float, redacted: bool) -> Iterator[str]:
    """The document in pieces, ASCII only, an event on each line. `program` is the version of plait; `at` is in seconds since 1970."""
    head = {"format": FORMAT, "version": VERSION, "program": program, "exportedAt": at, "redacted": redacted}
    yield json.dumps(head)[:-1] + ', "sessions": ['
    between = "\n"
    for one in kept:
        yield between
        yield from _session(one)
        between = ",\n"
    yield "\n\n]}\n" if between == "\n" else "\n]}\n"


def _session(kept: Kept) -> Iterator[str]:
    project = {"id": kept.project.id, "name": kept.project.name, "directory": kept.project.directory, "createdAt": kept.project.created_at}
    head = json.dumps({"id": kept.session, "project": project, "draft": _plain(kept.draft) if kept.draft else None})
    yield head[:-1] + ', "events": ['
    for number, stamped in enumerate(kept.events):
        yield ("," if number else "") + "\n" + json.dumps(_plain(stamped))
    yield "\n]}" if kept.events else "\n\n]}"


def _plain(value: object) -> Any:
    return json.loads(encode(value))
