"""Promises about time, on machines that do other things as well.

A test that measures raises `TooSlow` when the program took too long, and is then run again with everything fresh, at most `TRIES` times in
all (`tests/conftest.py` does it). A program that is too slow is so each time; a machine that was busy elsewhere is not. No other failure
is given a second try, and whatever never happens at all fails by its own limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TRIES = 3


class TooSlow(AssertionError):
    """What was promised happened, and later than promised."""


LIMIT = 60.0
"""Seconds after which what a test waits for does not come any more; no promise, but the end of every wait."""


@contextmanager
def within(seconds: float, what: str = "it") -> Iterator[None]:
    """What is done inside takes no longer than this."""
    began = time.monotonic()
    yield
    keep(seconds, time.monotonic() - began, what)


def keep(seconds: float, took: float, what: str = "it") -> None:
    """Raise `TooSlow` if it took longer than these seconds."""
    if took > seconds:
        raise TooSlow(f"{what} took {took:.3f} s, and {seconds:g} s are promised")


def until(condition: Callable[[], bool], promised: float = LIMIT) -> None:
    """Wait for a condition without doing anything else; too slow if it takes longer than `promised` seconds."""
    deadline = time.monotonic() + LIMIT
    with within(promised):
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)
