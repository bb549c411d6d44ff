"""`plait restore`, `plait vacuum` and `plait doctor --repair`, by the real program: whole or not at all, and never over a running plait."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from plait.cli.front import front
from plait.cli.outcome import guarded
from plait.core import events as e
from plait.core.messages import SessionId
from plait.core.searching import Query, phrases
from plait.store import engine, files, schema
from plait.store.backup import check
from plait.store.sqlite import open_store
from plait.store.verify import verify
from tests.store.old_databases import names, unpack
from tests.store.writing import Author, open_at
from tests.timing import until

ROOT = Path(__file__).parents[2]
RESTORE_LABELS = [
    *("restore.before", "copy.before", "copy.made", "restore.copied", "restore.checked"),
    *("replace.before", "replace.decided", "aside.moved", "replace.moved", "replace.after", "restore.after"),
]
VACUUM_LABELS = [
    *("vacuum.before", "vacuum.written", "vacuum.checked", "replace.before", "replace.decided", "aside.moved", "replace.moved"),
    *("replace.after", "vacuum.replaced", "vacuum.after"),
]
BACKUP_LABELS = ["copy.before", "copy.made", "copy.checked", "copy.synced", "copy.named"]
REPAIR_LABELS = ["repair.before", *BACKUP_LABELS, "repair.copied", "repair.mended", "repair.after"]


@pytest.fixture
def path(home: Path) -> Path:
    return home / "data" / "plait.db"


def killed(crash_at: str, *arguments: str) -> bool:
    """Whether the program was killed at that place."""
    done = subprocess.run(
        [sys.executable, "-m", "plait", *arguments],
        cwd=ROOT,
        env=os.environ | {"PLAIT_CRASH_AT": crash_at},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode == -signal.SIGKILL


def said(*arguments: str, code: int = 0) -> str:
    """What the command prints, run in this process; it must end with `code`."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        ended = guarded(front, arguments)
    assert ended == code, out.getvalue() + err.getvalue()
    return out.getvalue() + err.getvalue()


def turns(path: Path, *names: str, number: int = 1) -> None:
    with closing(open_at(path)) as store:
        for name in names:
            Author(store, name).turn(number)


def content(path: Path) -> dict[SessionId, list[e.Stamped]]:
    """What the next start finds, through the whole of it."""
    with closing(open_at(path)) as store:
        return {row.id: list(store.read(row.id)) for row in store.sessions()}


def nothing_half_done(path: Path) -> None:
    assert [one.name for one in path.parent.rglob("*") if ".next-" in one.name or one.name.startswith(".plait-making")] == []
    assert verify(path) == []
    for one in path.parent.rglob("*"):
        assert stat.S_IMODE(one.stat().st_mode) == (0o700 if one.is_dir() else 0o600), one


@pytest.fixture
def backup(path: Path, tmp_path: Path) -> Path:
    """A backup; the database has gone on since."""
    turns(path, "s-1", "s-2")
    target = tmp_path / "safe.db"
    said("backup", str(target))
    turns(path, "s-1", "s-3", number=2)
    return target


# plait restore


def test_a_backup_is_restored_and_the_way_back_is_told(path: Path, backup: Path) -> None:
    then, now = content(backup), content(path)
    told = said("restore", str(backup))
    assert f"{backup} is in the place of {path} now: events {sum(map(len, then.values()))}, " in told
    (back,) = re.findall(r"plait restore (\S+)", told)
    assert content(path) == then
    nothing_half_done(path)
    said("restore", back)
    assert content(path) == now
    assert len(list((path.parent / "backups").glob("plait-replaced-*.db"))) == 2
    turns(path, "s-1", "s-2", "s-3", number=3)
    nothing_half_done(path)


def test_a_backup_is_restored_where_nothing_is(path: Path, backup: Path) -> None:
    then = content(backup)
    for one in path.parent.glob("plait.db*"):
        one.unlink()
    told = said("restore", str(backup))
    assert "To go back" not in told
    assert content(path) == then


def test_what_a_kill_has_left_in_the_log_is_kept_with_the_database(path: Path, backup: Path) -> None:
    store = open_at(path)
    Author(store, "s-4").turn()
    log = files.wal_path(path).read_bytes(), path.read_bytes()
    store.close()
    files.wal_path(path).write_bytes(log[0])
    path.write_bytes(log[1])
    (back,) = re.findall(r"plait restore (\S+)", said("restore", str(backup)))
    assert SessionId("s-4") not in content(path)
    said("restore", back)
    assert SessionId("s-4") in content(path)


