"""The text of the answer in progress: it grows by deltas, and the journal follows in larger steps.

Adding is linear in what is added, whatever came before: the chunks are joined only when the whole is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Answer:
    """The text of the item in progress: all of it, and how much of it is in the journal already."""

    _text: list[str] = field(default_factory=list)
    _thinking: list[str] = field(default_factory=list)
    _length: list[int] = field(default_factory=lambda: [0, 0])
    _saved: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, text: str, thinking: str) -> None:
        """More of it has come."""
        for place, (chunks, more) in enumerate(((self._text, text), (self._thinking, thinking))):
            if more:
                chunks.append(more)
                self._length[place] += len(more)

    def save(self, text: str, thinking: str) -> None:
        """That much more is in the journal; on replay nothing else has brought it."""
        for place, more in enumerate((text, thinking)):
            self._saved[place] += len(more)
        missing = [max(0, saved - length) for saved, length in zip(self._saved, self._length, strict=True)]
        self.add(text[len(text) - missing[0] :], thinking[len(thinking) - missing[1] :])

    @property
    def text(self) -> str:
        """All text so far."""
        return _joined(self._text)

    @property
    def thinking(self) -> str:
        """All thinking so far."""
        return _joined(self._thinking)

    @property
    def unsaved(self) -> tuple[str, str]:
        """Text and thinking that the journal does not have yet."""
        return _after(self._text, self._length[0], self._saved[0]), _after(self._thinking, self._length[1], self._saved[1])

    def __bool__(self) -> bool:
        return any(self._length)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and (self.text, self.thinking) == (other.text, other.thinking)


def _joined(chunks: list[str]) -> str:
    if len(chunks) > 1:
        chunks[:] = ["".join(chunks)]
    return chunks[0] if chunks else ""


def _after(chunks: list[str], length: int, saved: int) -> str:
    """The last `length - saved` characters, without joining what comes before them."""
    wanted, parts = length - saved, list[str]()
    for chunk in reversed(chunks):
        if wanted <= 0:
            break
        parts.append(chunk[-wanted:])
        wanted -= len(parts[-1])
    return "".join(reversed(parts))
