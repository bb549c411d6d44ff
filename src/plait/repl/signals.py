"""Signals while the prompt is there: the ones that end the process, and those of job control."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@contextmanager
def handled(on_end: Callable[[int], None], on_stop: Callable[[], None], on_continue: Callable[[], None]) -> Iterator[None]:
    """Have the event loop call these; what was ignored before (nohup) stays ignored. Must be in the main thread."""
    loop = asyncio.get_running_loop()
    taken: list[signal.Signals] = []
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, on_end, int(number))
            taken.append(number)
    loop.add_signal_handler(signal.SIGTSTP, on_stop)
    loop.add_signal_handler(signal.SIGCONT, on_continue)
    try:
        yield
    finally:
        for number in (*taken, signal.SIGTSTP, signal.SIGCONT):
            loop.remove_signal_handler(number)


def stop_group(on_stop: Callable[[], None]) -> None:
    """Stop this process and its group as Ctrl+Z does; returns when it was continued. `on_stop` is installed again for the next time.

    Where no shell could continue it (an orphaned group), the kernel does not stop it, and this returns at once.
    """
    loop = asyncio.get_running_loop()
    loop.remove_signal_handler(signal.SIGTSTP)  # now the default: stop
    os.kill(0, signal.SIGTSTP)
    loop.add_signal_handler(signal.SIGTSTP, on_stop)


def stop_self() -> None:
    """Stop this process alone: the program that has the terminal stopped the group."""
    os.kill(os.getpid(), signal.SIGSTOP)
