"""Leaving while sessions work: wait for them, stop them, or stay.

Waiting is no mode of its own: one can type, switch and answer meanwhile, and plait leaves by itself when the last turn has ended.
Where another plait is at the same sessions nothing is asked: it has them already, or takes them over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from plait.repl.fleet import FleetView

ANSWERS = ("wait", "stop", "stay")


class Company(Protocol):
    """Who else is at the sessions of this prompt."""

    @property
    def attached_to(self) -> int:
        """The process that runs the sessions, where it is another one; else 0."""
        ...

    @property
    def others(self) -> int:
        """How many others would take the sessions over if this one left; 0 where it does not run them."""
        ...

    @property
    def silent(self) -> bool:
        """Whether nobody answers at present."""
        ...

    def step_aside(self) -> None:
        """This process is stopped now: whoever runs the sessions must not count on it."""
        ...


@dataclass(frozen=True, slots=True)
class Alone:
    """Nobody else is there."""

    attached_to: int = 0
    others: int = 0
    silent: bool = False

    def step_aside(self) -> None:
        """Nobody is there who could count on it."""


ALONE = Alone()


def about_to_stop(company: Company, fleet: FleetView) -> str:
    """Ctrl+Z: why this process must not be stopped, as a sentence; empty where it may be, and then nobody counts on it any more."""
    if company.others:
        who = "Another plait shares" if company.others == 1 else f"{company.others} others share"
        return f"{who} these sessions. Ctrl+D leaves and hands them over."  # one row of 80 columns shows it
    if not company.attached_to and fleet.working:
        return "Sessions are at work and would stand still. Wait for them, or stop them first."
    company.step_aside()
    return ""


class Leaving:
    """`fleet` gives the sessions as they are; `choose` asks a question with answers in words. It gives None where the user gave the
    question up, and an empty text where they want to leave once more.

    `tell` shows a sentence, `leave` ends the lines.
    """

    def __init__(
        self,
        company: Company,
        fleet: Callable[[], FleetView],
        choose: Callable[[str, tuple[str, ...]], Awaitable[str | None]],
        tell: Callable[[str], None],
        leave: Callable[[], None],
    ) -> None:
        self._company = company
        self._fleet = fleet
        self._choose = choose
        self._tell = tell
        self._leave = leave
        self._when_done = False

    def __repr__(self) -> str:
        return f"<Leaving [{'when the work is done' if self._when_done else 'no'}]>"

    @property
    def may_leave(self) -> bool:
        """Whether nothing would be cut off."""
        return not self._fleet().working or bool(self._company.attached_to or self._company.others)

    async def ask(self) -> None:
        """The user wants to leave. A second wish while this asks means: stop them."""
        working = self._fleet().working
        if self.may_leave or self._when_done:
            self._leave()
            return
        names = ", ".join(row.name for row in working[:5]) + (f" and {len(working) - 5} more" if len(working) > 5 else "")
        subject, they = ("1 session is", "it") if len(working) == 1 else (f"{len(working)} sessions are", "them")
        answer = await self._choose(
            f"{subject} still at work: {names}. Type wait to leave when that is done, stop to interrupt {they} and leave, or stay.", ANSWERS
        )
        match answer:
            case None | "stay":
                return
            case "wait":
                self._when_done = True
                self._tell("plait leaves when the work is done. You can go on meanwhile; Ctrl+C stays.")
                self.changed()
            case _:
                self._leave()

    def changed(self) -> None:
        """The sessions have changed."""
        if self._when_done and not self._fleet().working:
            self._leave()

    def stay(self) -> bool:
        """Ctrl+C: do not leave by itself any more; whether that was about to be."""
        was, self._when_done = self._when_done, False
        if was:
            self._tell("plait stays.")
        return was
