"""The life of the bundled model's process: one for all, started late, ended in time, never left over.

Most tests run a shell script in its place: a real process with the same three words. `test_offline_model` has the real one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from plait.core.errors import ModelError, NoModel
from plait.models.offline import MAX_DEATHS, MAX_SOCKET_PATH, OfflineServer
from tests.timing import LIMIT, within

pytestmark = pytest.mark.anyio

READY = """echo '{"ready": true}'; """
WAIT = "cat > /dev/null"

Make = Callable[..., OfflineServer]


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with room for a socket's path, as a user's has."""
    return tmp_path_factory.mktemp("s")


@pytest.fixture
async def make(tmp_path: Path, short: Path) -> AsyncIterator[Make]:
    """Servers whose process is a shell script that has read its settings into `$settings`."""
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF")
    async with AsyncExitStack() as stack:

        def server(script: str = READY + WAIT, *, state: Path = short, idle: float = 600.0, **more: object) -> OfflineServer:
            shell = tmp_path / f"python{len(list(tmp_path.iterdir()))}"
            shell.write_text(f"#!/bin/sh\nread -r settings\n{script}\n")
            shell.chmod(0o700)
            options = {"library": "json", **more}
            made = OfflineServer(model, state, idle=idle, python=str(shell), **options)  # type: ignore[arg-type]  # of the caller's choice
            stack.push_async_callback(made.aclose)
            return made

        yield server


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be noticed does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return sys.platform != "linux"


async def gone(pid: int, promised: float = LIMIT) -> None:
    """Wait until the process has ended."""
    with anyio.fail_after(LIMIT), within(promised):
        while alive(pid):
            await anyio.lowlevel.checkpoint()


async def pid_in_use(server: OfflineServer) -> int:
    """Use the server once; the process that it has then."""
    async with server.use():
        assert server.pid is not None
        return server.pid


async def test_starts_at_the_first_use_and_is_one_for_all(make: Make) -> None:
    server = make()
    assert server.pid is None
    seen = set()

    async def use() -> None:
        async with server.use() as endpoint:
            seen.add((server.pid, endpoint.uds, endpoint.api_key.reveal()))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(use)
    assert len(seen) == 1
    pid, socket, key = seen.pop()
    assert pid is not None
    assert os.getsid(pid) == pid, "in a session of its own"
    assert socket is not None
    directory = Path(socket).parent
    assert directory.stat().st_mode & 0o777 == 0o700
    assert key not in (await anyio.Path(f"/proc/{pid}/cmdline").read_text() if sys.platform == "linux" else "")
    await server.aclose()
    assert not alive(pid)
    assert not directory.exists()
    assert await pid_in_use(server) != pid, "it can be used again"


async def test_ends_when_idle_but_not_in_use(make: Make) -> None:
    used, idle = make(idle=0.02), make(idle=0.02)
    async with used.use():
        mine = await pid_in_use(used)  # a second use that ends does not end the first
        await gone(await pid_in_use(idle))
        assert used.pid == mine
    await gone(mine)
    with anyio.fail_after(LIMIT):
        while list((used.log.parent).glob("plait-offline-*")):
            await anyio.lowlevel.checkpoint()
    assert await pid_in_use(used) != mine


async def test_a_dead_process_is_replaced_but_not_for_ever(make: Make) -> None:
    server = make()
    seen = []
    for _ in range(MAX_DEATHS):
        pid = await pid_in_use(server)
        os.kill(pid, 9)
        await gone(pid)
        seen.append(pid)
    assert len(set(seen)) == MAX_DEATHS
    with pytest.raises(ModelError, match=rf"ended {MAX_DEATHS} times within 60 seconds\. See .*offline\.log"):
        await pid_in_use(server)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("""echo '{"error": "RuntimeError: no such model."}'; exit 1""", "RuntimeError: no such model"),
        ("exit 3", "it ended before it was ready"),
        ("exec <&-; exec >&-; exec sleep 100", "it ended before it was ready"),
        ("echo no json; " + WAIT, "it said something else than it should"),
        ("""echo '"ready"'; """ + WAIT, "it said something else than it should"),
        ("head -c 200000 /dev/zero; " + WAIT, "it said something else than it should"),
    ],
)
async def test_a_start_that_fails_is_one_sentence(make: Make, script: str, said: str) -> None:
    server = make(script)
    with pytest.raises(ModelError, match=rf"could not be started: {said}\. See .*offline\.log"):
        await pid_in_use(server)
    assert server.pid is None
    assert not list(server.log.parent.glob("plait-offline-*"))


async def test_a_start_that_hangs_is_given_up(make: Make) -> None:
    server = make("echo $$ >&2; " + WAIT, ready_within=0.3)
    with pytest.raises(ModelError, match=r"was not ready after 0 seconds\. See"):
        await pid_in_use(server)
    await gone(int(server.log.read_text()))


