"""What a search is answered."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable

import anyio.to_thread

from plait.core import commands as c
from plait.core.errors import UsageError
from plait.core.searching import Query, phrases
from plait.runtime.registry import Registry

MOST_HITS = 1_000
"""Hits of one answer."""
LONGEST_SEARCH = 1_000
"""Characters of what is searched for."""


async def search(registry: Registry, command: c.Search) -> c.Found:
    """Ask the store's index. Raises `UsageError` for a search that can find nothing by its form, `StoreError` where the store fails."""
    query = query_of(command)
    rows = {row.id: row for row in registry.list.by_use()}
    if query.session and not any(query.session in (row.id, row.name) for row in rows.values()):
        raise _unknown("session", query.session, (row.name for row in rows.values()), "/sessions --all lists them")
    if query.project:
        projects = await anyio.to_thread.run_sync(registry.world.store.projects)
        if not any(query.project in (one.id, one.name) for one in projects):
            raise _unknown("project", query.project, (one.name for one in projects), "/sessions --all shows where sessions are")
    found = await anyio.to_thread.run_sync(registry.world.store.search, query)
    hits = (c.Hit(rows[one.session], one.seq, one.at, one.role, one.snippet, one.marks) for one in found.found if one.session in rows)
    return c.Found(tuple(hits), found.total, found.unindexed)


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
    )


def _unknown(what: str, name: str, names: Iterable[str], hint: str) -> UsageError:
    near = difflib.get_close_matches(name, set(names), n=1)
    what_to_do = f"Did you mean '{near[0]}'?" if near else f"{hint}."
    return UsageError(f"There is no {what} called '{name[:40]}'. {what_to_do}")
