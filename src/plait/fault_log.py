"""The log of plait's own faults, `state/plait.log`; nothing of a conversation is written there on purpose.

Rules:
1. A fault's text may quote a model, a tool or a file: it passes the sanitizer, and every line after a record's first is indented, so that
   no text can look like a record.
2. Mode 0600, whatever the umask; a symbolic link in its place is not followed.
3. Nothing about the log ever reaches the terminal: where it cannot be written, the program goes on without it.
"""

from __future__ import annotations

import io
import logging
import os

from plait.core.sanitize import sanitize
from plait.paths import Paths, ensure

CAP = 1_000_000
"""Bytes of the log beyond which the next start sets it aside; one old one is kept."""


class SafeFormatter(logging.Formatter):
    """A record as text that is harmless to show."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's first line, and all others indented."""
        return sanitize(super().format(record)).replace("\n", "\n    ")


class PrivateFile(logging.FileHandler):
    """Appends to a file that only this user can read; a record that cannot be written is dropped."""

    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)
        # Unbuffered: what a full disk refused is not kept for later.
        return io.TextIOWrapper(os.fdopen(descriptor, "wb", buffering=0), encoding="utf-8", errors="backslashreplace", write_through=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, if that can be."""
        try:
            super().emit(record)
        except OSError:  # the file could not be opened
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name
        """The library would print a traceback to stderr, which is the user's terminal."""


def start_log(paths: Paths | None) -> None:
    """Log from now on; nowhere without paths. Raises `ConfigError` where the directory cannot be made."""
    log = logging.getLogger("plait")
    log.propagate = False
    if paths is None:
        log.addHandler(logging.NullHandler())
        return
    file = ensure(paths.state) / "plait.log"
    if file.exists() and file.stat().st_size > CAP:
        file.replace(file.with_suffix(".log.1"))
    handler = PrivateFile(file, delay=True)
    handler.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log.addHandler(handler)
