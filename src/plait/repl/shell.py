"""`!command`: a command of the user's own, run by their shell in the session's directory. The model learns nothing of it.

Rules:
1. What it prints is shown as it comes, standard error among it, through the sanitizer: no escape sequence reaches the terminal.
2. `MOST_SHOWN` bytes are shown; what comes after is read and thrown away, and the cut is told. Memory does not grow with the output.
3. It has no terminal and no input, so nothing can ask a question; it is a process group of its own.
4. Cancelling ends the group: SIGTERM, and SIGKILL `PATIENCE` seconds later. On Linux also what left the group but inherited `MARK`.
   What a command that ended by itself leaves running in the background is the user's, as in any shell.
5. It gets the user's environment, for it is the user who runs it, without plait's keys of model providers.
"""

from __future__ import annotations

import codecs
import os
import secrets
import signal
import subprocess
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import anyio
import anyio.abc
import anyio.to_thread

from plait.core.errors import UsageError
from plait.core.sanitize import StreamSanitizer
from plait.repl.render import render_notice
from plait.repl.style import GUTTER, Look, wrap

_PROC: Final = Path("/proc")
PROVIDER_KEYS: Final = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY")
MARK: Final = "PLAIT_SHELL"
"""A variable of the command's environment, with a value of this one run: by it are its processes known."""
MOST_SHOWN = 10 * 1024 * 1024
LONGEST_LINE = 8192
"""Characters held back for the end of a line; a longer one is broken here."""
ECHOED = 500
"""Characters of the command that are shown above its output."""
QUIET = 0.3
"""Seconds after which a line without an end is shown: a progress line, a question."""
PATIENCE = 1.5
"""Seconds between SIGTERM and SIGKILL, so that all is gone within the 2 s of promise P7."""
POLL = 0.03


class Output(Protocol):
    """Where the output goes; a `Prompt` is one."""

    @property
    def look(self) -> Look:
        """The look at the terminal's present width."""
        ...

    def show(self, text: str) -> None:
        """Put finished text, of whole lines, into the scrollback."""
        ...

    async def shown(self) -> None:
        """Return once the terminal has taken most of what was shown."""
        ...


def child_environment(environ: Mapping[str, str], secret: Collection[str] = ()) -> dict[str, str]:
    """The user's environment for their command: without the keys of providers, and without the variables named in `secret`."""
    return {name: value for name, value in environ.items() if name not in PROVIDER_KEYS and name not in secret}


def shell_of(environ: Mapping[str, str]) -> str:
    """The user's shell, /bin/sh where there is none that can be run."""
    shell = environ.get("SHELL", "")
    return shell if shell.startswith("/") and os.access(shell, os.X_OK) else "/bin/sh"


async def run_shell(command: str, directory: str, environ: Mapping[str, str], output: Output) -> int:
    """Run `command` and show what it prints; returns its exit status, 128 + the signal's number where one ended it.

    `environ` is the child's own (`child_environment`). Raises `UsageError` where it could not be started. When cancelled it returns only
    after the command has been ended.
    """
    if not command.strip():
        raise UsageError("There is no command after the '!'. Type one, such as !ls, or put a blank before the '!' to send it as a message.")
    output.show(render_notice("info", f"$ {command[:ECHOED]}{'…' if len(command) > ECHOED else ''}", output.look))
    mark = secrets.token_hex(16)
    with anyio.CancelScope(shield=True):  # cut off in its middle, the shell would be killed alone, and what it had started would live on
        process = await _start(command, directory, {**environ, MARK: mark})
    try:
        await _show_output(process, output)
        status = await process.wait()
    except BaseException:
        with anyio.CancelScope(shield=True):
            await _end(process, mark)
            output.show(render_notice("warning", "Interrupted. The command and what it had started were ended.", output.look))
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await process.aclose()
    if status:
        output.show(render_notice("warning", _ending(status), output.look))
    return 128 - status if status < 0 else status


