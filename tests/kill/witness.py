"""What a killed driver has told, held against what it left on the disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from plait.core import events as e
from plait.core.codec import encode_event
from plait.core.messages import SessionId, Turn
from plait.core.session import Session
from plait.runtime.recovery import CUT_OFF, fold
from plait.store import engine, statements
from plait.store.rows import stamped_events
from plait.store.verify import verify

IN_FLIGHT = 120
"""Events of one session that may be on disk and not told: groups of a session that records a handful a turn, in several lives that were
killed before its turn to be told of came."""
PROGRESS_SLACK = 2.0
"""Seconds after which shown text has to be on disk; the promise is 0.25, the rest is for a machine that is busy."""


@dataclass
class Cut:
    """A turn that was running when the process was killed, and what was on disk of it."""

    seq: int
    turn: Turn
    text: str
    thinking: str
    open_calls: tuple[str, ...]


@dataclass
class Witness:
    """Everything that was ever told of one database."""

    path: Path
    acknowledged: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    meant: Counter[str] = field(default_factory=Counter)
    ran: Counter[tuple[str, str]] = field(default_factory=Counter)
    shown: dict[tuple[str, int], list[tuple[int, float]]] = field(default_factory=dict)
    cuts: dict[SessionId, Cut] = field(default_factory=dict)
    partial: int = 0
    """Turns that were cut off with part of an answer on disk."""
    cut_tools: int = 0
    finished: int = 0
    died_of: str = ""
    """What the driver said when it ended by an error of its own."""

    def hear(self, line: bytes) -> int:
        """Take one line of the driver's; how many new acknowledgements it was. What is told again after a restart is not new."""
        told = json.loads(line)
        match told:
            case {"session": session, "seq": seq, "event": event}:
                new = (session, seq) not in self.acknowledged
                if event[0] == "AssistantSaid":  # what is shown from here on belongs to the next answer
                    self.shown = {key: shown for key, shown in self.shown.items() if key[0] != session}
                known = self.acknowledged.setdefault((session, seq), event)
                if known != event:
                    raise AssertionError(f"event {seq} of {session} was told as {known} and as {event}")
                return int(new)
            case {"say": text}:
                self.meant[text] += 1
            case {"ran": [session, call, _]}:
                self.ran[session, call] += 1
            case {"died": reason}:
                self.died_of = reason
            case {"shown": [session, turn, characters, clock]}:
                self.shown.setdefault((session, turn), []).append((characters, clock))
            case _:
                pass
        return 0

    def check(self, killed_at: float) -> Iterator[str]:
        """Everything that is wrong with what lies on the disk; `killed_at` by CLOCK_MONOTONIC."""
        yield from verify(self.path)
        log = read_all(self.path)
        for (session, seq), event in self.acknowledged.items():
            events = log.get(SessionId(session), [])
            stored = list(encode_event(events[seq - 1].event)) if seq <= len(events) else None
            if stored != event:
                yield f"acknowledged event {seq} of {session} was {event} and is {stored}"
        for session, events in log.items():
            yield from self._session(session, events, killed_at)
        for (owner, call), times in self.ran.items():
            started = [str(one.event.call.id) for one in log.get(SessionId(owner), []) if isinstance(one.event, e.ToolStarted)]
            if times > 1 or started.count(call) != 1:
                yield f"tool call {call} of {owner} ran {times} times and has no start of its own on disk"
        self.shown.clear()

    def _session(self, session: SessionId, events: list[e.Stamped], killed_at: float) -> Iterator[str]:
        said = Counter(one.event.text for one in events if isinstance(one.event, e.UserSaid))
        told = [seq for owner, seq in self.acknowledged if owner == session]
        for text, times in said.items():
            if times > self.meant[text]:
                yield f"message {text!r} is there {times} times and was said {self.meant[text]} times"
        if len(events) - max(told, default=0) > IN_FLIGHT:
            yield f"{session} has {len(events) - max(told, default=0)} events that were not acknowledged"
        yield from self._recovered(session, events)
        folded = fold(session, events)
        yield from self._kept(folded, events, killed_at)
        self.cuts.pop(session, None)
        if folded.running is not None:
            answer = folded.answer
            self.partial += bool(answer.text)
            self.cut_tools += bool(folded.open_calls)
            self.cuts[session] = Cut(len(events), folded.running, answer.text, answer.thinking, tuple(folded.open_calls))
        self.finished += sum(isinstance(one.event, e.TurnEnded) and one.event.ending == "done" for one in events)

    def _recovered(self, session: SessionId, events: list[e.Stamped]) -> Iterator[str]:
        """A turn that was cut off at the kill before is ended as such, its text kept and marked, its call not run again."""
        cut = self.cuts.get(session)
        if cut is None or len(events) <= cut.seq:
            return
        after = [one.event for one in events[cut.seq :]]
        first = after[0]
        if cut.text or cut.thinking:
            kept = isinstance(first, e.AssistantSaid) and (first.message.text, first.message.thinking) == (cut.text, cut.thinking)
            if not kept or not isinstance(first, e.AssistantSaid) or first.complete:
                yield f"the partial answer {cut.text!r} of {session} became {first}"
        for call in cut.open_calls:
            if not any(
                isinstance(one, e.ToolReturned) and one.result.call == call and one.result.outcome == "interrupted" for one in after
            ):
                yield f"the open call {call} of {session} was not marked as interrupted"
        ends = [one for one in after if isinstance(one, e.TurnEnded) and one.turn == cut.turn]
        if len(after) > 3 and [(one.ending, one.detail) for one in ends] != [("interrupted", CUT_OFF)]:
            yield f"the turn {cut.turn} of {session}, cut off by a kill, ended as {ends}"

    def _kept(self, folded: Session, events: list[e.Stamped], killed_at: float) -> Iterator[str]:
        """What was shown of the running answer more than `PROGRESS_SLACK` ago is on disk."""
        if folded.running is None:
            return
        since = max(one.seq or 0 for one in events if isinstance(one.event, e.TurnStarted | e.AssistantSaid))
        if any(seq > since for owner, seq in self.acknowledged if owner == folded.id and self._is_answer(owner, seq)):
            return
        old = [count for count, clock in self.shown.get((folded.id, folded.running), []) if clock < killed_at - PROGRESS_SLACK]
        if old and len(folded.answer.text) < max(old):
            yield f"{max(old)} characters of {folded.id} were shown two seconds ago, and {len(folded.answer.text)} are on disk"

    def _is_answer(self, owner: str, seq: int) -> bool:
        return self.acknowledged[owner, seq][0] == "AssistantSaid"


def read_all(path: Path) -> dict[SessionId, list[e.Stamped]]:
    """Every session's events, read without changing anything."""
    connection = engine.connect(path, writing=False)
    try:
        sessions = [SessionId(row[0]) for row in connection.execute(statements.READ_SESSIONS)]
        return {
            one: list(stamped_events(one, connection.execute(statements.READ_EVENTS, (one, 0, statements.LAST_SEQ)).fetchall()))
            for one in sessions
        }
    finally:
        connection.close()
