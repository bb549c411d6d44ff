"""Conversations of other programs, written as completed sessions.

Rules:
1. A session's id is made from the conversation's format and id, so that a second import finds the first. `Imported`, the last event but
   one, says how much of the conversation is there: as much again is nothing, more is appended.
2. Where the beginning has changed, or the user went on in plait, the whole conversation becomes one more session: nothing is overwritten.
3. Sessions are written whole, many in a commit that is synced: a kill leaves those of the commits before, and the next import the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count, islice
from typing import Literal, TypeAlias

from plait.core import events as e
from plait.core.codec import without_surrogates
from plait.core.commands import SessionInfo, info_of
from plait.core.messages import SessionId
from plait.core.naming import NAMING_MESSAGES, Proposal, numbered_name, proposed, unique_name
from plait.core.ports import Project, Store, Write
from plait.core.session import Session, SessionState
from plait.exchange.imports.found import Conversation, versions
from plait.exchange.imports.history import can_grow, grown_session, new_session
from plait.runtime.projects import project_at
from plait.runtime.weight import weight

Outcome: TypeAlias = Literal["new", "grown", "known", "empty"]
GROUP_BYTES = 4 * 1024 * 1024
GROUP_SESSIONS = 500
"""What is written in one commit, at most: an fsync for each session would take longer than reading it."""
PICTURE = "[image]"
"""What stands where a picture was; it makes no name."""
NAMED_BY = (300, 600)
"""Characters of one message, and of all, from which a name is made: it is what takes longest of an import."""
_TALK = (e.UserSaid, e.RetryAsked, e.AssistantSaid, e.ToolReturned, e.Compacted, e.Rewound, e.Redone)


@dataclass(slots=True)
class Counts:
    """What became of the conversations so far; `messages` are those of sessions that were written."""

    new: int = 0
    grown: int = 0
    known: int = 0
    empty: int = 0
    messages: int = 0


@dataclass(slots=True)
class _Group:
    """What the next commit writes."""

    writes: list[Write] = field(default_factory=list)
    sessions: set[SessionId] = field(default_factory=set)
    weight: int = 0
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class World:
    """What an import is done with. `directory` is where sessions go whose own directory is not there."""

    store: Store
    named: Callable[[Sequence[str]], Proposal]
    directory: str
    now: Callable[[], float]
    new_id: Callable[[], str]


class Importer:
    """Writes conversations into the store, which nobody else uses meanwhile."""

    def __init__(self, world: World) -> None:
        self.counts = Counts()
        """Of what is on disk."""
        self._world = world
        self._rows: dict[SessionId, SessionInfo] = {row.id: row for row in world.store.sessions()}
        self._names: dict[str, set[str]] = {}
        for row in self._rows.values():
            self._names.setdefault(row.project, set()).add(row.name)
        self._numbers: dict[tuple[str, str], int] = {}
        """The last number that was given to a name."""
        self._projects: dict[str, Project] = {}
        self._group = _Group()

    def take(self, conversation: Conversation) -> Outcome:
        """Have one conversation written, at the latest by `flush`. Raises `StoreError`."""
        if not any(not one.empty for one in conversation.said):
            self.counts.empty += 1
            return "empty"
        places: dict[str, int] = {}
        for number in count(1):
            session = session_id(conversation, number)
            row = self._rows.get(session)
            if row is None:
                self._open(session, conversation)
                return "new"
            if session in self._group.sessions:
                self.flush()
            places = places or {version: place for place, version in enumerate(versions(conversation.said))}
            outcome = self._again(row, conversation, places)
            if outcome:
                return outcome
        raise AssertionError("the numbers have no end")

    def flush(self) -> None:
        """Write what waits, synced to disk. Raises `StoreError`; nothing of it was written then."""
        group, self._group = self._group, _Group()
        if group.writes:
            self._world.store.append(group.writes)
            self._world.store.tidy()
        self.counts.new += group.counts.new
        self.counts.grown += group.counts.grown
        self.counts.messages += group.counts.messages

    def _again(self, row: SessionInfo, conversation: Conversation, places: dict[str, int]) -> Outcome | None:
        """What a conversation is to a session that came from it: nothing new, or more of it; None where it is another by now.

        `places` are the versions of the conversation's beginnings.
        """
        whole = len(conversation.said)
        tail = [one.event for one in self._world.store.read(row.id, max(row.seq - 2, 0))]
        if tail and isinstance(tail[0], e.Imported) and places.get(tail[0].version) == whole:
            self.counts.known += 1
            return "known"
        session = Session(row.id)
        held = [e.Imported("", "", "")]
        untouched = True
        for stamped in self._world.store.read(row.id):
            session.apply(stamped)
            if isinstance(stamped.event, e.Imported):
                held.append(stamped.event)
                untouched = True
            elif isinstance(stamped.event, _TALK):
                untouched = False
        if any(places.get(one.version) == whole for one in held):
            self.counts.known += 1
            return "known"
        after = places.get(held[-1].version)
        idle = session.state is SessionState.COMPLETED or (session.state is SessionState.ACTIVE and not session.queue)
        if after is None or not untouched or not idle or not can_grow(conversation, after):
            return None
        events = grown_session(session, conversation, after)
        self._group.counts.grown += 1
        self._append(session, events, row.seq, draft=row.draft, messages=session.messages - row.messages)
        return "grown"

    def _open(self, identity: SessionId, conversation: Conversation) -> None:
        directory, note = self._directory_of(conversation)
        project = self._project_at(directory)
        proposal = self._world.named(_first_words(conversation))
        name = self._name(project, proposal, conversation)
        session = Session(identity)
        opened = e.SessionOpened(name, proposal.kind, project.id, directory)
        events = new_session(session, opened, conversation, now=self._world.now(), note=note)
        self._group.counts.new += 1
        self._append(session, events, 0, draft=False, messages=session.messages)

    def _name(self, project: Project, proposal: Proposal, conversation: Conversation) -> str:
        """A name that is free in the project. Thousands want the same one: each is numbered from where the last one was."""
        taken = self._names.setdefault(project.id, set())
        base = proposed(conversation.name) or proposal.name or proposed(conversation.title)
        first = self._numbers.get((project.id, base or proposal.kind), 1)
        name = unique_name(base, taken, first=max(first, 2)) if base else numbered_name(proposal.kind, taken, first=first)
        taken.add(name)
        number = name.rpartition("-")[2]
        if name != base and number.isascii() and number.isdigit():
            self._numbers[project.id, base or proposal.kind] = int(number)
        return name

    def _append(self, session: Session, events: list[e.Stamped], expected: int, *, draft: bool, messages: int) -> None:
        row = info_of(session, draft=draft)
        self._rows[session.id] = row
        group = self._group
        group.writes.append(Write(row, expected, self._world.store.epoch, tuple(events)))
        group.sessions.add(session.id)
        group.counts.messages += messages
        group.weight += sum(map(weight, events))
        if group.weight > GROUP_BYTES or len(group.writes) >= GROUP_SESSIONS:
            self.flush()

    def _directory_of(self, conversation: Conversation) -> tuple[str, str]:
        """Where the session goes, and what has to be noted of it. A path from a file is looked at, and never gone into."""
        given = without_surrogates(conversation.directory)
        if given.startswith("/") and "\0" not in given and os.path.isdir(given):
            return os.path.normpath(given), ""
        note = f"It was held in {given}, which is not here, so it was put into this project." if given else ""
        return self._world.directory, note

    def _project_at(self, directory: str) -> Project:
        if directory not in self._projects:
            world = self._world
            self._projects[directory] = project_at(world.store, directory, new_id=world.new_id, now=world.now())
        return self._projects[directory]


def _first_words(conversation: Conversation) -> list[str]:
    """The beginnings of the first messages."""
    most, room = NAMED_BY
    texts = []
    for said in islice((one for one in conversation.said if one.role == "user"), NAMING_MESSAGES):
        texts.append(said.text.replace(PICTURE, "")[: min(most, room)])
        room -= len(texts[-1])
    return texts


def session_id(conversation: Conversation, number: int) -> SessionId:
    """The id of the session that a conversation becomes; `number` counts those that became of it before from 1."""
    name = "\0".join((conversation.source, without_surrogates(conversation.id), str(number)))
    return SessionId(sha256(name.encode()).hexdigest()[:12])