async def test_a_cancelled_start_leaves_nobody(make: Make) -> None:
    server = make(WAIT)
    with anyio.CancelScope() as scope:

        async def cancel_when_started() -> None:
            with anyio.fail_after(LIMIT):
                while server.pid is None:
                    await anyio.lowlevel.checkpoint()
            seen.append(server.pid)
            scope.cancel()

        seen: list[int] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cancel_when_started)
            await pid_in_use(server)
    await gone(seen[0])


async def test_one_that_does_not_heed_the_end_of_stdin_is_killed(make: Make) -> None:
    server = make("trap '' TERM HUP INT; " + READY + "while :; do :; done")
    pid = await pid_in_use(server)
    with within(2):
        await server.aclose()
    assert not alive(pid)


async def test_what_is_missing_is_said_with_the_way_to_get_it(make: Make, tmp_path: Path) -> None:
    with pytest.raises(NoModel, match=r"pip install 'plait\[offline\]'"):
        await pid_in_use(make(library="no_such_library"))
    with pytest.raises(NoModel, match="plait models fetch"):
        await pid_in_use(OfflineServer(tmp_path / "missing.gguf", tmp_path, library="json"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"cannot be started: .*See that"):
        await pid_in_use(make(state=tmp_path / "file"))


async def test_the_process_sees_no_secrets_and_its_log_is_private(make: Make) -> None:
    environ = {"PATH": os.environ["PATH"], "LANG": "C", "HF_TOKEN": "hidden-value", "ANYTHING": "hidden-value"}
    server = make("ls /proc/self/fd >&2; env >&2; " + READY + WAIT, environ=environ)
    server.log.write_text("of the last time")
    server.log.chmod(0o644)
    await pid_in_use(server)
    said = server.log.read_text()
    assert "LANG=C" in said
    assert "hidden-value" not in said
    assert "of the last time" not in said
    assert server.log.stat().st_mode & 0o777 == 0o600
    if sys.platform == "linux":
        assert {line for line in said.splitlines() if line.isdigit()} <= {"0", "1", "2", "3"}, "3 is what ls reads"


async def test_a_log_that_is_a_link_is_not_followed(make: Make, tmp_path: Path, short: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (short / "offline.log").symlink_to(tmp_path / "precious")
    with pytest.raises(ModelError, match="cannot be started"):
        await pid_in_use(make())
    assert (tmp_path / "precious").read_text() == "kept"


async def test_the_socket_has_a_short_path_and_the_dead_leave_none(make: Make, tmp_path: Path, short: Path) -> None:
    async with await anyio.open_process(["true"]) as dead:
        await dead.wait()
    stale, other = short / f"plait-offline-{dead.pid}-abc", short / f"plait-offline-{os.getppid()}-abc"
    for directory in (stale, other):
        directory.mkdir()
    await pid_in_use(make())
    assert not stale.exists()
    assert other.exists()
    async with make(state=tmp_path / ("long" * 20)).use() as endpoint:
        assert endpoint.uds is not None
        assert len(endpoint.uds) <= MAX_SOCKET_PATH
        assert Path(endpoint.uds).parent.stat().st_mode & 0o777 == 0o700


LIBRARY = """
import ctypes, os, types

def CommonParams():
    return types.SimpleNamespace(model=types.SimpleNamespace(), cpuparams=types.SimpleNamespace(), sampling=types.SimpleNamespace())

def Server(params):
    print("loading", os.getpid(), file=open(os.environ["HOME"] + "/loading", "w"))
    ctypes.PyDLL(None).sleep(60)  # a call that does not let go of Python's lock, as loading a model does not
"""

OWNER = """
import anyio, sys
from pathlib import Path
from plait.models.offline import OfflineServer

async def main():
    async with OfflineServer(Path(sys.argv[1]), Path(sys.argv[1]).parent, library="json").use():
        raise AssertionError("it never gets ready")

anyio.run(main)
"""


async def test_a_process_that_loads_ends_with_a_killed_plait(short: Path) -> None:
    """Promise P7, in the one moment when no line of Python runs in the process."""
    (short / "xllamacpp.py").write_text(LIBRARY)
    (short / "model.gguf").write_bytes(b"GGUF")
    environ = {**os.environ, "PYTHONPATH": str(short), "HOME": str(short)}
    command = [sys.executable, "-c", OWNER, str(short / "model.gguf")]
    async with await anyio.open_process(command, env=environ, stderr=None) as owner:
        said = anyio.Path(short / "loading")
        with anyio.fail_after(LIMIT):
            while not (await said.exists() and (await said.read_text()).endswith("\n")):
                await anyio.lowlevel.checkpoint()
        pid = int((await said.read_text()).split()[1])
        assert alive(pid)
        owner.kill()
        await gone(pid, 2.0)
        await owner.wait()
