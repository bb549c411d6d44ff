"""What the tests of the store write: a session that grows by legal events, with the row that goes with them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from plait.core import events as e
from plait.core.commands import SessionInfo, info_of
from plait.core.messages import AssistantMessage, CallId, ProjectId, SessionId, ToolCall, ToolResult, Turn
from plait.core.ports import Project, Store, Write
from plait.core.session import Session, SessionState
from plait.store.sqlite import Finding, SqliteStore, open_store

PROJECT = Project(ProjectId("shop-a7b3c2d1"), "shop", "/home/ada/shop", 1.5)


def open_at(path: Path, findings: list[Finding] | None = None) -> SqliteStore:
    """The store at `path`, with the project registered; what opening tells is appended to `findings`."""
    store = open_store(path, now=time.time(), report=(findings if findings is not None else []).append)
    if not store.read_only_reason:
        store.project(PROJECT)
    return store


def any_row(session: SessionId, seq: int, at: float = 1.0) -> SessionInfo:
    """A line that fits any events: the store folds nothing."""
    return SessionInfo(session, "name", "debug", SessionState.ACTIVE, PROJECT.id, "/home/ada/shop", 1, 0.5, at, seq)


def write_of(session: SessionId, expected: int, events: Sequence[e.Event], epoch: int, at: float = 1.0) -> Write:
    """`events`, whatever they are, after `expected`."""
    stamped = tuple(e.Stamped(session, seq, at, event) for seq, event in enumerate(events, expected + 1))
    return Write(any_row(session, expected + len(events), at), expected, epoch, stamped)


class Author:
    """Writes one session the way the runtime would: each event is applied before it is kept."""

    def __init__(self, store: Store, name: str = "s-1") -> None:
        self.store = store
        self.session = Session(SessionId(name))
        self.events: list[e.Stamped] = []
        stored = store.read(self.session.id)
        for stamped in stored:
            self.session.apply(stamped)
        self.events += stored

    def append(self, *events: e.Event) -> None:
        """Apply and keep events in one commit; their time is their number, so that runs are alike."""
        before, stamped = self.session.seq, []
        for event in events:
            stamped.append(e.Stamped(self.session.id, self.session.seq + 1, 1000.0 + self.session.seq, event))
            self.session.apply(stamped[-1])
        self.store.append([Write(info_of(self.session, draft=False), before, self.store.epoch, tuple(stamped))])
        self.events += stamped

    def open(self) -> None:
        """The first event."""
        self.append(e.SessionOpened("default", "development", PROJECT.id, PROJECT.directory))

    def turn(self, number: int = 1) -> None:
        """A whole turn with a tool call, in four commits, after what a crash may have left of another."""
        if self.session.seq == 0:
            self.open()
        if self.session.running is not None:
            ends = [e.ToolReturned(self.session.running, ToolResult(call, "sum", "", "interrupted")) for call in self.session.open_calls]
            self.append(*ends, e.TurnEnded(self.session.running, "interrupted", seen=False))
        for queued in tuple(self.session.queue):
            self.append(e.TurnEnded(queued, "interrupted", seen=False))
        turn = Turn(self.session.seq + 1)
        call = ToolCall(CallId(f"call-{turn}"), "sum", '{"a": 1}')
        self.append(e.UserSaid(f"question {number} \0 \U0001f600"))
        self.append(e.TurnStarted(turn), e.AnswerProgress(turn, "Let me"))
        self.append(e.AssistantSaid(turn, AssistantMessage("Let me see.", calls=(call,)), "tool_calls"), e.ToolStarted(turn, call))
        self.append(
            e.ToolReturned(turn, ToolResult(call.id, "sum", "2")),
            e.AssistantSaid(turn, AssistantMessage("2"), "end"),
            e.TurnEnded(turn, "done", seen=True),
        )
