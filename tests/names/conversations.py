"""Conversations with the titles and types that a person gave them, and how far the proposals agree."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from plait.core.events import Kind
from plait.names import Proposal, named


@dataclass(frozen=True, slots=True)
class Conversation:
    messages: tuple[str, ...]
    title: str
    keywords: frozenset[str]
    kind: Kind

    def has_keyword(self, proposal: Proposal) -> bool:
        """Whether a word of the name, or the whole of it, is a keyword of the person's title."""
        return not self.keywords.isdisjoint([*proposal.name.split("-"), proposal.name])


def conversations(file: str) -> list[Conversation]:
    rows = tomllib.loads((Path(__file__).parent / file).read_text(encoding="utf-8"))["conversation"]
    return [Conversation(tuple(row["messages"]), row["title"], frozenset(row["keywords"]), cast(Kind, row["kind"])) for row in rows]


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of conversations, 0 to 1."""

    kind: float
    name: float


def figures(measured: Sequence[Conversation]) -> Figures:
    proposals = [named(one.messages) for one in measured]
    pairs = list(zip(measured, proposals, strict=True))
    return Figures(
        kind=sum(one.kind == proposal.kind for one, proposal in pairs) / len(pairs),
        name=sum(one.has_keyword(proposal) for one, proposal in pairs) / len(pairs),
    )
