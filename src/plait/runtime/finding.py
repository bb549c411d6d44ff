"""What a search is answered."""

from __future__ import annotations

import anyio.to_thread

from plait.core import commands as c
from plait.core.search_queries import found, query_of, require_known
from plait.runtime.registry import Registry


async def search(registry: Registry, command: c.Search) -> c.Found:
    """Ask the store's index. Raises `UsageError` for a search that can find nothing by its form, `StoreError` where the store fails."""
    query, store = query_of(command), registry.world.store
    rows = (await registry.list.whole()).all()
    require_known(query, rows, await anyio.to_thread.run_sync(store.projects) if query.project else (), "/sessions --all")
    return found(await anyio.to_thread.run_sync(store.search, query), rows)
