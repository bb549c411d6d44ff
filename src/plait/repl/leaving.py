"""Leaving while sessions work: wait for them, stop them, or stay.

Waiting is no mode of its own: one can type, switch and answer meanwhile, and plait leaves by itself when the last turn has ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from plait.repl.fleet import FleetView

ANSWERS = ("wait", "stop", "stay")


class Leaving:
    """`fleet` gives the sessions as they are; `choose` asks a question with answers in words. It gives None where the user gave the
    question up, and an empty text where they want to leave once more.

    `tell` shows a sentence, `leave` ends the lines.
    """

    def __init__(
        self,
        fleet: Callable[[], FleetView],
        choose: Callable[[str, tuple[str, ...]], Awaitable[str | None]],
        tell: Callable[[str], None],
        leave: Callable[[], None],
    ) -> None:
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
        return not self._fleet().working

    async def ask(self) -> None:
        """The user wants to leave. A second wish while this asks means: stop them."""
        working = self._fleet().working
        if not working or self._when_done:
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
