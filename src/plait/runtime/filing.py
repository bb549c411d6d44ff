"""How sessions are filed: tags, pin, archive and trash; and the one command that erases. See `core.filing_commands`."""

from __future__ import annotations

import anyio.to_thread

from plait.core import commands as c, events as e
from plait.core.errors import PlaitError, UsageError
from plait.core.filing_commands import (
    ArchiveSession,
    DeleteSession,
    FilingCommand,
    InTrash,
    PinSession,
    Purged,
    PurgeTrash,
    RestoreSession,
    TagSession,
    Trash,
)
from plait.core.messages import SessionId
from plait.core.session import SessionState
from plait.core.tags import tags_after
from plait.runtime.acknowledging import done, happen, refuse_when_full
from plait.runtime.managed import Managed
from plait.runtime.opening import work_stopped
from plait.runtime.registry import Registry


async def carry_out_filing(registry: Registry, command: FilingCommand) -> c.Reply:
    """Carry out one of these commands. Raises `PlaitError` where it cannot be; nothing has changed then."""
    match command:
        case TagSession():
            return await _tag(registry, command)
        case PinSession():
            return await _pin(registry, command)
        case ArchiveSession():
            return await _archive(registry, command)
        case DeleteSession():
            return await _delete(registry, command)
        case RestoreSession():
            return await _restore(registry, command)
        case PurgeTrash():
            return await _purge(registry, command)


async def _tag(registry: Registry, command: TagSession) -> c.Reply:
    managed = await registry.managed(command.session)
    before = managed.session.filing.tags
    after = tags_after(before, command.add, command.remove)
    if after == before:
        return c.Done(command.session, managed.session.seq)
    return await _filed(registry, managed, e.Tagged(after))


async def _pin(registry: Registry, command: PinSession) -> c.Reply:
    managed = await registry.managed(command.session)
    if managed.session.filing.pinned == command.pinned:
        return c.Done(command.session, managed.session.seq)
    return await _filed(registry, managed, e.Pinned(command.pinned))


async def _archive(registry: Registry, command: ArchiveSession) -> c.Reply:
    if command.archived:
        return await _completed(registry, command.session, e.Archived(True))
    managed = await registry.managed(command.session)
    if not managed.session.filing.archived:
        raise UsageError(f"'{managed.session.name}' is not in the archive. /sessions --archived lists what is.")
    return await _filed(registry, managed, e.Archived(False))


async def _delete(registry: Registry, command: DeleteSession) -> c.Reply:
    managed = await registry.managed(command.session)
    if managed.session.filing.trashed_at:
        raise UsageError(f"'{managed.session.name}' is in the trash already. /trash lists what is.")
    return await _completed(registry, command.session, e.Trashed(True))


async def _restore(registry: Registry, command: RestoreSession) -> c.Reply:
    managed = await registry.managed(command.session)
    if not managed.session.filing.trashed_at:
        raise UsageError(f"'{managed.session.name}' is not in the trash. /trash lists what is.")
    return await _filed(registry, managed, e.Trashed(False))


async def _filed(registry: Registry, managed: Managed, event: e.Event) -> c.Reply:
    refuse_when_full(registry)
    return await happen(registry, managed, event)


async def _completed(registry: Registry, session: SessionId, event: e.Event) -> c.Reply:
    """Complete the session, if it is not, and file it, with nothing in between."""
    refuse_when_full(registry)
    managed = await work_stopped(registry, session)
    if managed.session.state is not SessionState.COMPLETED:
        registry.record(session, e.Closed())
    reply = await done(registry, session, registry.record(session, event))
    await registry.release(session)
    return reply


async def read_trash(registry: Registry) -> c.Reply:
    """What lies in the trash, with sizes."""
    rows = [row for row in (await registry.list.whole()).all() if row.trashed_at]
    sizes = await anyio.to_thread.run_sync(registry.world.store.sizes, tuple(row.id for row in rows))
    rows.sort(key=lambda row: (-row.trashed_at, row.id))
    return Trash(tuple(InTrash(row, sizes.get(row.id, 0)) for row in rows))


async def _purge(registry: Registry, command: PurgeTrash) -> c.Reply:
    """Erase, all or none. From the first look on nobody can load one of them; where the store refuses, they are there again."""
    known = {row.id: row for row in (await registry.list.whole()).all()}
    for session in command.sessions:
        if session not in known:
            raise UsageError(f"There is no session with the id '{session[:40]}'. Nothing was erased; plait trash lists what can be.")
        await registry.release(session)
    rows = [known[session] for session in dict.fromkeys(command.sessions)]
    async with registry.keeping:  # no draft is being written
        for row in rows:
            if any(managed.session.id == row.id for managed in registry.loaded):
                raise UsageError(f"'{row.name}' is shown or in use. Leave it first; nothing was erased.")
            if not row.trashed_at or row.state is not SessionState.COMPLETED:
                raise UsageError(f"'{row.name}' is not in the trash. Nothing was erased; /delete puts a session there.")
        forgotten = registry.list.forget([row.id for row in rows])
        try:
            await anyio.to_thread.run_sync(registry.world.store.purge, tuple(row.id for row in rows))
        except PlaitError:
            registry.list.remember(forgotten)
            raise
    return Purged(len(rows), sum(row.messages for row in rows), sum(row.seq for row in rows))
