"""Questions of plait's own, in the middle of a command: yes or no, one word of several. They are no events, and wait for no restart.

A line answers only if its first key came after the question could be read. One that was begun before, or is no single word, is no answer:
it comes back into the line when the question is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import anyio

from plait.repl.asking import READABLE
from plait.repl.lines import Ended, LeaveAsked, Line
from plait.repl.surface import Terminal

YES_OR_NO = {"y": "y", "yes": "y", "n": "n", "no": "n"}


class Asides:
    """Asks on `screen`. `tell` shows a question; `give_back` puts text into the input line, before what is typed there."""

    def __init__(self, screen: Terminal, tell: Callable[[str], None], give_back: Callable[[str], None]) -> None:
        self._screen = screen
        self._tell = tell
        self._give_back = give_back
        self._scope: anyio.CancelScope | None = None
        self._answers: tuple[str, ...] = ()
        self._hinted = False

    @property
    def prompt(self) -> str:
        """What stands in place of the session's prompt while it asks; empty otherwise."""
        return f"({'/'.join(self._answers)}) > " if self._scope is not None else ""

    def cancel(self) -> bool:
        """Ctrl+C: whether there was a question to give up."""
        if self._scope is None:
            return False
        self._scope.cancel()
        return True

    async def choose(self, question: str, answers: Mapping[str, str]) -> str | None:
        """What the user says, `answers` being words and what they mean; None if they gave it up, an empty text if they want to leave."""
        self._answers = tuple(dict.fromkeys(answers.values()))
        meanwhile: list[str] = []
        keys: list[Line] = []
        self._tell(question)
        asked = anyio.current_time()
        answer = None
        with anyio.CancelScope() as self._scope:
            self._screen.refresh()
            while answer is None:
                line = await self._screen.read()
                if isinstance(line, (Ended, LeaveAsked)):
                    answer = ""
                    break
                if line.by_key:  # pressed before the question was asked, and carried out after it
                    keys.append(line)
                    continue
                word = line.text.strip().lower()
                readable = line.began >= asked + READABLE
                if readable and word in answers:
                    answer = answers[word]
                elif not readable or len(word.split()) > 1:
                    meanwhile.append(line.text)
                    self._hint(f"Type {' or '.join(self._answers)}; what you typed comes back after it.")
                else:
                    self._hint(f"That is none of the answers: type {' or '.join(self._answers)}. Ctrl+C gives it up.")
        self._scope = None
        if self._hinted:
            self._hinted = False
            self._screen.hint("")  # it was about a question that is over
        if meanwhile:
            self._give_back("\n".join(meanwhile))
        for key in keys:
            self._screen.put(key)
        self._screen.refresh()
        return answer

    def _hint(self, text: str) -> None:
        self._screen.hint(text)
        self._hinted = True
