"""Numbers in words that are read by people. Pure."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and its noun: "1 message", "2,000 messages"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
