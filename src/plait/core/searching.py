"""Words: what an index is made of and what a search looks for, the same for every store. Pure.

Rules:
1. A word is a run of letters and digits, without regard to capitals and to accents: `Émile` is found by `emile`. Everything else parts
   words, so `foo_bar` and `node.js` are two words each, and a search for them wants the two side by side.
2. `++` or `#` right after a word belongs to it, and the word counts without it too: `C++` is found by `c++` and by `c`.
3. Scripts that are written without blanks (Chinese, Japanese, Korean, Thai and their like) are cut into pairs of neighbours, which overlap,
   and the last character of a run: so any part of a run is found, from one character on.
4. A search finds what holds all of its words. A `*` at the end of one means any word that begins so. Nothing else has a meaning of its own.
5. A document and a search are cut by the same function. That alone makes sure that every document is found by each of its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

from plait.core import events as e
from plait.core.messages import SessionId

Role: TypeAlias = Literal["user", "assistant", "tool"]

LONGEST_WORD = 64
"""Characters of a word that count; longer ones are data, such as base64."""
LONGEST_TEXT = 1_000_000
"""Characters of one message that are taken in, so that one of the longest (16 million) holds up the disk for a moment only."""
MOST_WORDS = 32
"""Words of a search that count."""
MOST_MATCHES = 10_000
"""Matches that a search counts and weighs. A word that stands in more messages tells them apart no better, and asking stays quick."""

# Without blanks between words: Thai, Lao, Tibetan, Burmese, Khmer, kana, bopomofo, Han, Hangul.
_DENSE = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e80-\u0eff\u0f00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3041-\u3096"
    "\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
    "\uac00-\ud7fb\uf900-\ufaff\uff66-\uffdc\U0001b000-\U0001b16f\U00020000-\U0003fffd"
)
# Marks that may be left out in writing: accents of Latin, Greek and Cyrillic, the points of Hebrew and Arabic.
_POINTS = "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670"
# Marks that are part of a letter, which `\w` does not know: the vowel signs of the scripts of India.
_SIGNS = "\u0900-\u0963\u0966-\u0dff"
_LETTER = rf"(?:[^\W_]|[{_POINTS}{_SIGNS}{_DENSE}])"


class _Patterns(NamedTuple):
    run: re.Pattern[str]
    """A word as it is written, and its sign."""
    piece: re.Pattern[str]
    """Of a folded run: all that is written densely, or a word."""
    dense: re.Pattern[str]
    point: re.Pattern[str]
    plain: re.Pattern[str]
    """A word of ASCII in small letters."""


@cache
def _patterns() -> _Patterns:
    """Made when they are first needed: that takes 7 ms, which a start does not have."""
    return _Patterns(
        re.compile(rf"({_LETTER}+)(\+\+|#)?"),
        re.compile(rf"[{_DENSE}]+|(?:(?![{_DENSE}]){_LETTER})+"),
        re.compile(rf"[{_DENSE}]"),
        re.compile(rf"[{_POINTS}]"),
        re.compile(r"[a-z0-9]+"),
    )


class Located(NamedTuple):
    """A word and where it stands."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that have to stand side by side; with `begins`, the last one is the beginning of a word."""

    words: tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What to find: all phrases, in what the rest allows. Times are seconds since 1970; empty texts and None allow everything."""

    phrases: tuple[Phrase, ...]
    project: str = ""
    """The id or the name of a project; likewise `session`, completed ones too."""
    session: str = ""
    role: Role | None = None
    since: float | None = None
    until: float | None = None
    """Not the moment itself, but everything before it."""
    kind: e.Kind | None = None
    tools: bool = False
    """What tools gave back, too."""
    limit: int = 20
    offset: int = 0
    tags: tuple[str, ...] = ()
    """All of which the session has."""
    trashed: bool = False
    """What lies in the trash, too."""


@dataclass(frozen=True, slots=True)
class Place:
    """A message that was found. `marks` are (start, end) of the words in `snippet`, in order, without an overlap."""

    session: SessionId
    seq: int
    at: float
    role: Role
    snippet: str
    marks: tuple[tuple[int, int], ...]
    taken_back: bool = False
    """The model is told of it no more."""


@dataclass(frozen=True, slots=True)
class Places:
    """What a store found: best first, the newer first among equals. `unindexed` are events not looked at yet.

    `total` counts all, `MOST_MATCHES` at the most; where there are `more`, only those that were taken in last were weighed.
    """

    found: tuple[Place, ...]
    total: int
    unindexed: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """What of an event can be found. `is_output` is what a tool gave back, which is looked at on request only."""

    role: Role
    text: str
    is_output: bool = False


def documents(event: e.Event) -> tuple[Document, ...]:
    """What of an event can be found: of each role one at the most."""
    found: tuple[Document, ...]
    match event:
        case e.UserSaid(text=text, attachments=attachments):
            parts = (text, *(part for one in attachments for part in (one.path, one.text)))
            found = (Document("user", "\n".join(parts)),)
        case e.AssistantSaid(message=message):
            calls = "\n".join(f"{call.name} {call.arguments}" for call in message.calls)
            found = (Document("assistant", message.text), Document("tool", calls))
        case e.QuestionAsked(question=question, choices=choices):
            found = (Document("assistant", "\n".join((question, *choices))),)
        case e.QuestionAnswered(result=result):
            found = (Document("user", result.content),)
        case e.ToolReturned(result=result):
            found = (Document("tool", result.content, is_output=True),)
        case _:
            return ()
    return tuple(one for one in found if one.text.strip())


FINDABLE = ("UserSaid", "AssistantSaid", "QuestionAsked", "QuestionAnswered", "ToolReturned")
"""The events of which `documents` finds something."""


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    text = text[:LONGEST_TEXT]
    if text.isascii() and "++" not in text and "#" not in text:
        return [word[:LONGEST_WORD] for word in _patterns().plain.findall(text.lower())]
    return [one.word for one in located(text)]


def located(text: str) -> Iterator[Located]:
    """The words of a text, in order, each with the characters that it stands for."""
    for match in _patterns().run.finditer(text, 0, LONGEST_TEXT):
        run, sign = match[1], match[2]
        start, end = match.span(1)
        if run.isascii():
            word = run.lower()[:LONGEST_WORD]
            yield Located(word, start, end)
        else:
            word = ""
            for one in _pieces(run):
                word = one.word
                yield Located(word, start + one.start, start + one.end)
        if sign and word:
            yield Located(f"{word}{sign}", start, end + len(sign))


def _pieces(run: str) -> Iterator[Located]:
    folded = _folded(run)
    exact = len(folded) == len(run)  # else it cannot be told which character became which
    for match in _patterns().piece.finditer(folded):
        start, end = match.span()
        if not _patterns().dense.match(match[0]):
            yield Located(match[0][:LONGEST_WORD], *((start, end) if exact else (0, len(run))))
            continue
        for place in range(start, end):
            last = min(place + 2, end)
            yield Located(folded[place:last], *((place, last) if exact else (0, len(run))))


def _folded(run: str) -> str:
    """Without capitals, accents and width. Composed again at the end: a syllable of Hangul is one character, not three."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", run).casefold())
    return unicodedata.normalize("NFC", _patterns().point.sub("", apart))


