"""`plait backup`: a whole copy of the database, also while plait runs, checked before it gets its name."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from plait.core.errors import PlaitError
from plait.core.sanitize import sanitize
from plait.exchange.new_file import put_in_place, taken, unused
from plait.paths import Paths, ensure
from plait.store.backup import Backup, back_up
from plait.store.files import utc_stamp


def make_backup(paths: Paths, asked: str | None) -> tuple[str, bool]:
    """Copy the database to the file or into the directory `asked` for, else among plait's own backups.

    Returns what to tell, and whether the copy is sound. Raises `UsageError` for a file that is there already, `PlaitError`.
    """
    if not paths.database.exists():
        raise PlaitError(f"There is no database at {paths.database} yet, so there is nothing to copy. Start plait, which makes it.")
    target = ensure(paths.data / "backups") if asked is None else Path(asked).absolute()
    if target.is_dir():
        target = unused(target / f"plait-{utc_stamp(time.time())}.db")
    elif os.path.lexists(target):
        raise taken(target)
    try:
        made = back_up(paths.database, target, put_in_place)
    except FileExistsError as error:
        raise taken(target) from error
    return sanitize(_told(made)), not made.problems


def _told(made: Backup) -> str:
    text = f"{made.path}: {made.size:,} bytes, {rows_told(made.rows) if made.rows else 'rows that cannot be counted'}."
    if not made.problems:
        return f"{text} The copy was checked and is sound."
    wrong = "\n".join(f"  {problem}" for problem in made.problems[:20])
    more = f"\n  and {len(made.problems) - 20:,} more" if len(made.problems) > 20 else ""
    return f"{text} The copy is as the database is, and that is not sound:\n{wrong}{more}"


def rows_told(rows: Mapping[str, int]) -> str:
    """Rows by table, most first: "events 120, sessions 3"."""
    most_first = sorted(rows.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{table} {count:,}" for table, count in most_first if count) or "no rows"
