"""Choosing a session before any is shown (`plait -r`): what is typed narrows the list, which stands below the line.

Rules:
1. It asks and answers like the prompt's own loop, so the same screen serves both; nothing is sent and nothing is changed meanwhile.
2. Each key looks through prepared texts and no further than to the sessions that are shown: ten thousand of them hold up nobody.
3. Where nothing can be redrawn, the list is printed with numbers, and a line narrows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from plait.core.commands import SessionInfo
from plait.core.errors import UsageError
from plait.core.resuming import Candidates, session_to_resume
from plait.core.sanitize import sanitize_line
from plait.exchange.listing import Listed, places
from plait.repl.lines import Ended, LeaveAsked, Line
from plait.repl.render import Kind, relative_time, render_error, render_notice
from plait.repl.slash.layout import lines
from plait.repl.slash.listing import list_rows
from plait.repl.slash.wording import state_words
from plait.repl.style import Look
from plait.repl.surface import Terminal

OFFERED = 100
"""Sessions in the menu; more letters bring up others."""
LISTED = 15
"""Sessions in a printed list."""
_HINT = "Type to find · Enter opens · Esc leaves"


class Choosing:
    """One choice among `rows`, in this order, on `screen`. `directory` is where plait was started."""

    def __init__(self, screen: Terminal, look: Look, rows: Sequence[SessionInfo], directory: str) -> None:
        self._screen = screen
        self._look = look
        self._candidates = self._every = Candidates(rows)
        self._directory = directory
        home = next((row.project for row in rows if row.directory == directory), "")
        self._here = Candidates([row for row in rows if row.project == home])
        self._places = places(rows, home)
        self._printed: list[SessionInfo] = []
        """What the numbers of the printed list mean."""
        self.completer = CandidatesCompleter(lambda: self._candidates, self._about)

    def __repr__(self) -> str:
        return f"<Choosing [{len(self._candidates.rows)} sessions]>"

    async def chosen(self, words: str = "") -> SessionInfo | None:
        """The session that the user chooses, among those that fit `words` at first; None if they leave instead."""
        self._begin(words, words)
        while True:
            match line := await self._screen.read():
                case Ended():
                    return None
                case LeaveAsked():
                    self._screen.leave()
                case Line():
                    try:
                        if (row := self._meant(line.text)) is not None:
                            return row
                    except UsageError as error:
                        self._screen.write(render_error(str(error), self._now))
                        self._begin(line.text.strip())

    def _begin(self, text: str, words: str = "") -> None:
        """Offer the sessions with `text` in the line; where nothing can be redrawn, those that fit `words`."""
        if self._screen.keeps_draft:
            self._screen.pick(text or self._screen.draft, self._screen.leave, self._widen)
        else:
            self._print(self._candidates.fitting(words))

    def _widen(self) -> None:
        """This project's sessions alone, or all again."""
        if self._two:
            self._candidates = self._every if self._candidates is self._here else self._here

    @property
    def _two(self) -> bool:
        """Whether there are sessions of this project and of others."""
        return 0 < len(self._here.rows) < len(self._every.rows)

    def _meant(self, text: str) -> SessionInfo | None:
        """The session that a line names; None where it narrowed a printed list. Raises `UsageError`."""
        words = text.strip()
        if not self._screen.keeps_draft:
            if words.isascii() and words.isdigit() and 0 < int(words[:9]) <= len(self._printed):
                return self._printed[int(words) - 1]
            found = self._candidates.fitting(words)
            if len(found) > 1 and all(words not in (row.name, row.id) for row in found):
                self._print(found)
                return None
        return session_to_resume(self._every.rows, words, self._directory)

    def _print(self, rows: Sequence[SessionInfo]) -> None:
        self._printed = list(rows[:LISTED])
        listed = [Listed(row, number, place=self._places.get(row.project, "")) for number, row in enumerate(self._printed, 1)]
        self._screen.write(lines(list_rows(listed, self._now, time.time()), self._now))
        more = f" {len(rows) - LISTED:,} more." if len(rows) > LISTED else ""
        self._tell(f"Type a number, or words of a name, title, first message or project. Ctrl+C leaves.{more}")

    def _tell(self, text: str, kind: Kind = "info") -> None:
        self._screen.write(render_notice(kind, text, self._now))

    def _about(self, row: SessionInfo) -> str:
        """What stands beside a name in the menu: date and state first, for a narrow terminal shows no more."""
        about = (relative_time(time.time() - row.used_at), state_words(row), self._places.get(row.project, ""), row.title or row.first)
        return self._look.marks(" · ").join(sanitize_line(part) for part in about if part)

    @property
    def _now(self) -> Look:
        """The look at the terminal's present width."""
        return replace(self._look, width=self._screen.columns)

    # What the screen asks for.

    def prompt_text(self) -> str:
        """See `Screen`."""
        return "resume > "

    def linear_prompt_text(self) -> str:
        """See `PlainScreen`."""
        return "resume > "

    def toolbar_text(self) -> str:
        """See `Screen`."""
        other = f" · Ctrl+A {'all projects' if self._candidates is self._here else 'this project'}" if self._two else ""
        return self._look.marks(_HINT + other)

    def status_text(self) -> str:
        """See `Screen`."""
        return ""

    def interrupt(self) -> bool:
        """Ctrl+C leaves."""
        self._screen.leave()
        return True

    def may_leave(self) -> bool:
        """Nothing would be cut off."""
        return True

    def cannot_stop(self) -> str:
        """Nobody would be harmed."""
        return ""

    def edited(self) -> None:
        """What is typed here is no draft."""

    def move(self, name: str, argument: str) -> None:
        """There is no session to go to another from."""

    def choose(self) -> None:
        """The list is there already."""

    def go_back(self) -> None:
        """There is nothing to go back in."""


class CandidatesCompleter(Completer):
    """The menu: sessions in which all the words of the line stand. `about` says what stands beside a name."""

    def __init__(self, candidates: Callable[[], Candidates], about: Callable[[SessionInfo], str]) -> None:
        self._candidates = candidates
        self._about = about

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What fits the line as it is."""
        text, candidates = document.text, self._candidates()
        for row in candidates.fitting(text, OFFERED):
            name = sanitize_line(row.name)
            yield Completion(
                candidates.word_for(row), start_position=-len(document.text_before_cursor), display=name, display_meta=self._about(row)
            )
