"""What a session has said and nobody has seen, as far as its output buffer reaches: pure.

Rules:
1. Whole events, oldest first, each once; what front ends have shown (`Session.mark`) is not among them.
2. The buffer has a capacity in events and in bytes. What does not fit is left out from the oldest on, and counted exactly: it is only in
   the history.
3. An event larger than the whole buffer is cut, with a mark that says how much is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from plait.core import events as e
from plait.core.commands import News
from plait.core.session import Session


def unseen(session: Session, upto: int, capacity: int, capacity_bytes: int, weight: Callable[[e.Stamped], int]) -> News:
    """The news of `session` up to its event `upto`: at most `capacity` events, which weigh `capacity_bytes` together at the most."""
    fresh = _after(session.conversation, session.mark.upto, upto)
    kept, skipped = _newest(fresh, capacity, capacity_bytes, weight)
    answers = [stamped.seq for stamped in fresh if isinstance(stamped.event, e.AssistantSaid)]
    partly = answers[0] if answers else None
    shown = 0 if any(stamped.seq == partly for stamped in skipped) else session.mark.shown
    lines = sum(_lines(stamped, shown if stamped.seq == partly else 0) for stamped in kept)
    lines += _text_lines(session.answer.text[0 if answers else shown :])
    return News(
        session=session.id,
        events=tuple(kept),
        shown=shown,
        lines=lines,
        tools=sum(isinstance(one.event, e.ToolStarted) for one in kept),
        since=fresh[0].at if fresh else session.last_at if lines else 0.0,
        skipped=len(skipped),
        skipped_lines=sum(map(_lines, skipped)),
        seq=upto,
    )


def _after(conversation: Sequence[e.Stamped], seen: int, upto: int) -> list[e.Stamped]:
    """The events of `conversation` with `seen < seq <= upto`; looked for from the end, where they are."""
    fresh: list[e.Stamped] = []
    for stamped in reversed(conversation):
        if (stamped.seq or 0) <= seen:
            break
        if (stamped.seq or 0) <= upto:
            fresh.append(stamped)
    fresh.reverse()
    return fresh


def _newest(
    events: Sequence[e.Stamped], capacity: int, capacity_bytes: int, weight: Callable[[e.Stamped], int]
) -> tuple[list[e.Stamped], list[e.Stamped]]:
    """The newest events that fit, and those that do not; both oldest first."""
    kept: list[e.Stamped] = []
    room = capacity_bytes
    for stamped in reversed(events[-capacity:]):
        if weight(stamped) > capacity_bytes:
            stamped = _cut(stamped, capacity_bytes, weight)
        if (room := room - weight(stamped)) < 0:
            break
        kept.append(stamped)
    kept.reverse()
    return kept, list(events[: len(events) - len(kept)])


def _cut(stamped: e.Stamped, size: int, weight: Callable[[e.Stamped], int]) -> e.Stamped:
    """An event made to fit into `size` bytes by cutting its longest text; the mark says how much is missing."""
    event = stamped.event
    empty: e.Event
    match event:
        case e.AssistantSaid(message=message):
            text = message.text
            bare = replace(message, text="", thinking="", provider_state=None)
            empty = replace(event, message=bare)
        case e.ToolReturned(result=result) | e.QuestionAnswered(result=result):
            text = result.content
            empty = replace(event, result=replace(result, content=""))
        case e.UserSaid():
            text = event.text
            empty = replace(event, text="", attachments=())
        case e.TurnEnded():
            text = event.detail
            empty = replace(event, detail="")
        case e.Noted():
            text = event.text
            empty = replace(event, text="")
        case _:
            return stamped
    room = max(0, size - weight(replace(stamped, event=empty)) - 100)  # the mark is shorter than that
    short = f"{text[:room]}\n[{len(text) - room:,} more characters are only in /history.]"
    match empty:
        case e.AssistantSaid():
            empty = replace(empty, message=replace(empty.message, text=short))
        case e.ToolReturned() | e.QuestionAnswered():
            empty = replace(empty, result=replace(empty.result, content=short))
        case e.UserSaid() | e.Noted():
            empty = replace(empty, text=short)
        case e.TurnEnded():
            empty = replace(empty, detail=short)
    return replace(stamped, event=empty)


def _lines(stamped: e.Stamped, shown: int = 0) -> int:
    match stamped.event:
        case e.AssistantSaid(message=message):
            return _text_lines(message.text[shown:])
        case e.TurnEnded(detail=detail):
            return _text_lines(detail)
        case e.Noted(text=text) | e.QuestionAsked(question=text):
            return _text_lines(text)
        case _:
            return 0


def _text_lines(text: str) -> int:
    return text.strip("\n").count("\n") + 1 if text.strip() else 0
