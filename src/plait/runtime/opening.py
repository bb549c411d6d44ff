"""Opening, entering, closing and reopening sessions, and the project that a directory belongs to."""

from __future__ import annotations

import re
from collections.abc import Collection

import anyio
import anyio.to_thread

from plait.core import commands as c, events as e
from plait.core.errors import LimitReached, PlaitError, UsageError
from plait.core.messages import SessionId
from plait.core.naming import PLACEHOLDER, checked_name, unique_name
from plait.core.ports import Project
from plait.core.session import Session
from plait.runtime.acknowledging import done, happen, refuse_when_full
from plait.runtime.managed import Managed
from plait.runtime.projects import project_at
from plait.runtime.registry import Registry


async def open_session(registry: Registry, command: c.OpenSession) -> c.Reply:
    """See `OpenSession`. Raises `LimitReached`, or `UsageError` for a name or a directory that cannot be."""
    project = await project_of(registry, command.directory)
    if made := await made_already(registry, command.id):
        return made
    session = command.id or SessionId(registry.world.new_id())
    await anyio.to_thread.run_sync(registry.world.store.claim, session, registry.owner)
    if session in registry.list:  # it was asked for twice at once
        return await done(registry, session, 1)
    try:
        opened = _opened(registry, command, project)
    except PlaitError:
        await anyio.to_thread.run_sync(registry.world.store.release, session, registry.owner)
        raise
    return await happen(registry, registry.manage(Session(session)), opened)


async def made_already(registry: Registry, wanted: SessionId) -> c.Done | None:
    """The answer to a command that was carried out before, and whose answer was lost: the session that it made has the id that it wanted.

    Raises `UsageError` for what is no id.
    """
    if not wanted:
        return None
    if not re.fullmatch("[0-9a-f]{12}", wanted):
        raise UsageError(f"'{wanted[:40]}' cannot be the id of a session. Give 12 hex digits, or none.")
    if wanted not in registry.list and not await anyio.to_thread.run_sync(registry.world.store.read, wanted, 0, 1):
        return None
    return c.Done(wanted, (await registry.managed(wanted)).session.seq)


def _opened(registry: Registry, command: c.OpenSession, project: Project) -> e.SessionOpened:
    """The first event of a session that may be opened; nothing awaits between this look and the event. Raises `PlaitError`."""
    rows = registry.list.open()
    taken = registry.list.names_taken(project.id)
    name = free_name(command.name, taken) if command.name else unique_name(PLACEHOLDER, taken)
    if not command.passing:
        refuse_at_limit(registry, rows)
    refuse_when_full(registry)
    by_hand, kind = bool(command.name), command.kind
    return e.SessionOpened(name, kind or "development", project.id, command.directory, by_hand, kind is not None)


def free_name(name: str, taken: Collection[str]) -> str:
    """`name` if a session may be called that. Raises `UsageError` with a proposal."""
    name = checked_name(name)
    if name in taken:
        raise UsageError(f"This project has a session '{name}' already. Give another name, such as '{unique_name(name, taken)}'.")
    return name


async def enter_project(registry: Registry, command: c.EnterProject) -> c.Reply:
    """See `EnterProject`. At the limit it goes on in the session used last, wherever that is, and notes so there."""
    async with registry.list.entering:
        return await _entered(registry, command)


async def _entered(registry: Registry, command: c.EnterProject) -> c.Reply:
    project = await project_of(registry, command.directory)
    rows = sorted(registry.list.open(), key=lambda row: -row.used_at)
    here = [row for row in rows if row.directory == command.directory] or [row for row in rows if row.project == project.id]
    if not here and _used(rows) < registry.world.defaults.max_sessions:
        return await open_session(registry, c.OpenSession(command.directory))
    managed = await registry.managed((here or rows)[0].id)
    if not here:
        most = registry.world.defaults.max_sessions
        text = f"{most} of {most} sessions with messages are open, so this is the one used last. /close it, or raise max_sessions."
        return await happen(registry, managed, e.Noted(text))
    return c.Done(managed.session.id, managed.session.seq)


def _used(rows: list[c.SessionInfo]) -> int:
    """How many of them count towards the limit: those that hold a message."""
    return sum(row.messages > 0 for row in rows)


def refuse_at_limit(registry: Registry, rows: list[c.SessionInfo]) -> None:
    """Raises `LimitReached` where no further session with messages may be open, with the ways out."""
    used, most = _used(rows), registry.world.defaults.max_sessions
    if used >= most:
        idle = min((row for row in rows if row.messages), key=lambda row: row.last_at)
        defaults = registry.world.defaults
        pinned = "max_sessions" in defaults.pinned  # the file would not be heeded
        way = f"max_sessions, from {defaults.sources['max_sessions']}" if pinned else f"plait config set max_sessions {most * 2}"
        raise LimitReached(
            f"{used} of {most} sessions with messages are open. Close one (/close {idle.name}: it was left alone longest), go on in one "
            f"(/sessions lists them, plait --session {idle.id} begins there), or raise the limit ({way})."
        )


async def project_of(registry: Registry, directory: str) -> Project:
    """The project that a directory belongs to, registered if need be. Raises `UsageError` for a path that is not absolute."""
    if not directory.startswith("/") or "\0" in directory:
        raise UsageError(f"'{directory[:80]}' is not an absolute path. Give the whole path of the session's directory.")
    return await anyio.to_thread.run_sync(_project, registry, directory)


def _project(registry: Registry, directory: str) -> Project:
    return project_at(registry.world.store, directory, new_id=registry.world.new_id, now=registry.world.now())


async def work_stopped(registry: Registry, session: SessionId) -> Managed:
    """The session, once whatever was queued, ran or was done in the background for it has ended."""
    while True:
        managed = await registry.managed(session)  # anew each time: while its turn stopped, it may have left the memory
        while managed.session.queue:  # before its running turn ends, which would start the next one
            registry.record(session, e.TurnEnded(managed.session.queue[0], "interrupted", managed.log.attended))
        if managed.scope is None:
            break
        await registry.stop_turn(managed)
    managed.stop_helpers()
    return managed


async def close_session(registry: Registry, command: c.CloseSession) -> c.Reply:
    """See `CloseSession`. Its work is interrupted first."""
    managed = await work_stopped(registry, command.session)
    reply = await happen(registry, managed, e.Closed())
    await registry.release(command.session)
    return reply


async def reopen_session(registry: Registry, command: c.ReopenSession) -> c.Reply:
    """See `ReopenSession`. It leaves trash and archive, and gets another name where an open session has taken its own."""
    managed = await registry.managed(command.session)
    session = managed.session
    rows = registry.list.open()
    refuse_at_limit(registry, rows)
    taken = registry.list.names_taken(session.project)
    if session.filing.trashed_at:
        registry.record(session.id, e.Trashed(False))
    if session.filing.archived:
        registry.record(session.id, e.Archived(False))
    registry.record(session.id, e.Reopened())
    if session.name in taken:
        registry.record(session.id, e.Renamed(unique_name(session.name, taken), by_hand=session.named_by_hand))
    return await done(registry, session.id, session.seq)
