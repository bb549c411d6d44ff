"""Fleets for tests, made from a few words on each session."""

from __future__ import annotations

from collections.abc import Iterable

from plait.core.commands import GateFigures, SessionInfo
from plait.core.events import Kind
from plait.core.messages import SessionId
from plait.core.session import Awaited, SessionState
from plait.repl.fleet import FleetView


def session(
    name: str,
    awaited: Awaited = "",
    *,
    kind: Kind = "development",
    state: SessionState = SessionState.ACTIVE,
    since: float = 0.0,
    unread: int = 0,
) -> SessionInfo:
    """A session; its id is its name. One that awaits something is WaitingForInput."""
    return SessionInfo(
        id=SessionId(name),
        name=name,
        kind=kind,
        state=SessionState.WAITING if awaited else state,
        project="p",
        directory="/p",
        messages=1,
        created_at=0.0,
        last_at=0.0,
        seq=1,
        waiting_for=awaited,
        waiting_since=since,
        unread=unread,
    )


def fleet(rows: Iterable[SessionInfo], shown: str = "", gate: GateFigures = GateFigures(0, 0, 5)) -> FleetView:
    """These sessions, in the order of their numbers."""
    return FleetView(tuple(rows), gate, shown=SessionId(shown), home="p")
