"""`!command`: what is shown, what is capped, what is ended."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import anyio
import pytest

from plait.core.errors import UsageError
from plait.repl.shell import LONGEST_LINE, MOST_SHOWN, PATIENCE, child_environment, run_shell
from plait.repl.style import Look
from tests.runtime.waiting import until
from tests.timing import LIMIT, keep

pytestmark = pytest.mark.anyio
ENVIRON = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "SHELL": "/bin/sh"}


class Screen:
    """Keeps what is shown; `size` counts it and `keep` says whether the text is kept too."""

    def __init__(self, keep: bool = True) -> None:
        self.look = Look(colour=False, width=300)
        self.text = ""
        self.size = 0
        self._keep = keep

    def show(self, text: str) -> None:
        assert text.endswith("\n")
        self.size += len(text)
        if self._keep:
            self.text += text
        else:
            self.text = text

    async def shown(self) -> None:
        await anyio.lowlevel.checkpoint()


async def shown(command: str, directory: str = "/", status: int = 0) -> list[str]:
    """The rows below the command's own."""
    screen = Screen()
    assert await run_shell(command, directory, ENVIRON, screen) == status
    head, *rows = screen.text.splitlines()
    assert head.startswith("· $ ")
    return rows


async def test_both_streams_are_shown_in_the_gutter(tmp_path: Path) -> None:
    assert await shown("echo one; echo two >&2; printf three; pwd", str(tmp_path)) == ["  one", "  two", f"  three{tmp_path}"]


async def test_a_command_that_says_nothing_shows_nothing() -> None:
    assert await shown("true") == []


async def test_a_status_other_than_0_is_told() -> None:
    assert await shown("exit 3", status=3) == ["! The command ended with status 3."]
    assert await shown("kill -9 $$", status=137) == ["! The command was ended by SIGKILL."]


async def test_no_escape_sequence_gets_through() -> None:
    rows = await shown(r"printf 'a\033[2Jb\033]0;title\007\n'; printf '\303'; printf '\244\n\377\n\r\nx\rEVIL\n'")
    assert rows == ["  a␛[2Jb␛]0;title␇", "  ä", "  \ufffd", "", "  x␍EVIL"]


async def test_output_is_shown_while_the_command_runs(tmp_path: Path) -> None:
    """Also a line that has no end yet."""
    screen, go = Screen(), tmp_path / "go"
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(
                run_shell, "echo first; printf half; until [ -e go ]; do sleep 0.02; done; echo last", str(tmp_path), ENVIRON, screen
            )
            await until(lambda: "  half\n" in screen.text)
            assert screen.text.endswith("  first\n  half\n")
            go.touch()
    assert screen.text.endswith("  last\n")


async def test_there_is_no_input_and_no_terminal() -> None:
    assert await shown("cat; (exec </dev/tty) 2>/dev/null || echo none") == ["  none"]


async def test_the_output_is_cut_at_its_cap_and_the_command_goes_on(tmp_path: Path) -> None:
    screen = Screen(keep=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    more = 20_000_000
    await run_shell(f"yes 123456789 | head -c {MOST_SHOWN + more}; echo done > after", str(tmp_path), ENVIRON, screen)
    assert (tmp_path / "after").exists()
    assert f"cut here: {more:,} more bytes" in screen.text
    assert MOST_SHOWN <= screen.size < MOST_SHOWN * 1.3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000, "kilobytes"


async def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    screen = Screen()
    await run_shell(f"head -c {LONGEST_LINE * 20} /dev/zero | tr '\\0' x", "/", ENVIRON, screen)
    rows = screen.text.splitlines()[1:]
    assert sum(row.count("x") for row in rows) == LONGEST_LINE * 20
    assert max(map(len, rows)) <= 300


@pytest.mark.parametrize(
    ("command", "polite"),
    [
        ("echo $$ > pids; echo ready; sleep 600", True),
        ("sleep 600 & echo $! > pids; echo ready; wait", True),
        ("setsid sleep 600 & echo $! > pids; echo ready; wait", True),
        ("(setsid sh -c 'echo $$ > pids; echo ready; exec sleep 600' &); sleep 600", True),
        ("trap '' TERM; echo $$ > pids; echo ready; while :; do sleep 0.1; done", False),
        ("(setsid sh -c 'trap \"\" TERM; echo $$ > pids; echo ready; while :; do sleep 0.1; done' &); sleep 600", False),
        ("echo $$ > pids; echo ready; kill -STOP $$", True),
    ],
)
async def test_cancelling_ends_everything(command: str, polite: bool, tmp_path: Path) -> None:
    screen = Screen()
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_shell, command, str(tmp_path), ENVIRON, screen)
            await until(lambda: "  ready" in screen.text)
            began = time.monotonic()
            tasks.cancel_scope.cancel()
        took = time.monotonic() - began
    keep(PATIENCE if polite else 2.0, took, "the end, after promise P7,")
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert pids
    await until(lambda: not any(map(running, pids)))  # the signal was sent; whoever is no child of ours ends a moment later
    assert "Interrupted" in screen.text


def running(pid: int) -> bool:
    """Whether a process lives; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_what_a_command_leaves_in_the_background_is_the_users(tmp_path: Path) -> None:
    with anyio.fail_after(LIMIT):
        await run_shell("(until [ -e go ]; do sleep 0.02; done; echo yes > after) > /dev/null 2>&1 &", str(tmp_path), ENVIRON, Screen())
        (tmp_path / "go").touch()
        await until((tmp_path / "after").exists)


async def test_what_cannot_be_run_is_refused(tmp_path: Path) -> None:
    for command, directory, reason in [
        ("", "/", "There is no command after the '!'"),
        ("ls", str(tmp_path / "gone"), "directory .*gone is gone"),
        ("ls\0", "/", "a character that no command may have"),
        ("x" * 3_000_000, "/", "Argument list too long"),
    ]:
        with pytest.raises(UsageError, match=reason):
            await run_shell(command, directory, ENVIRON, Screen())


async def test_a_shell_that_is_none_is_replaced() -> None:
    screen = Screen()
    assert await run_shell("echo here", "/", {**ENVIRON, "SHELL": "not/a/shell"}, screen) == 0
    assert screen.text.endswith("  here\n")


def test_keys_of_providers_are_not_passed_on() -> None:
    environ = {"OPENAI_API_KEY": "a", "GEMINI_API_KEY": "b", "LAB_KEY": "c", "GITHUB_TOKEN": "d", "PATH": "/bin"}
    assert child_environment(environ, {"LAB_KEY"}) == {"GITHUB_TOKEN": "d", "PATH": "/bin"}


async def test_the_environment_is_the_one_that_was_given() -> None:
    screen = Screen()
    await run_shell("env", "/", {"PATH": "/usr/bin:/bin", "GREETING": "hello"}, screen)
    assert "  GREETING=hello\n" in screen.text
    assert "HOME=" not in screen.text
