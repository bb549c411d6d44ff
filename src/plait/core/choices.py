"""What a user's answer to a question with choices means: pure."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.errors import UsageError

BEGINNING = 3


def chosen(text: str, choices: Sequence[str]) -> str:
    """The answer that a text gives: the choice with these words, of that number or with that beginning, else the text itself.

    Words go before a number: where "2" and "4" are offered, 2 is the first of them. A beginning has `BEGINNING` characters at least: "no"
    to "now or later" is an answer of its own.

    Raises `UsageError` for a number that no choice has.
    """
    word = text.strip()
    if not choices:
        return word
    found = [one for one in choices if one == word] or [one for one in choices if one.casefold() == word.casefold()]
    if len(found) == 1:
        return found[0]
    if word.isascii() and word.isdigit():
        if len(word) < 10 and 1 <= int(word) <= len(choices):
            return choices[int(word) - 1]
        raise UsageError(f"There is no choice {word[:9]}: they go from 1 to {len(choices)}. Type one of these, or an answer in words.")
    found = [one for one in choices if len(word) >= BEGINNING and one.casefold().startswith(word.casefold())]
    return found[0] if len(found) == 1 else word
