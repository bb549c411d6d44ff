"""The words of a text in any script, in a form that a name can have, and which of them say nothing.

Scripts without blanks are cut: Japanese where its scripts change, Chinese and Thai at their stop words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from plait.core.naming import NAME_LENGTH, proposed
from plait.names.secret import is_random
from plait.names.terms import CHATTER, TERMS, VERBS, WEAK

_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_HIRAGANA = "\u3041-\u309f"
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff"
_THAI = "\u0e01-\u0e3a\u0e40-\u0e4e"
_INDIC = "\u0900-\u0963\u0966-\u0dff\u0e80-\u0fff\u1000-\u109f\u1780-\u17ff"  # blocks whose marks are part of their words
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
_CUT = _HAN + _HIRAGANA + _KATAKANA + _THAI
_RUN = re.compile(
    rf"(?P<han>[{_HAN}]+)|(?P<kana>[{_KATAKANA}]+)|[{_HIRAGANA}]+|(?P<thai>[{_THAI}]+)"
    rf"|(?P<word>(?:(?![{_CUT}])(?:[^\W_]|[{_INDIC}{_MARKS}]))+(?:['’ʼ][^\W_]+)*)"
)
_HAS_KANA = re.compile(f"[{_HIRAGANA}{_KATAKANA}]")
_SENTENCE_END = re.compile(r"(?:[.!?:。！？\n]\s*|[-*]\s+)\Z")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CAMEL = re.compile(r"[a-z][A-Z]")
_SHORTENED = re.compile(r"(?:n't|'(?:s|m|re|ve|ll|d))\Z", re.I)
_ELIDED = re.compile(r"\A(?:[cdjlmnst]|qu|lorsqu|puisqu|jusqu|un|dell|all|nell|dall|sull|quest)'(?=..)", re.I)
_STATUS = re.compile(r"[45]\d\d")
_PARTICLE = re.compile(r"(?<=[가-힣]{2})(?:에서는|에서|으로|에게|까지|부터|하고|을|를|은|는|의|에)\Z")
_VOWELS = frozenset("aeiouy")
_LONG_RUN = 10  # a run of Chinese or Japanese beyond this is more than a word
_FUNCTION = frozenset(
    "的了在是和我你您他她它们请帮把被给与及或并到从对向为也都就还又很会能可要想将让使写做怎么这那哪吗呢吧啊个一些种来去里时不没有跟着过得地之其该每当则而且但因所以于用"
)


@dataclass(frozen=True, slots=True)
class Word:
    """`text` as it stands in a name; `marked` if its writer gave it a capital inside a sentence; `whole` if nothing of it was lost."""

    text: str
    place: int
    marked: bool = False
    whole: bool = True


@cache
def stop_words() -> frozenset[str]:
    """Words of any language that carry no meaning."""
    import stopwordsiso  # its 216 kB are read at the import

    return CHATTER | stopwordsiso.stopwords(stopwordsiso.langs())


def words_of(text: str) -> Iterator[Word]:
    """The words that say something, in their order. `place` counts the others too, so that neighbours can be known."""
    japanese = _HAS_KANA.search(text) is not None
    place = 0
    for run in _RUN.finditer(text):
        for piece in _pieces(run, japanese):
            place += 1
            word = _name_part(piece)
            if word and _says_something(word, piece):
                marked = piece != piece.lower() and (any(map(str.isupper, piece[1:])) or not _starts_sentence(text, run.start()))
                yield Word(word, place, marked, len(word) == len(piece) or not _needs_marks(piece))


def _starts_sentence(text: str, at: int) -> bool:
    return not at or _SENTENCE_END.search(text, max(0, at - 3), at) is not None


def _pieces(run: re.Match[str], japanese: bool) -> Iterator[str]:
    if han := run["han"]:
        yield from (han[at : at + _LONG_RUN] for at in range(0, len(han), _LONG_RUN)) if japanese else _cut(han, _FUNCTION)
    elif thai := run["thai"]:
        yield from _cut(thai, frozenset())
    elif kana := run["kana"]:
        yield kana
    elif word := run["word"]:
        word = word.replace("’", "'").replace("ʼ", "'")
        if "'" in word:
            word = _ELIDED.sub("", word)
            if _SHORTENED.search(word) and word.lower().endswith("n't"):
                return
            word = _SHORTENED.sub("", word)
        if not word.isascii():
            word = _PARTICLE.sub("", word)
        word = word.replace("'", "")
        split = _CAMEL.search(word) and len(word) > 10 and word.lower() not in TERMS
        yield from _HUMP.findall(word) if split else (word,)


def _cut(run: str, function: frozenset[str]) -> Iterator[str]:
    """The pieces of a run without blanks: known words, and what stands between stop words."""
    stops, begin, at = stop_words(), 0, 0
    while at < len(run):
        size = next((size for size in range(min(8, len(run) - at), 1, -1) if _known(run[at : at + size], stops)), 0)
        if size or run[at] in function:
            yield run[begin:at][:_LONG_RUN] if function else run[begin:at]
            if size and run[at : at + size] in TERMS:
                yield run[at : at + size]
            at = begin = at + max(size, 1)
        else:
            at += 1
    yield run[begin:][:_LONG_RUN] if function else run[begin:]


def _known(piece: str, stops: frozenset[str]) -> bool:
    return piece in TERMS or piece in WEAK or piece in stops


def _name_part(piece: str) -> str:
    """The piece as a name may have it, or nothing. Marks that a name cannot have are left out."""
    word = piece.lower()
    if not (word.isascii() and word.isalnum()):
        if proposed(word) != word:
            word = "".join(filter(str.isalnum, word)).lower()
        if proposed(word) != word:
            return ""
    return word if len(word) <= NAME_LENGTH else ""


def _needs_marks(piece: str) -> bool:
    """Whether the piece is of a script that cannot be read without the marks above and below its letters."""
    return any("\u0900" <= char <= "\u17ff" for char in piece)


def _says_something(word: str, piece: str) -> bool:
    if word in TERMS or word in VERBS or word in WEAK:
        return True
    if len(word) < 2 or word in stop_words() or piece.lower() in stop_words():
        return False
    if not word[0].isalpha():
        return _STATUS.fullmatch(word) is not None
    if is_random(piece) or (word.isascii() and len(word) < 3 and not piece.isupper()):
        return False
    return not (word.isascii() and len(word) >= 9 and sum(char in _VOWELS for char in word) < len(word) / 5)
