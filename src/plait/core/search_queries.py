"""What a search asks a store, checked: the same for the runtime and for the command line. Pure."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence

from plait.core import commands as c
from plait.core.errors import UsageError
from plait.core.ports import Project
from plait.core.searching import Places, Query, phrases

MOST_HITS = 1_000
"""Hits of one answer."""
LONGEST_SEARCH = 1_000
"""Characters of what is searched for."""


def query_of(command: c.Search) -> Query:
    """What a store is asked. Raises `UsageError`."""
    asked = phrases(command.words[:LONGEST_SEARCH])
    if not asked:
        raise UsageError("There is no word to search for. Give at least one letter or digit.")
    if len(command.words) > LONGEST_SEARCH:
        raise UsageError(
            f"This search has {len(command.words):,} characters, more than the {LONGEST_SEARCH:,} that one may have. Shorten it."
        )
    if not 1 <= command.limit <= MOST_HITS or command.offset < 0:
        raise UsageError(f"A search gives 1 to {MOST_HITS:,} hits, from the first one on. Give other numbers.")
    if any(at is not None and not math.isfinite(at) for at in (command.since, command.until)):
        raise UsageError("A search begins and ends at a moment. Give a date.")
    return Query(
        asked,
        command.project,
        command.session,
        command.role,
        command.since,
        command.until,
        command.kind,
        command.tools,
        command.limit,
        command.offset,
        command.tags,
        command.trashed,
    )


def require_known(query: Query, rows: Sequence[c.SessionInfo], projects: Sequence[Project], listing: str) -> None:
    """Raises `UsageError` with the nearest name where the search is for a session or a project that there is not; `listing` lists them."""
    named = [row for row in rows if query.session in (row.id, row.name)] if query.session else []
    if named and not query.trashed and all(row.trashed_at for row in named):
        raise UsageError(f"'{query.session[:40]}' is in the trash, which is not searched. Add trashed:yes to search it too.")
    if query.session and not named:
        raise _unknown("session", query.session, (row.name for row in rows), f"{listing} lists them")
    if query.project and not any(query.project in (one.id, one.name) for one in projects):
        raise _unknown("project", query.project, (one.name for one in projects), f"{listing} shows where sessions are")


def found(places: Places, rows: Sequence[c.SessionInfo]) -> c.Found:
    """What a store found, with the sessions as they are now."""
    known = {row.id: row for row in rows}
    shown = (one for one in places.found if one.session in known)
    hits = (c.Hit(known[one.session], one.seq, one.at, one.role, one.snippet, one.marks, one.taken_back) for one in shown)
    return c.Found(tuple(hits), places.total, places.unindexed, places.more)


def _unknown(what: str, name: str, names: Iterable[str], hint: str) -> UsageError:
    near = difflib.get_close_matches(name, set(names), n=1)
    what_to_do = f"Did you mean '{near[0]}'?" if near else f"{hint}."
    return UsageError(f"There is no {what} called '{name[:40]}'. {what_to_do}")
