"""`plait import` as a process: the real program, the real files, the codes with which it ends."""

from __future__ import annotations

import json
import os
import signal
import sqlite3  # noqa: TID251  # another program that reads
import subprocess
from pathlib import Path

import pytest

from plait.store.sqlite import open_store
from plait.store.verify import verify
from tests.exchange.imports.reading import FILES, FIXTURES, database_of
from tests.program.running import PLAIT
from tests.timing import LIMIT, TooSlow, until

MANY = 1500
WRITTEN = 2_400_000
"""Bytes of the database with its log when about all of them are there."""


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PLAIT, "import", *arguments], cwd=work(root), env=environment(root), capture_output=True, text=True, timeout=LIMIT, check=False
    )


def work(root: Path) -> Path:
    (root / "work").mkdir(exist_ok=True)
    return root / "work"


def environment(root: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(root), "PLAIT_HOME": str(root / "home"), "LC_ALL": "C.UTF-8"}


def names(root: Path) -> set[str]:
    store = open_store(root / "home" / "data" / "plait.db", now=0.0, report=lambda finding: None)
    try:
        return {row.name for row in store.sessions()}
    finally:
        store.close()


def test_every_format_is_imported_once_and_named(tmp_path: Path) -> None:
    files = [*(str(FIXTURES / file) for file in FILES), str(database_of("llm-0.27.sql", tmp_path))]
    first, second = run(tmp_path, *files), run(tmp_path, *files)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("20 conversations imported (")
    assert "Left out:" in first.stdout
    assert second.stdout.startswith("0 conversations imported, 20 here already.")
    assert {"plan-trip-oslo", "cache-lose-entries", "search-tests"} <= names(tmp_path)
    assert not any("image" in name for name in names(tmp_path)), "nobody said that"
    assert verify(tmp_path / "home" / "data" / "plait.db") == []


def test_what_was_imported_is_found_at_once(tmp_path: Path) -> None:
    assert run(tmp_path, *(str(FIXTURES / file) for file in FILES)).returncode == 0
    found = subprocess.run(
        [*PLAIT, "search", "oslo"],
        cwd=work(tmp_path),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert "plan-trip-oslo" in found.stdout
    assert "cannot be found yet" not in found.stdout


def test_a_broken_file_is_imported_as_far_as_it_goes_and_told(tmp_path: Path) -> None:
    data = (FIXTURES / "chatgpt.json").read_bytes()
    (tmp_path / "conversations.json").write_bytes(data[:-40])
    done = run(tmp_path, str(tmp_path / "conversations.json"))
    assert done.returncode == 1
    assert done.stdout.startswith("1 conversation imported (")
    assert "Could not be read:\n  1 × it is cut off (" in done.stdout


def test_a_directory_is_read_past_what_cannot_be_read_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "loop.json").symlink_to(folder / "loop.json")
    (folder / "broken.json").write_bytes(b"PK\x03\x04 no archive")
    (folder / "talk.jsonl").write_bytes((FIXTURES / "jsonl.jsonl").read_bytes())
    (folder / "undated.yaml").write_bytes((FIXTURES / "aichat.yaml").read_bytes())
    os.utime(folder / "undated.yaml", (1.6e9, 1.6e9))
    done = run(tmp_path, str(folder))
    assert done.returncode == 1
    assert done.stdout.startswith("2 conversations imported (")
    assert f"1 × the archive cannot be read ({folder / 'broken.json'})" in done.stdout
    store = open_store(tmp_path / "home" / "data" / "plait.db", now=0.0, report=lambda finding: None)
    assert min(row.created_at for row in store.sessions()) == 1.6e9, "dated by its file"
    store.close()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "There is nothing to import."),
        (("gone.json",), "is not there"),
        (("--scan", "x"), "Leave out the paths, or --scan."),
        (("--format", "word", "x"), "There is no format 'word'."),
        ((str(FIXTURES / "llm-0.27.sql"),), "is in no format that plait knows."),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_scan_finds_what_there_is_and_imports_nothing(tmp_path: Path) -> None:
    project = tmp_path / ".claude" / "projects" / "-nowhere-cache"
    project.mkdir(parents=True)
    (project / "44444444-aaaa-4bbb-8ccc-000000000001.jsonl").write_bytes((FIXTURES / "claude-code.jsonl").read_bytes())
    (work(tmp_path) / ".aider.chat.history.md").write_bytes((FIXTURES / "aider-0.86.md").read_bytes())
    chats = tmp_path / ".config" / "aichat"
    for folder in ("sessions/_", "agents/coder/sessions"):
        (chats / folder).mkdir(parents=True)
        (chats / folder / "20250301T100000-cache.yaml").write_bytes((FIXTURES / "aichat.yaml").read_bytes())
    (chats / "agents" / "coder" / "config.yaml").write_text("model: a:b\n")
    (chats / "messages.md").write_bytes((FIXTURES / "aichat-messages.md").read_bytes())
    done = run(tmp_path, "--scan")
    assert done.returncode == 0
    assert f"aichat: 1 conversation, 5 messages, 1 file, 0.0 MB  {chats / 'sessions'}\n" in done.stdout
    assert f"aichat: 1 conversation, 5 messages, 1 file, 0.0 MB  {chats / 'agents'}\n" in done.stdout
    assert f"aichat: 2 conversations, 5 messages, 1 file, 0.0 MB  {chats / 'messages.md'}\n" in done.stdout
    assert f"claude-code: 2 conversations, 8 messages, 1 file, 0.0 MB  {tmp_path / '.claude' / 'projects'}\n" in done.stdout
    assert "aider: 2 conversations" in done.stdout
    command = next(line for line in done.stdout.splitlines() if line.startswith("To import all of it: plait import "))
    assert not (tmp_path / "home").exists()
    assert run(tmp_path, *command.removeprefix("To import all of it: plait import ").split()).stdout.startswith("7 conversations imported")
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty", "--scan").stdout.startswith("Nothing was found")


