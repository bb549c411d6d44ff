"""What looks at the stored sessions from the shell: the commands' own functions, and the real program where a process matters."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.commands import Draft
from plait.core.messages import AssistantMessage, ProjectId, Turn, Usage
from plait.core.ports import Project
from plait.sessions_command import list_sessions, sessions_json
from plait.store.sqlite import SqliteStore
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
    shown = list_sessions(store.path, PROJECT.directory + "/src", io.StringIO(), {}, closed=False)
    assert [line.split(":")[0].strip() for line in shown.splitlines() if line.strip()[0].isdigit()] == ["1 auth-fix", "2 notes"]
    assert "in docs" in shown
    assert "draft" in shown
    assert "\x1b" not in shown
    there = list_sessions(store.path, OTHER.directory, io.StringIO(), {}, closed=True)
    assert next(line.split(":")[0].strip() for line in there.splitlines() if ":" in line) == "1 notes"
    assert "closed" in there


def test_json_is_that_of_the_prompt(store: SqliteStore) -> None:
    rows = json.loads(sessions_json(store.path, PROJECT.directory, closed=True))
    assert [(row["number"], row["id"], row["state"]) for row in rows] == [
        (1, "bbbb2222", "WaitingForInput"),
        (2, "aaaa1111", "Active"),
        (None, "cccc3333", "Completed"),
    ]
    assert (rows[0]["waitingFor"], rows[0]["unread"], rows[0]["draft"], rows[0]["title"]) == ("answer", 1, True, HOSTILE)
    assert len(json.loads(sessions_json(store.path, PROJECT.directory, closed=False))) == 2


def test_sessions_beside_a_running_owner(store: SqliteStore, tmp_path: Path) -> None:
    done = plait("sessions", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["name"] for row in json.loads(done.stdout)] == ["notes", "auth-fix"]
    assert done.stdout.isascii()


def test_no_session_at_all(home: Path, tmp_path: Path) -> None:
    done = plait("sessions", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No session is open. plait opens one.")
    assert not (home / "data").exists()
