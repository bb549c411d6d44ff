"""What may lie in the database's place: of many processes one gets it; damage is moved aside and kept; the rest is a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from plait.core.errors import StoreError
from plait.store import files
from plait.store.salvage import MovedAside
from plait.store.sqlite import Finding
from plait.store.verify import verify
from tests.store.writing import Author, open_at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "plait.db"


OPEN = """
import sys
from pathlib import Path
from plait.core.errors import StoreBusy
from tests.store.writing import Author, open_at
sys.stdin.readline()
try:
    store = open_at(Path(sys.argv[1]))
except StoreBusy as error:
    print("busy", error.pid, flush=True)
else:
    Author(store).turn()
    print("mine", flush=True)
    sys.stdin.readline()
    store.close()
"""


def test_of_many_processes_that_open_a_fresh_database_one_gets_it(path: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", OPEN, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    said = []
    for child in children:
        assert child.stdout is not None
        said.append(child.stdout.readline().split())
    for child in children:
        child.communicate("leave\n", timeout=60)
    assert sorted(words[0] for words in said) == ["busy"] * 5 + ["mine"]
    assert verify(path) == []
    assert [child.returncode for child in children] == [0] * 6


@pytest.mark.parametrize(
    "content", [b"x", b"not a database at all" * 500, b"SQLite format 3\0" + b"\xff" * 8000, b"SQLite format 3\0", b"\0" * 4096]
)
def test_what_is_no_database_is_moved_aside_whole_and_told(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(content)
    path.with_name("plait.db-wal").write_bytes(b"log")
    findings: list[Finding] = []
    store = open_at(path, findings)
    Author(store).turn()
    (told,) = findings
    assert isinstance(told, MovedAside)
    assert told.kept.read_bytes() == content
    assert told.kept.with_name(told.kept.name + "-wal").read_bytes() == b"log"
    assert str(told.kept) in told.text
    store.close()
    assert [problem for problem in verify(path) if "corrupt-" not in problem] == []


def test_a_log_without_its_database_is_kept(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.with_name("plait.db-wal").write_bytes(b"precious commits")
    findings: list[Finding] = []
    open_at(path, findings).close()
    (told,) = findings
    assert isinstance(told, MovedAside)
    assert told.kept.name.endswith("-wal")
    assert told.kept.read_bytes() == b"precious commits"


def test_two_damaged_files_of_one_second_are_both_kept(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    findings: list[Finding] = []
    for content in (b"one", b"two", b"three"):
        path.write_bytes(content)
        open_at(path, findings).close()
        path.unlink()
    kept = [told.kept.read_bytes() for told in findings if isinstance(told, MovedAside)]
    assert sorted(kept) == [b"one", b"three", b"two"]


def test_damage_inside_is_told_when_it_is_met(path: Path) -> None:
    store = open_at(path)
    author = Author(store)
    for number in range(200):
        author.turn(number)
    store.close()
    with path.open("r+b") as file:
        file.seek(30 * 4096)
        file.write(b"\xa5" * (path.stat().st_size - 31 * 4096))
    findings: list[Finding] = []
    store = open_at(path, findings)
    with pytest.raises(StoreError, match="damaged"):
        store.read(author.session.id)
    store.close()
    assert findings == []
    assert verify(path) != []


def directory_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)


def broken_link(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to("nowhere")


def link_loop(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(path.name)


def fifo(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)


def file_above(path: Path) -> None:
    path.parent.write_text("")


@pytest.mark.parametrize("make", [directory_in_its_place, broken_link, link_loop, fifo, file_above])
def test_what_cannot_be_a_database_is_a_sentence(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    with pytest.raises(StoreError, match=r"^[^.]*plait\.db[^.]*\. .*\.$|^.*data.*\. .*\.$"):
        open_at(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_a_directory_without_permission_is_a_sentence(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o500)
    with pytest.raises(StoreError, match="permission"):
        open_at(path)


def test_a_link_to_a_database_opens_what_it_points_to(path: Path, tmp_path: Path) -> None:
    open_at(path).close()
    (tmp_path / "link.db").symlink_to(path)
    store = open_at(tmp_path / "link.db")
    assert store.path == path
    store.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "link.db"]


def test_nothing_is_left_open_after_a_refusal(path: Path) -> None:
    directory_in_its_place(path)
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(3):
        with pytest.raises(StoreError):
            open_at(path)
    path.rmdir()
    open_at(path).close()
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_many_threads_make_one_directory(tmp_path: Path) -> None:
    for number in range(20):
        directory, gate = tmp_path / str(number) / "a" / "b" / "c", threading.Barrier(4)

        def make(directory: Path = directory, gate: threading.Barrier = gate) -> None:
            gate.wait()
            files.make_private_directory(directory)

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert directory.is_dir()
        assert directory.parent.stat().st_mode & 0o777 == 0o700


def test_what_stands_in_a_directorys_place_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        files.make_private_directory(tmp_path / "link")
