"""What Tab offers for the argument of a command, and what it asks the rest of plait for that.

Rules:
1. Sessions are looked up anew each time: a name that was given a moment ago is offered, one that is gone is not. Models are kept a while.
2. A choice that is `fuzzy` is found by letters that stand in it in this order; the best comes first.
3. What is offered means the same session when it is typed: where a name does not, its id is offered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import anyio

from plait.core.commands import ModelLine, ModelList, ReadModels, SessionInfo
from plait.core.ports import Client
from plait.core.resuming import Candidates, closed_to_resume
from plait.core.revision_commands import ReadTurns, TurnLine, Turns
from plait.core.session import SessionState
from plait.repl.fleet import FleetView
from plait.repl.slash.wording import state_words

MODELS_KEPT = 60.0
"""Seconds that completion uses a list of models again: asking may take seconds, and a server that was just started shall be found soon."""

SESSIONS_KEPT = 5.0
"""Seconds that completion uses the list of completed sessions again, where it looks through all of them at each key."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that an argument can be completed to; `note` stands beside it in the menu.

    A `fuzzy` one is found by its letters in order as well, and by the beginning of a word of `also`.
    """

    text: str
    note: str = ""
    fuzzy: bool = False
    also: tuple[str, ...] = ()


DIRECTORIES: Final[Sequence[Choice]] = (Choice("."),)
"""What a command returns, itself and no copy, where a directory is typed: whoever asks looks into the file system."""


class Lookup:
    """What completion asks the rest of plait. `fleet` is the prompt's own view of the open sessions, which costs nothing to ask."""

    def __init__(self, client: Client, fleet: Callable[[], FleetView]) -> None:
        self._client = client
        self._fleet = fleet
        self._models: tuple[ModelLine, ...] = ()
        self._asked_at = float("-inf")
        self._candidates = Candidates(())
        self._candidates_at = float("-inf")
        self.typed = ""
        """The word that is being typed, for who has too many choices to offer all of them."""

    async def models(self) -> tuple[ModelLine, ...]:
        """The models that there are; those known before, or none, if they cannot be listed."""
        if anyio.current_time() - self._asked_at > MODELS_KEPT:
            reply = await self._client.submit(ReadModels())
            self._asked_at = anyio.current_time()
            self._models = reply.models if isinstance(reply, ModelList) else self._models
        return self._models

    @property
    def fleet(self) -> FleetView:
        """The open sessions."""
        return self._fleet()

    async def completed(self) -> Sequence[SessionInfo]:
        """The completed sessions, last used first; not those in the trash."""
        return [row for row in await self._client.sessions() if row.state is SessionState.COMPLETED and not row.trashed_at]

    async def trashed(self) -> Sequence[SessionInfo]:
        """What lies in the trash."""
        return [row for row in await self._client.sessions() if row.trashed_at]

    async def closed(self) -> Candidates:
        """The completed sessions to look for one among, those of this project first; kept a moment, for there may be ten thousand."""
        if anyio.current_time() - self._candidates_at > SESSIONS_KEPT:
            self._candidates = Candidates(closed_to_resume(await self._client.sessions(), self.fleet.home))
            self._candidates_at = anyio.current_time()
        return self._candidates

    async def turns(self) -> Sequence[TurnLine]:
        """The last messages of the shown session."""
        reply = await self._client.submit(ReadTurns(self.fleet.shown))
        return reply.turns if isinstance(reply, Turns) else ()


Complete: TypeAlias = Callable[[Lookup, str], Awaitable[Sequence[Choice]]]
"""Given the words of the argument before the one that is being typed, what that one can be; whoever asks takes those that fit."""


def rank(word: str, choice: Choice) -> tuple[int, int, int] | None:
    """How well a choice fits what is typed, the best lowest; None if it does not. Capitals do not matter.

    In this order: it begins so, its words' initials do, it contains it, its letters contain it in this order (the closer the better).
    """
    text, word = choice.text.lower(), word.lower()
    if text.startswith(word):
        return (0, 0, 0)
    if not choice.fuzzy:
        return None
    if any(one.startswith(word) for one in choice.also):
        return (0, 1, 0)
    if "".join(part[:1] for part in text.split("-")).startswith(word):
        return (1, len(text), 0)
    if (place := text.find(word)) >= 0:
        return (2, place, len(text))
    first = at = text.find(word[0])
    for letter in word[1:]:
        at = text.find(letter, at + 1) if at >= 0 else -1
    return (3, at - first, first) if at >= 0 else None


def session_choices(view: FleetView, wanted: Callable[[SessionInfo], bool] = lambda row: True) -> list[Choice]:
    """The open sessions that are `wanted`, in the order of their numbers."""
    meaning = _meaning([row for row in reversed(view.sessions) if row.project != view.home])
    meaning.update(_meaning([row for row in view.sessions if row.project == view.home]))
    out = []
    for number, row in enumerate(view.sessions, 1):
        if wanted(row):
            text = row.name if meaning.get(row.name) == row.id else row.id
            note = f"{number} {'shown' if row.id == view.shown else state_words(row)}"
            out.append(Choice(text, note if text == row.name else f"{note}, {row.name} in {row.directory}", True, (str(number), row.id)))
    return out


def _meaning(rows: Sequence[SessionInfo]) -> dict[str, str]:
    """The id that each name stands for; empty where it stands for several."""
    meaning: dict[str, str] = {}
    for row in rows:
        meaning[row.name] = "" if row.name in meaning else row.id
    return meaning


async def one_session(lookup: Lookup, before: str) -> Sequence[Choice]:
    """For a command whose one argument is an open session."""
    return () if before else session_choices(lookup.fleet)


async def another_session(lookup: Lookup, before: str) -> Sequence[Choice]:
    """For a command whose first word is a session other than the one that is shown."""
    if before:
        return ()
    view = lookup.fleet
    return session_choices(view, lambda row: row.id != view.shown)


async def closed_session(lookup: Lookup, before: str) -> Sequence[Choice]:
    """For a command whose one argument is a completed session: the newest of each name."""
    if before:
        return ()
    return newest_of(await lookup.completed())


def newest_of(rows: Sequence[SessionInfo]) -> list[Choice]:
    """The first of each name."""
    newest: dict[str, SessionInfo] = {}
    for row in rows:
        newest.setdefault(row.name, row)
    return [Choice(row.name, row.title or row.directory, True, (row.id,)) for row in newest.values()]
