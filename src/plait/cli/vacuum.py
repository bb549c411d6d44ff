"""`plait vacuum`: the database without the room that nothing uses any more."""

from __future__ import annotations

import time

from plait.core.sanitize import sanitize
from plait.paths import Paths
from plait.store.vacuum import vacuum as vacuum_database


def vacuum(paths: Paths) -> str:
    """Make the database as small as it can be; what to tell. Raises `StoreError`."""
    done = vacuum_database(paths.database, time.time())
    return sanitize(
        f"{paths.database}: {done.before:,} bytes before, {done.after:,} bytes now. The copy was checked before it took the place."
    )
