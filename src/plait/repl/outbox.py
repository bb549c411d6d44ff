"""Messages on their way to the disk: sent in order, nobody waits for one but who leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from plait.core.commands import Command

LEAVING = 0.5
"""Seconds that leaving waits for them; the whole of it takes 2 s at the most."""


class Outbox:
    """Carries out commands with `submit`, which shows what was refused."""

    def __init__(self, submit: Callable[[Command], Awaitable[object]]) -> None:
        self._submit = submit
        self._sending = 0
        self._sent: list[Command] = []
        self._empty = anyio.Event()

    def __bool__(self) -> bool:
        """Whether something is under way."""
        return self._sending > 0

    @property
    def unanswered(self) -> tuple[Command, ...]:
        """What was sent and is not answered yet, oldest first; once sending was cut off, what never will be."""
        return tuple(self._sent)

    def add(self) -> None:
        """Something will be sent: call it when that is decided, before the task is started that sends it."""
        self._sending += 1

    async def send(self, command: Command) -> None:
        """Send what was added."""
        self._sent.append(command)
        try:
            await self._submit(command)
            self._sent.remove(command)
        finally:
            self._sending -= 1
            if not self._sending:
                self._empty.set()
                self._empty = anyio.Event()

    async def drain(self) -> None:
        """Return when nothing is under way, or after `LEAVING` seconds."""
        with anyio.move_on_after(LEAVING):
            while self._sending:
                await self._empty.wait()
