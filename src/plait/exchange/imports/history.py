"""What was said elsewhere -> the events of a session, in an order that the session and every provider accept.

Rules:
1. Every call gets its one result: the other program's, or that the outcome is unknown; only a session of plait's is left as it is, which
   tells so by itself. A call's id is unique in its session.
2. What does not fit (an answer before any question, a result of no call) is put right, and the session notes what was done. What was
   retried, shortened and taken back in a session of plait's is so again.
3. Times never go back: an earlier one, or none, becomes that of the event before it. The order is that of the file.
4. A session ends completed and seen, with nothing open. Nothing here can grant anything: there is no event for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from plait.core import events as e
from plait.core.branching import count_messages, rewound, start_of
from plait.core.codec import cleaned
from plait.core.filing import Filing
from plait.core.history import UNKNOWN_OUTCOME
from plait.core.messages import AssistantMessage, CallId, StopReason, ToolCall, ToolResult, Turn
from plait.core.session import Session, SessionState
from plait.exchange.imports.found import OWN, Conversation, Said, versions

TITLE = 200
"""Characters of a title at most."""
SYSTEM = "What the other program told its model; it is kept for you to read, and has no effect here:"
LATE = "The result of a tool call came when its turn was over already:"
BEGINS = "What is imported here begins with an answer: the message before it is not in the file."


def conversation_version(conversation: Conversation) -> str:
    """The version of all of it."""
    *_, last = versions(conversation.said)
    return last


def new_session(
    session: Session, opened: e.SessionOpened, conversation: Conversation, *, now: float = 0.0, note: str = ""
) -> list[e.Stamped]:
    """The events of a conversation that is not here yet, all of them; `session` is a fresh one, and takes them. `note` comes first.

    A conversation without any times gets `now`.
    """
    first = next((one.at for one in conversation.said if one.at is not None), None)
    starts = [at for at in (conversation.created, first) if at is not None]
    recording = _Recording(session, min(starts, default=now), own=conversation.source == OWN)
    recording.add(opened)
    if note:
        recording.add(e.Noted(note))
    recording.tell(conversation.said)
    recording.file(conversation.filing)
    recording.end(conversation)
    return recording.events


def can_grow(conversation: Conversation, after: int) -> bool:
    """Whether what was said after the first `after` messages can be appended: it must not go back to them, or shorten them."""
    return not any(one.role in ("summary", "rewound") for one in conversation.said[after:])


def grown_session(session: Session, conversation: Conversation, after: int) -> list[e.Stamped]:
    """The events that append what was said after the first `after` messages; `session` is the one that holds those."""
    recording = _Recording(session, session.last_at, own=conversation.source == OWN)
    was_completed = session.state is SessionState.COMPLETED
    if was_completed:
        recording.add(e.Reopened())
    recording.tell(conversation.said[after:])
    recording.end(conversation, close=was_completed)
    return recording.events


class _Recording:
    """Makes events and lets the session take them, so that an illegal one cannot come about."""

    def __init__(self, session: Session, at: float, *, own: bool) -> None:
        self.events: list[e.Stamped] = []
        self._session, self._own = session, own
        self._at = at
        self._turn: Turn | None = None
        self._answered = False
        self._turns: dict[int, Turn] = {}
        """By the place of the message that each began with."""
        self._renamed: dict[CallId, ToolCall] = {}
        """The calls of the last answer, by the ids that they had."""
        self._told_at: dict[int, int] = {}
        """The number of the event that tells the model what was said at each place."""
        self._used = {call.id for one in session.conversation if isinstance(one.event, e.AssistantSaid) for call in one.event.message.calls}

    def add(self, event: e.Durable, at: float | None = None) -> Turn:
        """One event; its number, should it begin a turn."""
        self._at = max(self._at, at or 0.0)
        stamped = e.Stamped(self._session.id, self._session.seq + 1, self._at, cleaned(event))
        self._session.apply(stamped)
        self.events.append(stamped)
        return Turn(self._session.seq)

    def tell(self, said: Sequence[Said]) -> None:
        """Everything that was said."""
        results, late = ({}, {}) if self._own else _matched(said)
        for place, one in enumerate(said):
            match one.role:
                case "user":
                    self._end_turn()
                    self._turns[place] = self._begin_turn(one)
                    self._told_at[place] = self._session.seq
                case "retry":
                    self._retry(one)
                case "summary":
                    self._compact(one)
                case "rewound":
                    self._rewind(one)
                case "assistant":
                    self._answer(one, place, results)
                case "system":
                    self.add(e.Noted(f"{SYSTEM}\n{one.text}"), one.at)
                case "note":
                    self.add(e.Noted(one.text), one.at)
                case "tool":
                    if self._own:
                        self._return(one, place)
                    if one.text.strip():
                        self.add(e.Noted(one.text), one.at)
            for result in late.get(place, ()):
                self.add(e.Noted(f"{LATE}\n{result.name}: {result.content}"), one.at)

    def end(self, conversation: Conversation, *, close: bool = True) -> None:
        """Where it came from, and that it is completed."""
        self._end_turn()
        title = " ".join(conversation.title.split())[:TITLE]
        if title and title != self._session.title:
            self.add(e.Titled(title))
        self.add(e.Imported(conversation.source, conversation.id, conversation_version(conversation)))
        if close:
            self.add(e.Closed())

    def _begin_turn(self, said: Said) -> Turn:
        turn = self._turn = self.add(e.UserSaid(said.text, said.attachments), said.at)
        self.add(e.TurnStarted(turn), said.at)
        self._answered = False
        return turn

    def _end_turn(self) -> None:
        if self._turn is not None:
            self.add(e.TurnEnded(self._turn, "done" if self._answered else "interrupted", seen=True))
            self._turn = None

    def file(self, filing: Filing) -> None:
        """Where it lay."""
        if filing.tags:
            self.add(e.Tagged(filing.tags))
        if filing.pinned:
            self.add(e.Pinned(True))
        if filing.archived:
            self.add(e.Archived(True))

    def _retry(self, said: Said) -> None:
        self._end_turn()
        turn = self._turn = self.add(e.RetryAsked(), said.at)
        self.add(e.TurnStarted(turn), said.at)
        self._answered = False

    def _compact(self, said: Said) -> None:
        if said.compacted is None:
            return
        if said.compacted.asked or self._turn is None:
            self._end_turn()
            self._turn = self.add(e.CompactionAsked(said.text), said.at)
            self.add(e.TurnStarted(self._turn), said.at)
        upto = max((seq for place, seq in self._told_at.items() if place < said.place), default=0)
        self.add(replace(said.compacted, turn=self._turn, upto=upto, cost=None), said.at)
        self._answered = True

    def _rewind(self, said: Said) -> None:
        """Nothing happens where the message is taken back already."""
        self._end_turn()
        turn = self._turns.get(said.place)
        if turn is not None and start_of(self._session.conversation, turn) is not None:
            _, taken = rewound(self._session.conversation, turn)
            self.add(e.Rewound(turn, said.text, count_messages(taken)), said.at)

    def _answer(self, said: Said, place: int, results: dict[tuple[int, int], tuple[ToolResult, int]]) -> None:
        turn = self._turn
        if turn is None:
            self.add(e.Noted(BEGINS), said.at)
            turn = self._begin_turn(Said("user", "", said.at))  # an empty message is sent to no provider
        calls = tuple(ToolCall(self._unique(call.id), call.name, call.arguments) for call in said.calls)
        message = AssistantMessage(said.text, said.thinking, calls)
        stop: StopReason = "other" if not said.complete else "tool_calls" if calls else "end"
        self.add(e.AssistantSaid(turn, message, stop, said.model, said.usage, complete=said.complete), said.at)
        self._told_at[place] = self._session.seq
        self._answered = said.complete
        if self._own or not said.complete:  # a call of an answer that was cut off was never made
            self._renamed = {old.id: new for old, new in zip(said.calls, calls, strict=True)}
            return
        for number, call in enumerate(calls):
            result, told_at = results.get((place, number), (None, place))
            kept = ToolResult(call.id, call.name, UNKNOWN_OUTCOME, "interrupted")
            if result is not None:
                kept = ToolResult(call.id, call.name, result.content, result.outcome)
            self.add(e.ToolStarted(turn, call), said.at)
            self.add(e.ToolReturned(turn, kept), said.at)
            if result is not None:
                self._told_at[told_at] = self._session.seq

    def _return(self, said: Said, place: int) -> None:
        """Results where they came, as a summary may stand between a call and its own."""
        for result in said.results:
            call = self._renamed.pop(result.call, None)
            if self._turn is None or call is None or call.id not in self._session.asked_calls:
                self.add(e.Noted(f"{LATE}\n{result.name}: {result.content}"), said.at)
                continue
            self.add(e.ToolStarted(self._turn, call), said.at)
            self.add(e.ToolReturned(self._turn, replace(result, call=call.id)), said.at)
            self._told_at[place] = self._session.seq

    def _unique(self, name: CallId) -> CallId:
        found = name
        if not name or name in self._used:
            found = next(one for number in count(2) if (one := CallId(f"{name or 'call'}-{number}")) not in self._used)
        self._used.add(found)
        return found


def _matched(said: Sequence[Said]) -> tuple[dict[tuple[int, int], tuple[ToolResult, int]], dict[int, list[ToolResult]]]:
    """The result of each call with its place, by the place of the call's message and its own; the results of no call, by their place."""
    waiting: dict[CallId, tuple[int, int]] = {}
    found: dict[tuple[int, int], tuple[ToolResult, int]] = {}
    late: dict[int, list[ToolResult]] = {}
    for place, one in enumerate(said):
        for number, call in enumerate(one.calls if one.complete else ()):
            waiting[call.id or CallId(f"\0{place}.{number}")] = (place, number)
        for result in one.results:
            name = result.call if result.call in waiting else next(iter(waiting), None) if not result.call else None
            if name is None:
                late.setdefault(place, []).append(result)
            else:
                found[waiting.pop(name)] = (result, place)
    return found, late