async def _start(command: str, directory: str, environ: Mapping[str, str]) -> anyio.abc.Process:
    shell = shell_of(environ)
    try:
        return await anyio.open_process(
            [shell, "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=environ,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        if not os.path.isdir(directory):  # noqa: ASYNC240  # one stat, after a failure
            raise UsageError(
                f"The command was not run: the session's directory {directory} is gone. Make it again, or use /clear."
            ) from error
        reason = error.strerror if isinstance(error, OSError) else "it holds a character that no command may have"
        raise UsageError(f"The command was not run: {reason or error}. Check it, and the variable SHELL ({shell}).") from error


class _Printer:
    """Bytes of a command, in pieces -> rows behind the gutter."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._sanitizer = StreamSanitizer()
        self._line = ""
        self._read = 0

    def feed(self, data: bytes) -> None:
        """Show whole lines; the rest is kept for the next piece."""
        left = max(0, MOST_SHOWN - self._read)
        self._read += len(data)
        if left:
            self._add(self._sanitizer.feed(self._decoder.decode(data[:left])))

    def flush(self) -> None:
        """Show the line that has no end yet."""
        line, self._line = self._line, ""
        if line:
            self._rows(line)

    def finish(self) -> None:
        """Show the rest, and how much was cut."""
        self._add(self._sanitizer.feed(self._decoder.decode(b"", final=True)) + self._sanitizer.finish())
        self.flush()
        if (cut := self._read - MOST_SHOWN) > 0:
            text = f"The output was cut here: {cut:,} more bytes were not shown. Send it to a file to see all: !command > file."
            self._output.show(render_notice("warning", text, self._output.look))

    def _add(self, text: str) -> None:
        whole, end, self._line = (self._line + text).rpartition("\n")
        if end:
            self._rows(whole)
        if len(self._line) > LONGEST_LINE:
            self.flush()

    def _rows(self, text: str) -> None:
        look = self._output.look
        rows: list[str] = []
        for line in look.encode(text).expandtabs(8).split("\n"):
            if line.isascii() and len(line) <= look.content_width:
                rows.append((GUTTER + line).rstrip(" "))
            else:
                rows += [look.paint([(GUTTER, ""), *row]) for row in wrap([(line, "")], look.content_width, hard=True)]
        self._output.show("\n".join(rows) + "\n")


async def _show_output(process: anyio.abc.Process, output: Output) -> None:
    """Until the output is closed, or the command has ended and nothing more comes: what it left behind may hold the output for ever."""
    assert process.stdout is not None
    printer = _Printer(output)
    while True:
        try:
            with anyio.move_on_after(QUIET) as waited:
                printer.feed(await process.stdout.receive())
            if waited.cancelled_caught:
                if process.returncode is not None:
                    break
                printer.flush()
        except anyio.EndOfStream:
            break
        await output.shown()
    printer.finish()


def _ending(status: int) -> str:
    if status > 0:
        return f"The command ended with status {status}."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"The command was ended by {name}."


async def _end(process: anyio.abc.Process, mark: str) -> None:
    """End the command and all that it started: politely first, for good after `PATIENCE` seconds."""
    await anyio.to_thread.run_sync(_signal, process.pid, mark, signal.SIGTERM)
    with anyio.move_on_after(PATIENCE):
        # The end of a process that is not our child is told by nobody, so it is asked for.
        while await anyio.to_thread.run_sync(_alive, process, mark):  # noqa: ASYNC110
            await anyio.sleep(POLL)
        return
    await anyio.to_thread.run_sync(_signal, process.pid, mark, signal.SIGKILL)
    await process.wait()


def _signal(group: int, mark: str, number: signal.Signals) -> None:
    """Send a signal to the group, and to marked processes outside it; a stopped one is woken for it."""
    for send in (number, signal.SIGCONT):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, send)
    for pid in _marked(mark):
        _signal_marked(pid, group, mark, number)


def _alive(process: anyio.abc.Process, mark: str) -> bool:
    if process.returncode is None:
        return True
    return bool(_marked(mark)) if _PROC.is_dir() else _group_exists(process.pid)


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _marked(mark: str) -> list[int]:
    """Processes whose environment carries the mark; none where there is no /proc. One that has ended has an empty environment."""
    return [int(name) for name in _listing() if name.isdigit() and _carries(int(name), mark)]


def _listing() -> list[str]:
    try:
        return os.listdir(_PROC)
    except OSError:
        return []


def _carries(pid: int, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in (_PROC / str(pid) / "environ").read_bytes()
    except OSError:  # it has ended, or is not the user's
        return False


def _signal_marked(pid: int, group: int, mark: str, number: signal.Signals) -> None:
    """Signal a process outside the group through a descriptor of it: a pid that was given away again meanwhile is not hit."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if _carries(pid, mark) and os.getpgid(pid) != group:
            signal.pidfd_send_signal(handle, number)
            signal.pidfd_send_signal(handle, signal.SIGCONT)
    except (ProcessLookupError, PermissionError):
        pass  # it has ended meanwhile, or became somebody else's
    finally:
        os.close(handle)
