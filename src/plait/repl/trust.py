"""The question about the project's own instruction files: how it is asked, and what counts as an answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from plait.core import commands as c
from plait.repl.drafts import Drafts
from plait.repl.render import render_notice
from plait.repl.slash.line import Message, parse_line
from plait.repl.slash.registry import Prompt
from plait.repl.surface import Terminal


@dataclass(slots=True)
class TrustQuestion:
    """The one question about the project's AGENTS.md; pinned to the digest of what the files hold now.

    A line counts as an answer only from `ANSWERABLE_AFTER` seconds after the question was shown: nobody answers by typing ahead.
    """

    paths: tuple[str, ...]
    digest: str
    shown_at: float

    ANSWERABLE_AFTER: ClassVar[float] = 0.3
    ANSWERS: ClassVar[dict[str, bool]] = {"y": True, "yes": True, "n": False, "no": False}

    def text(self) -> str:
        """The question."""
        return f"This project has instructions for the model: {', '.join(self.paths)}. Give them to it? y, n, or v to read them first."

    @staticmethod
    def outcome(allowed: bool) -> str:
        """What follows from the answer."""
        return "They are given to the model." if allowed else "They are left out. /trust changes that."

    def answer(self, line: str, now: float) -> bool | None:
        """What `line` says; None if it is no answer."""
        if now - self.shown_at < self.ANSWERABLE_AFTER:
            return None
        return self.ANSWERS.get(line.strip().lower())

    def is_answer(self, line: str) -> bool:
        """Whether `line` would be one, had it not come too early."""
        return line.strip().lower() in self.ANSWERS


class TrustDialog:
    """Asks once, and takes lines until it has an answer. `show_files` shows what it is about.

    A message that comes meanwhile stands aside in `drafts`; whoever takes the lines gives it back once nothing is asked.
    """

    def __init__(self, prompt: Prompt, screen: Terminal, show_files: Callable[[], Awaitable[None]], drafts: Drafts) -> None:
        self._prompt = prompt
        self._screen = screen
        self._show_files = show_files
        self._drafts = drafts
        self._question: TrustQuestion | None = None

    @property
    def is_open(self) -> bool:
        """Whether the question waits for its answer."""
        return self._question is not None

    def close(self) -> None:
        """Another session is shown: the question waits until this one is shown again."""
        self._question = None

    def ask(self, status: c.Status) -> None:
        """Tell what was left out of the instructions, and ask about the project's own if that has to be."""
        for problem in status.instructions_problems:
            self._prompt.show(render_notice("warning", problem, self._prompt.look))
        if status.instructions_asked:
            self._question = TrustQuestion(status.instructions_asked, status.instructions_digest, time.monotonic())
            self._prompt.show(render_notice("warning", self._question.text(), self._prompt.look))
            self._screen.refresh()

    async def take(self, line: str) -> bool:
        """Whether the line was meant for the question. A message is set aside and comes back once it is answered; a command is not."""
        question = self._question
        if question is None:
            return False
        said = question.answer(line, time.monotonic())
        if said is not None:
            await self._answered(question, said)
        elif line.strip().lower() in ("v", "view"):
            await self._show_files()
        elif not isinstance(parse_line(line), Message):
            return False
        else:
            if question.is_answer(line):  # typed before the question could be read: it waits in the line for another Enter
                self._drafts.into_line(line)
            else:
                self._drafts.set_aside(line)
            self._screen.hint("Answer y, n or v first; what you typed comes back after it.")
        return True

    async def _answered(self, question: TrustQuestion, said: bool) -> None:
        self._question = None
        await self._prompt.submit(c.TrustInstructions(self._prompt.session, question.digest, said))
        self._prompt.show(render_notice("success" if said else "info", question.outcome(said), self._prompt.look))
        self._screen.refresh()
