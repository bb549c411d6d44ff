"""Notices: which are fired, what the terminal gets, and what the user's command gets and may not do."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from plait.core.commands import SessionInfo
from plait.core.messages import ProjectId, SessionId
from plait.core.notices import NOTICE_KINDS, NoticeKind, Rules, parse_rules
from plait.core.session import SessionState
from plait.repl.hook import MOST_AT_ONCE, MOST_WAITING, Hooks
from plait.repl.notices import LONGEST_DETAIL, Notifier, desktop_notice
from tests.runtime.waiting import until

pytestmark = pytest.mark.anyio
ENVIRON = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "SHELL": "/bin/sh"}
XTERM = {"TERM": "xterm-256color"}


def row(name: str = "auth-fix") -> SessionInfo:
    return SessionInfo(
        id=SessionId(f"id-of-{name}"),
        name=name,
        kind="debug",
        state=SessionState.WAITING,
        project=ProjectId("p1"),
        directory="/home/ada/shop",
        messages=3,
        created_at=1.0,
        last_at=1750000000.5,
        seq=9,
        waiting_for="question",
    )


class Desk:
    """A notifier with a clock that stands, and what it sent and started."""

    def __init__(self, rules: str, command: str = "", cooldown: float = 10.0, environ: Mapping[str, str] = XTERM) -> None:
        self.sent: list[str] = []
        self.started: list[tuple[str, bytes]] = []
        self.time = 100.0
        self.notifier = Notifier(
            parse_rules(rules), command, cooldown, lambda: self.time, self.sent.append, lambda *one: self.started.append(one), environ
        )

    def told(self, kind: NoticeKind = "done", name: str = "auth-fix", own: Rules | None = None, muted: bool = False) -> bool:
        """Whether a notice comes."""
        before = len(self.sent) + len(self.started)
        self.notifier.tell(kind, row(name), "", own, muted)
        return len(self.sent) + len(self.started) > before


def test_the_bell_rings_and_off_is_silent() -> None:
    desk = Desk("done=off failed=bell")
    assert not desk.told("done")
    assert desk.told("failed")
    assert desk.sent == ["\a"]


def test_a_kind_that_the_setting_does_not_name_is_as_by_default() -> None:
    assert Desk("done=off").told("question")
    assert Desk("").told("done")


def test_a_sessions_own_rules_go_before_and_mute_before_all() -> None:
    desk = Desk("done=off failed=bell")
    assert desk.told("done", own=parse_rules("done=bell"))
    assert not desk.told("failed", own=parse_rules("failed=off"))
    assert desk.told("failed", own=parse_rules("done=bell"))
    assert [kind for kind in NOTICE_KINDS if desk.told(kind, name="other", own=parse_rules("all=bell"), muted=True)] == []


def test_the_cool_down_is_of_a_session_and_a_kind() -> None:
    desk = Desk("all=bell")
    assert desk.told("done")
    desk.time += 9.9
    assert not desk.told("done")
    assert desk.told("failed")
    assert desk.told("done", name="docs")
    desk.time += 0.1
    assert desk.told("done")
    assert not desk.told("done")


def test_a_notice_that_did_not_come_starts_no_cool_down() -> None:
    desk = Desk("all=bell")
    assert not desk.told("done", muted=True)
    assert not desk.told("done", own=parse_rules("done=off"))
    assert desk.told("done")


def test_questions_and_approvals_always_come() -> None:
    desk = Desk("all=bell")
    assert [desk.told(kind) for kind in ("question", "approval", "question", "approval")] == [True] * 4


def test_no_cool_down_and_nothing_kept_of_sessions_that_are_gone() -> None:
    desk = Desk("all=bell", cooldown=0)
    assert [desk.told("done") for _ in range(3)] == [True] * 3
    desk = Desk("all=bell")
    for number in range(1000):
        desk.time += 1
        assert desk.told("done", name=f"s{number}")
    assert repr(desk.notifier) == "<Notifier [10 cooling down]>"


def test_a_command_gets_one_line_of_json() -> None:
    desk = Desk("question=command", "notify-me --loud")
    desk.notifier.tell("question", row(), "Welche Datenbank?\x1b[2J\n" + "x" * 10_000)
    [(command, data)] = desk.started
    assert (command, desk.sent) == ("notify-me --loud", [])
    assert data.isascii()
    assert data.endswith(b"}\n")
    assert data.count(b"\n") == 1
    plain = json.loads(data)
    assert len(plain.pop("detail")) == LONGEST_DETAIL
    assert plain == {
        "kind": "question",
        "session": "id-of-auth-fix",
        "name": "auth-fix",
        "project": "p1",
        "directory": "/home/ada/shop",
        "state": "WaitingForInput",
        "waiting_for": "question",
        "at": 1750000000.5,
    }


def test_without_a_command_nothing_is_started() -> None:
    desk = Desk("done=command,bell", " ")
    assert desk.told("done")
    assert (desk.sent, desk.started) == (["\a"], [])


@pytest.mark.parametrize(
    ("environ", "sequence"),
    [
        (XTERM, "\x1b]9;auth-fix: asks\x07"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "\x1b]9;auth-fix: asks\x07"),
        ({"TERM": "rxvt-unicode-256color"}, "\x1b]777;notify;auth-fix;asks\x07"),
        ({"TERM": "foot-extra"}, "\x1b]777;notify;auth-fix;asks\x07"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "\x1b]777;notify;auth-fix;asks\x07"),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "TMUX": "/tmp/t,1,0"}, "\x1bPtmux;\x1b\x1b]9;auth-fix: asks\x07\x1b\\"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, ""),
        ({"TERM": "linux"}, ""),
        ({"TERM": "dumb"}, ""),
        ({}, ""),
    ],
)
def test_each_terminal_is_told_in_its_own_way(environ: dict[str, str], sequence: str) -> None:
    assert desktop_notice("auth-fix", "asks", environ) == sequence


def test_a_terminal_that_cannot_tell_the_desktop_rings_once() -> None:
    desk = Desk("done=desktop failed=bell,desktop", environ={"TERM": "linux"})
    assert desk.told("done")
    assert desk.told("failed")
    assert desk.sent == ["\a", "\a"]
    desk = Desk("done=bell,desktop")
    desk.notifier.tell("done", row(), "")
    assert desk.sent == ["\x1b]9;auth-fix: the answer is finished\x07\a"]


@pytest.mark.parametrize("environ", [XTERM, {"TERM": "foot"}, {"TMUX": "x"}])
def test_no_untrusted_text_leaves_the_sequence(environ: dict[str, str]) -> None:
    sequence = desktop_notice("4;\x1b]52;c;x\x07", "a\x07b\x1b\\c;d\x9c\n" + "é" * 5000, environ)
    inner = sequence.removeprefix("\x1bPtmux;\x1b").removesuffix("\x1b\\") if "TMUX" in environ else sequence
    assert inner.startswith("\x1b]")
    assert inner.endswith("\x07")
    assert [char for char in inner[2:-1] if ord(char) < 32 or 0x7F <= ord(char) < 0xA0] == []
    assert inner.count(";") <= 3
    assert not inner.startswith("\x1b]9;4;")
    assert len(inner) < 280


# The user's command.


@asynccontextmanager
async def serving(hooks: Hooks) -> AsyncGenerator[None, None]:
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(hooks.serve)
            yield
            group.cancel_scope.cancel()


async def test_a_real_command_reads_the_notice(tmp_path: Path) -> None:
    told: list[str] = []
    hooks = Hooks({**ENVIRON, "OPENAI_API_KEY": "k1", "LAB_KEY": "k2", "MINE": "yes"}, told.append, ("LAB_KEY",))
    notifier = Notifier(
        parse_rules("done=command"),
        f"cat > {tmp_path}/in; env > {tmp_path}/env.new; echo noise; echo noise >&2; mv {tmp_path}/env.new {tmp_path}/env",
        10,
        lambda: 0.0,
        lambda sequence: None,
        hooks.run,
        XTERM,
    )
    notifier.tell("done", row(), "läuft")
    async with serving(hooks):
        await until((tmp_path / "env").exists)
        await until(lambda: "0 running" in repr(hooks))
    assert json.loads((tmp_path / "in").read_text())["detail"] == "läuft"
    variables = (tmp_path / "env").read_text()
    assert "MINE=yes" in variables
    assert "k1" not in variables
    assert "k2" not in variables
    assert told == []


async def test_a_command_need_not_read_its_input() -> None:
    told: list[str] = []
    hooks = Hooks(ENVIRON, told.append)
    async with serving(hooks):
        hooks.run("exec 0<&-; exit 0", b"x" * 1_000_000)
        hooks.run("exit 3", b"{}\n")
        await until(lambda: bool(told))
        await until(lambda: "0 running" in repr(hooks))
    assert told == ["The command of a notice failed with status 3. Correct notify_command: exit 3"]


@pytest.mark.parametrize(
    ("command", "environ", "said"),
    [
        ("no-such-command-at-all", ENVIRON, "was not found by the shell"),
        ("kill -TERM $$", ENVIRON, "was ended by signal 15"),
        ("a\0b", ENVIRON, "could not be started"),
        ("exit 1", {**ENVIRON, "SHELL": "/no/such/shell"}, "failed with status 1"),
    ],
)
async def test_the_first_failure_is_told_and_no_other(command: str, environ: dict[str, str], said: str, tmp_path: Path) -> None:
    told: list[str] = []
    hooks = Hooks(environ, told.append)
    async with serving(hooks):
        hooks.run(command, b"{}\n")
        await until(lambda: bool(told))
        hooks.run("exit 9", b"{}\n")
        hooks.run(f"touch {tmp_path}/after", b"{}\n")
        await until((tmp_path / "after").exists)
        await until(lambda: "0 running, 0 waiting" in repr(hooks))
    assert len(told) == 1
    assert said in told[0]


async def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    told: list[str] = []
    hooks = Hooks(ENVIRON, told.append, longest=0.5)
    async with serving(hooks):
        hooks.run(f"sleep 60 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; wait", b"{}\n")
        await until((tmp_path / "pid").exists)
        await until(lambda: bool(told))
    assert "was ended after 0.5 seconds" in told[0]
    await until(lambda: gone(int((tmp_path / "pid").read_text())))


async def test_leaving_ends_what_still_runs(tmp_path: Path) -> None:
    told: list[str] = []
    hooks = Hooks(ENVIRON, told.append)
    async with serving(hooks):
        hooks.run(f"echo $$ > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; exec sleep 60", b"{}\n")
        await until((tmp_path / "pid").exists)
    assert gone(int((tmp_path / "pid").read_text()))
    assert told == []


async def test_few_run_at_once_and_what_is_too_much_is_dropped(tmp_path: Path) -> None:
    told: list[str] = []
    hooks = Hooks(ENVIRON, told.append)
    os.mkfifo(tmp_path / "gate")
    gate = os.open(tmp_path / "gate", os.O_RDWR)  # both ends, so that neither a command nor this test waits for the other to open it
    command = f"mktemp {tmp_path}/began.XXXXXX; read line < {tmp_path}/gate; mktemp {tmp_path}/ended.XXXXXX"
    async with serving(hooks):
        for _ in range(MOST_AT_ONCE):
            hooks.run(command, b"{}\n")
        await until(lambda: len(list(tmp_path.glob("began.*"))) == MOST_AT_ONCE)
        for _ in range(MOST_WAITING + 1):
            hooks.run(f"mktemp {tmp_path}/late.XXXXXX", b"{}\n")
        assert repr(hooks) == f"<Hooks [{MOST_AT_ONCE} running, {MOST_WAITING} waiting]>"
        assert "Notices come faster" in told[0]
        assert not any(name.startswith("late") for name in os.listdir(tmp_path))
        os.write(gate, b"\n" * MOST_AT_ONCE)
        await until(lambda: len(list(tmp_path.glob("late.*"))) == MOST_WAITING)
    os.close(gate)
    assert len(told) == 1


def gone(pid: int) -> bool:
    """Whether the process has ended; one that its new parent has not waited for yet counts as ended."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True
