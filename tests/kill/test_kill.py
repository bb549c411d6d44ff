"""kill -9 at any moment loses nothing that was acknowledged (promise P1), and the harness that says so notices when it does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plait.core import events as e
from plait.core.history import provider_view
from plait.runtime.recovery import CUT_OFF, fold
from plait.store.verify import verify
from tests.kill.witness import read_all

ROOT = Path(__file__).parent.parent.parent
KILLS = int(os.environ.get("PLAIT_KILLS", "200"))
"""A nightly run takes 2,000."""
LIMIT = 280 + KILLS

pytestmark = pytest.mark.timeout(LIMIT + 20)

# Named points that the driver passes, each at several passes: everything of an append and of opening and closing. What lies around
# migrations and checkpoints is killed in tests/store.
LABELS = [
    *(f"append.{place}:{times}" for place in ("begin", "checked", "inserted", "committed", "identified") for times in (1, 2, 7, 25, 60)),
    "create.made:1",
    "migrate.before:1",
    "migrate.after:1",
    "epoch.before:1",
    "epoch.after:1",
    "close.before:1",
    "close.after:1",
]


def harness(*arguments: str) -> dict[str, Any]:
    """Run the harness; its report."""
    command = [sys.executable, "-m", "tests.kill.harness", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == bool(report["problems"])
    return report


def test_two_hundred_kills_at_random_lose_nothing() -> None:
    report = harness("--kills", str(KILLS), "--seed", str(int.from_bytes(os.urandom(3))))
    assert report["problems"] == []
    assert (report["kills"], report["vacuous"]) == (KILLS, 0)
    assert report["acknowledged"] >= 10 * KILLS
    # It was in the middle of everything: answers that streamed, tools that ran; and every database was gone on with to the end.
    assert report["partial"] >= 5
    assert report["cut_tools"] >= 5
    assert report["tools"] >= KILLS / 10
    assert report["finishes"] == KILLS / 20


def test_kills_at_named_points_lose_nothing() -> None:
    report = harness("--labels", *LABELS)
    assert report["problems"] == []
    assert report["kills"] == len(LABELS)


def test_a_named_point_that_is_not_passed_is_noticed() -> None:
    report = harness("--labels", "nowhere:1", "--limit", "1")
    assert "nowhere:1 was not passed: None" in report["problems"][0]


@pytest.mark.parametrize(
    ("mutant", "noticed", "more"),
    [
        ("early", "acknowledged event", ()),
        ("no-start", "has no start of its own on disk", ()),
        ("no-progress", "were shown two seconds ago, and 0 are on disk", ("--long",)),
        ("reuse", "on disk, not at|is not open and cannot take", ()),
    ],
)
def test_a_program_that_breaks_a_promise_is_noticed(mutant: str, noticed: str, more: tuple[str, ...]) -> None:
    report = harness("--kills", "30", "--mutant", mutant, *more)
    assert any(re.search(noticed, problem) for problem in report["problems"]), report


SCRIPT = """
[[reply]]
match = ""
words = 200
per_second = 100
"""


def test_the_program_itself_goes_on_after_kills(home: Path, tmp_path: Path) -> None:
    script, database = tmp_path / "slow.toml", home / "data" / "plait.db"
    script.write_text(SCRIPT)
    kept = 0
    for number, lines in enumerate((1, 2, 40, 90, 120, 120), 1):
        with _plait(script, tmp_path, f"message {number}") as program:
            assert program.stdout is not None
            heard = [program.stdout.readline() for _ in range(lines)]
            program.kill()
            program.stdout.read()
        assert program.returncode == -9
        assert json.loads(heard[0])["type"] == "init"  # told when the message was on disk
        assert verify(database) == []
        ((session, events),) = read_all(database).items()
        said = [one.event.text for one in events if isinstance(one.event, e.UserSaid)]
        assert said == [f"message {done}" for done in range(1, number + 1)]
        kept += any(isinstance(one.event, e.AnswerProgress) for one in events)
    script.write_text('[[reply]]\nmatch = ""\ntext = "Done."\n')
    with _plait(script, tmp_path, "the last") as program:
        program.communicate(timeout=60)
    assert program.returncode == 0
    assert kept >= 2
    events = read_all(database)[session]
    ends = [one.event for one in events if isinstance(one.event, e.TurnEnded)]
    assert [(end.ending, end.detail) for end in ends] == [("interrupted", CUT_OFF)] * 6 + [("done", "")]
    cut = [one.event for one in events if isinstance(one.event, e.AssistantSaid) and not one.event.complete]
    assert cut
    assert all(answer.message.text.startswith("word1 ") for answer in cut)
    assert provider_view(fold(session, events).conversation)[-1].text == "Done."  # type: ignore[union-attr]  # it ends with an answer
    assert verify(database) == []


def _plait(script: Path, directory: Path, text: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "plait",
        "run",
        "--model",
        f"scripted:{script}",
        "--session",
        "work",
        "--output-format",
        "stream-json",
        text,
    ]
    return subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
