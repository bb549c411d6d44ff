"""The type of a session by weighted evidence: each phrase that was found speaks for one type, and the heaviest type wins.

The first message that speaks for one counts more than what later ones add. Development when nothing speaks louder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from plait.core.events import Kind
from plait.names.evidence import ENGLISH, EUROPEAN, OTHERS
from plait.names.material import Material

_START: dict[Kind, float] = {"development": 1.0, "debug": 0.0, "code-review": 0.0, "planning": 0.0}  # the first of equals wins
_READ = 1_000  # characters of a message that are searched
_LATER = 0.6
_AGAIN = 0.25  # saying it in other words adds a little; a whole page of it adds no more
_PASTED = 0.5
_TRACE = 4.0
_CODE_SHOWN = 1.0  # for a review
_ORDERED = 3.0


def _groups(evidence: Mapping[Kind, str]) -> Iterator[tuple[Kind, float, str]]:
    for kind, text in evidence.items():
        for group in re.split(r"\n\s*(?=\d)", text.strip()):
            weight, _, phrases = group.partition(" ")
            yield kind, float(weight), re.sub(r"\n\s*", "", phrases)


# A sentence that begins with what is to be done says it outright.
_ORDER = re.compile(
    r"\s*(?:(?:hi|hey|hello|ok|so|please|pls|yo|(?:can|could|would) (?:you|u)|i (?:need|want|would like) (?:you )?to|let'?s"
    r"|we (?:need|want|have) to|help me(?: to)?)\b[\s,!:]*){0,4}(\w+)",
    re.I,
)
_ORDERS: dict[Kind, str] = {
    "debug": "fix debug troubleshoot diagnose investigate",
    "planning": "plan design compare brainstorm architect outline decide evaluate sketch",
    "code-review": "review critique inspect audit",
    "development": "add write implement build create make generate refactor convert port migrate deploy set setup rename upgrade update"
    " remove delete extend integrate rewrite extract split replace document wire train import export configure package prettify translate"
    " automate",
}
_KIND_OF_ORDER = {verb: kind for kind, verbs in _ORDERS.items() for verb in verbs.split()}
_EVIDENCE = [  # of phrases in lower case, for texts in lower case: to ignore case takes twice as long
    (kind, weight, evidence is OTHERS, re.compile(f"{before}(?:{phrases}){after}"))
    for evidence, before, after in ((ENGLISH, r"(?<!\w)(?<!\w')", r"(?!\w)"), (EUROPEAN, r"(?<!\w)", ""), (OTHERS, "", ""))
    for kind, weight, phrases in _groups(evidence)
]


def kind_of(material: Material) -> Kind:
    """The type that most speaks for."""
    weights = dict(_START)
    for kind, weight in _found(material):
        weights[kind] += weight
    return max(weights, key=lambda kind: weights[kind])


def _found(material: Material) -> Iterator[tuple[Kind, float]]:
    share = 1.0
    for text in material.told:
        spoken = [*_phrases(text), *_orders(text)]
        yield from ((kind, share * weight) for kind, weight in spoken)
        share = _LATER if spoken else share
    if material.pasted:
        yield from ((kind, _PASTED * weight) for kind, weight in _phrases(material.pasted) if kind == "debug")
    if material.has_trace:
        yield "debug", _TRACE
    if material.has_code:
        yield "code-review", _CODE_SHOWN


def _phrases(text: str) -> Iterator[tuple[Kind, float]]:
    text = text[:_READ].lower()
    latin = text.isascii()
    for kind, weight, other_script, pattern in _EVIDENCE:
        hits = set() if latin and other_script else {match[0] for match in pattern.finditer(text)}
        if hits:
            yield kind, weight * (1 + _AGAIN * min(len(hits) - 1, 2))


def _orders(text: str) -> Iterator[tuple[Kind, float]]:
    first = _ORDER.match(text)
    if first and (kind := _KIND_OF_ORDER.get(first[1].lower())):
        yield kind, _ORDERED
