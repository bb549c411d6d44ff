"""One owner: the lock decides, it dies with its holder, and no child inherits it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from plait.core.errors import StoreBusy, StoreError
from plait.store.owner import announce, announced, lock_path, take_ownership

HOLD = """
import sys
from pathlib import Path
from plait.store.owner import take_ownership
lock = take_ownership(Path(sys.argv[1]))
print("mine", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "plait.db"


def holder(database: Path) -> subprocess.Popen[str]:
    """Another process that owns `database` until its stdin ends."""
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "mine\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.communicate(timeout=60)


def test_the_second_is_told_who_holds_it(database: Path) -> None:
    child = holder(database)
    with pytest.raises(StoreBusy, match=str(child.pid)) as caught:
        take_ownership(database)
    assert caught.value.pid == child.pid
    end(child)
    take_ownership(database).release()


def test_it_excludes_within_a_process_too_and_is_given_back(database: Path) -> None:
    lock = take_ownership(database)
    with pytest.raises(StoreBusy, match=str(os.getpid())):
        take_ownership(database)
    lock.release()
    lock.release()
    take_ownership(database).release()


def test_a_killed_holder_frees_it_at_once(database: Path) -> None:
    child = holder(database)
    child.send_signal(signal.SIGKILL)
    assert child.wait(60) == -signal.SIGKILL
    take_ownership(database).release()
    end(child)


def test_a_stopped_holder_holds_it_still(database: Path) -> None:
    child = holder(database)
    child.send_signal(signal.SIGSTOP)
    with pytest.raises(StoreBusy):
        take_ownership(database)
    child.send_signal(signal.SIGKILL)
    end(child)


@pytest.mark.parametrize("text", ["1\n", "", "nonsense", "9" * 40, "\0\xff"])
def test_what_the_file_says_decides_nothing(database: Path, text: str) -> None:
    lock_path(database).write_text(text, encoding="latin-1")
    lock = take_ownership(database)
    assert lock_path(database).read_text() == f"{os.getpid()}\n"
    lock.release()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"12\n/run/one\n", (12, "/run/one")),
        (b"12\n", (12, "")),
        (b"\n/run/one\n", (None, "/run/one")),
        ("²\n".encode(), (None, "")),
        (b"9" * 40, (None, "")),
        (b"", (None, "")),
    ],
)
def test_whatever_the_file_says_can_be_read(database: Path, text: bytes, told: tuple[int | None, str]) -> None:
    assert announced(database) == (None, "")
    lock_path(database).write_bytes(text)
    assert announced(database) == told
    announce(database, "/run/two")
    assert announced(database) == (os.getpid(), "/run/two")


def test_an_unreadable_number_is_not_told(database: Path) -> None:
    with lock_path(database).open("w") as file:
        file.write("who knows")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StoreBusy, match="not known") as caught:
            take_ownership(database)
    assert caught.value.pid is None


def test_a_child_does_not_keep_the_lock(database: Path) -> None:
    lock = take_ownership(database)
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, close_fds=False, text=True)
    lock.release()
    take_ownership(database).release()
    end(child)


def test_a_removed_lock_file_does_not_make_two_owners_of_one_name(database: Path) -> None:
    """Whoever locks a file that is no longer there takes the new one."""
    old = os.open(lock_path(database), os.O_RDWR | os.O_CREAT, 0o600)
    lock_path(database).unlink()
    lock = take_ownership(database)
    assert not os.path.samestat(os.fstat(old), lock_path(database).stat())
    with pytest.raises(StoreBusy):
        take_ownership(database)
    os.close(old)
    lock.release()


def test_a_lock_file_that_is_removed_all_the_time_still_has_one_owner(database: Path) -> None:
    """Between opening and locking the file can go; whoever won then holds the file that is there."""
    stop = threading.Event()

    def remove() -> None:
        while not stop.is_set():
            lock_path(database).unlink(missing_ok=True)

    thread = threading.Thread(target=remove)
    thread.start()
    try:
        for _ in range(300):
            take_ownership(database).release()
    finally:
        stop.set()
        thread.join()


def test_many_at_once_have_one_winner(database: Path) -> None:
    won: list[object] = []
    lost: list[StoreBusy] = []
    gate = threading.Barrier(8)

    def compete() -> None:
        gate.wait()
        try:
            won.append(take_ownership(database))
        except StoreBusy as error:
            lost.append(error)

    threads = [threading.Thread(target=compete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)


def test_a_lock_that_is_a_link_is_refused(database: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    lock_path(database).symlink_to(tmp_path / "victim")
    with pytest.raises(StoreError, match="symbolic link"):
        take_ownership(database)
    assert (tmp_path / "victim").read_text() == "precious"


def test_no_directory_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"\. .*\.$"):
        take_ownership(tmp_path / "none" / "plait.db")
