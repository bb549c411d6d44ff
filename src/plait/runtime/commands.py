"""What each command does: one small function a command. Effects are durable before the reply is given."""

from __future__ import annotations

import os
from typing import assert_never

import anyio
import anyio.to_thread

from plait.core import commands as c
from plait.core import events as e
from plait.core.defaults import checked_setting
from plait.core.errors import ModelError, PlaitError, StoreError, UsageError
from plait.core.messages import ProjectId, SessionId
from plait.core.naming import PLACEHOLDER, checked_name, proposed, unique_name
from plait.core.ports import Project
from plait.core.session import Session, SessionState
from plait.runtime.recovery import info
from plait.runtime.registry import Managed, Registry

INPUT_CAP = 16 * 1024 * 1024
"""Characters of one message, attachments included: far above any model's window, and it keeps one paste from filling the memory."""
PAGE_CAP = 1_000
PATIENCE = 2.0
"""Seconds that a command waits for a failing disk before it says so; a script must not hang on it."""


async def carry_out(registry: Registry, command: c.Command) -> c.Reply:
    """Carry out one command. Raises `PlaitError` where it cannot be; nothing has changed then."""
    match command:
        case c.OpenSession():
            return await _open(registry, command)
        case c.EnterProject():
            return await _enter(registry, command)
        case c.CloseSession():
            return await _close(registry, command)
        case c.ReopenSession():
            return await _reopen(registry, command)
        case c.Say():
            return await _say(registry, command)
        case c.Retry():
            return await _retry(registry, command)
        case c.Interrupt():
            return await _interrupt(registry, command)
        case c.ChangeSetting():
            return await _change(registry, command)
        case c.MarkSeen():
            return await _mark_seen(registry, command)
        case c.ReadHistory():
            return await _history(registry, command)
        case c.ReadStatus():
            return await _status(registry, command)
        case c.TrustInstructions():
            return await _trust(registry, command)
        case c.ReadModels():
            return c.ModelList(tuple(await registry.world.models.listing()))
        case _:
            assert_never(command)


async def _happen(registry: Registry, managed: Managed, event: e.Event) -> c.Done:
    session = managed.session
    seq = registry.record(session.id, event)
    registry.dispatch(managed)
    return await _done(registry, session.id, seq)


async def _done(registry: Registry, session: SessionId, seq: int) -> c.Done:
    """Acknowledge what was recorded, once it is on disk. Raises `StoreError` where the disk keeps failing; what was said is kept then."""
    while True:
        with anyio.move_on_after(PATIENCE):
            await registry.journal.durable(session, seq)
            return c.Done(session, seq)
        if trouble := registry.journal.trouble_of(session):
            raise StoreError(f"This is not on disk yet: {trouble} It is kept and will be written when that works; do not send it again.")


async def _open(registry: Registry, command: c.OpenSession) -> c.Reply:
    project = await _project_of(registry, command.directory)
    session = SessionId(registry.world.new_id())
    await anyio.to_thread.run_sync(registry.world.store.claim, session, registry.owner)
    try:
        opened = _opened(registry, command, project)
    except PlaitError:
        await anyio.to_thread.run_sync(registry.world.store.release, session, registry.owner)
        raise
    return await _happen(registry, registry.manage(Session(session)), opened)


def _opened(registry: Registry, command: c.OpenSession, project: Project) -> e.SessionOpened:
    """The first event of a session that may be opened; nothing awaits between this look and the event. Raises `PlaitError`."""
    rows = _open_rows(registry)
    taken = {row.name for row in rows if row.project == project.id}
    name = checked_name(command.name) if command.name else unique_name(PLACEHOLDER, taken)
    if name in taken:
        raise UsageError(f"This project has a session '{name}' already. Give another name, such as '{unique_name(name, taken)}'.")
    if not command.passing:
        _refuse_at_limit(registry, rows)
    _refuse_when_full(registry)
    return e.SessionOpened(name, command.kind, project.id, command.directory)


