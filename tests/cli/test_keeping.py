"""What looks at the stored sessions from the shell: the commands' own functions, and the real program where a process matters."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from plait import __version__
from plait.cli.backup import make_backup
from plait.cli.doctor import examine
from plait.cli.export import Request, export
from plait.cli.sessions import list_sessions, sessions_json
from plait.cli.stats import as_json, as_text, figures_of, read_figures
from plait.core import events as e
from plait.core.commands import Draft
from plait.core.errors import PlaitError, UsageError
from plait.core.messages import AssistantMessage, ProjectId, SessionId, Turn, Usage
from plait.core.ports import Project
from plait.core.selection import Selection
from plait.paths import find_paths
from plait.store import engine, schema
from plait.store.backup import check
from plait.store.reading import Used, reading
from plait.store.sqlite import SqliteStore, open_store
from plait.store.verify import verify
from tests.exchange.read_back import from_json
from tests.store.writing import PROJECT, Author, open_at

OTHER = Project(ProjectId("docs-11112222"), "docs", "/home/ada/docs", 2.0)
HOSTILE = "\x1b[2J</pre><script>alert(1)</script>\n```\n# Not a heading\n<!--"


@pytest.fixture
def store(home: Path) -> Iterator[SqliteStore]:
    """An owner with three sessions: one elsewhere, one with hostile text and a draft, one closed."""
    store = open_at(home / "data" / "plait.db")
    store.project(OTHER)
    elsewhere = Author(store, "aaaa1111")
    elsewhere.append(e.SessionOpened("notes", "planning", OTHER.id, OTHER.directory, True, True))
    author = Author(store, "bbbb2222")
    author.append(e.SessionOpened("auth-fix", "debug", PROJECT.id, PROJECT.directory, True, True), e.Titled(HOSTILE))
    author.turn()
    turn = Turn(author.session.seq + 1)
    author.append(e.UserSaid(HOSTILE), e.TurnStarted(turn))
    author.append(
        e.AssistantSaid(turn, AssistantMessage(HOSTILE, "thinking " + HOSTILE), "end", "openai:big", Usage(1000, 20), 0.25),
        e.TurnEnded(turn, "done", seen=False),
    )
    store.keep_draft(Draft(author.session.id, "not sent", 3), 1.0)
    closed = Author(store, "cccc3333")
    closed.turn()
    closed.append(e.Closed())
    yield store
    store.close()


def plait(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, in the environment of the test."""
    return subprocess.run(
        [sys.executable, "-m", "plait", *arguments],
        cwd=cwd,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# plait sessions


def test_the_list_has_the_numbers_of_the_prompt_and_harms_no_terminal(store: SqliteStore) -> None:
    shown = list_sessions(store.path, PROJECT.directory + "/src", io.StringIO(), {}, Selection())
    assert [line.split(":")[0].strip() for line in shown.splitlines() if line.strip()[0].isdigit()] == ["1 auth-fix", "2 notes"]
    assert "in docs" in shown
    assert "draft" in shown
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2  # a line each, however long, for whoever filters them
    there = list_sessions(store.path, OTHER.directory, io.StringIO(), {}, Selection(closed=True))
    assert next(line.split(":")[0].strip() for line in there.splitlines() if ":" in line) == "1 notes"
    assert "closed" in there


def test_json_is_that_of_the_prompt(store: SqliteStore) -> None:
    rows = json.loads(sessions_json(store.path, PROJECT.directory, Selection(closed=True)))
    assert [(row["number"], row["id"], row["state"]) for row in rows] == [
        (1, "bbbb2222", "WaitingForInput"),
        (2, "aaaa1111", "Active"),
        (None, "cccc3333", "Completed"),
    ]
    assert (rows[0]["waitingFor"], rows[0]["unread"], rows[0]["draft"], rows[0]["title"]) == ("answer", 1, True, HOSTILE)
    assert len(json.loads(sessions_json(store.path, PROJECT.directory, Selection()))) == 2


def test_sessions_beside_a_running_owner(store: SqliteStore, tmp_path: Path) -> None:
    done = plait("sessions", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["name"] for row in json.loads(done.stdout)] == ["notes", "auth-fix"]
    assert done.stdout.isascii()


def test_sessions_by_words_and_tags(store: SqliteStore, tmp_path: Path) -> None:
    author = Author(store, "aaaa1111")
    author.append(e.Tagged(("api", "db")), e.Pinned(True))
    for words, names in (
        (("tag:api",), ["notes"]),
        (("--tag", "api", "--tag", "db"), ["notes"]),
        (("--tag", "nobody"), []),
        (("--all",), ["notes", "auth-fix", "default"]),
        (("--all", "DEFAULT"), ["default"]),
        (("--archived",), []),
        (("state:waiting",), ["auth-fix"]),
    ):
        done = plait("sessions", "--json", *words, cwd=tmp_path)
        assert [row["name"] for row in json.loads(done.stdout)] == names, words
    row = json.loads(plait("sessions", "--json", "notes", cwd=tmp_path).stdout)[0]
    assert (row["tags"], row["pinned"], row["archived"], row["trashedAt"]) == (["api", "db"], True, False, None)
    done = plait("sessions", "nobody", cwd=tmp_path)
    assert done.stdout == "No session fits 'nobody'. plait sessions --all lists the closed ones, too.\n"
    done = plait("sessions", "state:opne", cwd=tmp_path)
    assert (done.returncode, "Did you mean state:open?" in done.stderr) == (2, True)


def test_no_session_at_all(home: Path, tmp_path: Path) -> None:
    done = plait("sessions", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No session is open. plait opens one.")
    assert not (home / "data").exists()


# plait stats


def test_figures_by_model_project_and_day(store: SqliteStore) -> None:
    figures = read_figures(store.path)
    assert (figures.open, figures.closed) == (2, 1)
    assert figures.messages == sum(row.messages for row in store.sessions())
    told = json.loads(as_json(figures))
    assert (told["calls"], told["input"], told["output"], told["cost"], told["unpriced"]) == (1, 1000, 20, 0.25, 0)
    assert [row["model"] for row in told["byModel"]] == ["openai:big"]
    assert [(row["project"], row["sessions"], row["cost"]) for row in told["byProject"]] == [(PROJECT.id, 2, 0.25), (OTHER.id, 1, 0.0)]
    assert sum(row["input"] for row in told["byDay"]) == told["input"]
    shown = as_text(figures).splitlines()
    assert shown[0] == f"3 sessions (2 open, 1 closed), {figures.messages} messages"
    assert shown[1] == "1 call, 1,000 tokens in, 20 out, $0.25"
    assert told["byProject"][0]["name"] == PROJECT.name
    assert told["byProject"][0]["directory"] == PROJECT.directory
    names = [line.split("  ")[1] for line in shown[shown.index("By project") + 1 :][:2]]
    assert names == [PROJECT.name, OTHER.name]


def test_projects_of_one_name_are_told_apart_by_their_directories(store: SqliteStore) -> None:
    alike = [replace(one, name="work") for one in (PROJECT, OTHER)]
    shown = as_text(figures_of(store.sessions(), [], alike))
    assert all(f"  work ({one.directory})  " in shown for one in alike)


def test_no_figures_where_nothing_is(tmp_path: Path) -> None:
    assert as_text(read_figures(tmp_path / "plait.db")) == "0 sessions (0 open, 0 closed), 0 messages\n0 calls, 0 tokens in, 0 out, $0.00"


def test_unknown_prices_are_told(store: SqliteStore) -> None:
    row = Used("m", PROJECT.id, "2026-01-31", 2, 1, 1, 0, 0.0, 2)
    assert "2 calls of unknown price" in as_text(figures_of(store.sessions(), [row], store.projects()))
    priced = Used("m", PROJECT.id, "2026-02-01", 1, 1, 1, 0, 0.000125, 0)
    assert "$0.000125 without 2 calls of unknown price" in as_text(figures_of(store.sessions(), [row, priced], store.projects()))


# plait backup and plait doctor


def test_a_backup_beside_the_owner_is_whole_private_and_sound(store: SqliteStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    done = plait("backup", str(target), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The copy was checked and is sound." in done.stdout
    assert f"sessions {len(store.sessions())}," in done.stdout
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "home"]  # no log, nothing half done
    with reading(target) as copy:
        assert copy is not None
        assert copy.sessions() == store.sessions()
        assert all(copy.events(row.id) == store.read(row.id) for row in store.sessions())
    before = target.read_bytes()
    again = plait("backup", str(target), cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert f"Give another name, such as {tmp_path / 'copy-2.db'}." in again.stderr
    assert target.read_bytes() == before


def test_backups_have_a_place_of_their_own(store: SqliteStore, home: Path) -> None:
    paths = find_paths({"PLAIT_HOME": str(home)})
    assert all(make_backup(paths, asked)[1] for asked in (None, None, str(home)))
    copies = sorted((home / "data" / "backups").iterdir())
    assert len(copies) == 2
    assert all(check(copy) == [] for copy in copies)
    assert len(list(home.glob("plait-*.db"))) == 1
    assert verify(store.path) == []


def test_where_there_is_no_database_nothing_is_copied(home: Path) -> None:
    with pytest.raises(PlaitError, match="nothing to copy"):
        make_backup(find_paths({"PLAIT_HOME": str(home)}), None)
    assert not home.exists()


def test_a_disk_that_takes_no_copy_is_told(store: SqliteStore, home: Path, tmp_path: Path) -> None:
    with pytest.raises(PlaitError, match="cannot be used"):
        make_backup(find_paths({"PLAIT_HOME": str(home)}), str(tmp_path / "none" / "copy.db"))


def test_the_doctor_finds_what_is_wrong_and_changes_nothing(store: SqliteStore, home: Path, tmp_path: Path) -> None:
    sound = plait("doctor", cwd=tmp_path)
    assert (sound.returncode, sound.stderr) == (0, "")
    lines = sound.stdout.splitlines()
    assert lines[-1] == "check          sound"
    assert f"plait          {__version__}" in lines
    assert any(line.startswith("migrations") and line.endswith("none is due") for line in lines)
    store.close()
    with closing(engine.connect(store.path, writing=True)) as writer:
        writer.execute("UPDATE sessions SET state = 'Paused' WHERE id = 'aaaa1111'")
    before = store.path.read_bytes()
    ill = plait("doctor", cwd=tmp_path)
    assert (ill.returncode, ill.stderr) == (1, "")
    assert "Session 'aaaa1111': its row says state" in ill.stdout
    assert store.path.read_bytes() == before
    text, is_sound = make_backup(find_paths({"PLAIT_HOME": str(home)}), str(tmp_path / "ill.db"))
    assert not is_sound
    assert "Session 'aaaa1111'" in text
    whole = bytearray(store.path.read_bytes())
    whole[8192:40960] = bytes(range(256)) * 128
    store.path.write_bytes(whole)
    text, is_sound = make_backup(find_paths({"PLAIT_HOME": str(home)}), str(tmp_path / "damaged.db"))
    assert not is_sound
    assert f"{tmp_path / 'damaged.db'} is damaged" in text or "quick_check" in text
    assert (tmp_path / "damaged.db").read_bytes()[8192:40960] == bytes(whole[8192:40960])
    store.path.write_bytes(b"not a database" * 1000)
    with pytest.raises(PlaitError, match=f"{store.path} is not a database"):
        make_backup(find_paths({"PLAIT_HOME": str(home)}), str(tmp_path / "none.db"))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".", "none"))]
    assert plait("doctor", cwd=tmp_path).returncode == 1


def test_the_doctor_of_nothing_and_of_an_older_database(home: Path, tmp_path: Path) -> None:
    paths = find_paths({"PLAIT_HOME": str(home)})
    text, sound = examine(paths)
    assert sound
    assert "not there" in text
    assert not home.exists()
    old = tmp_path / "migrations"
    old.mkdir()
    shipped = sorted(schema.migrations_directory().glob("m*.py"))
    (old / shipped[0].name).write_text(shipped[0].read_text(encoding="utf-8"), encoding="utf-8")
    open_store(paths.database, now=1.0, report=lambda finding: None, migrations=old).close()
    text, sound = examine(paths)
    assert sound
    assert f"the next start of plait makes {shipped[1].stem}" in text


# plait export


def test_export_of_everything_beside_the_owner_comes_back_alike(store: SqliteStore, tmp_path: Path) -> None:
    done = plait("export", "--all", "--with-secrets", "-o", "all.json", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"3 sessions in {tmp_path}/all.json.\n", "")
    kept = from_json((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert {one.session: list(one.events) for one in kept} == {row.id: list(store.read(row.id)) for row in store.sessions()}
    assert {one.project.id: one.project for one in kept} == {PROJECT.id: PROJECT, OTHER.id: OTHER}
    assert [one.draft for one in kept if one.draft] == [Draft(SessionId("bbbb2222"), "not sent", 3)]
    assert stat.S_IMODE((tmp_path / "all.json").stat().st_mode) == 0o600
    before = (tmp_path / "all.json").read_bytes()
    again = plait("export", "auth-fix", "-o", "all.json", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert f"Give another name, such as {tmp_path}/all-2.json." in again.stderr
    assert (tmp_path / "all.json").read_bytes() == before


def exported(store: SqliteStore, request: Request, **environ: str) -> tuple[str, str]:
    """What an export writes to standard output, and what it tells."""
    out = io.StringIO()
    told = export(store.path, environ, request, out)
    return out.getvalue(), told


def test_export_into_a_directory_writes_all_or_nothing(store: SqliteStore, tmp_path: Path) -> None:
    request = Request(str(tmp_path), everything=True, output="out")
    (tmp_path / "out").mkdir()
    assert exported(store, request) == ("", f"3 sessions in {tmp_path}/out.")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["auth-fix-bbbb2222.md", "default-cccc3333.md", "notes-aaaa1111.md"]
    (tmp_path / "out" / names[0]).unlink()
    with pytest.raises(UsageError, match="is there already"):
        exported(store, request)
    assert not (tmp_path / "out" / names[0]).exists()


def test_which_session_is_exported(store: SqliteStore, tmp_path: Path) -> None:
    there = str(tmp_path)
    assert exported(store, Request(OTHER.directory))[0].startswith("# notes\n")
    assert exported(store, Request(there, ("bbbb",)))[0].startswith("# auth-fix\n")
    both = exported(store, Request(there, ("notes", "aaaa1111", "auth-fix"), form="html"))[0]
    assert both.count("<article>") == 2
    assert "\x1b" not in both
    for request, told in (
        (Request(there), "No session belongs to"),
        (Request(there, ("auth-fx",)), "Did you mean 'auth-fix'?"),
        (Request(there, ("notes",), everything=True), "names, and --all"),
        (Request(there, ("notes",), output="talk.pdf"), "The name talk.pdf does not say which format is meant."),
    ):
        with pytest.raises(UsageError, match=re.escape(told)):
            exported(store, request)
    with pytest.raises(UsageError, match="No session is stored yet"):
        export(tmp_path / "none.db", {}, Request(there), io.StringIO())


def test_export_cuts_the_values_of_the_environment(store: SqliteStore, tmp_path: Path) -> None:
    text, told = exported(store, Request(str(tmp_path), ("auth-fix",)), OPENAI_API_KEY="alert(1)")
    assert "alert(1)" not in text
    assert "secrets were replaced by <secret>. With --with-secrets they stay." in told
    kept, told = exported(store, Request(str(tmp_path), ("auth-fix",), with_secrets=True), OPENAI_API_KEY="alert(1)")
    assert "alert(1)" in kept
    assert told == ""


def test_a_pipe_whose_reader_has_gone_is_no_fault_of_the_database(store: SqliteStore, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    out = os.fdopen(writer, "w")
    with pytest.raises(BrokenPipeError):
        export(store.path, {}, Request(str(tmp_path), everything=True), out)
    with pytest.raises(BrokenPipeError):  # what it still holds
        out.close()
