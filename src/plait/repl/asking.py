"""The question of the shown session: which line answers it, and which one does not.

Rules:
1. A line answers the question only if its first key came `READABLE` seconds after the question was drawn, or later. Any other is a draft:
   it is kept, and comes back once the question is answered.
2. A line that was begun as an answer is no message when the question has gone: it goes back into the line.
3. Commands and shell commands stay what they are while a question waits.
4. The answer names the call that asked: it can reach no other question.
"""

from __future__ import annotations

from plait.core import commands as c, events as e
from plait.core.choices import chosen
from plait.core.errors import NotSaved, UsageError
from plait.repl.drafts import Drafts
from plait.repl.lines import Line
from plait.repl.render import render_error
from plait.repl.slash.line import Message, parse_line
from plait.repl.slash.registry import Prompt
from plait.repl.surface import Terminal

READABLE = 0.3
"""Seconds from the drawing of a question until a key can be meant for it."""


class Asking:
    """What is asked in the shown session; `now` in each call is the event loop's clock in seconds."""

    def __init__(self, prompt: Prompt, screen: Terminal, drafts: Drafts) -> None:
        self._prompt = prompt
        self._screen = screen
        self._drafts = drafts
        self._question: e.QuestionAsked | None = None
        self._drawn = 0.0
        self._gone = 0.0

    def __repr__(self) -> str:
        return f"<Asking [{'a question waits' if self._question else 'nothing'}]>"

    @property
    def question(self) -> e.QuestionAsked | None:
        """The question that waits for its answer."""
        return self._question

    def drawn(self, question: e.QuestionAsked, now: float) -> None:
        """The question stands on the screen."""
        self._question, self._drawn = question, now
        if self._screen.draft:
            self._screen.hint("Enter keeps what you had begun as a draft; what you type after it is the answer.")
        self._screen.refresh()

    def gone(self, now: float) -> None:
        """It was answered, or its turn has ended: what stood aside comes back."""
        if self._question is not None:
            self._question, self._gone = None, now
            self._drafts.give_back()
            self._screen.refresh()

    def reset(self) -> None:
        """Another session is shown."""
        self._question, self._drawn, self._gone = None, 0.0, 0.0

    async def take(self, line: Line) -> bool:
        """Whether the line had to do with the question."""
        if not isinstance(parse_line(line.text, line.shown), Message):
            return False
        if self._question is None:
            return self._came_too_late(line)
        if line.began < self._drawn + READABLE:
            self._drafts.set_aside(line.text)
            self._screen.hint("That was begun before the question: it is kept as a draft. What you type now is the answer.")
            return True
        await self._answer(self._question, line.text)
        return True

    def _came_too_late(self, line: Line) -> bool:
        if not self._drawn + READABLE <= line.began < self._gone:
            return False
        self._drafts.into_line(line.text)
        self._screen.hint("The question has gone meanwhile. Enter sends this as a message.")
        return True

    async def _answer(self, question: e.QuestionAsked, text: str) -> None:
        try:
            answer = chosen(text, question.choices)
        except UsageError as error:
            self._prompt.show(render_error(str(error), self._prompt.look))
            return
        reply = await self._prompt.client.submit(c.AnswerQuestion(self._prompt.session, question.call, answer))
        if isinstance(reply, c.Refused):
            self._prompt.show(render_error(reply.text, self._prompt.look))
            if reply.error != NotSaved.__name__:  # else it is given already
                self._drafts.into_line(text)
