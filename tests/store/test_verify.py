"""The check after a fault finds what a fault can leave behind; each line here is a mutant that it must catch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from plait.core import events as e
from plait.core.commands import Draft
from plait.core.history import repair
from plait.core.messages import AssistantMessage, CallId, Message, ToolCall, ToolMessage, ToolResult, Turn, UserMessage
from plait.store import engine
from plait.store.sqlite import SqliteStore
from plait.store.verify import history_faults, verify
from tests.store.writing import Author, open_at, write_of
from tests.strategies import of_hint


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound database: one session with two turns, one in the middle of a tool call."""
    path = tmp_path / "data" / "plait.db"
    store = open_at(path)
    author = Author(store)
    author.turn()
    author.turn()
    open_call(store)
    asked(store)
    store.close()
    assert verify(path) == []
    return path


def open_call(store: SqliteStore) -> None:
    author, call = Author(store, "s-2"), ToolCall(CallId("c"), "sum", "{}")
    author.open()
    author.append(e.UserSaid("go"), e.TurnStarted(Turn(2)))
    author.append(e.AssistantSaid(Turn(2), AssistantMessage("", calls=(call,)), "tool_calls"), e.ToolStarted(Turn(2), call))


def asked(store: SqliteStore) -> None:
    """A session that waits, with a question answered and another one asked, half of it seen, a message queued and a draft."""
    author = Author(store, "s-4")
    author.open()
    author.append(e.Renamed("auth-fix", by_hand=True), e.Titled("The way in"), e.KindChanged("debug"), e.SettingChanged("mute", 1))
    turn = Turn(6)
    author.append(e.UserSaid("go"), e.TurnStarted(turn))
    for number in ("c1", "c2"):
        call = ToolCall(CallId(number), "ask_user", "{}")
        author.append(e.AssistantSaid(turn, AssistantMessage("", calls=(call,)), "tool_calls"), e.ToolStarted(turn, call))
        author.append(e.QuestionAsked(turn, call.id, "Which?", ("a", "b")))
        if number == "c1":
            author.append(e.QuestionAnswered(turn, ToolResult(call.id, "ask_user", "a")), e.Seen(author.session.seq))
    author.append(e.UserSaid("and then"))
    store.keep_draft(Draft(author.session.id, "not sent", 2), 1.0)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM events WHERE session = 's-1' AND seq = 4", "stands where event 4 belongs"),
        ("DELETE FROM events WHERE session = 's-1' AND seq = 1", "stands where event 1 belongs"),
        ("DELETE FROM events WHERE session = 's-1' AND seq > 12", "its row says seq"),
        ("DELETE FROM events WHERE session = 's-1' AND type = 'TurnEnded'", "belongs"),
        ("UPDATE sessions SET name = 'other' WHERE id = 's-1'", "its row says name 'other'"),
        ("UPDATE sessions SET state = 'Paused' WHERE id = 's-1'", "its row says state"),
        ("UPDATE sessions SET state = 'Odd' WHERE id = 's-1'", "unknown state 'Odd'"),
        ("UPDATE sessions SET messages = messages - 1", "its row says messages"),
        ("UPDATE sessions SET project = 'nobody' WHERE id = 's-1'", "refers to a row of projects"),
        ("UPDATE sessions SET id = 's-9' WHERE id = 's-1'", "has events, but no row"),
        ("DELETE FROM threads WHERE session = 's-1'", "refers to a row of threads"),
        ("UPDATE events SET data = '{}' WHERE session = 's-1' AND seq = 2", "after event 2"),
        ("UPDATE events SET type = 'Later' WHERE session = 's-1' AND type = 'UserSaid'", "after event"),
        ("UPDATE events SET type = 'Later' WHERE session = 's-1' AND type = 'ToolReturned'", "has no end, and the turn is over"),
        ("UPDATE sessions SET waiting_for = '' WHERE id = 's-4'", "its row says waiting_for ''"),
        ("UPDATE sessions SET waiting_since = 5 WHERE id = 's-4'", "its row says waiting_since 5.0"),
        ("UPDATE sessions SET unread = 9 WHERE id = 's-4'", "its row says unread 9"),
        ("UPDATE sessions SET queued = 0 WHERE id = 's-4'", "its row says queued 0"),
        ("UPDATE sessions SET muted = 0 WHERE id = 's-4'", "its row says muted False"),
        ("UPDATE sessions SET named_by_hand = 0 WHERE id = 's-4'", "its row says named_by_hand False"),
        ("UPDATE sessions SET ended = 0, ending = 'failed' WHERE id = 's-1'", "its row says ending 'failed'"),
        ("DELETE FROM events WHERE session = 's-4' AND type = 'QuestionAnswered'", "belongs"),
        ("UPDATE events SET type = 'Later' WHERE session = 's-4' AND type = 'QuestionAnswered'", "after event"),
        ("UPDATE drafts SET session = 's-9'", "refers to a row of sessions"),
        ("DROP TABLE threads", "refers to a row of threads"),
        ("DROP TABLE sessions", "no such table"),
    ],
)
def test_what_does_not_fit_is_found(path: Path, statement: str, told: str) -> None:
    connection = engine.connect(path, writing=True)
    connection.execute(statement)
    connection.close()
    problems = verify(path)
    assert any(told in problem for problem in problems), problems


