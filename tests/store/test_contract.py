"""What every store does, whatever it stands on: the same tests over each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.commands import Draft, SessionInfo
from plait.core.errors import SequenceConflict, StoreError
from plait.core.messages import AssistantMessage, ProjectId, SessionId, Turn
from plait.core.ports import Project, Store, Write
from plait.core.session import SessionState
from tests.store.kinds import KINDS
from tests.store.writing import PROJECT, Author, write_of

S = SessionId("s-1")
ADDED = [one.name for one in fields(SessionInfo) if one.default is not MISSING and one.name != "draft"]
"""The columns beyond those that every row is given; a draft is no column."""


@pytest.fixture(params=sorted(KINDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A fresh store of each kind, with one project."""
    opened = KINDS[request.param](tmp_path)
    yield opened
    opened.close()


def said(*texts: str) -> tuple[e.Event, ...]:
    return tuple(e.UserSaid(text) for text in texts)


def test_nothing_is_there_at_first(store: Store) -> None:
    assert list(store.read(S)) == []
    assert list(store.sessions()) == []
    assert store.epoch >= 1


def test_reading_a_part(store: Store) -> None:
    store.append([write_of(S, 0, said("a", "b", "c", "d"), store.epoch)])

    def texts(after: int, upto: int | None) -> str:
        return "".join(stamped.event.text for stamped in store.read(S, after, upto) if isinstance(stamped.event, e.UserSaid))

    assert [
        texts(*part) for part in ((0, None), (2, None), (1, 3), (4, None), (0, 0), (3, 2), (-5, 1), (0, 99), (10**30, None), (0, 10**30))
    ] == [
        "abcd",
        "cd",
        "bc",
        "",
        "",
        "",
        "a",
        "abcd",
        "",
        "abcd",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda w: replace(w, expected_seq=1, events=write_of(S, 1, said("x"), w.epoch).events),
        lambda w: replace(w, expected_seq=3, events=write_of(S, 3, said("x"), w.epoch).events),
        lambda w: replace(w, epoch=w.epoch - 1),
        lambda w: replace(w, epoch=w.epoch + 1),
        lambda w: replace(w, events=()),
        lambda w: replace(w, events=(*w.events, w.events[-1])),
        lambda w: replace(w, events=(*w.events, replace(w.events[-1], seq=9))),
        lambda w: replace(w, events=(replace(w.events[0], session=SessionId("other")),)),
        lambda w: replace(w, events=(replace(w.events[0], event=e.AnswerDelta(Turn(1), "x")),)),
        lambda w: replace(w, events=(replace(w.events[0], seq=None),)),
        lambda w: replace(w, row=replace(w.row, seq=7)),
    ],
)
def test_a_write_that_does_not_fit_changes_nothing_at_all(store: Store, wrong: Callable[[Write], Write]) -> None:
    store.append([write_of(S, 0, said("a", "b"), store.epoch)])
    before = list(store.read(S)), list(store.sessions())
    good = write_of(SessionId("s-2"), 0, said("fine"), store.epoch)
    for batch in ([wrong(write_of(S, 2, said("c"), store.epoch))], [good, wrong(write_of(S, 2, said("c"), store.epoch))]):
        with pytest.raises(SequenceConflict):
            store.append(batch)
        assert (list(store.read(S)), list(store.sessions())) == before
        assert list(store.read(good.row.id)) == []
    store.append([write_of(S, 2, said("c"), store.epoch)])
    assert len(store.read(S)) == 3


