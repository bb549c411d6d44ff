"""A summary without a model: how each message begins, in one line. For models too small to write one. Pure.

Rules:
1. It has its length, whatever the conversation holds. What there is no room for is left out and counted: answers and results first, then
   what the user said, and of each the oldest first.
2. Of a message that holds a word of what the user asks to keep, the sentence with that word is taken.
"""

from __future__ import annotations

import re

from plait.core.context import BYTES, CompactionPlan, tokens
from plait.core.messages import AssistantMessage, Message, ToolMessage, UserMessage

LEAST_LINE, LONGEST_LINE = 24, 60
"""Tokens of one line."""
_LEFT_OUT = "[… {:,} more lines left out …]"
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_COUNTED = re.compile(r"\[… ([\d,]+) more lines left out …\]")


def digest(plan: CompactionPlan, most: int, keep: str = "") -> str:
    """What was put behind, in at most `most` tokens."""
    words = [word.casefold() for word in re.findall(r"\w{3,}", keep)]
    before = plan.before.splitlines()
    gone = sum(int(match[1].replace(",", "")) for line in before if (match := _COUNTED.fullmatch(line)))
    told = [(line, _rank(line)) for line in before if line.strip() and not _COUNTED.fullmatch(line)]
    told += [(line, _rank(line)) for message in plan.messages for line in _lines(message, words)]
    allowed = max(LEAST_LINE, min(LONGEST_LINE, most // max(1, len(told))))
    lines = [(_cut(line, allowed), rank) for line, rank in told]
    room = most - tokens(_LEFT_OUT.format(10**9))
    kept = _fitting(lines, room)
    gone += len(lines) - len(kept)
    return "\n".join([_LEFT_OUT.format(gone), *kept] if gone else kept)


def _cut(line: str, most: int) -> str:
    """The beginning of a line, in at most `most` tokens."""
    if tokens(line) <= most:
        return line
    return line.encode("utf-8", "replace")[: most * BYTES - 3].decode("utf-8", "ignore").rstrip() + "…"


def _fitting(lines: list[tuple[str, int]], room: int) -> list[str]:
    """As many of the lines as fit, in their order: those of the lowest rank first, and of one rank the newest."""
    chosen: set[int] = set()
    for place in sorted(range(len(lines)), key=lambda place: (lines[place][1], -place)):
        size = tokens(lines[place][0]) + 1
        if size > room:
            break
        room -= size
        chosen.add(place)
    return [line for place, (line, _) in enumerate(lines) if place in chosen]


def _rank(line: str) -> int:
    return 0 if line.startswith("User: ") else 1


def _lines(message: Message, words: list[str]) -> list[str]:
    match message:
        case UserMessage(text=text, attachments=attachments):
            files = f" [attached: {', '.join(one.path for one in attachments)}]" if attachments else ""
            return [f"User: {_sentence(text, words)}{files}"]
        case AssistantMessage(text=text):
            return [f"Assistant: {_sentence(text, words)}"] if text.strip() else []
        case ToolMessage(results=results):
            return [f"Result of {one.name}: {_sentence(one.content, words)}" for one in results]


def _sentence(text: str, words: list[str]) -> str:
    """The beginning of a text in one line, or the first of its sentences with one of the words."""
    sentences = _SENTENCE.split(text) if words else []
    begin = next((place for place, one in enumerate(sentences) if any(word in one.casefold() for word in words)), 0)
    rest = " ".join(sentences[begin:]) if begin else text
    return " ".join(rest[: LONGEST_LINE * 20].split())
