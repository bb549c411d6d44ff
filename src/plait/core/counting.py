"""Numbers in words that are read by people. Pure."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and its noun: "1 message", "2,000 messages"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def dollars(amount: float) -> str:
    """US dollars: in cents from one dollar on, below that as exact as calls are priced: "$1.25", "$0.000125"."""
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.6f}".rstrip("0").rstrip(".")
