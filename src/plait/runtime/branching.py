"""Going back, going forth again, and branching off: what each of these commands does. See `core.revision_commands`.

Whatever is recorded for one command is recorded as one: a crash leaves all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import anyio.to_thread

from plait.core import commands as c, events as e
from plait.core.branching import copied, count_messages, messages_told, rewound
from plait.core.brief import in_one_line
from plait.core.codec import cleaned
from plait.core.errors import PlaitError, UsageError
from plait.core.messages import Attachment, SessionId, Turn
from plait.core.naming import unique_name
from plait.core.revision_commands import (
    ChangeDirectory,
    ContinueLast,
    EditMessage,
    ForkSession,
    ReadTurns,
    Redo,
    RevisionCommand,
    Rewind,
    TurnLine,
    Turns,
)
from plait.core.session import Session, SessionState
from plait.runtime.acknowledging import done, happen, refuse_bad_message, refuse_when_full
from plait.runtime.namer import name_session, wants_name
from plait.runtime.opening import free_name, made_already, project_of, refuse_at_limit, reopen_session
from plait.runtime.registry import Registry

MOST_TURNS = 1_000
"""Messages of one page."""
_BUSY = "A turn is running in '{}', so nothing can be taken back now. Stop it with Ctrl+C or /interrupt, or wait for its end."


async def revise(registry: Registry, command: RevisionCommand) -> c.Reply:
    """Carry out one of these commands. Raises `PlaitError` where it cannot be; nothing has changed then."""
    match command:
        case Rewind():
            return await _rewind(registry, command)
        case Redo():
            return await _redo(registry, command)
        case EditMessage():
            return await _edit(registry, command)
        case ForkSession():
            return await _fork(registry, command)
        case ChangeDirectory():
            return await _move(registry, command)
        case ContinueLast():
            return await _continue(registry, command)
        case ReadTurns():
            return await _turns(registry, command)


async def _rewind(registry: Registry, command: Rewind) -> c.Reply:
    managed = await registry.managed(command.session)
    event = _rewound(managed.session, command.turn)
    refuse_when_full(registry)
    return await happen(registry, managed, event)


def _rewound(session: Session, turn: Turn | None) -> e.Rewound:
    """What takes back the message of `turn` (None: the last one). Raises `UsageError` where that cannot be."""
    if session.running is not None or session.queue:
        raise UsageError(_BUSY.format(session.name))
    told = messages_told(session.conversation)
    if not told:
        way = "/redo brings back what was taken back" if session.taken_back else "Send a message first"
        raise UsageError(f"There is no message in '{session.name}' that could be taken back. {way}.")
    said = told[-1] if turn is None else next((one for one in told if one.seq == turn), None)
    if said is None:
        raise UsageError(
            f"That message of '{session.name}' is taken back already, or never was there. /history shows those that there are."
        )
    assert isinstance(said.event, e.UserSaid)
    _, taken = rewound(session.conversation, Turn(said.seq or 0))
    return e.Rewound(Turn(said.seq or 0), in_one_line(said.event.text), count_messages(taken))


async def _redo(registry: Registry, command: Redo) -> c.Reply:
    managed = await registry.managed(command.session)
    session = managed.session
    if session.running is not None or session.queue:
        raise UsageError(_BUSY.format(session.name))
    if not session.taken_back:
        raise UsageError(f"Nothing in '{session.name}' can be brought back: /redo undoes a /undo or /rewind, until something new is said.")
    refuse_when_full(registry)
    back = session.taken_back[-1]
    text = next((one.event.text for one in back if isinstance(one.event, e.UserSaid)), "")
    return await happen(registry, managed, e.Redone(in_one_line(text), count_messages(back)))


async def _edit(registry: Registry, command: EditMessage) -> c.Reply:
    managed = await registry.managed(command.session)
    session = managed.session
    event = _rewound(session, command.turn)
    said = next(one.event for one in session.conversation if one.seq == event.turn)
    assert isinstance(said, e.UserSaid)
    attachments = _joined(said.attachments, command.attachments)
    refuse_bad_message(command.text, attachments)
    refuse_when_full(registry)
    now = registry.world.now()
    seq = registry.record(session.id, replace(event, replaced=True), (now, e.UserSaid(command.text, attachments)))
    registry.dispatch(managed)
    if registry.world.defaults.auto_names and wants_name(session):
        registry.in_background(name_session, managed)
    return await done(registry, session.id, seq)


def _joined(kept: Sequence[Attachment], more: Sequence[Attachment]) -> tuple[Attachment, ...]:
    known = {one.path for one in kept}
    return (*kept, *(one for one in more if one.path not in known))


async def _fork(registry: Registry, command: ForkSession) -> c.Reply:
    if made := await made_already(registry, command.id):
        return made
    new = command.id or SessionId(registry.world.new_id())
    await anyio.to_thread.run_sync(registry.world.store.claim, new, registry.owner)
    try:
        folded, events = await _copy_of(registry, command, new)
    except PlaitError:
        await anyio.to_thread.run_sync(registry.world.store.release, new, registry.owner)
        raise
    if new in registry.list:  # it was asked for twice at once
        return await done(registry, new, folded.seq)
    registry.manage(folded, events)
    return await done(registry, new, folded.seq)


async def _copy_of(registry: Registry, command: ForkSession, new: SessionId) -> tuple[Session, Sequence[e.Stamped]]:
    """The new session and all its events, which nobody knows of yet; nothing awaits after the last look at whether it may be.

    Raises `PlaitError`. It is folded in a thread: of ten thousand messages that takes a second, in which others go on.
    """
    while True:
        parent = (await registry.managed(command.session)).session
        opened = _opened(registry, parent, command)
        now, conversation = registry.world.now(), tuple(parent.conversation)
        before: list[e.Durable] = [opened, *(e.SettingChanged(key, value) for key, value in parent.settings.items())]
        after = e.Forked(parent.id, parent.seq, parent.name)
        copy = partial(_folded, new, before, conversation, command.upto, after, now)
        folded, events = await anyio.to_thread.run_sync(copy)
        if opened.name not in registry.list.names_taken(parent.project):  # else somebody was faster: once more
            refuse_at_limit(registry, registry.list.open())
            refuse_when_full(registry)
            return folded, events


def _opened(registry: Registry, parent: Session, command: ForkSession) -> e.SessionOpened:
    """The first event of a fork that may be. Raises `PlaitError`."""
    name = _name_of(command.name, parent, registry.list.names_taken(parent.project))
    refuse_at_limit(registry, registry.list.open())
    refuse_when_full(registry)
    if command.upto is not None:
        if all(one.seq != command.upto for one in messages_told(parent.conversation)):
            raise UsageError(f"That message of '{parent.name}' is taken back, or never was there. /history shows those that there are.")
        if not _is_over(parent, command.upto):
            raise UsageError(f"The answer to that message of '{parent.name}' is not finished. Wait for its end, or branch off earlier.")
    elif not any(_is_over(parent, first.turn) for first in _starts(parent)[:1]):
        raise UsageError(f"No answer in '{parent.name}' is finished yet, so there is nothing to branch off from. Wait for one.")
    by_hand = bool(command.name) or parent.named_by_hand
    return cleaned(e.SessionOpened(name, parent.kind, parent.project, parent.directory, by_hand, parent.kind_by_hand))


def _folded(
    new: SessionId, before: Sequence[e.Durable], conversation: Sequence[e.Stamped], upto: Turn | None, after: e.Forked, now: float
) -> tuple[Session, Sequence[e.Stamped]]:
    """A session of these events: some before the copy of a conversation, one after it, and all seen. Pure."""
    events = [(now, event) for event in before]
    events += [*copied(conversation, len(events), upto), (now, after)]
    events.append((now, e.Seen(len(events))))
    folded = Session(new)
    stamped = [e.Stamped(new, seq, at, event) for seq, (at, event) in enumerate(events, 1)]
    for one in stamped:
        folded.apply(one)
    return folded, stamped


def _starts(session: Session) -> list[e.TurnStarted]:
    """The starts of turns, oldest first."""
    return [one.event for one in session.conversation if isinstance(one.event, e.TurnStarted)]


def _is_over(session: Session, turn: Turn) -> bool:
    return any(isinstance(one.event, e.TurnEnded) and one.event.turn == turn for one in session.conversation)


def _name_of(wanted: str, parent: Session, taken: set[str]) -> str:
    """The name of a fork: the one that is wanted, else the original's with a number. Raises `UsageError`."""
    if wanted:
        return free_name(wanted, taken)
    stem, _, number = parent.name.rpartition("-")
    return unique_name(stem if parent.forked_from and stem and number.isdigit() else parent.name, {*taken, parent.name, stem})


