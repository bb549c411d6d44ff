"""Random writes, good and bad, against lists in memory: the same machine over each kind of store."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from plait.core import events as e
from plait.core.commands import Draft, SessionInfo
from plait.core.errors import SequenceConflict, StoreError
from plait.core.messages import SessionId
from plait.core.ports import Write
from tests import strategies as own
from tests.store.kinds import KINDS
from tests.store.writing import any_row


class StoreMachine(RuleBasedStateMachine):
    """Random writes, good and bad, of a few sessions, against lists in memory."""

    kind = ""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.store = KINDS[self.kind](Path(self.directory.name))
        self.model: dict[SessionId, list[e.Stamped]] = {}
        self.rows: dict[SessionId, SessionInfo] = {}
        self.drafts: dict[SessionId, Draft] = {}

    def teardown(self) -> None:
        self.store.close()
        self.directory.cleanup()

    def write(self, session: SessionId, events: list[e.Stamped], at: float, row: SessionInfo | None = None) -> Write:
        known = len(self.model.get(session, []))
        stamped = tuple(replace(one, session=session, seq=known + place) for place, one in enumerate(events, 1))
        plain = any_row(session, known + len(events), at)
        if row is not None:
            plain = replace(row, id=session, project=plain.project, last_at=at, seq=plain.seq)
        return Write(plain, known, self.store.epoch, stamped)

    def keep(self, write: Write) -> None:
        self.model.setdefault(write.row.id, []).extend(write.events)
        self.rows[write.row.id] = write.row

    stamped = st.builds(e.Stamped, own.session_ids(), st.none(), own.moments(), own.durable_events(), st.integers(1, 3))

    @initialize()
    def nothing_yet(self) -> None:
        assert list(self.store.sessions()) == []

    @rule(
        batch=st.dictionaries(own.session_ids(), st.lists(stamped, min_size=1, max_size=4), min_size=1),
        at=own.moments(),
        row=st.none() | own.values(SessionInfo),
    )
    def append(self, batch: dict[SessionId, list[e.Stamped]], at: float, row: SessionInfo | None) -> None:
        writes = [self.write(session, events, at, row) for session, events in batch.items()]
        self.store.append(writes)
        for write in writes:
            self.keep(write)

    @rule(
        batch=st.dictionaries(own.session_ids(), st.lists(stamped, min_size=1, max_size=4), min_size=1),
        shift=st.sampled_from([-2, -1, 1, 2]),
        stale=st.booleans(),
    )
    def append_what_does_not_fit(self, batch: dict[SessionId, list[e.Stamped]], shift: int, stale: bool) -> None:
        *good, last = [self.write(session, events, 1.0) for session, events in batch.items()]
        if stale:
            last = replace(last, epoch=last.epoch + shift)
        else:
            moved = tuple(replace(one, seq=(one.seq or 0) + shift) for one in last.events)
            last = replace(last, expected_seq=last.expected_seq + shift, events=moved, row=replace(last.row, seq=last.row.seq + shift))
        with pytest.raises(SequenceConflict):
            self.store.append([*good, last])

    @rule(session=own.session_ids(), after=st.integers(-1, 12), upto=st.none() | st.integers(-1, 12))
    def read_a_part(self, session: SessionId, after: int, upto: int | None) -> None:
        expected = [one for one in self.model.get(session, []) if after < (one.seq or 0) <= (99 if upto is None else upto)]
        assert list(self.store.read(session, after, upto)) == expected

    @rule(session=own.session_ids(), text=own.TEXTS, cursor=st.integers(0, 50))
    def keep_a_draft(self, session: SessionId, text: str, cursor: int) -> None:
        draft = Draft(session, text, cursor)
        if text and session not in self.model:
            with pytest.raises(StoreError):
                self.store.keep_draft(draft, 1.0)
            return
        self.store.keep_draft(draft, 1.0)
        self.drafts.pop(session, None)
        if text:
            self.drafts[session] = draft

    @rule()
    def tidy(self) -> None:
        self.store.tidy()

    @invariant()
    def everything_is_there(self) -> None:
        for session, events in self.model.items():
            assert list(self.store.read(session)) == events
        expected = {session: replace(row, draft=session in self.drafts) for session, row in self.rows.items()}
        assert {row.id: row for row in self.store.sessions()} == expected
        assert list(self.store.drafts()) == sorted(self.drafts.values(), key=lambda draft: draft.session)


class MemoryMachine(StoreMachine):
    """The store in memory."""

    kind = "memory"


class SqliteMachine(StoreMachine):
    """The store on disk, which is also closed and opened again."""

    kind = "sqlite"

    @rule()
    def open_again(self) -> None:
        epoch = self.store.epoch
        self.store.close()
        self.store = KINDS[self.kind](Path(self.directory.name))
        assert self.store.epoch == epoch + 1


TestMemoryMachine = MemoryMachine.TestCase
TestSqliteMachine = SqliteMachine.TestCase
TestMemoryMachine.settings = TestSqliteMachine.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
