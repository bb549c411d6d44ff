"""Where the socket is, and who is trusted there: nobody but the user, in a folder that is theirs alone (promise P9)."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest

from plait.core.errors import NoOwner, OwnerError, OwnerLost
from plait.remote.place import LONGEST, check_peer, checked, peer_uid, socket_path, sweep
from tests.remote.ends import attached, raw, serving
from tests.runtime.waiting import LIMIT
from tests.runtime.world import World, scripted

ME = os.geteuid()


@pytest.fixture
def root() -> Iterator[Path]:
    """A short path, for a socket's may not be long."""
    with tempfile.TemporaryDirectory(prefix="p") as folder:
        yield Path(folder)


@pytest.fixture
def database(root: Path) -> Path:
    (root / "plait.db").touch()
    return root / "plait.db"


def private(folder: Path) -> Path:
    folder.mkdir(0o700)
    folder.chmod(0o700)
    return folder


def test_the_runtime_directory_is_taken_and_made_private(root: Path, database: Path) -> None:
    runtime = private(root / "run")
    path = socket_path(database, {"XDG_RUNTIME_DIR": str(runtime)}, ME)
    known = database.stat()
    assert path == runtime / "plait" / f"{known.st_dev:x}-{known.st_ino:x}.sock"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    link = root / "other name"
    link.symlink_to(database)
    assert socket_path(link, {"XDG_RUNTIME_DIR": str(runtime)}, ME) == path


@pytest.mark.parametrize("runtime", ["", "relative", "/does/not/exist", "{root}/open", "{root}/link", "{root}/" + "d" * 90])
def test_without_one_the_temporary_directory_has_it(root: Path, database: Path, runtime: str) -> None:
    private(root / "open").chmod(0o755)
    private(root / ("d" * 90))
    (root / "link").symlink_to(private(root / "real"))
    path = socket_path(database, {"XDG_RUNTIME_DIR": runtime.format(root=root), "TMPDIR": str(root)}, ME)
    assert path.parent == root / f"plait-{ME}"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(os.fsencode(path)) <= LONGEST


def test_a_temporary_directory_with_a_long_path_is_not_taken(root: Path, database: Path) -> None:
    deep = root / ("d" * 90)
    deep.mkdir()
    path = socket_path(database, {"TMPDIR": str(deep)}, ME)
    assert path.parent == Path("/tmp") / f"plait-{ME}"


def a_link(folder: Path) -> None:
    folder.symlink_to(private(folder.with_name("elsewhere")))


def open_to_others(folder: Path) -> None:
    private(folder).chmod(0o750)


def a_file(folder: Path) -> None:
    folder.touch()


@pytest.mark.parametrize(("make", "told"), [(a_link, "symbolic link"), (open_to_others, "open to other users"), (a_file, "is no folder")])
def test_a_folder_that_is_not_ones_own_is_refused_and_not_mended(
    root: Path, database: Path, make: Callable[[Path], None], told: str
) -> None:
    folder = root / f"plait-{ME}"
    make(folder)
    before = folder.lstat()
    with pytest.raises(OwnerError, match=told):
        socket_path(database, {"TMPDIR": str(root)}, ME)
    assert (folder.lstat().st_mode, folder.lstat().st_mtime) == (before.st_mode, before.st_mtime)


def test_anothers_folder_is_refused(root: Path, database: Path) -> None:
    private(root / f"plait-{ME + 1}")
    with pytest.raises(OwnerError, match=f"belongs to user {ME}"):
        socket_path(database, {"TMPDIR": str(root)}, ME + 1)


def test_what_is_announced_is_trusted_only_where_it_is_ones_own_socket(root: Path) -> None:
    folder = private(root / "own")
    with pytest.raises(NoOwner):
        checked(folder / "none", ME)
    with pytest.raises(NoOwner):
        checked(folder / "a\0b", ME)
    (folder / "file").touch()
    with pytest.raises(OwnerError, match="no socket of yours"):
        checked(folder / "file", ME)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        assert checked(folder / "s", ME) == folder / "s"
        (folder / "link").symlink_to(folder / "s")
        with pytest.raises(OwnerError, match="no socket of yours"):
            checked(folder / "link", ME)
        with pytest.raises(OwnerError, match="belongs to user"):
            checked(folder / "s", ME + 1)
        folder.chmod(0o711)
        with pytest.raises(OwnerError, match="open to other users"):
            checked(folder / "s", ME)


def test_sockets_of_the_dead_are_swept_and_those_of_the_living_stay(root: Path) -> None:
    folder = private(root / "run")
    with socket.socket(socket.AF_UNIX) as living, socket.socket(socket.AF_UNIX) as dead:
        living.bind(str(folder / "living.sock"))
        living.listen()
        dead.bind(str(folder / "dead.sock"))
        (folder / "other").touch()
        sweep(folder, time.time())  # a fresh one may just be on its way to listen
        assert len(list(folder.iterdir())) == 3
        sweep(folder, time.time() + 100)
        assert {path.name for path in folder.iterdir()} == {"living.sock", "other"}


def test_the_kernel_says_who_is_at_the_other_end() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_uid(ours) == ME
        check_peer(ours, ME)
        with pytest.raises(OwnerError, match=f"belongs to user {ME}"):
            check_peer(ours, ME + 1)


@pytest.mark.anyio
async def test_another_user_is_told_nothing(root: Path) -> None:
    async with World(scripted()).start() as coordinator, serving(coordinator, root / "s", uid=ME + 1) as server:
        async with raw(root / "s") as peer:
            assert await peer.line() == b""
        with pytest.raises(OwnerLost), anyio.fail_after(LIMIT):
            async with attached(root / "s"):
                raise AssertionError("it must not attach")
        assert server.connections == 0


STRANGER = """
import os, socket, sys
os.setgid(65534)
os.setuid(65534)
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
try:
    peer.sendall(b'{"type":"Hello","protocol":1,"shape":"","version":"","pid":1}\\n')
    sys.exit(bool(peer.recv(1)))
except OSError:
    pass
"""


@pytest.mark.anyio
@pytest.mark.skipif(ME != 0, reason="only root can become another user")
async def test_a_process_of_another_user_is_told_nothing(root: Path) -> None:
    """Even where the folder and the socket let it in."""
    os.chmod(root, 0o711)
    async with World(scripted()).start() as coordinator, serving(coordinator, root / "s"):
        os.chmod(root / "s", 0o666)
        command = [sys.executable, "-I", "-c", STRANGER, str(root / "s")]
        # Without our environment: whoever measures coverage would have it write where that user may not.
        ended = await anyio.run_process(command, stderr=subprocess.PIPE, check=False, env={})
        assert (ended.returncode, ended.stderr) == (0, b"")
