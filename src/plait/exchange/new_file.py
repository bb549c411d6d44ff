"""Writing a file that was not there before: private, whole or not at all, and never over another one."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from plait.core.errors import PlaitError, UsageError


def unused(path: Path) -> Path:
    """A path like this one under which nothing lies: `path` itself, or with a number before its suffix."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def write_new(path: Path, text: str) -> None:
    """`write_pieces`, of a whole text."""
    write_pieces(path, (text,))


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """Write a new file for this user alone. Raises `UsageError` where one lies there already, `PlaitError` where it cannot be written."""
    if os.path.lexists(path):
        raise taken(path)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)  # mode 0600 whatever the umask
        part = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            put_in_place(part, path)
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError as error:
        raise taken(path) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a null character in the name"
        raise PlaitError(f"{path} cannot be written ({reason}). Give another file, or make room and access there.") from error


def put_in_place(part: Path, path: Path) -> None:
    """Give a finished file its name. Raises `FileExistsError` where another one has taken it since."""
    try:
        os.link(part, path)
    except OSError as error:
        # A disk without hard links: between the look and the rename another program could still take the name.
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        part.rename(path)
    with suppress(OSError):  # the content is on the disk; a directory that cannot be synced is no reason to call it lost
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def taken(path: Path) -> UsageError:
    """For a file that is there already: nothing is overwritten."""
    return UsageError(f"{path} is there already and is not overwritten. Give another name, such as {unused(path)}.")
