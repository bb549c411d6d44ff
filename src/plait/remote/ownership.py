"""Who owns the sessions meanwhile: this process, or another one that it is attached to; and what follows when that one leaves.

Rules:
1. The lock of the database alone decides who owns. Whoever loses its owner tries to attach to the next one, else to become it.
2. What is entered here is left here, in one task, whatever becomes of whoever uses it: the last words of a front end still find a client.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import anyio

from plait.core.errors import NoOwner, OwnerError, OwnerLost, PlaitError, StoreBusy
from plait.core.ports import Client
from plait.remote.client import RemoteClient
from plait.remote.server import Server

POLL = 0.02
"""Seconds between two tries to find an owner, or to become it."""
PRECEDENCE = 0.3
"""Seconds in which only prompts try to become the owner, after one that was there has left: a script would soon leave them again."""
LATE = 1.0
"""Seconds without either after which the user is told."""
BROKEN = 1.0
"""Seconds until the database is tried again, where it could not be opened."""
TAKEN_OVER = "The other plait has left. This one owns the sessions now."
ANSWERS = "The plait that owns the sessions answers again."
GOOD_NEWS = frozenset({TAKEN_OVER, ANSWERS})
"""Of the sentences for the user those that ask for nothing."""


@dataclass(frozen=True, slots=True)
class Owned:
    """What this process has when it owns: the sessions, and the socket, if there is a place for it."""

    client: Client
    server: Server | None


class Ways(Protocol):
    """The two ways to the sessions; each is open until its context ends."""

    def owner(self) -> int:
        """The process that said last that it owns the sessions; 0 where that is not known."""
        ...

    def own(self, *, heir: bool) -> AbstractAsyncContextManager[Owned]:
        """Become the owner; as an heir, after having been attached. Raises `StoreBusy` where another process is."""
        ...

    def attach(self, silence: Callable[[bool], object]) -> AbstractAsyncContextManager[RemoteClient]:
        """Attach to the owner. Raises `NoOwner` where nobody listens, `OwnerError` where who listens cannot be talked to."""
        ...


class Ownership:
    """Holds a client of the sessions, one after another; an async context manager. `told` is given sentences for the user.

    `quiet` is for scripts: they are not told that this process came to own the sessions, and wait for a silent owner no longer than for a
    busy one; a user at a prompt can leave.

    Entering it returns once there is an owner. It raises `StoreBusy` where for `patience` seconds another process owned the database and
    shared it with nobody, and whatever keeps the database from being opened.
    """

    def __init__(self, ways: Ways, told: Callable[[str], object], patience: float, *, quiet: bool = False) -> None:
        self._ways = ways
        self._quiet = quiet
        self._waits = patience if quiet else math.inf
        self._told = told
        self._patience = patience
        self._client: Client | None = None
        self._owned: Owned | None = None
        self._owner_pid = 0
        self._attaching: anyio.CancelScope | None = None
        self._was_joined = False
        self._changed = anyio.Event()
        self._left = anyio.Event()
        self._failure: BaseException | None = None
        self._over = False
        self._tasks = anyio.create_task_group()
        self.silent = False
        """Whether nobody answers at present."""

    def __repr__(self) -> str:
        state = "owner" if self._owned else "attached" if self._client else "looking for the owner"
        return f"<{type(self).__name__} [{state}{', silent' if self.silent else ''}]>"

    @property
    def attached_to(self) -> int:
        """The process that owns the sessions, if that is not this one; else 0."""
        return self._owner_pid if self._owned is None else 0

    @property
    def others(self) -> int:
        """How many others would take over if this process left; 0 where it is not the owner."""
        return self._owned.server.attached if self._owned is not None and self._owned.server is not None else 0

    def step_aside(self) -> None:
        """End an attachment without a word, for this process is stopped now; once it goes on, it attaches again."""
        if isinstance(self._client, RemoteClient):
            self._client.hang_up()

    async def until_silent(self) -> None:
        """Return once nobody answers."""
        while not self.silent:
            await self._changed.wait()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._keep)
        try:
            while self._client is None and not self._over:
                await self._changed.wait()
            if self._failure is not None:
                raise self._failure
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        """Leave. Raises what keeping the sessions came to in the end, such as the `StoreError` of what could not be saved."""
        self._left.set()
        if self._attaching is not None:
            self._attaching.cancel()
        with anyio.CancelScope(shield=True):
            while not self._over:
                await self._changed.wait()
        if self._failure is not None and self._failure is not error:
            if error is None:
                await self._tasks.__aexit__(None, None, None)
                raise self._failure
            self._told(str(self._failure))
        if isinstance(error, Exception):  # goes on as it is, not as a group of one
            return await self._tasks.__aexit__(None, None, None)
        return await self._tasks.__aexit__(kind, error, traceback)

    async def present(self) -> Client:
        """The client of now, or the next one. Raises what keeps the sessions from being owned or asked, once this is over."""
        while self._client is None or (isinstance(self._client, RemoteClient) and self._client.ended.is_set()):
            if self._over:
                raise self._failure or OwnerLost("plait is being left. Start it again.")
            await self._changed.wait()
        return self._client

    async def gone(self, client: Client) -> None:
        """Return once this client is no longer the one of now."""
        while self._client is client and not self._over:
            await self._changed.wait()

    # Owning, or being attached.

    async def _keep(self) -> None:
        """One ownership or attachment after another, until the program is left."""
        try:
            with anyio.CancelScope(shield=True):
                since = anyio.current_time()
                while not self._left.is_set():
                    if await self._once(since):
                        since = anyio.current_time()
        except Exception as error:  # noqa: BLE001  # told to whoever enters or leaves; those who wait for a client are woken
            self._failure = error
        finally:
            self._over = True
            self._set(None, None)

    async def _once(self, since: float) -> bool:
        """Try to attach, then to own; whether it was either. Who cannot be talked to matters only if the lock is really taken."""
        refused: PlaitError | None = None
        try:
            try:
                if await self._attached():
                    return True
            except OwnerLost:
                raise
            except OwnerError as error:
                refused = error
            if self._quiet and self._was_joined and anyio.current_time() - since < PRECEDENCE:
                await anyio.sleep(POLL)
                return False
            return await self._as_owner()
        except (StoreBusy, OwnerLost) as error:
            if refused is not None and not self._was_joined:
                raise refused from error
            await self._bear(refused or error, since)
        except PlaitError as error:
            if not self._was_joined or self._left.is_set():
                raise
            await self._bear(error, since)
            await anyio.sleep(BROKEN)
        return False

    async def _attached(self) -> bool:
        self._owner_pid = self._ways.owner()
        try:
            with anyio.move_on_after(math.inf if self._was_joined else self._waits) as self._attaching:
                async with self._ways.attach(self._silence) as remote:
                    self._attaching.deadline = math.inf
                    self._owner_pid = remote.owner.pid
                    self._set(remote, None)
                    await remote.ended.wait()
            if self._attaching.cancelled_caught and not self._left.is_set():
                raise OwnerError(_silent(self._owner_pid))
        except NoOwner:
            return False
        finally:
            self._attaching = None
            self._set(None, None)
        return True

    async def _as_owner(self) -> bool:
        async with self._ways.own(heir=self._was_joined) as owned:
            if self._was_joined and not self._quiet:
                self._told(TAKEN_OVER)
            self._set(owned.client, owned)
            await self._left.wait()
            self._owned = None
        return True

    async def _bear(self, error: PlaitError, since: float) -> None:
        """Somebody else has the database and does not answer, or not yet: wait a little. Raises the error where that took too long."""
        waited = anyio.current_time() - since
        if not self._was_joined and waited >= self._patience:
            raise error
        if waited >= LATE and not self.silent:
            self.silent = True
            self._wake()
            self._told(f"{error} Waiting; Ctrl+D leaves.")
        await anyio.sleep(POLL)

    def _silence(self, silent: bool) -> None:
        pid = self._owner_pid
        self.silent = silent
        if silent:
            self._told(f"{_silent(pid)} Waiting for it{'.' if self._quiet else '; Ctrl+D leaves.'}")
        else:
            self._told(ANSWERS)
        self._wake()

    def _set(self, client: Client | None, owned: Owned | None) -> None:
        self._client, self._owned = client, owned
        if client is not None:
            self._was_joined, self.silent = True, False
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _silent(pid: int) -> str:
    who = f"process {pid}" if pid else "its process is not known"
    return f"The plait that owns the sessions ({who}) does not answer. Let it go on, or end it{f': kill -9 {pid}' if pid else ''}."