def test_an_old_backup_is_brought_up_at_the_next_start(path: Path, tmp_path: Path) -> None:
    old = tmp_path / "old" / "plait.db"
    unpack(names()[0], old)
    turns(path, "s-1")
    assert "sessions 5" in said("restore", str(old))
    with closing(open_at(path)) as store:
        assert {row.name for row in store.sessions()} >= {"notes", "killed"}
    nothing_half_done(path)


def other_program(path: Path) -> None:
    path.touch()
    with closing(engine.connect(path, writing=True)) as writer:
        writer.execute("CREATE TABLE theirs (a)")


def later_plait(path: Path) -> None:
    turns(path, "s-1")
    with closing(engine.connect(path, writing=True)) as writer:
        writer.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('plait', 'm9999_later', '')")


def damaged(path: Path) -> None:
    turns(path, *(f"s-{number}" for number in range(60)))
    whole = bytearray(path.read_bytes())
    end = len(whole) * 3 // 4
    whole[end:] = b"\xa5" * (len(whole) - end)
    path.write_bytes(whole)


def unsound(path: Path) -> None:
    turns(path, "s-1")
    with closing(engine.connect(path, writing=True)) as writer:
        writer.execute("DELETE FROM events WHERE seq = 3")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "There is no file"),
        (lambda path: path.write_bytes(b""), "holds nothing of plait"),
        (lambda path: path.write_bytes(b"no database" * 1000), "is not a database"),
        (lambda path: path.mkdir(), "There is no file"),
        (other_program, "belongs to another program"),
        (later_plait, "written by a later plait"),
        (damaged, "is not sound|is damaged"),
        (unsound, r"is not sound: Session 's-1': event 4 stands where event 3 belongs\. 1 more problem after that one\."),
    ],
)
def test_what_is_no_sound_backup_is_refused_and_nothing_changed(
    path: Path, tmp_path: Path, make: Callable[[Path], object], told: str
) -> None:
    turns(path, "s-1")
    before = path.read_bytes()
    wrong = tmp_path / "wrong" / "wrong.db"
    wrong.parent.mkdir(mode=0o700)
    make(wrong)
    assert re.search(told, said("restore", str(wrong), code=1))
    assert path.read_bytes() == before
    assert not (path.parent / "backups").exists()
    assert "the database itself" in said("restore", str(path), code=1)
    nothing_half_done(path)


@pytest.mark.parametrize("command", [("restore", "BACKUP"), ("vacuum",), ("doctor", "--repair")])
def test_nothing_is_done_under_a_running_plait(path: Path, backup: Path, command: tuple[str, ...]) -> None:
    with closing(open_at(path)):
        told = said(*(word.replace("BACKUP", str(backup)) for word in command), code=75)
        assert f"process {os.getpid()}" in told
    nothing_half_done(path)


@pytest.mark.parametrize("label", RESTORE_LABELS)
def test_killed_while_a_backup_is_restored(path: Path, backup: Path, label: str) -> None:
    """The one or the other is in place at the next start, whole, and neither is lost."""
    then, now = content(backup), content(path)
    assert killed(label, "restore", str(backup))
    decided = label in RESTORE_LABELS[RESTORE_LABELS.index("replace.decided") :]
    assert content(path) == (then if decided else now)
    kept = list((path.parent / "backups").glob("plait-replaced-*.db"))
    assert len(kept) == decided
    assert all(check(one) == [] for one in kept)
    assert check(backup) == []
    nothing_half_done(path)
    said("restore", str(backup if not decided else kept[0]))
    assert content(path) == (then if not decided else now)


