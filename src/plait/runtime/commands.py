"""What each command does that changes something: one small function a command. Effects are durable before the reply is given."""

from __future__ import annotations

import anyio.to_thread

from plait.core import commands as c, events as e
from plait.core.codec import cleaned
from plait.core.context import asked_again
from plait.core.context_commands import Compact
from plait.core.defaults import checked_setting
from plait.core.errors import UsageError
from plait.core.filing_commands import ArchiveSession, DeleteSession, PinSession, PurgeTrash, RestoreSession, TagSession
from plait.core.messages import ToolResult
from plait.core.revision_commands import ChangeDirectory, ContinueLast, EditMessage, ForkSession, ReadTurns, Redo, Rewind
from plait.core.session import SessionState
from plait.runtime.acknowledging import INPUT_CAP, done, happen, refuse_bad_message, refuse_when_full
from plait.runtime.branching import revise
from plait.runtime.context import compact
from plait.runtime.filing import carry_out_filing
from plait.runtime.managed import Managed
from plait.runtime.namer import name_session, wants_name
from plait.runtime.opening import close_session, enter_project, free_name, open_session, reopen_session
from plait.runtime.reading import read
from plait.runtime.registry import Registry
from plait.runtime.turn import RESULT_CAP


async def carry_out(registry: Registry, command: c.Command) -> c.Reply:
    """Carry out one command. Raises `PlaitError` where it cannot be; nothing has changed then."""
    match command:
        case c.OpenSession():
            return await open_session(registry, command)
        case c.EnterProject():
            return await enter_project(registry, command)
        case c.CloseSession():
            return await close_session(registry, command)
        case c.ReopenSession():
            return await reopen_session(registry, command)
        case c.Say():
            return await _say(registry, command)
        case c.Retry():
            return await _retry(registry, command)
        case Compact():
            return await compact(registry, command)
        case c.Interrupt():
            return await _interrupt(registry, command)
        case c.ChangeSetting():
            return await _change(registry, command)
        case c.MarkSeen():
            return await _mark_seen(registry, command)
        case c.TrustInstructions():
            return await _trust(registry, command)
        case c.PauseSession():
            return await happen(registry, await registry.managed(command.session), e.Paused())
        case c.UnpauseSession():
            return await happen(registry, await registry.managed(command.session), e.Unpaused())
        case c.RenameSession():
            return await _rename(registry, command)
        case c.AnswerQuestion():
            return await _answer(registry, command)
        case Rewind() | Redo() | EditMessage() | ForkSession() | ChangeDirectory() | ContinueLast() | ReadTurns():
            return await revise(registry, command)
        case c.KeepDraft():
            return await _keep_draft(registry, command)
        case TagSession() | PinSession() | ArchiveSession() | DeleteSession() | RestoreSession() | PurgeTrash():
            return await carry_out_filing(registry, command)
        case _:
            return await read(registry, command)


async def _say(registry: Registry, command: c.Say) -> c.Reply:
    refuse_bad_message(command.text, command.attachments)
    refuse_when_full(registry)
    managed = await registry.managed(command.session)
    seq = registry.record(command.session, e.UserSaid(command.text, command.attachments))
    registry.dispatch(managed)
    if registry.world.defaults.auto_names and wants_name(managed.session):
        registry.in_background(name_session, managed)
    return await done(registry, command.session, seq)


async def _retry(registry: Registry, command: c.Retry) -> c.Reply:
    managed = await registry.managed(command.session)
    session = managed.session
    if session.running is not None or session.queue:
        raise UsageError("A turn is running. Wait for its end, or interrupt it first.")
    if not any(isinstance(stamped.event, e.TurnStarted) for stamped in session.conversation):
        raise UsageError("There is nothing to retry yet. Send a message first.")
    refuse_when_full(registry)
    return await happen(registry, managed, asked_again(session.conversation))


async def _interrupt(registry: Registry, command: c.Interrupt) -> c.Reply:
    managed = await registry.managed(command.session)
    session = managed.session
    if managed.scope is not None:
        await registry.stop_turn(managed)
    elif session.queue:
        registry.record(session.id, e.TurnEnded(session.queue[0], "interrupted", managed.log.attended))
    else:
        raise UsageError("No turn is running in this session. There is nothing to interrupt.")
    return await done(registry, session.id, session.seq)