async def _enter(registry: Registry, command: c.EnterProject) -> c.Reply:
    project = await _project_of(registry, command.directory)
    rows = _open_rows(registry)
    here = [row for row in rows if row.directory == command.directory] or [row for row in rows if row.project == project.id]
    if not here and _used(rows) < registry.world.defaults.max_sessions:
        return await _open(registry, c.OpenSession(command.directory))
    managed = await registry.managed((here or rows)[0].id)
    if not here:
        most = registry.world.defaults.max_sessions
        text = f"{most} of {most} sessions are open, so this is the one used last. Close it with /clear, or raise max_sessions."
        return await _happen(registry, managed, e.Noted(text))
    return c.Done(managed.session.id, managed.session.seq)


def _open_rows(registry: Registry) -> list[c.SessionInfo]:
    return [row for row in registry.rows() if row.state is not SessionState.COMPLETED]


def _used(rows: list[c.SessionInfo]) -> int:
    """How many of them count towards the limit: those that hold a message."""
    return sum(row.messages > 0 for row in rows)


def _refuse_at_limit(registry: Registry, rows: list[c.SessionInfo]) -> None:
    used, most = _used(rows), registry.world.defaults.max_sessions
    if used >= most:
        idle = min((row for row in rows if row.messages), key=lambda row: row.last_at)
        raise UsageError(
            f"{used} of {most} sessions are open; '{idle.name}' in {idle.directory} was left alone longest. Go on in it with "
            f"'plait --session {idle.id}', close it there with /clear, or raise the limit: plait config set max_sessions {most * 2}"
        )


async def _project_of(registry: Registry, directory: str) -> Project:
    if not directory.startswith("/") or "\0" in directory:
        raise UsageError(f"'{directory[:80]}' is not an absolute path. Give the whole path of the session's directory.")
    return await anyio.to_thread.run_sync(_project, registry, directory)


def _project(registry: Registry, directory: str) -> Project:
    """The project that a directory belongs to: the nearest registered one above it, else its git root, else itself."""
    known = {project.directory: project for project in registry.world.store.projects()}
    above = [os.path.normpath(directory)]
    while (parent := os.path.dirname(above[-1])) != above[-1]:
        above.append(parent)
    for place in above:
        if place in known:
            return known[place]
    root = next((place for place in above if os.path.exists(os.path.join(place, ".git"))), above[0])
    prefix = proposed(os.path.basename(root)) or "project"
    identity = ProjectId(f"{prefix}-{registry.world.new_id()[:8]}")
    name = os.path.basename(root) or root
    return registry.world.store.project(Project(identity, name, root, registry.world.now()))


async def _close(registry: Registry, command: c.CloseSession) -> c.Reply:
    managed = await registry.managed(command.session)
    while True:
        while managed.session.queue:  # before its running turn ends, which would start the next one
            registry.record(command.session, e.TurnEnded(managed.session.queue[-1], "interrupted", managed.log.attended))
        if managed.scope is None:
            break
        await registry.stop_turn(managed)
    done = await _happen(registry, managed, e.Closed())
    await registry.release(command.session)
    return done


async def _reopen(registry: Registry, command: c.ReopenSession) -> c.Reply:
    managed = await registry.managed(command.session)
    session = managed.session
    rows = _open_rows(registry)
    _refuse_at_limit(registry, rows)
    taken = {row.name for row in rows if row.project == session.project}
    registry.record(session.id, e.Reopened())
    if session.name in taken:
        registry.record(session.id, e.Renamed(unique_name(session.name, taken), by_hand=session.named_by_hand))
    return await _done(registry, session.id, session.seq)


async def _say(registry: Registry, command: c.Say) -> c.Reply:
    size = len(command.text) + sum(len(one.text) for one in command.attachments)
    if size > INPUT_CAP:
        raise UsageError(f"This message has {size:,} characters, more than the {INPUT_CAP:,} that one may have. Send it in parts.")
    if not command.text.strip() and not command.attachments:
        raise UsageError("The message is empty. Type something first.")
    _refuse_when_full(registry)
    managed = await registry.managed(command.session)
    return await _happen(registry, managed, e.UserSaid(command.text, command.attachments))


