"""plait's own JSON of sessions: every durable event, as it is stored, through the codec, so that it can be read back alike. Pure.

`docs/formats.md` describes it. A change that an earlier plait cannot read gets another `VERSION`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
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


def to_json(kept: Sequence[Kept], *, program: str, at: float, redacted: bool) -> str:
    """The document, ASCII only, an event on each line. `program` is the version of plait; `at` is in seconds since 1970."""
    head = {"format": FORMAT, "version": VERSION, "program": program, "exportedAt": at, "redacted": redacted}
    sessions = ",\n".join(map(_session, kept))
    return json.dumps(head)[:-1] + f', "sessions": [\n{sessions}\n]}}\n'


def _session(kept: Kept) -> str:
    project = {"id": kept.project.id, "name": kept.project.name, "directory": kept.project.directory, "createdAt": kept.project.created_at}
    head = json.dumps({"id": kept.session, "project": project, "draft": _plain(kept.draft) if kept.draft else None})
    events = ",\n".join(json.dumps(_plain(stamped)) for stamped in kept.events)
    return head[:-1] + f', "events": [\n{events}\n]}}'


def _plain(value: object) -> Any:
    return json.loads(encode(value))
