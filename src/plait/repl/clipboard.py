"""Text to the clipboard: by a tool of the desktop where there is one, else by asking the terminal (OSC 52).

Rules:
1. Over SSH a tool would copy to the clipboard of the far machine: the terminal is asked instead.
2. Inside tmux its own client passes the text on (`load-buffer -w`): no passthrough sequence, which tmux refuses by default.
3. The text goes through standard input, never through a command line; a tool that does not answer within `TOOL_TIME` is ended.
4. Whether a terminal obeyed cannot be seen, so nothing is claimed that was not done.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

import anyio

from plait.core.errors import PlaitError

TOOL_TIME = 2.0
"""Seconds."""
LONGEST = 74_994
"""Bytes: 100,000 characters of base64 and frame, which is what the stricter terminals take in one OSC 52."""


def clipboard_tools(environ: Mapping[str, str], platform: str = sys.platform) -> tuple[tuple[str, ...], ...]:
    """Command lines that can copy their standard input, the best first; whether they are installed is not asked here."""
    tools: list[tuple[str, ...]] = []
    if not (environ.get("SSH_CONNECTION") or environ.get("SSH_TTY")):
        if platform == "darwin":
            tools.append(("pbcopy",))
        if environ.get("WSL_DISTRO_NAME"):
            tools.append(("clip.exe",))
        if environ.get("WAYLAND_DISPLAY"):
            tools.append(("wl-copy",))
        if environ.get("DISPLAY"):
            tools += [("xclip", "-selection", "clipboard"), ("xsel", "--clipboard", "--input")]
    if environ.get("TMUX"):
        tools.append(("tmux", "load-buffer", "-w", "-"))
    return tuple(tools)


def osc52(text: str) -> str:
    """The sequence that asks a terminal to put `text` on its clipboard."""
    return f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'replace')).decode()}\x07"


async def copy_text(text: str, environ: Mapping[str, str], forward: Callable[[str], None]) -> str:
    """Copy `text`; returns a sentence that says what was done. Raises `PlaitError` where there is no way.

    `forward` sends a control sequence to the terminal as it is.
    """
    size = f"{len(text):,} character{'' if len(text) == 1 else 's'}"
    for tool in clipboard_tools(environ):
        path = shutil.which(tool[0], path=environ.get("PATH"))
        if path and await _run((path, *tool[1:]), text, environ):
            return f"Copied {size} with {tool[0]}."
    if environ.get("TERM", "") in ("dumb", "linux"):
        raise PlaitError("Nothing was copied: this terminal has no clipboard and no tool was found. Install xclip or wl-clipboard.")
    if len(text.encode("utf-8", "replace")) > LONGEST:
        raise PlaitError(f"Nothing was copied: {size} are more than a terminal takes. Install xclip or wl-clipboard, or use /copy code.")
    forward(osc52(text))
    return f"Sent {size} to the terminal's clipboard. If nothing arrives, allow it OSC 52 in its settings."


async def _run(command: Sequence[str], text: str, environ: Mapping[str, str]) -> bool:
    """Whether the tool took the text. It may stay behind to serve the clipboard, so its output is not waited for."""
    try:
        with anyio.fail_after(TOOL_TIME):
            done = await anyio.run_process(
                command,
                input=text.encode("utf-8", "replace"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                env=environ,
                start_new_session=True,
            )
    except (OSError, TimeoutError):
        return False
    return done.returncode == 0