def test_a_database_of_a_later_plait_is_only_read(path: Path, tmp_path: Path) -> None:
    """What only looks works; what writes is refused with a sentence, and nothing is changed."""
    later_plait(path)
    before = path.read_bytes()
    assert "default" in said("sessions")
    assert "question" in said("export", "--all")
    assert "came with a later plait, so this one can only read it" in said("doctor")
    assert "The copy was checked and is sound." in said("backup", str(tmp_path / "copy.db"))
    refused = subprocess.run(
        [sys.executable, "-m", "plait", "run", "hello"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 1
    assert "was written by a later plait (m9999_later). Use that one; this one can only read it." in refused.stderr
    assert "m9999_later" in said("vacuum", code=1) + said("restore", str(tmp_path / "copy.db"), code=1)
    assert path.read_bytes() == before


# plait vacuum


def grown(path: Path) -> None:
    """Most of it is not used any more."""
    turns(path, "s-1")
    with closing(open_at(path)) as store:
        author = Author(store, "s-2")
        author.turn()
        for _ in range(20):
            author.append(e.Noted("x" * 50_000))
        while store.index():
            pass
    with closing(engine.connect(path, writing=True)) as writer:
        for table in ("search_marks", "search_documents", "events", "threads"):
            writer.execute(f"DELETE FROM {table} WHERE session = 's-2'")
        writer.execute("DELETE FROM sessions WHERE id = 's-2'")
        writer.execute("INSERT INTO search_words (search_words) VALUES ('delete-all')")
        for table in ("search_marks", "search_documents"):
            writer.execute(f"DELETE FROM {table}")
    with closing(open_at(path)) as store:
        while store.index():
            pass


def test_vacuum_gives_room_back_and_loses_nothing(path: Path) -> None:
    grown(path)
    before, size = content(path), path.stat().st_size
    told = said("vacuum")
    assert re.search(r": ([\d,]+) bytes before, ([\d,]+) bytes now\.", told)
    assert path.stat().st_size < size / 4
    assert content(path) == before
    assert list((path.parent / "backups").iterdir()) == []
    with closing(open_at(path)) as store:
        assert store.search(Query(phrases("question"))).total == 1
    nothing_half_done(path)


@pytest.mark.parametrize("command", ["restore", "vacuum"])
def test_backups_on_another_disk_are_no_place_for_a_replaced_database(path: Path, tmp_path: Path, command: str) -> None:
    """A rename cannot lead there; what was decided could never be finished, and plait never started again."""
    turns(path, "s-1")
    backup = tmp_path / "copy.db"
    said("backup", str(backup))
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == path.stat().st_dev:
        pytest.skip("there is no second disk to write to")
    with tempfile.TemporaryDirectory(dir=other) as place:
        shutil.rmtree(path.parent / "backups", ignore_errors=True)
        (path.parent / "backups").symlink_to(place)
        before = content(path)
        said(command, *([str(backup)] if command == "restore" else []))
        assert content(path) == before
        assert verify(path) == []


@pytest.mark.parametrize("label", VACUUM_LABELS)
def test_killed_while_room_is_given_back(path: Path, label: str) -> None:
    grown(path)
    before, size = content(path), path.stat().st_size
    assert killed(label, "vacuum")
    assert content(path) == before
    assert (path.stat().st_size < size / 4) == (label in VACUUM_LABELS[VACUUM_LABELS.index("replace.decided") :])
    assert all(check(one) == [] for one in (path.parent / "backups").glob("*.db"))
    nothing_half_done(path)
    said("vacuum")
    assert content(path) == before
    nothing_half_done(path)


def test_what_cannot_be_made_smaller_is_a_sentence(path: Path) -> None:
    assert "nothing to make smaller" in said("vacuum", code=1)
    unpack(names()[0], path)
    assert "Start plait once" in said("vacuum", code=1)
    path.unlink()
    unsound(path)
    assert "`plait doctor --repair`" in said("vacuum", code=1)


# Killed anywhere


@pytest.mark.parametrize("command", [("vacuum",), ("restore", "BACKUP"), ("backup",)])
def test_killed_at_any_moment_of_the_work(path: Path, backup: Path, command: tuple[str, ...]) -> None:
    """As at the named places, wherever it is."""
    with closing(open_at(path)) as store:
        for _ in range(20):
            Author(store, "s-1").append(e.Noted("x" * 100_000))
    then, now = content(backup), content(path)
    line = [sys.executable, "-m", "plait", *(word.replace("BACKUP", str(backup)) for word in command)]
    kills = 0
    for number in range(8):
        child = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda child=child: child.poll() is not None or any(path.parent.rglob(".plait-making-*")))  # type: ignore[misc]  # no defaults
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(number * 0.01)
        child.kill()
        kills += child.wait(60) == -signal.SIGKILL
        assert content(path) in ((now, then) if command[0] == "restore" else (now,))
        assert all(check(one) == [] for one in (path.parent / "backups").glob("*.db"))
        assert verify(path) == []
    assert kills >= 2
    said("backup")  # and clears away what is half made
    nothing_half_done(path)


def test_killed_while_an_export_is_written(path: Path, tmp_path: Path) -> None:
    """The file is whole, or has no name."""
    turns(path, "s-1")
    with closing(open_at(path)) as store:
        for _ in range(40):
            Author(store, "s-1").append(e.Noted("x" * 500_000))
    target = tmp_path / "out.json"
    line = [sys.executable, "-m", "plait", "export", "--all", "--with-secrets", "-o", str(target)]
    kills = 0
    for number in range(6):
        child = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda child=child: child.poll() is not None or any(tmp_path.glob(".out.json.*")))  # type: ignore[misc]  # no defaults
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(number * 0.02)
        child.kill()
        kills += child.wait(60) == -signal.SIGKILL
        if target.exists():
            assert len(json.loads(target.read_text(encoding="utf-8"))["sessions"][0]["events"]) > 40
            target.unlink()
        for half in tmp_path.glob(".out.json.*"):
            assert stat.S_IMODE(half.stat().st_mode) == 0o600
            half.unlink()
    assert kills >= 1
    said("export", "--all", "-o", str(target))
    assert target.exists()


