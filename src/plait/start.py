"""Where the program starts: until errors are told in a sentence, Ctrl+C ends it in silence."""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """The command `plait`. What it imports takes a moment, in which nothing of ours could tell an interrupt."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from plait.cli import main as command_line

    signal.signal(signal.SIGINT, signal.default_int_handler)
    command_line()
