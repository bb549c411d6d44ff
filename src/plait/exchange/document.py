"""plait's own JSON of sessions: every durable event, as it is stored, through the codec. What is written is read back alike. Pure.

`docs/formats.md` describes it. A change that an earlier plait cannot read gets another `VERSION`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plait.core.codec import CodecError, cleaned, encode, from_plain, parse
from plait.core.commands import Draft
from plait.core.errors import PlaitError
from plait.core.events import EPHEMERAL_TYPES, Stamped
from plait.core.messages import ProjectId, SessionId
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


def from_json(text: str) -> list[Kept]:
    """The sessions of a document. Raises `PlaitError` for what is none, is of a later version, or is broken."""
    try:
        plain = parse(text)
        if not isinstance(plain, dict) or plain.get("format") != FORMAT:
            raise CodecError("It is not a JSON document of plait's sessions. Make one with: plait export --format json")
        version = plain.get("version")
        if not isinstance(version, int) or version > VERSION:
            raise CodecError(f"It is of version {version!r}, and this plait reads up to {VERSION}. Use the plait that wrote it.")
        return [_kept(one) for one in plain["sessions"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise PlaitError(f"The document is broken ({error!r}). Export it again.") from error


def _kept(plain: dict[str, Any]) -> Kept:
    session, project = SessionId(_text(plain["id"])), plain["project"]
    events = tuple(from_plain(one, "event") for one in plain["events"])
    for seq, stamped in enumerate(events, 1):
        wrong = not isinstance(stamped, Stamped) or stamped.seq != seq or stamped.session != session
        if wrong or isinstance(stamped.event, EPHEMERAL_TYPES):
            raise CodecError(f"Event {seq} of session '{session[:40]}' is missing or out of place. Export it again.")
    draft = from_plain(plain["draft"], "draft") if plain["draft"] is not None else None
    if draft is not None and not isinstance(draft, Draft):
        raise CodecError(f"The draft of session '{session[:40]}' is none. Export it again.")
    created = project["createdAt"]
    if isinstance(created, bool) or not isinstance(created, int | float):
        raise CodecError(f"The project of session '{session[:40]}' has no time. Export it again.")
    own = Project(ProjectId(_text(project["id"])), _text(project["name"]), _text(project["directory"]), float(created))
    return cleaned(Kept(session, own, events, draft))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise CodecError(f"{str(value)[:40]!r} is no text. Export it again.")
    return value