async def _move(registry: Registry, command: ChangeDirectory) -> c.Reply:
    if not command.directory.startswith("/") or "\0" in command.directory:
        raise UsageError(f"'{command.directory[:80]}' is not an absolute path. Give the whole path of the session's directory.")
    managed = await registry.managed(command.session)
    if managed.session.directory == command.directory:
        return c.Done(command.session, managed.session.seq)
    refuse_when_full(registry)
    return await happen(registry, managed, e.DirectoryChanged(command.directory))


async def _continue(registry: Registry, command: ContinueLast) -> c.Reply:
    project = await project_of(registry, command.directory)
    rows = [row for row in (await registry.list.whole()).all() if row.messages and not row.trashed_at]
    if not rows:
        raise UsageError("Nothing has been said in any session yet, so there is none to go on with. Start plait without -c.")
    last = max(rows, key=lambda row: (row.project == project.id, not row.archived, row.used_at, row.id))
    if last.state is SessionState.COMPLETED:
        return await reopen_session(registry, c.ReopenSession(last.id))
    return c.Done(last.id, last.seq)


async def _turns(registry: Registry, command: ReadTurns) -> c.Reply:
    if command.limit < 1 or (command.before is not None and command.before < 1):
        raise UsageError("A page of messages has at least one and begins at message 1. Give positive numbers.")
    session = (await registry.managed(command.session)).session
    told = messages_told(session.conversation)
    end = len(told) if command.before is None else min(command.before - 1, len(told))
    first = max(0, end - min(command.limit, MOST_TURNS))
    page = [
        TurnLine(number, Turn(one.seq or 0), one.at, in_one_line(one.event.text))
        for number, one in enumerate(told[first:end], first + 1)
        if isinstance(one.event, e.UserSaid)
    ]
    return Turns(tuple(page), len(told), bool(session.taken_back))