def test_a_fold_is_given_no_progress_of_answers_that_are_over(store: Store) -> None:
    progress, ended = e.AnswerProgress(Turn(1), "x"), e.AssistantSaid(Turn(1), AssistantMessage("xx"), "end")
    for events, needed in (
        ((*said("a"), e.TurnStarted(Turn(1)), progress, progress, ended), [1, 2, 5]),
        ((progress, e.TurnEnded(Turn(1), "done", seen=True), progress), [1, 2, 5, 6, 7, 8]),
        ((e.TurnStarted(Turn(1)), progress, progress), [1, 2, 5, 7, 9, 10, 11]),
    ):
        before = len(store.read(S))
        store.append([write_of(S, before, events, store.epoch)])
        settled = store.settled(S, 0, 99)
        assert [stamped.seq for stamped in settled] == needed
        assert [one for one in store.read(S) if one.seq in needed] == list(settled)
    assert [stamped.seq for stamped in store.settled(S, 2, 3)] == [5, 7, 9]
    assert [stamped.seq for stamped in store.settled(S, 9, 3)] == [10, 11]
    assert list(store.settled(S, 11, 3)) == list(store.settled(SessionId("nobody"), 0, 3)) == []


def test_what_is_not_plain_data_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="cannot be kept"):
        store.append([write_of(S, 0, (e.Noted({"no": "text"}),), store.epoch)])  # type: ignore[arg-type]  # the mistake that is tested
    assert list(store.sessions()) == []


def test_it_says_what_it_is(store: Store) -> None:
    assert f"epoch {store.epoch}" in repr(store)


def test_the_same_write_is_not_taken_twice(store: Store) -> None:
    write = write_of(S, 0, said("a"), store.epoch)
    store.append([write])
    with pytest.raises(SequenceConflict, match="at event 1"):
        store.append([write])
    assert len(store.read(S)) == 1


def test_two_writes_of_a_session_in_one_batch(store: Store) -> None:
    store.append([write_of(S, 0, said("a"), store.epoch), write_of(S, 1, said("b"), store.epoch)])
    assert [stamped.seq for stamped in store.read(S)] == [1, 2]
    assert store.sessions()[0].seq == 2
    with pytest.raises(SequenceConflict):
        store.append([write_of(S, 2, said("c"), store.epoch), write_of(S, 2, said("d"), store.epoch)])
    assert len(store.read(S)) == 2


def test_a_session_belongs_to_a_registered_project(store: Store) -> None:
    write = write_of(S, 0, said("a"), store.epoch)
    with pytest.raises(StoreError):
        store.append([replace(write, row=replace(write.row, project="nobody-00000000"))])
    assert list(store.sessions()) == []


def test_sessions_are_listed_last_used_first_and_as_their_last_write_left_them(store: Store) -> None:
    for name, at in (("s-1", 5.0), ("s-2", 9.25), ("s-3", 5.0)):
        store.append([write_of(SessionId(name), 0, said("x"), store.epoch, at)])
    assert [row.id for row in store.sessions()] == ["s-2", "s-1", "s-3"]
    newer = write_of(SessionId("s-3"), 1, said("y"), store.epoch, 1795255507.123456)
    store.append([replace(newer, row=replace(newer.row, name="other", messages=2))])
    assert [row.id for row in store.sessions()] == ["s-3", "s-2", "s-1"]
    assert store.sessions()[0] == replace(newer.row, name="other", messages=2)


def test_sessions_are_listed_without_the_completed_ones_on_request(store: Store) -> None:
    for name, at in (("s-1", 5.0), ("s-2", 9.25), ("s-3", 7.0)):
        write = write_of(SessionId(name), 0, said("x"), store.epoch, at)
        store.append([replace(write, row=replace(write.row, state=SessionState.COMPLETED)) if name == "s-3" else write])
    assert [row.id for row in store.sessions(open_only=True)] == ["s-2", "s-1"]
    assert store.sessions(open_only=True) == [row for row in store.sessions() if row.id != "s-3"]


