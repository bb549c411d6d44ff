"""What the commands that only read are answered: one small function a command. Nothing changes, but that a session may be loaded."""

from __future__ import annotations

from typing import TypeAlias, assert_never

import anyio.to_thread

from plait.core import commands as c, events as e
from plait.core.context_commands import ReadContext
from plait.core.errors import ModelError, UsageError
from plait.core.filing_commands import ReadTrash
from plait.core.messages import SessionId
from plait.core.metrics_commands import Measured, ReadMetrics
from plait.core.news import unseen
from plait.core.session import SessionState
from plait.runtime.context import read_context
from plait.runtime.filing import read_trash
from plait.runtime.finding import search
from plait.runtime.memory import heavy
from plait.runtime.metrics import Metering, metered
from plait.runtime.registry import Registry
from plait.runtime.weight import weight

PAGE_CAP = 1_000
"""Events of one page of history."""

Reading: TypeAlias = (
    c.ReadHistory
    | c.ReadStatus
    | c.ReadModels
    | c.ReadDraft
    | c.ReadNews
    | c.ReadFleet
    | c.ReadInternals
    | ReadContext
    | c.Search
    | ReadTrash
    | Metering
)


async def read(registry: Registry, command: Reading) -> c.Reply:
    """Answer one reading command. Raises `PlaitError` where that cannot be."""
    match command:
        case c.ReadHistory():
            return await _history(registry, command)
        case c.ReadStatus():
            return await _status(registry, command)
        case c.ReadModels():
            return c.ModelList(tuple(await registry.world.models.listing()))
        case c.ReadDraft(session=session):
            await registry.managed(session)
            return registry.list.draft(session)
        case c.ReadNews(session=session):
            return await _news(registry, session)
        case c.ReadFleet():
            return _fleet(registry)
        case c.ReadInternals():
            return await _internals(registry)
        case ReadContext():
            return await read_context(registry, command)
        case c.Search():
            return await search(registry, command)
        case ReadTrash():
            return await read_trash(registry)
        case Measured() | ReadMetrics():
            return await metered(registry.world.meter, command)
        case _:
            assert_never(command)


async def _news(registry: Registry, session: SessionId) -> c.News:
    managed = await registry.managed(session)
    defaults = registry.world.defaults
    upto = registry.journal.durable_seq(session)
    return unseen(managed.session, upto, defaults.buffer_events, defaults.buffer_bytes, weight)


def _fleet(registry: Registry) -> c.Fleet:
    rows = sorted(registry.list.open(), key=lambda row: (row.created_at, row.id))
    texts = tuple((one.session.id, c.waiting_text(one.session)) for one in registry.loaded if one.session.waiting_for)
    completing = tuple(one.session.id for one in registry.loaded if one.session.state is SessionState.PAUSED and one.session.answer)
    return c.Fleet(tuple(rows), registry.gate.report(), texts, heavy(registry), completing)


async def _internals(registry: Registry) -> c.Internals:
    held = tuple(
        c.Held(
            info=c.info_of(one.session, draft=bool(registry.list.draft(one.session.id).text)),
            ring_events=one.log.held_events,
            ring_bytes=one.log.held_bytes,
            conversation_events=len(one.session.conversation),
            conversation_bytes=one.conversation_bytes,
            draft_bytes=len(registry.list.draft(one.session.id).text),
            readers=one.log.readers,
        )
        for one in registry.loaded
    )
    return c.Internals(
        text=repr(registry),
        held=held,
        gate=registry.gate.report(),
        waiting=tuple((one.session, one.provider) for one in registry.gate.order()),
        stored=len(await registry.list.whole()),
        unsaved=registry.journal.waiting,
        trouble=registry.journal.trouble,
    )


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
    settings, gate, queue = registry.settings, registry.gate.report(), set(session.queue)
    sampling, granted = settings.sampling(session), await settings.granted(session)
    try:
        model = await settings.model_name(session)
    except ModelError:
        model = ""
    choice = settings.known_choice(model)
    return c.Status(
        info=c.info_of(session, draft=bool(registry.list.draft(session.id).text)),
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
        compact_at=settings.number(session, "compact_at"),
        window_messages=settings.number(session, "window_messages"),
        usage=session.usage,
        context_used=session.context_used,
        context_window=choice.context_window if choice else None,
        cost=session.cost,
        unpriced=session.unpriced,
        calls_running=gate.running,
        calls_queued=gate.queued,
        calls_max=gate.limit,
        trouble=registry.journal.trouble_of(session.id),
        question=session.question,
        running=session.running,
        waiting=tuple(one for one in session.conversation if one.seq in queue and isinstance(one.event, e.UserSaid)) if queue else (),
    )
