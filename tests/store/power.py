"""What may be on the disk after the power is cut: made from the log of what a process wrote, synced and renamed, as the kernel saw it.

What was synced is there. What was written and not synced is there, or not, or in part, in any order, cut at sectors; so are names that
were made, moved and removed since their directory was synced, but those one after the other.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_CALLS = "write,pwrite64,ftruncate,fsync,fdatasync,openat,rename,renameat,renameat2,link,linkat,unlink,unlinkat"
_LINE = re.compile(r"\d+ +(\w+)\((.*)\) += (-?\d+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DESCRIPTOR = re.compile(r"^(\d+)<((?:\\x[0-9a-f]{2}|[^>])*)>")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the process did; `data` and `place` are those of a write, or `place` the size that a file was cut to."""

    call: str
    path: str
    other: str = ""
    data: bytes = b""
    place: int | None = None


@dataclass
class _File:
    """Bytes that are surely there, and what was written since."""

    durable: bytes = b""
    pending: list[Step] = field(default_factory=list)
    size: int = 0
    """As the process sees it."""


def recorded(command: Sequence[str], trace: Path, root: Path, stdin: str = "") -> list[Step]:
    """Run a process, and return what it did below `root`; lines that it printed come among it as writes to "". Needs strace."""
    watch = ["strace", "-f", "-y", "-xx", "-s", "2000000", "-e", f"trace={_CALLS}", "-e", "signal=none", "-o", str(trace)]
    done = subprocess.run(
        [*watch, *command], input=stdin, capture_output=True, text=True, timeout=120, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode in (0, -9), done.stderr[-2000:]
    return list(_steps(trace.read_text(errors="replace"), str(root)))


def python(*arguments: str) -> list[str]:
    """A command line that runs a module of ours."""
    return [sys.executable, "-m", *arguments]


def _steps(trace: str, root: str) -> Iterator[Step]:
    for line in trace.splitlines():
        found = _LINE.match(line)
        assert found or "(" not in line or "exited" in line or "unfinished" not in line, f"a call in two parts: {line[:200]}"
        if found is None or found[3].startswith("-"):
            continue
        call, arguments = found[1], found[2]
        strings = [_bytes(one) for one in _STRING.findall(arguments)]
        on = _DESCRIPTOR.match(arguments)
        path = os.fsdecode(_bytes(on[2])) if on else ""
        match call:
            case "write" if on and on[1] == "1":
                yield Step("said", "", data=strings[0])
            case "write" | "pwrite64" | "ftruncate" if path.startswith(root):
                number = arguments.rpartition(", ")[2]
                place = int(number) if call != "write" else None
                yield Step("write" if strings else "cut", path, data=strings[0] if strings else b"", place=place)
            case "fsync" | "fdatasync" if path.startswith(root):
                yield Step("sync", path)
            case "openat" if "O_CREAT" in arguments or "O_TRUNC" in arguments:
                if (name := os.fsdecode(strings[0])).startswith(root):
                    yield Step("open", name)
            case "rename" | "renameat" | "renameat2" | "link" | "linkat" if os.fsdecode(strings[0]).startswith(root):
                yield Step(call.rstrip("at2"), os.fsdecode(strings[0]), os.fsdecode(strings[1]))
            case "unlink" | "unlinkat" if os.fsdecode(strings[0]).startswith(root):
                yield Step("unlink", os.fsdecode(strings[0]))
            case _:
                pass


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


class Disk:
    """Follows the steps, and can say at any moment what a cut of the power might leave."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.said: list[bytes] = []
        """What the process had printed."""
        self._files = {path: _File(content, [], len(content)) for path, content in (files or {}).items()}
        self._durable = dict(self._files)
        self._names: dict[str, list[Step]] = {}
        """Changes of names since their directory was synced, by directory."""

    def take(self, step: Step) -> None:
        """Follow one step."""
        match step.call:
            case "said":
                self.said.append(step.data)
            case "open":
                if step.path not in self._files:
                    self._files[step.path] = _File()
                    self._change(step)
            case "rename" | "link" | "unlink":
                self._change(step)
                _apply(self._files, step, self._files)
            case "sync":
                self._sync(step.path)
            case _:
                self._write(step)

    def _change(self, step: Step) -> None:
        self._names.setdefault(os.path.dirname(step.other or step.path), []).append(step)

    def _sync(self, path: str) -> None:
        if (file := self._files.get(path)) is not None:
            for one in file.pending:
                file.durable = _written(file.durable, one)
            file.pending.clear()
            return
        for step in self._names.pop(path, []):
            _apply(self._durable, step, self._files)

    def _write(self, step: Step) -> None:
        file = self._files.get(step.path)
        if file is None:
            return  # it has no name any more
        place = file.size if step.place is None else step.place
        file.pending.append(Step(step.call, step.path, data=step.data, place=place))
        file.size = place if step.call == "cut" else max(file.size, place + len(step.data))

    def after_the_cut(self, choice: random.Random) -> dict[str, bytes]:
        """What might be there: content by path."""
        names = dict(self._durable)
        for steps in self._names.values():
            for step in steps[: choice.choice((0, len(steps), choice.randint(0, len(steps))))]:
                _apply(names, step, self._files)
        return {path: _some(file, choice) for path, file in names.items()}


def _apply(names: dict[str, _File], step: Step, live: dict[str, _File]) -> None:
    match step.call:
        case "open":
            names.setdefault(step.path, live.get(step.path) or _File())
        case "rename":
            if (file := names.pop(step.path, None)) is not None:
                names[step.other] = file
        case "link":
            if (file := names.get(step.path)) is not None:
                names[step.other] = file
        case "unlink":
            names.pop(step.path, None)


def _some(file: _File, choice: random.Random) -> bytes:
    """The synced content, and of the rest whatever the disk had got to."""
    content, rest = file.durable, list(file.pending)
    match choice.randrange(4):
        case 0:
            rest = []
        case 1:
            rest = rest[: choice.randint(0, len(rest))]
        case 2:
            rest = [one for one in rest if choice.random() < 0.5]
            choice.shuffle(rest)
        case _:
            pass
    for number, one in enumerate(rest):
        if number == len(rest) - 1 and one.data and choice.random() < 0.5:  # torn
            sectors = choice.randint(0, len(one.data) // SECTOR)
            one = Step(one.call, one.path, data=one.data[: sectors * SECTOR], place=one.place)
        content = _written(content, one)
    return content


def _written(content: bytes, step: Step) -> bytes:
    place = step.place or 0
    if step.call == "cut":
        return content[:place].ljust(place, b"\0")
    return content[:place].ljust(place, b"\0") + step.data + content[place + len(step.data) :]
