"""plait's own JSON, there and back: what a model is sent is the same, and nothing in the file can do anything."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from plait.core import events as e
from plait.core.history import CUT_OFF, provider_view
from plait.core.messages import AssistantMessage, CallId, Message, ProjectId, SessionId, ToolCall, ToolMessage, ToolResult, Turn
from plait.core.ports import Project
from plait.core.session import Session, SessionState
from plait.exchange.document import Kept, to_json
from plait.exchange.imports.formats import HEAD, format_of
from plait.exchange.imports.found import Conversation
from plait.exchange.imports.history import new_session
from plait.exchange.imports.plait import ANEW, CUT_THOUGHT, UNASKED
from tests.core.histories import Player, steps
from tests.exchange.imports.reading import read_bytes

PROJECT = Project(ProjectId("cache-1"), "cache", "/nowhere/cache", 1.7e9)


def document(*lives: Player, redacted: bool = False) -> bytes:
    kept = [Kept(player.session.id, PROJECT, tuple(player.durable)) for player in lives]
    return to_json(kept, program="0", at=1.7e9, redacted=redacted).encode()


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


@settings(max_examples=200)
@given(steps(60))
def test_a_model_is_sent_the_same_after_export_and_import(choices: list[Any]) -> None:
    player = life(choices)
    (one,), left = read_bytes(document(player), "plait")
    assert not left
    session = imported(one)
    assert session.state is SessionState.COMPLETED
    assert not session.settings
    assert plain(provider_view(session.conversation)) == plain(provider_view(player.session.conversation))
    assert (one.id, one.title, one.directory) == ("s-1", player.session.title, "/nowhere/cache")


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
    counts = set()
    for cut in range(len(data) - 1):
        found, left = read_bytes(data[:cut], "plait")
        assert found == whole[: len(found)]
        assert any(one.loss for one in left)
        counts.add(len(found))
    assert counts == {0, 1, 2}
    broken = data.replace(b'"type": "ToolStarted"', b'"type": "Unheard"', 1)
    found, left = read_bytes(broken, "plait")
    assert [len(one.said) for one in found] == [5, 5]
    assert [(one.count, one.loss) for one in left] == [(1, True)]


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
    first, again = Turn(2), Turn(6)
    player.play(e.UserSaid("why?"), e.TurnStarted(first), e.AssistantSaid(first, AssistantMessage("wrong"), "end"))
    player.play(e.TurnEnded(first, "done", seen=True), e.RetryAsked(), e.TurnStarted(again), e.UserSaid("later"))
    player.play(
        e.AssistantSaid(again, AssistantMessage("right, but", "hm"), "other", complete=False), e.TurnEnded(again, "failed", seen=True)
    )
    (one,), left = read_bytes(document(player), "plait")
    session = imported(one)
    assert not left
    assert provider_view(session.conversation) == provider_view(player.session.conversation)
    assert [(said.role, said.text) for said in one.said] == [
        ("user", "why?"),
        ("note", f"{ANEW}\nwrong"),
        ("note", f"{CUT_THOUGHT}\nhm"),
        ("assistant", f"right, but{CUT_OFF}"),
        ("note", f"{UNASKED}\nlater"),
    ]