def test_every_column_of_a_row_comes_back(store: Store) -> None:
    write = write_of(S, 0, said("a"), store.epoch)
    row = replace(
        write.row,
        state=SessionState.WAITING,
        title="Die Tür zum Hof",
        named_by_hand=True,
        waiting_for="question",
        waiting_since=1795255507.123456,
        unread=3,
        ended=17,
        ending="failed",
        queued=2,
        used_at=1795255501.5,
        muted=True,
        notify="failed=bell",
        first="Warum ist die Tür zu?",
        tags=("api", "zweite-woche"),
        pinned=True,
        archived=True,
        trashed_at=1795255601.25,
        forked_from=SessionId("s-0"),
    )
    plain = write.row
    assert all(getattr(row, name) != getattr(plain, name) for name in ADDED), "a column is not tested"
    store.append([replace(write, row=row)])
    assert list(store.sessions()) == [row]
    store.append([write_of(S, 1, said("b"), store.epoch)])
    assert list(store.sessions()) == [replace(plain, seq=2)]


def test_the_row_of_the_last_write_of_a_batch_holds(store: Store) -> None:
    first, second = (write_of(S, number, said("x"), store.epoch) for number in (0, 1))
    store.append([replace(first, row=replace(first.row, unread=1, queued=1)), replace(second, row=replace(second.row, unread=2))])
    assert (store.sessions()[0].unread, store.sessions()[0].queued) == (2, 0)


def test_threads_are_kept(store: Store) -> None:
    write = write_of(S, 0, said("a", "b", "c"), store.epoch)
    threads = tuple(replace(stamped, thread=number) for stamped, number in zip(write.events, (1, 3, 1), strict=True))
    store.append([replace(write, events=threads)])
    assert tuple(store.read(S)) == threads


@pytest.mark.parametrize("text", ["a\0b", "\0", "\ud800x", "\U0001f469\u200d\U0001f467", "\r\n", "'; DROP TABLE events; --"])
def test_any_text_is_kept_or_visibly_replaced(store: Store, text: str) -> None:
    kept = text.replace("\ud800", "\ufffd")
    project = store.project(Project(ProjectId("p-00000001"), text, f"/{text}", 1.0))
    assert (project.name, project.directory) == (kept, f"/{kept}")
    assert store.project(replace(project, id=ProjectId("p-00000002"), directory=f"/{text}")) == project
    write = write_of(S, 0, (e.UserSaid(text), e.UnknownEvent("Later", text)), store.epoch)
    store.append([replace(write, row=replace(write.row, name=text, directory=text, title=text, notify=text))])
    assert [stamped.event for stamped in store.read(S)] == [e.UserSaid(kept), e.UnknownEvent("Later", kept)]
    row = store.sessions()[0]
    assert (row.name, row.directory, row.title, row.notify) == (kept, kept, kept, kept)
    store.keep_draft(Draft(S, text, 1), 1.0)
    assert list(store.drafts()) == [Draft(S, kept, 1)]
    store.trust(project.id, text, True, 1.0)
    assert store.trusted(project.id) == (kept, True)


def test_a_directory_has_one_project(store: Store) -> None:
    same = Project(ProjectId("other-00000001"), "other", PROJECT.directory, 9.0)
    assert store.project(same) == PROJECT
    with pytest.raises(StoreError, match="taken"):
        store.project(replace(PROJECT, directory="/elsewhere"))
    older = Project(ProjectId("older-00000001"), "older", "/older", 0.5)
    assert store.project(older) == older
    assert list(store.projects()) == [older, PROJECT]


def test_the_last_answer_about_trust_holds(store: Store) -> None:
    assert store.trusted(PROJECT.id) is None
    store.trust(PROJECT.id, "sha256:1", True, 1.0)
    assert store.trusted(PROJECT.id) == ("sha256:1", True)
    store.trust(PROJECT.id, "sha256:2", False, 2.0)
    assert store.trusted(PROJECT.id) == ("sha256:2", False)
    with pytest.raises(StoreError):
        store.trust(ProjectId("nobody-00000000"), "sha256:1", True, 1.0)
    assert store.trusted(ProjectId("nobody-00000000")) is None


