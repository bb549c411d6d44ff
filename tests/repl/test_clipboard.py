"""Copying: by a tool of the desktop, through tmux, or by asking the terminal."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from plait.core.errors import PlaitError
from plait.repl.clipboard import LONGEST, clipboard_tools, copy_text, osc52

pytestmark = pytest.mark.anyio


def tool(place: Path, name: str, script: str) -> None:
    path = place / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("environ", "platform", "names"),
    [
        ({}, "linux", []),
        ({}, "darwin", ["pbcopy"]),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "linux", ["wl-copy", "xclip", "xsel"]),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "a b c d"}, "linux", []),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", []),
        ({"WSL_DISTRO_NAME": "Debian"}, "linux", ["clip.exe"]),
        ({"TMUX": "/tmp/x,1,0", "SSH_TTY": "/dev/pts/1", "DISPLAY": ":0"}, "linux", ["tmux"]),
    ],
)
def test_which_tools_are_tried(environ: dict[str, str], platform: str, names: list[str]) -> None:
    assert [command[0] for command in clipboard_tools(environ, platform)] == names


async def test_a_tool_gets_the_text_on_its_input(tmp_path: Path) -> None:
    tool(tmp_path, "xclip", f'echo "$@" > {tmp_path}/arguments; cat > {tmp_path}/text; echo noise')
    sent: list[str] = []
    said = await copy_text("läuft\n-x", {"PATH": f"{tmp_path}:/usr/bin:/bin", "DISPLAY": ":0"}, sent.append)
    assert said == "Copied 8 characters with xclip."
    assert (tmp_path / "text").read_text() == "läuft\n-x"
    assert (tmp_path / "arguments").read_text() == "-selection clipboard\n"
    assert sent == []


@pytest.mark.parametrize("script", ["exit 1", "exec sleep 60"])
async def test_a_tool_that_fails_or_hangs_is_passed_over(script: str, tmp_path: Path) -> None:
    tool(tmp_path, "wl-copy", script)
    sent: list[str] = []
    said = await copy_text("x", {"PATH": f"{tmp_path}:/usr/bin:/bin", "WAYLAND_DISPLAY": "w"}, sent.append)
    assert "Sent 1 character to the terminal's clipboard. If nothing arrives" in said
    assert sent == [osc52("x")]


def test_the_sequence_holds_the_text_and_nothing_else() -> None:
    sequence = osc52("a\x1b]52;c;evil\x07ü")
    assert sequence.startswith("\x1b]52;c;")
    assert sequence.endswith("\x07")
    assert sequence.count("\x1b") == sequence.count("\x07") == 1
    assert base64.b64decode(sequence[7:-1]).decode() == "a\x1b]52;c;evil\x07ü"


async def test_what_no_terminal_takes_is_refused() -> None:
    sent: list[str] = []
    with pytest.raises(PlaitError, match="more than a terminal takes"):
        await copy_text("x" * (LONGEST + 1), {}, sent.append)
    for term in ("dumb", "linux"):
        with pytest.raises(PlaitError, match="this terminal has no clipboard"):
            await copy_text("x", {"TERM": term}, sent.append)
    assert sent == []
    await copy_text("x" * LONGEST, {}, sent.append)
    assert len(sent[0]) <= 100_000