# plait doctor --repair


def test_nothing_is_repaired_where_nothing_is_wrong(path: Path) -> None:
    assert said("doctor", "--repair") == "Nothing had to be repaired.\n"
    assert not path.exists()
    turns(path, "s-1")
    before = path.read_bytes()
    assert said("doctor", "--repair") == "Nothing had to be repaired.\n"
    assert path.read_bytes() == before
    assert not (path.parent / "backups").exists()


def break_row(writer: engine.Connection) -> None:
    writer.execute("UPDATE sessions SET state = 'Paused', messages = 77 WHERE id = 's-1'")


def break_index(writer: engine.Connection) -> None:
    writer.execute("DELETE FROM search_documents WHERE session = 's-1'")


def break_words(writer: engine.Connection) -> None:
    writer.execute("UPDATE search_words_data SET block = zeroblob(20) WHERE id > 10")


def break_tree(writer: engine.Connection) -> None:
    """The key of the events points to nothing; their rows are whole."""
    (root,) = writer.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_events_1'").fetchone()
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = writer.execute("PRAGMA database_list").fetchone()[2]
    with open(path, "r+b") as file:
        file.seek((root - 1) * 4096 + 3)
        file.write(b"\0\0")  # no cells


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (break_row, "The row of session 'default' says again"),
        (break_index, "The index for searching was made again"),
        (break_words, "The index for searching was made again"),
        (break_tree, "The indexes of the tables were made again"),
    ],
)
def test_what_is_made_of_events_is_made_again_in_place(path: Path, harm: Callable[[engine.Connection], None], told: str) -> None:
    turns(path, "s-1", "s-2", "s-3")
    with closing(open_at(path)) as store:
        while store.index():
            pass
    before = content(path)
    with closing(engine.connect(path, writing=True)) as writer:
        harm(writer)
    ill = path.read_bytes()
    assert "`plait doctor --repair`" in said("doctor", code=1)
    assert path.read_bytes() == ill
    done = said("doctor", "--repair")
    assert told in done
    (copy,) = re.findall(r"A copy of the database as it was is (\S+)\.\n", done)
    assert Path(copy).exists()
    assert content(path) == before
    with closing(open_at(path)) as store:
        assert store.search(Query(phrases("question"))).total == 3
    said("doctor")
    nothing_half_done(path)


@pytest.mark.parametrize("harm", [damaged, unsound])
def test_what_cannot_be_mended_is_salvaged(path: Path, harm: Callable[[Path], None]) -> None:
    harm(path)
    before = len(path.read_bytes())
    done = said("doctor", "--repair")
    kept = min(path.parent.glob("plait.db.corrupt-*"))
    assert kept.stat().st_size == before
    assert re.search(rf"It was kept as {kept} and a fresh one was begun\. \d+ sessions? with \d+ events", done)
    assert content(path)
    said("doctor")
    nothing_half_done(path)


def test_files_that_others_may_read_are_closed_to_them(path: Path) -> None:
    turns(path, "s-1")
    path.chmod(0o644)
    path.parent.chmod(0o755)
    assert "has mode 0644 instead of 0600" in said("doctor", code=1)
    assert "had mode 0644 and has 0600 now" in said("doctor", "--repair")
    said("doctor")


@pytest.mark.parametrize("label", REPAIR_LABELS)
def test_killed_while_it_is_repaired(path: Path, label: str) -> None:
    turns(path, "s-1", "s-2")
    before = content(path)
    with closing(engine.connect(path, writing=True)) as writer:
        break_row(writer)
    assert killed(label, "doctor", "--repair")
    said("doctor", "--repair")
    assert content(path) == before
    assert all(schema.count_rows(_look(one)) for one in (path.parent / "backups").glob("*.db"))
    nothing_half_done(path)


def _look(path: Path) -> engine.Connection:
    return engine.connect(path, writing=False)


@pytest.mark.parametrize("label", BACKUP_LABELS)
def test_killed_while_a_copy_is_made(path: Path, tmp_path: Path, label: str) -> None:
    """The copy is whole, or has no name; the database and who owns it do not notice."""
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    with closing(open_at(path)) as store:
        Author(store).turn()
        assert killed(label, "backup", str(target))
        assert target.exists() == (label == "copy.named")
        Author(store).turn()
    assert verify(path) == []
    if not target.exists():
        said("backup", str(target))
    with closing(open_store(target, now=1.0, report=print)) as copied:
        assert len(copied.sessions()) == 1
