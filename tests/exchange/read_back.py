"""plait's own JSON, read back whole and strictly: the oracle of "what is written is read back alike"."""

from __future__ import annotations

from typing import Any

from plait.core.codec import CodecError, cleaned, from_plain, parse
from plait.core.commands import Draft
from plait.core.errors import PlaitError
from plait.core.events import EPHEMERAL_TYPES, Stamped
from plait.core.messages import ProjectId, SessionId
from plait.core.ports import Project
from plait.exchange.document import FORMAT, VERSION, Kept


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
