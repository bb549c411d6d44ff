"""How a plait comes to the sessions: it owns the database and lets others attach, or attaches to the one that does.

Part of the composition root. Nothing of the environment, and no setting, crosses the socket: what this command line chose for one session
is asked for as a change of that session.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing, asynccontextmanager, suppress

import anyio
import anyio.to_thread

from plait.app import models_over, open_app, open_database
from plait.attaching import attached
from plait.core import commands as c
from plait.core.errors import OwnerError, StoreError
from plait.core.messages import SessionId
from plait.core.ports import FLEET, Client
from plait.ephemeral import EphemeralWays
from plait.program import Program
from plait.remote.client import RemoteClient
from plait.remote.frames import Role
from plait.remote.ownership import Owned
from plait.remote.place import make_room, socket_path, sweep
from plait.remote.reconnecting import ReconnectingClient
from plait.remote.server import Server
from plait.remote.sockets import listen
from plait.runtime.coordinator import Coordinator
from plait.store.files import resolved
from plait.store.owner import announce, announced
from plait.store.sqlite import Finding

STOPPING = 0.5
"""Seconds that turns have to stop before they are cut by leaving; the whole of it takes 2 s."""
OF_A_SESSION = ("model", "system", "temperature", "top_p", "max_tokens")
"""The settings of this command line that a session of another owner takes over."""
OF_THE_OWNER = ("max_turns",)
"""Those that hold in the owner alone."""


class ProgramWays:
    """See `remote.ownership.Ways`. `report` is given what opening the database has to tell, `told` other sentences for the user.

    `drain` says at the end how many seconds this owner lets model calls of others end before it leaves them to the next one.
    """

    def __init__(
        self,
        program: Program,
        report: Callable[[Finding], None],
        told: Callable[[str], object],
        drain: Callable[[], float],
        role: Role,
    ) -> None:
        self._program = program
        self._role = role
        self._drain = drain
        self._report = report
        self._told = told
        self._database = resolved(program.paths.database)

    def owner(self) -> int:
        """See `Ways`."""
        return announced(self._database)[0] or 0

    @asynccontextmanager
    async def own(self, *, heir: bool) -> AsyncGenerator[Owned, None]:
        """See `Ways`."""
        store = await anyio.to_thread.run_sync(open_database, self._program, self._report)
        async with (
            models_over(store, self._program) as catalog,
            open_app(self._program, store, catalog, heir=heir) as coordinator,
            self._shared(coordinator, store.epoch) as server,
        ):
            yield Owned(coordinator, server)

    @asynccontextmanager
    async def _shared(self, coordinator: Coordinator, epoch: int) -> AsyncGenerator[Server | None, None]:
        """The socket, while the database is ours; None, and why is told, where there is no private place for it."""
        try:
            path = socket_path(self._database, self._program.environ, os.geteuid())
            make_room(path)
            sweep(path.parent, time.time())
            listener, ours = listen(path), path.stat()
            announce(self._database, str(path))
        except (OwnerError, StoreError, OSError) as error:
            self._told(
                str(error)
                if not isinstance(error, OSError)
                else f"No second plait can attach ({error.strerror}). Mend that, and start plait again."
            )
            yield None
            return
        try:
            async with Server(coordinator, epoch, listener) as server:
                yield server
                coordinator.hands_over = True  # nothing is started any more that would be cut at once
                if self._role == "prompt" and server.heirs and not server.attached:
                    await _stop(coordinator, server.followed)
                if server.heirs:
                    await self._drained(coordinator)
            coordinator.hands_over = server.left_behind > 0
        finally:
            with suppress(OSError, StoreError):
                if os.path.samestat(path.stat(), ours):  # else the next owner listens there: somebody removed the lock file
                    announce(self._database, "")
                    path.unlink()

    async def _drained(self, coordinator: Coordinator) -> None:
        """Return when no model call runs any more, after `drain()` seconds at the most; what is cut then is repeated elsewhere."""
        with anyio.move_on_after(self._drain()):
            async with aclosing(coordinator.follow(FLEET)) as changes:
                async for _ in changes:
                    if not coordinator.gate.report().running:
                        break

    @asynccontextmanager
    async def attach(self, silence: Callable[[bool], object]) -> AsyncGenerator[RemoteClient, None]:
        """See `Ways`."""
        async with attached(self._database, silence, role=self._role) as client:
            yield client


async def _stop(coordinator: Coordinator, but: Collection[SessionId]) -> None:
    """Interrupt what no script waits for: its user said so, and a script that takes over would not go on with it for long."""
    with anyio.move_on_after(STOPPING):
        for managed in coordinator.loaded:
            if managed.scope is not None and managed.session.question is None and managed.session.id not in but:
                await coordinator.stop_turn(managed)


def session_client(
    program: Program,
    report: Callable[[Finding], None],
    told: Callable[[str], object],
    patience: float,
    drain: Callable[[], float] = float,
    *,
    quiet: bool = False,
) -> ReconnectingClient:
    """The sessions of this program's database, whoever owns them; to be entered. See `ReconnectingClient` and `ProgramWays`."""
    role: Role = "script" if quiet else "prompt"
    ways = ProgramWays(program, report, told, drain, role) if program.settings.persist else EphemeralWays(program)
    return ReconnectingClient(ways, told, patience, quiet=quiet)


async def apply_settings(client: Client, program: Program, session: SessionId, *, script: bool = False) -> str:
    """Have a session of another owner do as this command line says. Returns what its user has to be told of it; empty for nothing.

    Flags are for the session that was opened; variables of the environment only where nothing has been said in it yet, for they may be
    older than what its user chose. What no session can have for itself is not heeded. A `script` is not told of a session of its own.
    """
    status = await client.submit(c.ReadStatus(session))
    if not isinstance(status, c.Status):
        return ""
    changed: list[str] = []
    ignored: list[str] = []
    for key in (*OF_A_SESSION, *OF_THE_OWNER):
        value, origin = getattr(program.settings, key), program.settings.origin(key)
        if origin.layer not in ("flag", "environment") or value == getattr(status, key, None):
            continue
        if key in OF_THE_OWNER or (origin.layer == "environment" and status.info.messages):
            ignored.append(origin.place)
            continue
        reply = await client.submit(c.ChangeSetting(session, key, value))
        if isinstance(reply, c.Refused):
            return reply.text
        changed.append(f"{key} is {value if key != 'system' else 'the one given'} ({origin.place})")
    told = f"In this session, from now on: {', '.join(changed)}." if changed and (status.info.messages or not script) else ""
    held = f"{', '.join(ignored)} counts in the plait that runs the sessions only, and was not heeded." if ignored else ""
    return f"{told} {held}".strip()
