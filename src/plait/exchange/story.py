"""A session's conversation as items in the order in which they were meant, for documents: who, when, what. Pure but for the time zone.

Rules:
1. A message stands where its turn started, as on the screen; one that never ran stands where it was taken out of the queue.
2. Nothing that was said is left out: thinking, calls, results, questions, failures, and an answer that is not finished. What was taken
   back stays where it was said, and is marked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from plait.core import events as e
from plait.core.branching import taken_back, turn_of
from plait.core.commands import SessionInfo
from plait.core.context import compacted_words
from plait.core.counting import counted
from plait.core.messages import Turn

Role: TypeAlias = Literal["user", "assistant", "tool", "question", "note"]
Shape: TypeAlias = Literal["prose", "thinking", "code", "note"]

TAKEN_BACK = "taken back"
"""What stands beside an item that the model is not told of any more."""
_ENDINGS = {"failed": "The turn failed", "interrupted": "The turn was interrupted", "limit": "The turn stopped at its limit"}
_STATES = {e.Paused: "Paused", e.Unpaused: "Unpaused", e.Closed: "Closed", e.Reopened: "Reopened"}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an item: `prose` is Markdown as it was written, `code` is shown as it is, `note` is a sentence of plait's own."""

    shape: Shape
    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that was said or happened; `at` is in seconds since 1970."""

    role: Role
    title: str
    at: float
    parts: tuple[Part, ...] = ()
    taken_back: bool = False
    """The model is not told of it any more."""


@dataclass(frozen=True, slots=True)
class Story:
    """A whole session: its name, what is known of it, and its items in order."""

    name: str
    facts: tuple[tuple[str, str], ...]
    items: tuple[Item, ...]


def story_of(row: SessionInfo, events: Sequence[e.Stamped]) -> Story:
    """The story of a session with these durable events."""
    facts = (
        ("title", row.title),
        ("session", row.id),
        ("type", row.kind),
        ("state", row.state.value),
        ("project", row.project),
        ("directory", row.directory),
        ("tags", ", ".join(row.tags)),
        ("filed", ", ".join(word for word, is_so in _filed(row) if is_so)),
        ("opened", when(row.created_at)),
        ("last", when(row.last_at)),
        ("messages", f"{row.messages:,}"),
    )
    gone = taken_back(events)
    told = ((stamped, item) for stamped in in_order(events) if (item := _item(stamped)) is not None)
    items = [replace(item, taken_back=turn_of(stamped) in gone) for stamped, item in told]
    return Story(row.name, tuple(fact for fact in facts if fact[1]), (*items, *_unfinished(events)))


def _filed(row: SessionInfo) -> tuple[tuple[str, bool], ...]:
    return ("pinned", row.pinned), ("archived", row.archived), ("in the trash", bool(row.trashed_at))


def when(at: float) -> str:
    """A moment in the user's time zone, as 2026-01-31 10:30:00 +0100."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(at))
    except (OverflowError, ValueError, OSError):
        return "at an unknown time"  # a clock can be set to anything


def in_order(events: Sequence[e.Stamped]) -> list[e.Stamped]:
    """Events in the order of the conversation: a message moves to the start of its turn, or to its end if it never started.

    Where it was given up while another turn ran, it stands behind that one, or that one's answer would seem to be its own.
    """
    waiting: dict[Turn, e.Stamped] = {}
    told: list[e.Stamped] = []
    running = Turn(0)
    given_up: list[tuple[e.Stamped, e.Stamped]] = []
    for stamped in events:
        match stamped.event:
            case e.UserSaid():
                waiting[Turn(stamped.seq or 0)] = stamped
            case e.TurnStarted(turn=turn):
                told += [waiting.pop(turn)] if turn in waiting else []
                running = turn
            case e.TurnEnded(turn=turn, detail=detail) as ended if turn in waiting:
                ended = replace(ended, detail=detail or "Not sent any more.")
                given_up.append((waiting.pop(turn), replace(stamped, event=ended)))
            case e.TurnEnded(turn=turn):
                told.append(stamped)
                running = Turn(0)
            case _:
                told.append(stamped)
        if not running:
            told += _by_age(given_up)
            given_up = []
    return [*told, *_by_age(given_up), *waiting.values()]


