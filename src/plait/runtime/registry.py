"""The registry of sessions, and the one door through which everything happens.

Rules:
1. `record` is the only way to change a session: apply, hand to the journal, append to the log. Nothing in it awaits, so nothing
   interleaves and no lock is needed.
2. `dispatch` decides synchronously; a turn's cancel scope is made when its start is recorded, so that no interrupt is ever lost.
3. Every task lives in the registry's task group; leaving it cuts running turns, records their ends, and flushes the journal.
4. A session that cannot be read or written is refused when it is used; the others do not notice (promise P4).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

import anyio
import anyio.to_thread

from plait.core import events as e
from plait.core.errors import PlaitError
from plait.core.messages import SessionId, Turn
from plait.core.session import Session, SessionState
from plait.runtime.eventlog import EventLog
from plait.runtime.fleet import FleetLog
from plait.runtime.gate import Gate
from plait.runtime.journal import Journal
from plait.runtime.listing import SessionList
from plait.runtime.managed import Managed, Surroundings, unknown_session
from plait.runtime.recovery import claimed, cut_off_by_crash
from plait.runtime.settings import SessionSettings
from plait.runtime.turn import TurnRunner, cut_off
from plait.runtime.turn_setup import TurnDoors

log = logging.getLogger(__name__)

LEFT = "plait was left in the middle of this turn. Nothing was repeated; /retry asks the model again."
STUCK = "What ran in this turn did not stop when it was told to. It was left behind; nothing that it does later is taken."
STOPPING = 2.0
"""Seconds that a turn has to stop when it is interrupted, before it is left behind (promise P7)."""


class Registry:
    """All sessions of one database. Use it as an async context manager; it starts nothing before and leaves nothing behind."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.world = surroundings
        self.journal = Journal(surroundings.store, self._committed, self._troubled)
        self.fleet = FleetLog()
        self.gate = Gate(
            surroundings.defaults.max_concurrent_calls,
            self._attended,
            surroundings.random,
            requests_per_minute=surroundings.defaults.requests_of,
            on_change=self.fleet.change,
            held=self._paused,
        )
        self.settings = SessionSettings(surroundings.store, surroundings.models, surroundings.defaults, surroundings.instructions)
        self._managed: dict[SessionId, Managed] = {}
        self.list = SessionList(surroundings.store, self.fleet.change)
        self._loading: defaultdict[SessionId, anyio.Lock] = defaultdict(lambda: anyio.Lock(fast_acquire=True))
        """Held while a session comes into memory or leaves it: its commands go on in their order, and no other session waits."""
        self.keeping = anyio.Lock()
        """Held while a draft is written, so that the latest one is the last."""
        self.owner = surroundings.new_id()
        self._stack = AsyncExitStack()
        self._tasks = anyio.create_task_group()
        self._leaving = False
        self.hands_over = False  # once it is set no turn starts: another process goes on with what is queued by then
        self.unsaved = 0
        """Events and drafts that could not be written when it was left; 0 unless the store failed."""

    def __repr__(self) -> str:
        states = [one.session.state for one in self._managed.values()]
        counts = ", ".join(f"{states.count(state)} {state.name.lower()}" for state in SessionState if state in states)
        return f"<{type(self).__name__} [sessions: {counts or 'none'} | gate: {self.gate.load}]>"

    async def __aenter__(self) -> Self:
        await self.list.begin()
        self.journal.start()
        await self._stack.enter_async_context(self._tasks)
        try:
            for row in self.list.open():
                if row.state in (SessionState.PROCESSING, SessionState.PAUSED) or row.waiting_for == "question":
                    await self._restore(row.id)
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def _restore(self, session: SessionId) -> None:
        try:
            await self.managed(session)
        except PlaitError as error:  # it is refused with this text whenever it is used
            log.error("session %s was not restored: %s", session, error)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        self._leaving = True
        self._tasks.cancel_scope.cancel()
        try:
            if isinstance(error, Exception):  # goes on as it is, not as a group of one
                return await self._stack.__aexit__(None, None, None)
            return await self._stack.__aexit__(kind, error, traceback)
        finally:
            self.unsaved = await self.journal.aclose()
            with anyio.CancelScope(shield=True):
                self.unsaved += await anyio.to_thread.run_sync(self.list.write_drafts, self.world.now())
                await anyio.to_thread.run_sync(self._release_all)

    def _release_all(self) -> None:
        for session in self._managed:
            self.world.store.release(session, self.owner)

    # The registry.

    async def managed(self, session: SessionId) -> Managed:
        """A session, read from the store if it is not loaded yet; a turn that a crash cut off is ended. Raises `PlaitError`."""
        if session not in self.list and session not in await self.list.whole():
            raise unknown_session(session)
        async with self._loading[session]:
            if session not in self._managed:
                await self._load(session)
            return self._managed[session]

    async def _load(self, session: SessionId) -> None:
        folded = await anyio.to_thread.run_sync(claimed, self.world.store, session, self.owner)
        if session not in self.list:  # it was purged meanwhile
            raise unknown_session(session)
        managed = self.manage(folded)
        for event in cut_off_by_crash(managed.session, self.world.now):
            self.record(session, event)
        if managed.session.running is not None:  # it waits for an answer, and goes on with it
            self._start(managed, managed.session.running)
        self.dispatch(managed)

    def manage(self, session: Session, unsaved: Sequence[e.Stamped] = ()) -> Managed:
        """Take a folded session, whose lease is held, into the registry; what of it is `unsaved`, its last events, is recorded as one."""
        defaults, saved = self.world.defaults, session.seq - len(unsaved)
        self.journal.opened(session.id, saved)
        if unsaved:
            self.journal.record(self.list.update(session), *unsaved)
        read = partial(self.world.store.read, session.id)
        log = EventLog(session, read, defaults.buffer_events, defaults.buffer_bytes, saved)
        managed = self._managed[session.id] = Managed(session, log)
        return managed

    async def release(self, session: SessionId, forget: Callable[[Managed], bool] = lambda managed: managed.is_idle) -> None:
        """Put a session out of memory if `forget` says so, now and once nobody loads it; the store keeps it."""
        if not self._to_forget(session, forget):
            return
        async with self._loading[session]:  # else whoever opens it again meanwhile would lose the lease
            if self._to_forget(session, forget):
                del self._managed[session]
                await anyio.to_thread.run_sync(self.world.store.release, session, self.owner)
        if session not in self._managed and not self._loading[session].locked():
            del self._loading[session]

    def _to_forget(self, session: SessionId, forget: Callable[[Managed], bool]) -> bool:
        managed = self._managed.get(session)
        if managed is None or managed.tasks or managed.helpers or self.journal.durable_seq(session) < managed.session.seq:
            return False
        return forget(managed)

    @property
    def loaded(self) -> Sequence[Managed]:
        """The sessions that are in memory."""
        return tuple(self._managed.values())

    def in_background(self, function: Callable[[Self, Managed], Awaitable[None]], managed: Managed) -> None:
        """Do something for a session that nobody waits for; the session stays loaded meanwhile. It ends with the registry at the latest."""
        if not self._leaving:
            scope = anyio.CancelScope()
            managed.helpers.add(scope)
            self._tasks.start_soon(self._guarded, function, managed, scope)

    async def _guarded(self, function: Callable[[Self, Managed], Awaitable[None]], managed: Managed, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await function(self, managed)
        except Exception:  # the fault boundary of work in the background: no session may end for the want of a name
            log.exception("%s failed for session %s", function.__name__, managed.session.id)
        finally:
            managed.helpers.discard(scope)
        await self.release(managed.session.id)

    def _attended(self, session: SessionId) -> bool:
        managed = self._managed.get(session)
        return managed is not None and managed.log.attended

    def _paused(self, session: SessionId) -> bool:
        managed = self._managed.get(session)
        return managed is not None and managed.session.state is SessionState.PAUSED

    # The door.

    def record(self, session_id: SessionId, event: e.Event, *then: tuple[float, e.Durable]) -> int:
        """Let `event` happen; returns the session's last sequence number. Raises `IllegalTransition`, and nothing happened then.

        A durable one can bring others with it, each with its time: a crash leaves all of them or none. They have to be legal after it.
        """
        managed = self._managed[session_id]
        happened = [managed.happen(one, at) for at, one in ((self.world.now(), event), *then)]
        if happened[0].seq is not None:
            self.journal.record(self.list.update(managed.session), *happened)
        for stamped in happened:
            managed.log.append(stamped)
        if isinstance(event, (e.Unpaused, e.Closed)):
            self.gate.serve()  # it may hold a call of this session
        return managed.session.seq

    def _committed(self, session: SessionId, seq: int) -> None:
        managed = self._managed.get(session)
        if managed is not None:
            managed.log.commit(seq)

    def _troubled(self, session: SessionId, text: str) -> None:
        managed = self._managed.get(session)
        if managed is not None:
            managed.log.tell(e.Stamped(session, None, self.world.now(), e.StoreTrouble(text) if text else e.StoreRecovered()))
        if not self.journal.full:
            for each in tuple(self._managed.values()):
                self.dispatch(each)

    # Turns.

    def dispatch(self, managed: Managed) -> None:
        """Start the session's next queued turn, if it may start now."""
        session = managed.session
        if session.state is not SessionState.PROCESSING or session.running is not None or not session.queue:
            return
        if self._leaving or self.hands_over or self.journal.full:
            return
        turn = session.queue[0]
        self.record(session.id, e.TurnStarted(turn))
        self._start(managed, turn)

    def _start(self, managed: Managed, turn: Turn) -> None:
        managed.scope, managed.ended = anyio.CancelScope(), anyio.Event()
        managed.tasks += 1
        self._tasks.start_soon(self._run, managed, turn, managed.scope)

    async def _run(self, managed: Managed, turn: Turn, scope: anyio.CancelScope) -> None:
        session = managed.session
        doors = TurnDoors(
            record=lambda event: self._record_in_turn(managed, scope, event),
            durable=lambda: self.journal.durable(session.id, session.seq),
            attended=lambda: managed.log.attended,
            crowded=lambda: managed.log.crowded,
            plan=lambda: self.settings.plan(session),
            gate=self.gate,
            tools=self.world.tools,
            until=managed.until,
            leaving=lambda: self._leaving,
            hands_over=lambda: self.hands_over,
        )
        try:
            with scope:
                await TurnRunner(session, turn, doors).run()
        finally:
            managed.tasks -= 1
            if managed.scope is scope:
                managed.scope = None
                managed.ended.set()
        self.dispatch(managed)
        await self.after_turn(managed)

    async def after_turn(self, managed: Managed) -> None:
        """What is to be done when a turn's task has ended; nothing of it may fail."""
        await self.release(managed.session.id)  # it may have been completed while its turn did not stop

    def _record_in_turn(self, managed: Managed, scope: anyio.CancelScope, event: e.Event) -> None:
        if isinstance(event, e.TurnEnded) and event.ending == "interrupted" and (self._leaving or not scope.cancel_called):
            event = replace(event, detail=LEFT)
        self.record(managed.session.id, event)

    async def stop_turn(self, managed: Managed) -> None:
        """Interrupt the running turn, if there is one, and return when it has ended, after `STOPPING` seconds at the most."""
        scope, ended, session = managed.scope, managed.ended, managed.session
        if scope is None:
            return
        scope.cancel()
        with anyio.move_on_after(STOPPING):
            await ended.wait()
        if managed.scope is not scope or session.running is None:
            return
        for event in (*cut_off(session, session.running), e.TurnEnded(session.running, "interrupted", managed.log.attended, STUCK)):
            self.record(session.id, event)
        managed.scope = None
        ended.set()
        self.dispatch(managed)