def test_a_refused_call_has_an_end_and_no_start(path: Path) -> None:
    store = open_at(path)
    author, call = Author(store, "s-3"), ToolCall(CallId("c"), "sum", "{}")
    author.open()
    author.append(e.UserSaid("go"), e.TurnStarted(Turn(2)), e.AssistantSaid(Turn(2), AssistantMessage("", calls=(call,)), "tool_calls"))
    author.append(e.ToolReturned(Turn(2), ToolResult(call.id, "sum", "No.", "denied")), e.TurnEnded(Turn(2), "done", seen=True))
    store.close()
    assert verify(path) == []


def test_an_answered_question_is_the_end_of_its_call(path: Path) -> None:
    store = open_at(path)
    author = Author(store, "s-2")
    author.append(e.QuestionAsked(Turn(2), CallId("c"), "Which?"), e.QuestionAnswered(Turn(2), ToolResult(CallId("c"), "sum", "1")))
    author.append(e.TurnEnded(Turn(2), "done", seen=False))
    store.close()
    assert verify(path) == []


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([e.TurnStarted(Turn(99))], "after event"),
        ([e.ToolReturned(Turn(2), ToolResult(CallId("c"), "sum", "1"))] * 2, "1 starts and 2 ends"),
        ([e.ToolStarted(Turn(2), ToolCall(CallId("c"), "sum", "{}"))], "2 starts and 0 ends"),
        ([e.TurnEnded(Turn(2), "done", seen=True)], "has no end, and the turn is over"),
        ([e.QuestionAnswered(Turn(2), ToolResult(CallId("c"), "sum", "1"))] * 2, "1 starts and 2 ends"),
        (
            [
                e.ToolReturned(Turn(2), ToolResult(CallId("c"), "sum", "1")),
                e.QuestionAnswered(Turn(2), ToolResult(CallId("c"), "sum", "1")),
            ],
            "1 starts and 2 ends",
        ),
        ([e.Seen(99)], "after event"),
        ([e.Noted("fine in itself")], "its row says"),
    ],
)
def test_events_that_do_not_follow_are_found(path: Path, events: list[e.Event], told: str) -> None:
    """The store folds nothing, so it takes them; the check folds."""
    store = open_at(path)
    author = Author(store, "s-2")
    store.append([write_of(author.session.id, author.session.seq, events, store.epoch)])
    store.close()
    assert any(told in problem for problem in verify(path))


CALL = ToolCall(CallId("c"), "sum", "{}")
ASKS, RESULT = AssistantMessage("", calls=(CALL,)), ToolMessage((ToolResult(CALL.id, "sum", "1"),))
USER, ANSWER = UserMessage("hi"), AssistantMessage("ho")


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ([USER, USER], "two user messages"),
        ([ANSWER], "at the beginning"),
        ([USER, ANSWER, ANSWER], "beside another"),
        ([UserMessage(" ")], "a user message is empty"),
        ([USER, AssistantMessage(" ", "thinking")], "an answer is empty"),
        ([USER, ASKS], "a call has no result"),
        ([USER, ASKS, USER], "a call has no result"),
        ([USER, ASKS, ToolMessage(())], "results do not follow"),
        ([USER, RESULT], "results do not follow"),
        ([USER, ASKS, RESULT, RESULT], "results do not follow"),
        ([USER, ASKS, RESULT, ASKS, RESULT], "used twice"),
        ([USER, AssistantMessage("", calls=(CALL, CALL)), ToolMessage(RESULT.results * 2)], "used twice"),
    ],
)
def test_a_history_that_a_provider_refuses_is_found_and_repaired(view: list[Message], told: str) -> None:
    assert any(told in fault for fault in history_faults(view))
    assert list(history_faults(repair(view))) == []


@given(st.lists(of_hint(Message), max_size=8))
def test_a_repaired_history_has_no_fault(view: list[Message]) -> None:
    assert list(history_faults(repair(view))) == []


def spoil_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(5 * 4096 + 100)
        file.write(b"\xff" * (path.stat().st_size - 6 * 4096))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.chmod(0o644), "has mode 0644 instead of 0600"),
        (lambda path: path.parent.chmod(0o755), "has mode 0755 instead of 0700"),
        (lambda path: path.unlink(), "There is no database"),
        (lambda path: path.write_bytes(b"nonsense" * 600), "not a database"),
        (spoil_pages, ""),
    ],
)
def test_spoiled_files_are_found(path: Path, spoil: Callable[[Path], None], told: str) -> None:
    spoil(path)
    assert any(told in problem for problem in verify(path))


def test_it_may_run_beside_the_owner(path: Path) -> None:
    store = open_at(path)
    Author(store).turn()
    assert verify(path) == []
    Author(store).turn()
    store.close()
    assert verify(path) == []


def test_it_sees_one_moment_while_the_owner_writes(path: Path) -> None:
    store = open_at(path)
    author, over = Author(store), threading.Event()
    for number in range(20):  # read before that of the author, which grows meanwhile
        other = Author(store, f"other-{number}")
        for _ in range(20):
            other.turn()

    def write() -> None:
        while not over.is_set():
            author.turn()

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        found = [verify(path) for _ in range(20)]
        over.set()
        writing.result()
    store.close()
    assert found == [[]] * 20


def test_an_index_that_does_not_fit_its_events_is_found(tmp_path: Path) -> None:
    path = tmp_path / "data" / "plait.db"
    store = open_at(path)
    Author(store).turn()
    assert not store.index()
    store.close()
    assert verify(path) == []
    database = engine.connect(path, writing=True)
    database.execute("UPDATE search_marks SET upto = upto + 1")
    database.execute("DELETE FROM search_documents WHERE id = 1")
    database.close()
    first, second = verify(path)
    assert "ahead of session 's-1'" in first
    assert "the words of 5 documents, and knows 4" in second