def test_it_is_refused_while_another_plait_has_the_database(tmp_path: Path) -> None:
    store = open_store(tmp_path / "home" / "data" / "plait.db", now=0.0, report=lambda finding: None)
    done = run(tmp_path, str(FIXTURES / "jsonl.jsonl"))
    store.close()
    assert done.returncode == 75
    assert f"Another plait (process {os.getpid()}) uses the database" in done.stderr


def stored(root: Path) -> int:
    """How many sessions another process sees on the disk."""
    path = root / "home" / "data" / "plait.db"
    if not path.exists():
        return 0
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        (count,) = database.execute("SELECT count(*) FROM sessions").fetchone()
    except sqlite3.OperationalError:  # its tables are not there yet
        return 0
    finally:
        database.close()
    return int(count)


def many_talks(root: Path) -> Path:
    """Three groups of conversations."""
    file = root / "talks.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for n in range(MANY):
            messages = [{"role": ("user", "assistant")[turn % 2], "content": f"message {turn} of talk {n}"} for turn in range(2)]
            out.write(json.dumps({"id": str(n), "messages": messages}) + "\n")
    return file


def require_whole_and_go_on(root: Path, file: Path, kept: int) -> None:
    """What is there is sound, and the same command brings the rest. Before the first group the database may not be made to its end."""
    if kept:
        assert verify(root / "home" / "data" / "plait.db") == []
    again = run(root, str(file))
    here = f", {kept:,} here already" if kept else ""
    new = f"{MANY - kept:,} conversations imported" + (f" ({2 * (MANY - kept):,} messages)" if kept < MANY else "")
    assert again.stdout == f"{new}{here}.\n"
    assert verify(root / "home" / "data" / "plait.db") == []


@pytest.mark.parametrize(("place", "kept"), [("append.inserted:2", 500), ("append.committed:3", 1000), ("close.before", MANY)])
def test_killed_it_leaves_whole_groups_and_goes_on_next_time(tmp_path: Path, place: str, kept: int) -> None:
    file = many_talks(tmp_path)
    killed = subprocess.run(
        [*PLAIT, "import", str(file)], cwd=work(tmp_path), env=environment(tmp_path) | {"PLAIT_CRASH_AT": place}, timeout=LIMIT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert stored(tmp_path) == kept
    if kept < MANY:
        require_whole_and_go_on(tmp_path, file, kept)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.7, 0.95])
def test_killed_at_any_moment_it_leaves_whole_conversations_and_goes_on_next_time(tmp_path: Path, share: float) -> None:
    """The moment is a size of the database with its log."""
    file = many_talks(tmp_path)
    process = subprocess.Popen([*PLAIT, "import", str(file)], cwd=work(tmp_path), env=environment(tmp_path), stdout=subprocess.DEVNULL)
    until(lambda: process.poll() is not None or written(tmp_path) > share * WRITTEN)
    process.kill()
    process.wait(LIMIT)
    kept = stored(tmp_path)
    assert kept % 500 == 0
    if (tmp_path / "home" / "data" / "plait.db").exists():
        require_whole_and_go_on(tmp_path, file, kept)


def written(root: Path) -> int:
    """Bytes of the database and of its log."""
    return sum(path.stat().st_size for path in (root / "home" / "data").glob("plait.db*") if path.exists())


def test_interrupted_it_leaves_whole_groups_and_says_so(tmp_path: Path) -> None:
    file = many_talks(tmp_path)
    process = subprocess.Popen(
        [*PLAIT, "import", str(file)],
        cwd=work(tmp_path),
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: process.poll() is not None or stored(tmp_path) > 0)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT)
    kept = stored(tmp_path)
    if kept == MANY:
        raise TooSlow("the interrupt came when all was done")
    assert process.returncode == 130
    assert said.startswith("plait: Stopped. ")
    assert "They are whole; the same command goes on with the rest." in said
    assert kept > 0
    require_whole_and_go_on(tmp_path, file, kept)


def test_a_disk_that_takes_no_more_is_told_with_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "talks.jsonl"
    lines = (json.dumps({"id": str(n), "messages": [{"role": "user", "content": f"{n} " * 40_000}]}) for n in range(200))
    file.write_text("\n".join(lines), encoding="utf-8")
    limited = ["sh", "-c", 'ulimit -f 20480 && exec "$@"', "sh", *PLAIT, "import", str(file)]  # 512-byte blocks: 10 MB
    done = subprocess.run(
        limited, cwd=work(tmp_path), env=environment(tmp_path), capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 1
    stopped, reason = done.stderr.splitlines()
    assert stopped.startswith("plait: Stopped. ")
    assert "Look at its free space, its quota and its limits." in reason
    kept = int(stopped.removeprefix("plait: Stopped. ").partition(" ")[0])
    assert 0 < kept < 200
    assert len(names(tmp_path)) == kept
    assert verify(tmp_path / "home" / "data" / "plait.db") == []
