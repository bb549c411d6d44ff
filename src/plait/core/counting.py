"""Numbers in words that are read by people. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """A number and its noun: "1 message", "2,000 messages"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def dollars(amount: float) -> str:
    """US dollars: in cents from one dollar on, below that as exact as calls are priced: "$1.25", "$0.000125"."""
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.6f}".rstrip("0").rstrip(".")


def shared_out(total: int, weights: Sequence[int]) -> list[int]:
    """A total in whole parts that add up to it, as large to each other as the weights; all nothing where there is no weight."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    rounded_off = sorted(range(len(weights)), key=lambda place: -(total * weights[place] % whole))
    for place in rounded_off[: total - sum(parts)]:
        parts[place] += 1
    return parts
