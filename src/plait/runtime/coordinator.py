"""The coordinator: the registry of sessions as a `Client`. What each command does is in `runtime.commands`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Self

import anyio

from plait.core.commands import Command, Refused, Reply, SessionInfo
from plait.core.errors import PlaitError, StoreError
from plait.core.events import Cursor, Durable, Event, SettingChanged, Stamped, TurnEnded
from plait.core.messages import SessionId
from plait.core.ports import FLEET
from plait.core.session import Session
from plait.runtime.commands import carry_out
from plait.runtime.managed import Managed, Surroundings
from plait.runtime.memory import may_be_unloaded
from plait.runtime.namer import title_session, wants_title
from plait.runtime.recovery import CUT_OFF
from plait.runtime.registry import Registry

RESTING = 0.5
"""Seconds that a heavy session stays in memory after it was used: who turns away from it still says how far it was shown, and its draft."""


class Coordinator(Registry):
    """All sessions of one database, as front ends see them; an async context manager, see `Registry`."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._relieving = False

    @property
    def turns(self) -> int:
        """Turns that run now, those left behind included."""
        return sum(managed.tasks for managed in self.loaded)

    async def submit(self, command: Command) -> Reply:
        """Carry out a command; see `core.commands`."""
        began = anyio.current_time()
        try:
            reply = await carry_out(self, command)
            self.world.meter.carried_out(command, anyio.current_time() - began)
            return reply
        except PlaitError as error:
            return Refused(str(error), type(error).__name__)
        finally:
            await self._forget_completed()
            self._relieve_soon()  # it may have read one into memory

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        if self.world.meter.keeps:
            self._tasks.start_soon(self.world.meter.keep_saving)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        if self.hands_over:
            self._hand_models_over()
        try:
            return await super().__aexit__(kind, error, traceback)
        finally:
            with anyio.CancelScope(shield=True):
                await self.world.meter.save()

    def _hand_models_over(self) -> None:
        """Sessions at work keep their model at the next owner: what was meant for a model of this machine is not sent to another's."""
        for managed in self.loaded:
            if managed.at_work and (model := self.settings.model_of_this_run(managed.session)):
                self.record(managed.session.id, SettingChanged("model", model))

    def manage(self, session: Session, unsaved: Sequence[Stamped] = ()) -> Managed:
        """See `Registry.manage`; a fork is a session that was opened, and what was copied into it has been counted."""
        managed = super().manage(session, unsaved)
        if unsaved:
            self.world.meter.saw(unsaved[0].event)
        return managed

    def record(self, session_id: SessionId, event: Event, *then: tuple[float, Durable]) -> int:
        """See `Registry.record`; all of it is counted."""
        seq = super().record(session_id, event, *then)
        for one in (event, *(brought for _, brought in then)):
            self.world.meter.saw(one)
        if isinstance(event, TurnEnded) and event.detail == CUT_OFF:
            self.world.meter.crashed()
        return seq

    def _troubled(self, session: SessionId, text: str) -> None:
        super()._troubled(session, text)
        if text:
            self.world.meter.save_failed()

    def follow(self, session: SessionId, after: Cursor | None = None) -> AsyncGenerator[Stamped, None]:
        """Events of a session after the cursor, then as they come; of `FLEET` the changes. Raises `UsageError` for an unknown session."""
        return self.fleet.follow(self.world.now) if session == FLEET else self._follow(session, after)

    async def _follow(self, session: SessionId, after: Cursor | None) -> AsyncGenerator[Stamped, None]:
        managed = await self.managed(session)
        try:
            async with aclosing(managed.log.follow(after)) as events:
                async for stamped in events:
                    yield stamped
        finally:
            with anyio.CancelScope(shield=True):  # it may have been completed while it was followed
                await self.release(session)
            self._relieve_soon()

    async def after_turn(self, managed: Managed) -> None:
        """See `Registry.after_turn`: a title is written if it is time for one, and a heavy session that nobody shows leaves the memory."""
        await super().after_turn(managed)
        if self.world.defaults.titles == "model" and wants_title(managed.session):
            self.in_background(title_session, managed)
        with suppress(StoreError):  # it is not forgotten before all of it is on disk
            await self.journal.durable(managed.session.id, managed.session.seq)
        self._relieve_soon()

    def _relieve_soon(self) -> None:
        """Have heavy sessions that nobody shows, and nothing works in, put out of memory in a moment."""
        if not self._relieving and not self._leaving and any(map(self._may_go, self.loaded)):
            self._relieving = True
            self._tasks.start_soon(self._relieve)

    async def _relieve(self) -> None:
        await anyio.sleep(RESTING)
        self._relieving = False
        for managed in self.loaded:
            await self.release(managed.session.id, self._may_go)

    def _may_go(self, managed: Managed) -> bool:
        return may_be_unloaded(managed, self.world.defaults.unload_bytes)

    async def _forget_completed(self) -> None:
        """Put completed sessions that a command has loaded out of memory."""
        for managed in self.loaded:
            if managed.is_idle:
                await self.release(managed.session.id)

    async def sessions(self) -> Sequence[SessionInfo]:
        """Every session, last used first. Raises `StoreError` where completed ones cannot be read."""
        return sorted((await self.list.whole()).all(), key=lambda row: (-row.last_at, row.id))