async def _change(registry: Registry, command: c.ChangeSetting) -> c.Reply:
    value = checked_setting(command.key, command.value)
    await registry.managed(command.session)
    if isinstance(value, str) and len(value) > INPUT_CAP:
        raise UsageError(f"{command.key} has {len(value):,} characters, more than the {INPUT_CAP:,} that it may have. Shorten it.")
    refuse_when_full(registry)
    seq = registry.record(command.session, e.SettingChanged(command.key, value))
    registry.settings.changed(command.session, command.key)
    return await done(registry, command.session, seq)


async def _mark_seen(registry: Registry, command: c.MarkSeen) -> c.Reply:
    managed = await registry.managed(command.session)
    session = managed.session
    if command.shown < 0 or (command.upto is not None and not 0 <= command.upto <= session.seq):
        raise UsageError(f"This session is at event {session.seq}. Give a mark that is not beyond it.")
    mark = e.Seen(session.seq if command.upto is None else command.upto, command.shown)
    if not _tells_something(managed, mark) and not (command.leaving and session.messages and session.state is not SessionState.COMPLETED):
        return c.Done(command.session, session.seq)
    return await happen(registry, managed, mark)


def _tells_something(managed: Managed, mark: e.Seen) -> bool:
    """Whether the mark says more than the session knows, or less while nobody shows it: else each look at it would be an event."""
    session = managed.session
    known = session.mark
    if session.state is SessionState.COMPLETED or mark == known:
        return False
    last = session.conversation[-1].seq or 0 if session.conversation else 0
    if (mark.upto, mark.shown) < (known.upto, known.shown):
        return not managed.log.readers and mark.upto < min(known.upto, last)
    return mark.shown > 0 or session.unseen or bool(session.unread) or last > known.upto


async def _rename(registry: Registry, command: c.RenameSession) -> c.Reply:
    managed = await registry.managed(command.session)
    session = managed.session
    name = free_name(command.name, registry.list.names_taken(session.project, session.id))
    return await happen(registry, managed, e.Renamed(name, by_hand=True))


async def _answer(registry: Registry, command: c.AnswerQuestion) -> c.Reply:
    managed = await registry.managed(command.session)
    session = managed.session
    question = session.question
    if question is None or question.call != command.call:
        raise UsageError(f"The question that this answers does not wait in '{session.name}' any more. /inbox shows what waits.")
    if not command.text.strip():
        raise UsageError("The answer is empty. Type something first.")
    if len(command.text) > RESULT_CAP:
        raise UsageError(f"This answer has {len(command.text):,} characters, more than the {RESULT_CAP:,} that one may have. Shorten it.")
    refuse_when_full(registry)
    asked = session.open_calls[question.call]
    return await happen(registry, managed, e.QuestionAnswered(question.turn, ToolResult(asked.id, asked.name, command.text, "done")))


async def _keep_draft(registry: Registry, command: c.KeepDraft) -> c.Reply:
    managed = await registry.managed(command.session)
    seq = managed.session.seq
    if len(command.text) > INPUT_CAP:
        raise UsageError(f"This draft has {len(command.text):,} characters, more than the {INPUT_CAP:,} that are kept. Shorten it.")
    draft = c.Draft(command.session, cleaned(command.text), max(0, min(command.cursor, len(command.text))))
    if registry.list.has(draft):
        return c.Done(command.session, seq)
    registry.list.keep(draft)
    await done(registry, command.session, seq)  # the draft's row refers to the session's
    async with registry.keeping:
        latest = registry.list.draft(command.session)
        if not registry.list.has(latest):  # else it was kept while this one waited
            await anyio.to_thread.run_sync(registry.world.store.keep_draft, latest, registry.world.now())
            registry.list.kept(latest)
    return c.Done(command.session, seq)


async def _trust(registry: Registry, command: c.TrustInstructions) -> c.Reply:
    session = (await registry.managed(command.session)).session
    store, now = registry.world.store, registry.world.now()
    await anyio.to_thread.run_sync(store.trust, session.project, command.digest, command.allowed, now)
    return c.Done(session.id, session.seq)