def phrases(text: str) -> tuple[Phrase, ...]:
    """What a search asks for; empty if there is no word in it. Each once."""
    found = (_phrase(part) for part in text.split())
    return tuple(dict.fromkeys(one for one in found if one is not None))[:MOST_WORDS]


def _phrase(part: str) -> Phrase | None:
    cut = words(part)
    if not cut:
        return None
    begins = part.endswith("*")
    if len(cut[-1]) == 1 and _patterns().dense.match(cut[-1]):
        # The end of a run here may stand in the middle of one there.
        if len(cut) > 1 and len(cut[-2]) == 2 and _patterns().dense.match(cut[-2]):
            return Phrase(tuple(cut[:-1]))
        begins = True
    return Phrase(tuple(cut), begins)


def places(text: str, wanted: Sequence[Phrase]) -> list[list[tuple[int, int]]]:
    """Where each phrase stands in the text, in order."""
    there = list(located(text))
    found: list[list[tuple[int, int]]] = [[] for _ in wanted]
    for index in range(len(there)):
        for number, phrase in enumerate(wanted):
            if _stands_at(phrase, there, index):
                found[number].append((there[index].start, there[index + len(phrase.words) - 1].end))
    return found


def _stands_at(phrase: Phrase, there: Sequence[Located], index: int) -> bool:
    last = index + len(phrase.words) - 1
    if last >= len(there):
        return False
    if any(there[index + place].word != word for place, word in enumerate(phrase.words[:-1])):
        return False
    word = there[last].word
    return word.startswith(phrase.words[-1]) if phrase.begins else word == phrase.words[-1]
