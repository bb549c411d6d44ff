"""The name of a session: the two or three words that weigh most, in the order in which they were written.

Technical terms weigh most, words that every second message has weigh little; what comes early, often or in several messages weighs more;
a word beside a chosen one gains, for such pairs are phrases ("dark mode").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from plait.core.naming import NAME_LENGTH
from plait.names.material import Material
from plait.names.terms import TERMS, VERBS, WEAK
from plait.names.words import Word, words_of

MOST_WORDS = 3

_TERM, _VERB, _WORD, _WEAK = 3.0, 1.2, 1.6, 0.5
_MARKED = 1.3
_UNREADABLE = 0.3  # of a script whose marks a name cannot hold
_REPEATED = 0.25
_IN_ANOTHER_MESSAGE = 0.3
_BESIDE = 1.25
_FADING = 0.05  # how much less each later word weighs


@dataclass(slots=True)
class _Candidate:
    word: Word
    weight: float
    count: int = 0
    messages: set[int] = field(default_factory=set)

    @property
    def score(self) -> float:
        repeated = 1 + _REPEATED * min(self.count - 1, 3)
        return self.weight * repeated * (1 + _IN_ANOTHER_MESSAGE * (len(self.messages) - 1))


def name_of(material: Material) -> str:
    """The name, or nothing if no word tells this conversation from another."""
    candidates = _candidates(material, material.told) or _candidates(material, (material.pasted,))
    chosen = _chosen(candidates)
    if not any(_tells(one.text) for one in chosen):
        return ""
    return "-".join(word.text for word in sorted(chosen, key=lambda word: word.place))


def _candidates(material: Material, texts: tuple[str, ...]) -> list[_Candidate]:
    """One for each word that may be used, plural and singular taken as one; none if the texts tell nothing."""
    found: dict[str, _Candidate] = {}
    for order, (message, word) in enumerate(_words(texts)):
        if word.text not in TERMS and word.text in material.secrets:  # or in a part of one
            continue
        candidate = found.setdefault(_stem(word.text), _Candidate(word, _weight(word) / (1 + _FADING * order)))
        candidate.count += 1
        candidate.messages.add(message)
    return list(found.values()) if any(_tells(one.word.text) for one in found.values()) else []


def _words(texts: tuple[str, ...]) -> Iterator[tuple[int, Word]]:
    """The words of all texts, with places that go on from one text to the next."""
    base = 0
    for message, text in enumerate(texts):
        last = base
        for word in words_of(text):
            last = base + word.place
            yield message, replace(word, place=last)
        base = last + 2  # the last word of a message and the first of the next are no phrase


def _chosen(candidates: list[_Candidate]) -> list[Word]:
    """The best ones that fit into the length of a name."""
    chosen: list[Word] = []
    room = NAME_LENGTH + 1

    def score(one: _Candidate) -> tuple[float, int]:
        beside = any(abs(one.word.place - other.place) == 1 for other in chosen)
        return one.score * (_BESIDE if beside else 1), -one.word.place

    rest = list(candidates)
    while len(chosen) < MOST_WORDS and (rest := [one for one in rest if len(one.word.text) < room]):
        best = max(rest, key=score)
        rest.remove(best)
        if best.word.text in VERBS and any(word.text in VERBS for word in chosen):
            continue
        chosen.append(best.word)
        room -= len(best.word.text) + 1
    return chosen


def _weight(word: Word) -> float:
    known = {word.text, _stem(word.text)}
    weight = _TERM if known & TERMS else _VERB if word.text in VERBS else _WEAK if known & WEAK else _WORD
    return weight * (_MARKED if word.marked else 1) * (1 if word.whole else _UNREADABLE)


def _tells(word: str) -> bool:
    return word in TERMS or not (word in VERBS or word in WEAK)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.isascii() and word.endswith("s") and not word.endswith("ss") else word
