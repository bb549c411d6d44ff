"""Notices: which news of a session reach a user who looks elsewhere, and how. A text such as `approval=bell,desktop done=off`.

Rules:
1. A text names each kind at most once; what it does not name is left to the layer below: a session's rules lie over those of the
   settings, and these over `DEFAULT_NOTIFY`.
2. `all` stands for every kind that the text does not name otherwise.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from plait.core.errors import UsageError

NoticeKind: TypeAlias = Literal["done", "approval", "question", "failed", "budget"]
NoticeWay: TypeAlias = Literal["bell", "desktop", "command"]

NOTICE_KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)
NOTICE_WAYS: tuple[NoticeWay, ...] = get_args(NoticeWay)
ALL, OFF = "all", "off"
"""The words for every kind, and for no way at all."""
DEFAULT_NOTIFY = "done=bell question=bell approval=bell failed=bell budget=bell"
_EXAMPLE = "approval=bell,desktop done=off"


@dataclass(frozen=True, slots=True)
class Rules:
    """Ways by kind, in the order of `NOTICE_WAYS`; no way means off. A kind that is not there is left to the rules below."""

    ways: Mapping[NoticeKind, tuple[NoticeWay, ...]] = field(default_factory=dict)

    def of(self, kind: NoticeKind) -> tuple[NoticeWay, ...]:
        """How a notice of this kind comes; nothing if it does not."""
        return self.ways.get(kind, ())

    def over(self, below: Rules) -> Rules:
        """These rules, and those of `below` for the kinds that these do not name."""
        return Rules({**below.ways, **self.ways})


def parse_rules(text: str) -> Rules:
    """The rules of a text: `KIND=WAY,WAY`, with blanks or ';' between them. Raises `UsageError` with what is allowed and an example."""
    named: dict[str, tuple[NoticeWay, ...]] = {}
    for rule in text.lower().replace(";", " ").split():
        kind, sign, ways = rule.partition("=")
        if not sign:
            raise UsageError(f"'{rule[:20]}' is not a rule for notices. Write KIND=WAY, {_such_as()}.")
        if kind not in (*NOTICE_KINDS, ALL):
            hint = _nearest(kind, (*NOTICE_KINDS, ALL))
            raise UsageError(f"There is no notice of the kind '{kind[:20]}'. {hint}The kinds are {', '.join(NOTICE_KINDS)}, {_such_as()}.")
        if kind in named:
            raise UsageError(f"The kind {kind} stands there twice. Name each kind once, {_such_as()}.")
        named[kind] = _parse_ways(kind, ways)
    every = named.get(ALL)
    found = ((kind, named.get(kind, every)) for kind in NOTICE_KINDS)
    return Rules({kind: ways for kind, ways in found if ways is not None})


def rules_text(rules: Rules) -> str:
    """The rules as a text that `parse_rules` reads again."""
    return " ".join(f"{kind}={','.join(rules.of(kind)) or OFF}" for kind in NOTICE_KINDS if kind in rules.ways)


def _parse_ways(kind: str, text: str) -> tuple[NoticeWay, ...]:
    words = text.split(",")
    for word in words:
        if word not in (*NOTICE_WAYS, OFF):
            hint = _nearest(word, (*NOTICE_WAYS, OFF))
            raise UsageError(
                f"A notice cannot come by '{word[:20]}'. {hint}The ways are {OFF}, {', '.join(NOTICE_WAYS)}, with ',' and no blank between "
                f"them, {_such_as()}."
            )
        if words.count(word) > 1:
            raise UsageError(f"The way {word} stands twice for {kind}. Name each way once, {_such_as()}.")
    if OFF in words and len(words) > 1:
        raise UsageError(f"A notice of the kind {kind} cannot be {OFF} and come as well. Give {OFF} alone, or without it, {_such_as()}.")
    return tuple(way for way in NOTICE_WAYS if way in words)


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]}? " if near else ""


def _such_as() -> str:
    return f"such as: {_EXAMPLE}"


DEFAULT_RULES = parse_rules(DEFAULT_NOTIFY)
