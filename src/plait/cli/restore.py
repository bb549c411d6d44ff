"""`plait restore`: a backup in the place of the database, which is kept."""

from __future__ import annotations

import time
from pathlib import Path

from plait.cli.backup import rows_told
from plait.core.sanitize import sanitize
from plait.paths import Paths, ensure
from plait.store.restoring import restore


def restore_backup(paths: Paths, asked: str) -> str:
    """Restore the file `asked` for, a path or a name among plait's own backups; what to tell. Raises `PlaitError`."""
    ensure(paths.data)
    backup = Path(asked).absolute()
    own = paths.data / "backups" / asked
    if not backup.exists() and own.exists():
        backup = own
    done = restore(paths.database, backup, time.time())
    text = f"{backup} is in the place of {paths.database} now: {rows_told(done.rows)}."
    if done.kept is not None:
        text += f"\nThe database that was there is {done.kept}. To go back: plait restore {done.kept.name}"
    return sanitize(text)
