"""The file that metrics are kept in, `state/metrics.json`: read whole, replaced whole, for this user alone. A `core.ports.MetricsKeeper`.

What cannot be read is begun anew: these are figures, and nothing depends on them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from plait.core.errors import ConfigError
from plait.core.metrics import Metrics, from_plain, to_plain
from plait.paths import ensure

CAP = 1_000_000
"""Bytes that are read; what plait writes is a hundredth of that."""


class MetricsFile:
    """Metrics in a file; its directory is made when something is written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"<MetricsFile {self._path}>"

    def load(self) -> Metrics:
        """Blocks: what is kept; nothing where there is no such file, or none of ours."""
        try:
            with open(os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                text = file.read(CAP + 1)
            return from_plain(json.loads(text)) if len(text) <= CAP else Metrics()
        except (OSError, ValueError, RecursionError):
            return Metrics()

    def save(self, metrics: Metrics) -> None:
        """Blocks: keep this in place of what was kept. A kill leaves one of the two. Raises `OSError`."""
        try:
            ensure(self._path.parent)
        except ConfigError as error:
            raise OSError(str(error)) from error
        part = self._path.with_suffix(f".{os.getpid()}.part")
        part.unlink(missing_ok=True)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(to_plain(metrics), file, indent=1)
                file.write("\n")
            part.replace(self._path)
        finally:
            part.unlink(missing_ok=True)
