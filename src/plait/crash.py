"""What is left of a fault that nobody foresaw: one file for whoever repairs it, without anybody's secrets.

Rules: the traceback alone, never the values of variables; keys found in the environment or by their form are cut out; the text passes the
sanitizer, so that showing the file harms no terminal; mode 0600 in a private directory; the `KEPT` newest are kept.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from plait import __version__
from plait.core.errors import PlaitError
from plait.core.sanitize import sanitize
from plait.core.secrets import without_secrets
from plait.paths import ensure

KEPT = 20
MAX_CHARACTERS = 200_000


def write_crash(error: BaseException, directory: Path, environ: Mapping[str, str]) -> Path | None:
    """Write what is known of `error` into a new file below `directory`; None where the disk does not allow it."""
    trace = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    head = f"plait {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
    text = sanitize(without_secrets(head + trace[-MAX_CHARACTERS:], environ))
    try:
        place = ensure(directory) / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
        for old in sorted(directory.glob("crash-*.txt"))[:-KEPT]:
            with contextlib.suppress(OSError):
                old.unlink()
    except (OSError, PlaitError):
        return None  # a full or read-only disk may be the very fault; the sentence on stderr remains
    return place
