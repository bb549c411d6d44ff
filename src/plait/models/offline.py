"""The bundled model's process: started at the first use, shared by all calls, ended when nobody has used it for a while.

Rules:
1. No process before the first `use`; five sessions that come at once get the same one.
2. It listens on a unix socket in a directory of mode 0700 and asks for a key of its own. Nothing listens on a network (promise P9).
3. It ends with its stdin, a pipe that only this process holds open: so it never outlives plait, not even a killed one (promise P7).
4. A process that died is started anew at the next use, `MAX_DEATHS` times within `DEATHS_WINDOW` seconds; then a sentence says so.
5. It is in a session of its own: Ctrl+C at the terminal is not for it. It sees no secrets of the environment.
6. There is no task here: the idle clock is a timer of the loop, and everything that it does is synchronous.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from plait.core.errors import ModelError, NoModel
from plait.models import child_env
from plait.models.endpoint import Endpoint, Secret

SLOTS = 5
CONTEXT = 8192
"""Tokens; what all slots together may hold, and what the model was trained for."""
MAX_THREADS = 8
MAX_DEATHS = 3
DEATHS_WINDOW = 60.0
READY_SECONDS = 60.0
"""A cold disk and a busy machine included; on an idle one it is 0.5 s."""
GRACE_SECONDS = 1.0
"""From the end of stdin to SIGKILL; the process takes 0.03 s."""
REAP_SECONDS = 0.05
MAX_LINE = 65536
MAX_SOCKET_PATH = 100
"""Bytes; the least limit in use is 104."""
PREFIX = "plait-offline-"
SOCKET = "s.sock"
"""llama.cpp takes a host name for a unix socket by this ending."""


@dataclass(frozen=True, slots=True, eq=False)
class _Child:
    process: subprocess.Popen[bytes]
    directory: Path
    endpoint: Endpoint


class OfflineServer:
    """Runs the model of one file. `state` is where log and socket go; times are in seconds.

    Use it in one event loop; `aclose` ends the process.
    """

    def __init__(
        self,
        model: Path,
        state: Path,
        *,
        idle: float = 600.0,
        ready_within: float = READY_SECONDS,
        python: str = sys.executable,
        environ: Mapping[str, str] | None = None,
        library: str = "xllamacpp",
    ) -> None:
        self.log = state / "offline.log"
        self._model = model
        self._state = state
        self._idle = idle
        self._ready_within = ready_within
        self._python = python
        self._environ = os.environ if environ is None else environ
        self._library = library
        self._child: _Child | None = None
        self._ending: list[_Child] = []
        self._users = 0
        self._timer: asyncio.TimerHandle | None = None
        self._starting = anyio.Lock()
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)

    def __repr__(self) -> str:
        child = self._child
        return f"<OfflineServer {f'pid {child.process.pid}' if child else 'not running'}, in use by {self._users}>"

    @property
    def pid(self) -> int | None:
        """The process, if there is one now."""
        return self._child.process.pid if self._child and self._child.process.poll() is None else None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Endpoint]:
        """Where the model answers; it stays there inside the block, unless it dies. Raises `NoModel`, `ModelError`."""
        self._users += 1
        if self._timer is not None:
            self._timer.cancel()
        try:
            async with self._starting:
                endpoint = await self._running()
            yield endpoint
        finally:
            self._users -= 1
            if not self._users:
                self._timer = asyncio.get_running_loop().call_later(self._idle, self._retire)

    async def aclose(self) -> None:
        """End the process and wait until it is gone; `GRACE_SECONDS` at the most. May be used again afterwards."""
        if self._timer is not None:
            self._timer.cancel()
        self._retire()
        ending, self._ending = self._ending, []
        for child in ending:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_outlast, child)

    async def _running(self) -> Endpoint:
        if self._child is not None:
            if self._child.process.poll() is None:
                return self._child.endpoint
            self._died(self._child)
        now = anyio.current_time()
        if len(self._deaths) == MAX_DEATHS and now - self._deaths[0] < DEATHS_WINDOW:
            raise ModelError(
                f"The offline model's process ended {MAX_DEATHS} times within {DEATHS_WINDOW:.0f} seconds. "
                f"See {self.log}, wait a minute and try again, or choose another model with /model."
            )
        missing = self.missing()
        if missing:
            raise NoModel(f"The offline model cannot be used: {missing}")
        try:
            child = self._start()
        except OSError as error:
            raise ModelError(
                f"The offline model's process cannot be started: {error.strerror or error}. See that {self._state} can be written."
            ) from error
        return await self._ready(child)

    def missing(self) -> str:
        """What this installation lacks for the model, and how to get it; empty if nothing. Imports nothing."""
        if importlib.util.find_spec(self._library) is None:
            return "the extra 'offline' is not installed. Install it with: pip install 'plait[offline]'."
        if not self._model.is_file():
            return "it has not been fetched. Fetch it with: plait models fetch."
        return ""

    def _start(self) -> _Child:
        directory = self._socket_directory()
        endpoint = Endpoint(
            "offline", "http://offline/v1", Secret(secrets.token_urlsafe(32)), uds=str(directory / SOCKET), connection_close=True
        )
        try:
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            with os.fdopen(log, "wb") as output:
                os.fchmod(log, 0o600)
                process = subprocess.Popen(
                    [self._python, "-P", str(Path(__file__).with_name("offline_child.py"))],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=output,
                    cwd=directory,
                    env=child_env.plain(self._environ),
                    start_new_session=True,
                    bufsize=0,
                )
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        self._child = _Child(process, directory, endpoint)
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it died at once: waiting for its word will tell
            process.stdin.write(json.dumps(self._settings(endpoint)).encode() + b"\n")
        return self._child

    def _settings(self, endpoint: Endpoint) -> dict[str, object]:
        return {
            "model": str(self._model.absolute()),
            "socket": endpoint.uds,
            "api_key": endpoint.api_key.reveal(),
            "threads": min(MAX_THREADS, _cpus()),
            "context": CONTEXT,
            "slots": SLOTS,
        }

    async def _ready(self, child: _Child) -> Endpoint:
        """Wait for the child's one line. Whatever happens instead ends the child."""
        try:
            with anyio.fail_after(self._ready_within):
                answer = await _line(child.process)
        except TimeoutError as error:
            self._retire()
            raise ModelError(
                f"The offline model was not ready after {self._ready_within:.0f} seconds. See {self.log}, then try again."
            ) from error
        except BaseException:  # cancelled: nobody may be left who knows of this child
            self._retire()
            raise
        if answer.get("ready") is True:
            return child.endpoint
        said = str(answer.get("error", "it ended before it was ready")).splitlines()[0][:200].rstrip(".")
        self._died(child)
        raise ModelError(f"The offline model could not be started: {said}. See {self.log}, or fetch it again after deleting {self._model}.")

    def _died(self, child: _Child) -> None:
        """Clear away a child that ended by itself, and count it."""
        self._child = None
        self._deaths.append(anyio.current_time())
        _bury(child)

    def _retire(self) -> None:
        """Ask the child to end, and see to it that it does. Called by the idle clock, too; never waits."""
        child, self._child = self._child, None
        if child is None:
            return
        assert child.process.stdin is not None
        child.process.stdin.close()
        self._ending.append(child)
        self._reap(child, asyncio.get_running_loop().time() + GRACE_SECONDS)

    def _reap(self, child: _Child, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        if child not in self._ending:
            return  # `aclose` waits for it
        if child.process.poll() is None and loop.time() < deadline:
            loop.call_later(REAP_SECONDS, self._reap, child, deadline)
            return
        self._ending.remove(child)
        _bury(child)

    def _socket_directory(self) -> Path:
        """A fresh private directory; below the state directory where a socket's path may be that long. Those of dead owners go."""
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self._state
        name = f"{PREFIX}{os.getpid()}-"
        if len(os.fsencode(place / name)) + len(f"12345678/{SOCKET}") > MAX_SOCKET_PATH:
            place = Path(tempfile.gettempdir())
        for old in place.glob(f"{PREFIX}*-*"):
            if not _alive(old.name.removeprefix(PREFIX).partition("-")[0]):
                shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=name, dir=place))


def _outlast(child: _Child) -> None:
    """Wait for the end that `child` was asked for, but not for long."""
    with suppress(subprocess.TimeoutExpired):
        child.process.wait(GRACE_SECONDS)
    _bury(child)


def _bury(child: _Child) -> None:
    """End `child` if it runs, and clear away what it leaves."""
    child.process.kill()  # does nothing to one that has ended
    child.process.wait()
    for pipe in (child.process.stdin, child.process.stdout):
        if pipe is not None:
            pipe.close()
    shutil.rmtree(child.directory, ignore_errors=True)


async def _line(process: subprocess.Popen[bytes]) -> dict[str, object]:
    """The JSON object that the child says; empty if it ends without a word."""
    assert process.stdout is not None
    said = b""
    while not said.endswith(b"\n") and len(said) < MAX_LINE:
        await anyio.wait_readable(process.stdout)
        piece = os.read(process.stdout.fileno(), MAX_LINE)
        if not piece:
            return {}
        said += piece
    with suppress(ValueError):
        answer = json.loads(said)
        if isinstance(answer, dict):
            return answer
    return {"error": "it said something else than it should"}


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _cpus() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
