"""Where the owner's socket is, and who may be at its other end (promise P9).

Rules:
1. The socket lies in a folder that is the user's alone (0700), has mode 0600, and each side asks the kernel who the other one is.
2. Its name is made of the database's device and inode: short, and one for every path that leads there.
3. It is made and removed by nobody but who holds the database's lock, so that no two ever do it at once. What lies there when the lock
   was taken belonged to somebody dead.
4. A folder that is a link, another's, or open to others is refused, and not mended: whoever made it may have put something into it.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

from plait.core.errors import NoOwner, OwnerError

PRIVATE = 0o700
SOCKET_MODE = 0o600
LONGEST = 103
"""Bytes of a socket's path: `sun_path` holds 108 on Linux and 104 on macOS, the final null included."""
SWEPT, OLD = 100, 60.0
"""Sockets that are looked at when an owner starts, and the seconds for which one is left alone."""
_LINUX_CREDENTIALS = struct.Struct("iII")
_MAC_CREDENTIALS = struct.Struct("II")


def socket_path(database: Path, environ: Mapping[str, str], uid: int) -> Path:
    """Where the owner of `database`, which exists, listens; its folder is made. Raises `OwnerError` where there is no private place."""
    known = database.stat()
    name = f"{known.st_dev:x}-{known.st_ino:x}.sock"
    runtime = Path(environ.get("XDG_RUNTIME_DIR", ""))
    if runtime.is_absolute() and not _fault(runtime, uid) and _fits(path := runtime / "plait" / name):
        return _private_folder(path.parent, uid) / name
    chosen = Path(environ.get("TMPDIR", ""))
    folder = chosen / f"plait-{uid}" if chosen.is_absolute() else Path("/tmp") / f"plait-{uid}"
    if not _fits(folder / name):
        folder = Path("/tmp") / f"plait-{uid}"
    return _private_folder(folder, uid) / name


def checked(path: Path, uid: int) -> Path:
    """A socket that somebody says is the owner's. Raises `NoOwner` where there is none, `OwnerError` where it may be anybody's."""
    try:
        known = path.lstat()
    except (OSError, ValueError):
        raise NoOwner(f"No plait listens at {path}. Start one.") from None
    if fault := _fault(path.parent, uid):
        raise OwnerError(f"{path.parent} {fault}, so what listens there is not trusted. Remove it, then start plait again.")
    if not stat.S_ISSOCK(known.st_mode) or known.st_uid != uid:
        raise OwnerError(f"{path} is no socket of yours, so it is not trusted. Remove it, then start plait again.")
    return path


def _private_folder(folder: Path, uid: int) -> Path:
    try:
        folder.mkdir(PRIVATE)
        folder.chmod(PRIVATE)  # the umask took from it
    except FileExistsError:
        pass
    except OSError as error:
        raise OwnerError(
            f"{folder} cannot be made ({error.strerror}), so no second plait can attach. Set XDG_RUNTIME_DIR to a folder of yours."
        ) from error
    if fault := _fault(folder, uid):
        raise OwnerError(f"{folder} {fault}, so no second plait can attach. Remove it, or set XDG_RUNTIME_DIR to a folder of yours.")
    return folder


def _fault(folder: Path, uid: int) -> str:
    """Why a folder is not the user's alone; empty if it is."""
    try:
        known = folder.lstat()
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if stat.S_ISLNK(known.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(known.st_mode):
        return "is no folder"
    if known.st_uid != uid:
        return f"belongs to user {known.st_uid}"
    if stat.S_IMODE(known.st_mode) & 0o077:
        return "is open to other users"
    return ""


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST


def make_room(path: Path) -> None:
    """Remove the socket that a dead owner left. Call it with the database's lock held. Raises `OwnerError`."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OwnerError(f"{path} cannot be replaced ({error.strerror}), so no second plait can attach. Remove it.") from error


def sweep(folder: Path, now: float) -> None:
    """Remove sockets of dead owners of other databases, some at a time; `now` is in seconds since 1970. What cannot be removed stays."""
    for path in islice(folder.glob("*.sock"), SWEPT):
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if now - path.lstat().st_mtime < OLD:  # it may be bound, and nobody listens yet
                continue
            probe.setblocking(False)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()


def peer_uid(connection: socket.socket) -> int:
    """The user at the other end of a unix socket, as the kernel knows it. Raises `OSError`."""
    if sys.platform == "darwin":
        return int(_MAC_CREDENTIALS.unpack_from(connection.getsockopt(0, 1, 76))[1])  # LOCAL_PEERCRED: version, uid, groups
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _LINUX_CREDENTIALS.size)
    return int(_LINUX_CREDENTIALS.unpack(credentials)[1])


def check_peer(connection: socket.socket, uid: int) -> None:
    """Raises `OwnerError` if the process at the other end is another user's."""
    try:
        other = peer_uid(connection)
    except OSError as error:
        raise OwnerError(f"Who is at the other end cannot be told ({error.strerror}). Start plait again.") from error
    if other != uid:
        raise OwnerError(f"The process at the other end belongs to user {other}, not to you. Nothing was told to it.")
