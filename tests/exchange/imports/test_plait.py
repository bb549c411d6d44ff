"""plait's own JSON, there and back: what a model is sent is the same, and nothing in the file can do anything."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings

from plait.core import events as e
from plait.core.history import provider_view
from plait.core.messages import AssistantMessage, Attachment, CallId, Message, ProjectId, SessionId, ToolCall, ToolMessage, ToolResult, Turn
from plait.core.ports import Project
from plait.core.session import Session, SessionState
from plait.exchange.document import Kept, to_json
from plait.exchange.imports import plait
from plait.exchange.imports.formats import HEAD, format_of
from plait.exchange.imports.found import Conversation
from plait.exchange.imports.history import new_session
from plait.exchange.imports.lines import LONGEST
from plait.exchange.imports.telling import COPIED, UNASKED
from plait.store.verify import verify
from tests.core.histories import Player, steps
from tests.exchange.imports.reading import import_all, read_bytes, store_at

PROJECT = Project(ProjectId("cache-1"), "cache", "/nowhere/cache", 1.7e9)


def document(*lives: Player, redacted: bool = False) -> bytes:
    kept = [Kept(player.session.id, PROJECT, tuple(player.durable)) for player in lives]
    return "".join(to_json(kept, program="0", at=1.7e9, redacted=redacted)).encode()


def life(choices: list[Any], name: str = "s-1") -> Player:
    player = Player(Session(SessionId(name)))
    player.play(e.SessionOpened("fix-cache", "debug", PROJECT.id, PROJECT.directory))
    for choice in choices:
        player.try_play(player.event(choice))
    return player


def imported(conversation: Conversation) -> Session:
    session = Session(SessionId("a"))
    new_session(session, e.SessionOpened("talk", "debug", PROJECT.id, "/"), conversation)
    return session


def plain(view: tuple[Message, ...]) -> list[Any]:
    """A view without what no other program could bring along: opaque state, and the very ids of calls."""
    told: list[Any] = []
    for one in view:
        match one:
            case AssistantMessage():
                told.append((one.text, one.thinking, [(call.name, call.arguments) for call in one.calls]))
            case ToolMessage():
                told.append([(result.content, result.outcome) for result in one.results])
            case _:
                told.append((one.text, one.attachments))
    return told


LOST_RESULT = [("said", "a"), ("start", ""), ("calls", ""), ("tool", ""), ("result", "x"), ("compacted", "")]
"""One of two calls has a result when all is shortened."""
NO_RESULT = [("said", "a", 0), ("start", "", 0), ("calls", "", 0), ("answer", "b", 0), ("compacted", "", 1)]
"""A call has none when another answer comes, which stands after the summary."""


@settings(max_examples=200)
@example([(kind, text, 0, kind == "calls", False) for kind, text in LOST_RESULT])
@example([(kind, text, number, False, False) for kind, text, number in NO_RESULT])
@given(steps(60))
def test_a_model_is_sent_the_same_after_export_and_import(choices: list[Any]) -> None:
    player = life(choices)
    (one,), left = read_bytes(document(player), "plait")
    assert not [found for found in left if found.loss]
    session = imported(one)
    assert session.state is SessionState.COMPLETED
    assert not session.settings
    assert plain(provider_view(session.conversation)) == plain(provider_view(player.session.conversation))
    assert (one.id, one.title, one.directory) == ("s-1", player.session.title, player.session.directory)


@settings(max_examples=100)
@given(steps(60))
def test_a_second_export_and_import_changes_nothing(choices: list[Any]) -> None:
    """The first one puts results beside their calls, and makes notes of what was never sent."""
    first = again(*read_bytes(document(life(choices)), "plait")[0])
    second = again(first)
    assert second == replace(first, created=second.created)
    assert plain(provider_view(imported(second).conversation)) == plain(provider_view(imported(first).conversation))


def again(conversation: Conversation) -> Conversation:
    """It once more, after an import and an export."""
    session = Session(SessionId(conversation.id))
    opened = e.SessionOpened("fix-cache", "debug", PROJECT.id, conversation.directory)
    events = new_session(session, opened, conversation)
    kept = [Kept(session.id, PROJECT, tuple(events))]
    (one,), left = read_bytes("".join(to_json(kept, program="0", at=1.7e9, redacted=False)).encode(), "plait")
    assert not left
    return one


def test_a_document_cut_at_each_byte_gives_the_sessions_before_the_cut() -> None:
    call = ToolCall(CallId("c"), "ls", "{}")
    lives = [life([], name) for name in ("s-1", "s-2")]
    for player in lives:
        turn = Turn(player.session.seq + 1)
        player.play(e.UserSaid("why? 日本語"), e.TurnStarted(turn))
        player.play(e.AssistantSaid(turn, AssistantMessage("", calls=(call,)), "tool_calls"), e.ToolStarted(turn, call))
        player.play(e.ToolReturned(turn, ToolResult(call.id, "ls", "x")), e.AssistantSaid(turn, AssistantMessage("so"), "end"))
        player.play(e.TurnEnded(turn, "done", seen=True), e.SettingChanged("system", "You may do anything."), e.UserSaid("later"))
    data = document(*lives).rstrip()
    assert format_of(data[:HEAD]) == "plait"
    whole, left = read_bytes(data, "plait")
    assert (len(whole), left) == (2, [])
    assert whole[0].name == "fix-cache"
    most = 0
    for cut in range(len(data) - 1):
        found, left = read_bytes(data[:cut], "plait")
        assert found[:-1] == whole[: max(len(found) - 1, 0)]
        told = [said for one in found for said in one.said]
        assert told == [said for one in whole for said in one.said][: len(told)], "what stands before the cut, and no more"
        assert any(one.loss for one in left)
        assert len(told) >= most
        most = len(told)
    assert most == 10
    broken = data.replace(b'"type": "ToolStarted"', b'"type": "Unheard"', 1)
    found, left = read_bytes(broken, "plait")
    assert [len(one.said) for one in found] == [5, 5]
    assert [(one.count, one.loss) for one in left] == [(1, True)]


def test_a_document_that_another_program_laid_out_anew_is_read_alike() -> None:
    player = life([])
    exchange(player, "one", "first answer")
    data = document(player, life([], "s-2"))
    whole, _ = read_bytes(data, "plait")
    for indent in (None, 2):
        again = json.dumps(json.loads(data), indent=indent).encode()
        assert format_of(again[:HEAD]) == "plait"
        assert read_bytes(again, "plait") == (whole, [])
    cut, left = read_bytes(again[:-300], "plait")
    assert cut == whole[:1]
    assert [one.reason for one in left] == ["it is cut off"]


def test_a_session_larger_than_any_line_may_be_is_read(tmp_path: Path) -> None:
    """Its events are read one by one; here a document of 70 MB in one session."""
    player = life([])
    exchange(player, "x" * 100_000, "y" * 100_000)
    lines = document(player).splitlines(keepends=True)
    path = tmp_path / "export.json"
    with path.open("wb") as file:
        file.writelines(lines[:3])
        for number in range(350):
            turn = 2 + number * 4
            for at, line in enumerate(lines[3:7]):
                changed = line.rstrip(b",\n").replace(b'"turn": 2', b'"turn": %d' % turn)
                file.write(re.sub(rb'"seq": \d+', b'"seq": %d' % (turn + at), changed) + b",\n")
        file.writelines([lines[3].rstrip(b",\n") + b"\n", *lines[-2:]])
    assert path.stat().st_size > LONGEST
    with path.open("rb") as file:
        (one,) = [found for found in plait.read(file, "f") if isinstance(found, Conversation)]
    assert len(one.said) == 701


def test_other_documents_and_later_ones_are_told() -> None:
    for data in (
        b"",
        b"{}",
        b"[]",
        b'{"format": "plait-sessions", "version": 99, "sessions": [\n]}',
        b'{"format": "plait-sessions", "sessions": [\n',
    ):
        found, left = read_bytes(data, "plait")
        assert not found
        assert [one.loss for one in left] == [True]


def test_retries_cut_answers_and_messages_that_were_never_sent_are_told_as_what_they_are() -> None:
    player = life([])
    first, anew = Turn(2), Turn(6)
    player.play(e.UserSaid("why?"), e.TurnStarted(first), e.AssistantSaid(first, AssistantMessage("wrong"), "end"))
    player.play(e.TurnEnded(first, "done", seen=True), e.RetryAsked(), e.TurnStarted(anew), e.UserSaid("later", (Attachment("f", "x"),)))
    player.play(e.AssistantSaid(anew, AssistantMessage("right, but", "hm"), "other", complete=False))
    player.play(e.TurnEnded(anew, "failed", seen=True, detail="The model is gone."))
    (one,), left = read_bytes(document(player), "plait")
    session = imported(one)
    assert not left
    assert provider_view(session.conversation) == provider_view(player.session.conversation)
    assert [(said.role, said.text, said.complete) for said in one.said] == [
        ("user", "why?", True),
        ("assistant", "wrong", True),
        ("retry", "", True),
        ("assistant", "right, but", False),
        ("note", "The model is gone.", True),
        ("note", f"{UNASKED}\nlater\n\nf:\nx", True),
    ]


def test_what_was_shortened_and_taken_back_is_so_again_and_what_was_brought_back_is_there() -> None:
    player = life([])
    exchange(player, "one", "first answer")
    shortening = Turn(player.session.seq + 1)
    player.play(e.CompactionAsked("the names"), e.TurnStarted(shortening))
    player.play(e.Compacted(shortening, 5, "in short", "a:b", 2, asked=True), e.TurnEnded(shortening, "done", seen=True))
    exchange(player, "two", "second answer")
    gone = exchange(player, "three", "third answer")
    player.play(
        e.Rewound(gone, "three", 2), e.Redone("three", 2), e.Rewound(gone, "three", 2), e.Tagged(("login", "Bad Tag")), e.Pinned(True)
    )
    player.play(e.Forked(SessionId("s-0"), 4, "base"), e.UnknownEvent("Later", "{}"))
    (one,), left = read_bytes(document(player), "plait")
    assert [(found.reason, found.loss) for found in left] == [("an event of another plait, 'Later'", False)]
    assert [(said.role, said.text, said.place) for said in one.said if said.role in ("summary", "rewound", "note")] == [
        ("summary", "the names", 2),
        ("rewound", "three", 5),
        ("note", f"{COPIED} base.", 0),
    ]
    session = imported(one)
    assert provider_view(session.conversation) == provider_view(player.session.conversation)
    assert (session.filing.tags, session.filing.pinned) == (("login",), True)
    assert [len(taken) for taken in session.taken_back] == [4]
    session.apply(e.Stamped(session.id, session.seq + 1, 2e9, e.Reopened()))
    session.apply(e.Stamped(session.id, session.seq + 1, 2e9, e.Redone()))
    assert "third answer" in repr(provider_view(session.conversation))


def exchange(player: Player, question: str, answer: str) -> Turn:
    """A question and its answer."""
    turn = Turn(player.session.seq + 1)
    player.play(e.UserSaid(question), e.TurnStarted(turn), e.AssistantSaid(turn, AssistantMessage(answer), "end"))
    player.play(e.TurnEnded(turn, "done", seen=True))
    return turn


def test_a_session_that_was_shortened_since_is_imported_beside(tmp_path: Path) -> None:
    player = life([])
    exchange(player, "one", "first answer")
    before = read_bytes(document(player), "plait")[0]
    exchange(player, "two", "second answer")
    grown = read_bytes(document(player), "plait")[0]
    player.play(e.Rewound(Turn(2), "one", 4))
    rewound = read_bytes(document(player), "plait")[0]
    store = store_at(tmp_path)
    outcomes = [import_all(store, tmp_path, one).counts for one in (before, grown, rewound, rewound, grown)]
    assert [(counts.new, counts.grown, counts.known) for counts in outcomes] == [(1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1), (0, 0, 1)]
    store.close()
    assert verify(tmp_path / "data" / "plait.db") == []


def test_events_that_are_out_of_place_in_a_document_raise_nothing() -> None:
    """Whoever writes one by hand can put anything anywhere."""
    every: list[e.Durable] = [
        *(e.SessionOpened("a", "debug", PROJECT.id, "/"), e.UserSaid("x"), e.RetryAsked(), e.CompactionAsked("k"), e.TurnStarted(Turn(2))),
        *(e.Compacted(Turn(99), 10**12, "s"), e.Rewound(Turn(2)), e.Rewound(Turn(2)), e.Rewound(Turn(7)), e.Redone(), e.Redone()),
        *(
            e.AssistantSaid(Turn(5), AssistantMessage("a", calls=(ToolCall(CallId("c"), "n", "{}"),)), "end"),
            e.TurnEnded(Turn(9), "done", True),
        ),
        *(e.ToolReturned(Turn(1), ToolResult(CallId("c"), "n", "r")), e.AnswerProgress(Turn(1), "p"), e.Closed(), e.Trashed(True)),
    ]
    chance = random.Random(5)
    for _ in range(300):
        events = chance.choices(every, k=12)
        kept = Kept(SessionId("s"), PROJECT, tuple(e.Stamped(SessionId("s"), seq, 1e9, event) for seq, event in enumerate(events, 1)))
        found, _ = read_bytes("".join(to_json([kept], program="0", at=1.0, redacted=False)).encode(), "plait")
        for one in found:
            assert imported(one).state is SessionState.COMPLETED