def _refuse_when_full(registry: Registry) -> None:
    if registry.journal.full:
        raise StoreError(f"Nothing new can be taken until the disk works again: {registry.journal.trouble}")


async def _retry(registry: Registry, command: c.Retry) -> c.Reply:
    managed = await registry.managed(command.session)
    session = managed.session
    if session.running is not None or session.queue:
        raise UsageError("A turn is running. Wait for its end, or interrupt it first.")
    if not any(isinstance(stamped.event, e.TurnStarted) for stamped in session.conversation):
        raise UsageError("There is nothing to retry yet. Send a message first.")
    _refuse_when_full(registry)
    return await _happen(registry, managed, e.RetryAsked())


async def _interrupt(registry: Registry, command: c.Interrupt) -> c.Reply:
    managed = await registry.managed(command.session)
    session = managed.session
    if managed.scope is not None:
        await registry.stop_turn(managed)
    elif session.queue:
        registry.record(session.id, e.TurnEnded(session.queue[0], "interrupted", managed.log.attended))
    else:
        raise UsageError("No turn is running in this session. There is nothing to interrupt.")
    return await _done(registry, session.id, session.seq)


async def _change(registry: Registry, command: c.ChangeSetting) -> c.Reply:
    value = checked_setting(command.key, command.value)
    await registry.managed(command.session)
    if isinstance(value, str) and len(value) > INPUT_CAP:
        raise UsageError(f"{command.key} has {len(value):,} characters, more than the {INPUT_CAP:,} that it may have. Shorten it.")
    _refuse_when_full(registry)
    seq = registry.record(command.session, e.SettingChanged(command.key, value))
    registry.settings.changed(command.session, command.key)
    return await _done(registry, command.session, seq)


async def _mark_seen(registry: Registry, command: c.MarkSeen) -> c.Reply:
    managed = await registry.managed(command.session)
    if not managed.session.unseen:
        return c.Done(command.session, managed.session.seq)
    return await _happen(registry, managed, e.Seen())


async def _history(registry: Registry, command: c.ReadHistory) -> c.Reply:
    if command.limit < 1 or (command.before is not None and command.before < 1):
        raise UsageError("A page of history has at least one event and begins at event 1. Give positive numbers.")
    managed = await registry.managed(command.session)
    last = registry.journal.durable_seq(managed.session.id)
    if command.before is not None:
        last = min(command.before - 1, last)
    first = max(0, last - min(command.limit, PAGE_CAP))
    events = await anyio.to_thread.run_sync(registry.world.store.read, command.session, first, last)
    return c.HistoryPage(tuple(events), first)


async def _status(registry: Registry, command: c.ReadStatus) -> c.Reply:
    session = (await registry.managed(command.session)).session
    settings, gate = registry.settings, registry.gate.report()
    sampling, granted = settings.sampling(session), await settings.granted(session)
    try:
        model = await settings.model_name(session)
    except ModelError:
        model = ""
    choice = settings.known_choice(model)
    return c.Status(
        info=info(session),
        model=(choice.name if choice else "") or model,
        model_source=settings.effective(session, "model")[1],
        system=settings.system(session),
        instructions=tuple(path for path, _ in granted.given),
        instructions_asked=tuple(path for path, _ in granted.files.project) if granted.asked else (),
        instructions_digest=granted.files.digest,
        instructions_problems=granted.files.problems,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        usage=session.usage,
        context_used=session.context_used,
        context_window=choice.context_window if choice else None,
        cost=session.cost,
        unpriced=session.unpriced,
        queued=len(session.queue),
        calls_running=gate.running,
        calls_queued=gate.queued,
        calls_max=gate.limit,
        trouble=registry.journal.trouble_of(session.id),
    )


async def _trust(registry: Registry, command: c.TrustInstructions) -> c.Reply:
    session = (await registry.managed(command.session)).session
    store, now = registry.world.store, registry.world.now()
    await anyio.to_thread.run_sync(store.trust, session.project, command.digest, command.allowed, now)
    return c.Done(session.id, session.seq)
