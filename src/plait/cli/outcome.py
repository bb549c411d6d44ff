"""How a command line ends: every error is one text on stderr and an exit code, and no traceback reaches a user.

UsageError and click's own     2, with where to read on
PlaitError                     the exit code of its class
KeyboardInterrupt              130
BrokenPipeError, EIO           141, in silence: whoever read our output, or the terminal, has gone
anything else                  1, one sentence and a crash file
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import sys
from collections.abc import Sequence

import click

from plait.core.errors import PlaitError, UsageError

INTERRUPTED, READER_GONE = 130, 141
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A write to a descriptor without a name failed in one of these ways: our output, for files are translated where they are written."""


def guarded(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; raises nothing."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core holds keys and conversations
    _make_streams_fit()
    try:
        code = _run(command, arguments)
        _flush()
    except BaseException as error:  # noqa: BLE001  # the last fault boundary: what arrives here becomes a text and a code
        return _ended(error)
    return code


def _run(command: click.Command, arguments: Sequence[str]) -> int:
    question = os.environ.get("_PLAIT_COMPLETE")
    if question:
        from plait.cli.completion import answer

        return answer(command, question)
    # Not `main()`: it would turn errors into exits of its own, end of input into an interrupt, and print usage lines.
    with command.make_context("plait", list(arguments)) as context:
        result = command.invoke(context)
    return result if isinstance(result, int) else 0


def _make_streams_fit() -> None:
    """Make output possible whatever the locale, and where a stream was closed before we came."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # lives as long as the process
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _ended(error: BaseException) -> int:
    found = leaves(error)
    for kind in (KeyboardInterrupt, SystemExit, click.exceptions.Exit, click.exceptions.Abort, BrokenPipeError, PlaitError):
        for one in found:
            if isinstance(one, kind):
                return _code_of(one)
    if isinstance(error, click.ClickException):
        message = error.format_message()
        context = error.ctx if isinstance(error, click.UsageError) else None
        command = context.command_path if context is not None else "plait"
        return _said(UsageError(f"{message}{'' if message.endswith(('.', '?')) else '.'} See: {command} --help"))
    return _crashed(error)


def _code_of(error: BaseException) -> int:
    match error:
        case KeyboardInterrupt() | click.exceptions.Abort():
            return INTERRUPTED
        case SystemExit(code=code):
            return code if isinstance(code, int) else int(code is not None)
        case click.exceptions.Exit(exit_code=code):
            return _ended_quietly(code)
        case BrokenPipeError():
            _let_go_of_stdout()
            return READER_GONE
        case PlaitError():
            return _said(error)
    return 1


def _ended_quietly(code: int) -> int:
    """The end of `--help` and `--version`, whose output may still be in our buffer."""
    try:
        _flush()
    except BrokenPipeError:
        _let_go_of_stdout()
        return READER_GONE
    except OSError as error:
        return _said(PlaitError(_unwritable(error)))
    return code


def _let_go_of_stdout() -> None:
    """Whatever is still buffered goes nowhere; otherwise the interpreter complains about it on its way out."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _unwritable(error: OSError) -> str:
    _let_go_of_stdout()
    return f"Standard output cannot be written ({error.strerror}). Free some space, or send it somewhere else."


def _said(error: PlaitError) -> int:
    from plait.core.sanitize import sanitize

    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"plait: {sanitize(str(error))}\n")
        sys.stderr.flush()
    return error.exit_code


def _crashed(error: BaseException) -> int:
    from plait.crash import write_crash
    from plait.paths import find_paths
    from plait.program import NOTHING_KEPT

    cause = leaves(error)[0]
    if isinstance(cause, OSError) and cause.filename is None and cause.errno == errno.EIO:
        _let_go_of_stdout()
        return READER_GONE  # the terminal has gone: there is nobody to tell
    if isinstance(cause, OSError) and cause.filename is None and cause.errno in _UNWRITABLE:
        return _said(PlaitError(_unwritable(cause)))
    try:
        unkept = NOTHING_KEPT in getattr(error, "__notes__", ())
        place = None if unkept else write_crash(error, find_paths(os.environ).crashes, os.environ)
    except PlaitError:
        place = None
    where = f"What is known of it is in {place}; please send that file along." if place else "Nothing could be written about it."
    return _said(PlaitError(f"plait failed in a way that nobody foresaw ({type(cause).__name__}). {where}"))


def leaves(error: BaseException) -> list[BaseException]:
    """The errors that a task group gathered, or the one itself."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in leaves(one)]
    return [error]
