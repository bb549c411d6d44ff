"""Finished text on its way to a terminal that may not take it now: in order, capped, and the cap is visible."""

from __future__ import annotations

from collections import deque

MAX_WAITING = 10 * 1024 * 1024  # characters
MAX_TAKEN = 64 * 1024  # characters at once, so that keys are echoed between


class Backlog:
    """Whole lines that wait. Beyond `MAX_WAITING` the oldest are dropped and counted; the next `take` begins with the count."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._size = 0
        self._dropped = 0  # lines

    def __bool__(self) -> bool:
        return bool(self._texts)

    def __len__(self) -> int:
        """Characters that wait."""
        return self._size

    def __repr__(self) -> str:
        return f"<Backlog [{self._size} characters, {self._dropped} lines dropped]>"

    def add(self, text: str) -> None:
        """Add text; a line feed is added where its last line has none."""
        if not text:
            return
        text = text if text.endswith("\n") else text + "\n"
        self._texts.append(text)
        self._size += len(text)
        while self._size > MAX_WAITING and len(self._texts) > 1:
            oldest = self._texts.popleft()
            self._size -= len(oldest)
            self._dropped += oldest.count("\n")

    def take(self, limit: int = MAX_TAKEN) -> str:
        """Remove and return whole lines from the front, about `limit` characters; a longer line comes whole."""
        taken: list[str] = []
        if self._dropped:
            taken.append(f"[{self._dropped:,} lines are not shown here: the terminal took no output. They are in the history.]\n")
            self._dropped = 0
        while self._texts and limit > 0:
            text = self._texts.popleft()
            end = text.find("\n", limit) + 1 if len(text) > limit else 0
            if 0 < end < len(text):
                self._texts.appendleft(text[end:])
                text = text[:end]
            self._size -= len(text)
            taken.append(text)
            limit -= len(text)
        return "".join(taken)