def _by_age(given_up: Sequence[tuple[e.Stamped, e.Stamped]]) -> list[e.Stamped]:
    """Messages that were given up, each with its end; they end the last one first."""
    return [stamped for pair in sorted(given_up, key=lambda pair: pair[0].seq or 0) for stamped in pair]


def _item(stamped: e.Stamped) -> Item | None:
    at = stamped.at
    match stamped.event:
        case e.UserSaid(text=text, attachments=attachments):
            files = [Part("code", one.text, f"File {one.path}") for one in attachments]
            return Item("user", "You", at, (Part("prose", text), *files))
        case e.AssistantSaid() as said:
            return Item("assistant", f"Assistant ({said.model})" if said.model else "Assistant", at, _answer(said))
        case e.ToolReturned(result=result):
            return Item("tool", f"Result of {result.name}: {result.outcome}", at, (Part("code", result.content),))
        case e.QuestionAsked(question=question, choices=choices):
            return Item("question", "Question to you", at, (Part("prose", question), *(Part("note", one, "choice") for one in choices)))
        case e.QuestionAnswered(result=result):
            return Item("user", "Your answer", at, (Part("prose", result.content),))
        case e.Compacted() as shorter:
            return Item("note", compacted_words(shorter).capitalize(), at, (Part("code", shorter.summary, "Summary"),))
        case _:
            text = _note(stamped.event)
            return Item("note", text, at) if text else None


def _answer(said: e.AssistantSaid) -> tuple[Part, ...]:
    message = said.message
    parts = [Part("thinking", message.thinking)] if message.thinking.strip() else []
    parts += [Part("prose", message.text)] if message.text.strip() else []
    parts += [Part("code", call.arguments, f"Call of {call.name}") for call in message.calls]
    return (*parts, *((Part("note", "This answer was cut off."),) if not said.complete else ()))


def _note(event: e.Event) -> str:
    """What else happened, as a sentence without its full stop; empty for what is no part of the conversation."""
    match event:
        case e.TurnEnded(ending=ending, detail=detail) if ending in _ENDINGS:
            return f"{_ENDINGS[ending]}: {detail}" if detail else _ENDINGS[ending]
        case e.Noted(text=text):
            return text
        case e.Renamed(name=name):
            return f"Renamed to {name}"
        case e.Titled(title=title):
            return f"Title: {title}"
        case e.RetryAsked():
            return "Asked once more"
        case e.CompactionAsked(keep=keep):
            return f"Asked for a summary that keeps: {keep}" if keep else "Asked for a summary"
        case e.Rewound(text=text, messages=messages, replaced=replaced):
            return f"{'Edited' if replaced else 'Went back to before'}: {text} ({counted(messages, 'message')} taken back)"
        case e.Redone(text=text, messages=messages):
            return f"Brought back: {text} ({counted(messages, 'message')})"
        case e.DirectoryChanged(directory=directory):
            return f"Went on in {directory}"
        case e.Forked(name=name):
            return f"What stands before this was copied from the session {name}"
        case e.Imported(source=source):
            return f"What stands before this was imported from {source}"
        case e.UnknownEvent(name=name):
            return f"Something that another version of plait wrote: {name}"
    return _STATES.get(type(event), "")


def _unfinished(events: Sequence[e.Stamped]) -> Sequence[Item]:
    """What is on disk of an answer that is being written."""
    parts: list[str] = []
    thinking: list[str] = []
    at = 0.0
    for stamped in reversed(events):
        match stamped.event:
            case e.AnswerProgress(text=text, thinking=thought):
                parts.append(text)
                thinking.append(thought)
                at = at or stamped.at
            case e.AssistantSaid() | e.TurnEnded() | e.TurnStarted():
                break
    text, thought = "".join(reversed(parts)), "".join(reversed(thinking))
    shown = [Part("thinking", thought)] if thought.strip() else []
    shown += [Part("prose", text)] if text.strip() else []
    return [Item("assistant", "Assistant", at, (*shown, Part("note", "This answer is not finished.")))] if shown else []