def test_a_draft_is_kept_in_place_of_the_one_before(store: Store) -> None:
    assert list(store.drafts()) == []
    for name in ("s-2", "s-1"):
        store.append([write_of(SessionId(name), 0, said("a"), store.epoch)])
    for draft in (Draft(S, "first", 5), Draft(SessionId("s-2"), "other\n\nlines", 0), Draft(S, "second thoughts", 6)):
        store.keep_draft(draft, 2.0)
    assert list(store.drafts()) == [Draft(S, "second thoughts", 6), Draft(SessionId("s-2"), "other\n\nlines", 0)]
    assert {row.id: row.draft for row in store.sessions()} == {"s-1": True, "s-2": True}


def test_an_empty_draft_forgets_it(store: Store) -> None:
    store.append([write_of(S, 0, said("a"), store.epoch)])
    store.keep_draft(Draft(S, "typed", 5), 1.0)
    store.keep_draft(Draft(S, "", 0), 2.0)
    store.keep_draft(Draft(S, "", 0), 3.0)
    assert (list(store.drafts()), store.sessions()[0].draft) == ([], False)
    store.keep_draft(Draft(S, " ", 0), 4.0)
    assert (list(store.drafts()), store.sessions()[0].draft) == ([Draft(S, " ", 0)], True)


def test_a_draft_and_the_events_of_its_session_do_not_touch_each_other(store: Store) -> None:
    store.append([write_of(S, 0, said("a"), store.epoch)])
    store.keep_draft(Draft(S, "typed", 2), 1.0)
    claims_none = write_of(S, 1, said("b"), store.epoch)
    assert not claims_none.row.draft
    store.append([claims_none])
    assert list(store.drafts()) == [Draft(S, "typed", 2)]
    assert store.sessions()[0].draft
    store.keep_draft(Draft(S, "", 0), 1.0)
    claims_one = write_of(S, 2, said("c"), store.epoch)
    store.append([replace(claims_one, row=replace(claims_one.row, draft=True))])
    assert not store.sessions()[0].draft
    assert len(store.read(S)) == 3


def test_a_draft_belongs_to_a_stored_session(store: Store) -> None:
    with pytest.raises(StoreError):
        store.keep_draft(Draft(S, "typed", 5), 1.0)
    store.keep_draft(Draft(S, "", 0), 1.0)
    assert list(store.drafts()) == []
    store.append([write_of(S, 0, said("a"), store.epoch)])
    assert not store.sessions()[0].draft


def test_a_long_draft_is_kept_whole(store: Store) -> None:
    store.append([write_of(S, 0, said("a"), store.epoch)])
    draft = Draft(S, "x" * 5_000_000, 5_000_000)
    store.keep_draft(draft, 1.0)
    assert list(store.drafts()) == [draft]


def test_a_lease_has_one_holder(store: Store) -> None:
    assert store.claim(S, "a")
    assert store.claim(S, "a")
    assert not store.claim(S, "b")
    assert store.renew(S, "a")
    assert not store.renew(S, "b")
    store.release(S, "b")
    assert not store.claim(S, "b")
    assert store.claim(SessionId("s-2"), "b")
    store.release(S, "a")
    store.release(S, "a")
    assert not store.renew(S, "a")
    assert store.claim(S, "b")


def test_a_closed_store_says_so(store: Store) -> None:
    store.append([write_of(S, 0, said("a"), store.epoch)])
    store.close()
    store.close()
    store.tidy()
    for call in (
        lambda: store.append([write_of(S, 1, said("b"), 1)]),
        lambda: store.read(S),
        store.sessions,
        store.projects,
        lambda: store.project(PROJECT),
        lambda: store.trusted(PROJECT.id),
        lambda: store.trust(PROJECT.id, "", True, 1.0),
        store.drafts,
        lambda: store.keep_draft(Draft(S, "typed", 5), 1.0),
        lambda: store.keep_draft(Draft(S, "", 0), 1.0),
    ):
        with pytest.raises(StoreError, match="closed"):
            call()


def test_a_whole_conversation_comes_back(store: Store) -> None:
    author = Author(store)
    for number in range(3):
        author.turn(number)
    assert list(store.read(author.session.id)) == author.events
    assert Author(store).session == author.session
