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
from itertools import takewhile

from plait.core import events as e
from plait.core.commands import News
from plait.core.session import Session

MARK_LENGTH = 80
"""Characters that the mark of a cut event may take; it has 48 and the digits of a number."""


def unseen(session: Session, upto: int, capacity: int, capacity_bytes: int, weight: Callable[[e.Stamped], int]) -> News:
    """The news of `session` up to its event `upto`: at most `capacity` events, which weigh `capacity_bytes` together at the most.

    `weight` counts the characters of an event's texts, and what the event itself takes.
    """
    fresh = _after(session.conversation, session.mark.upto, upto)
    shown = _shown_of_the_next(session, fresh)
    answers = ((place, stamped.event) for place, stamped in enumerate(fresh) if isinstance(stamped.event, e.AssistantSaid))
    partly, said = next(answers, (None, None))
    if partly is not None and said is not None and shown and weight(fresh[partly]) > capacity_bytes:
        rest = replace(said.message, text=said.message.text[shown:])  # what is cut then is at its end, and not what was shown
        fresh[partly], shown = replace(fresh[partly], event=replace(said, message=rest)), 0
    kept = _newest(fresh, capacity, capacity_bytes, weight)
    skipped = len(fresh) - len(kept)
    lines = [_lines(stamped, shown if place == partly else 0) for place, stamped in enumerate((*fresh[:skipped], *kept))]
    in_progress = _text_lines(session.answer.text[shown if partly is None else 0 :])
    new = sum(lines[skipped:]) + in_progress
    return News(
        session=session.id,
        events=tuple(kept),
        shown=shown if partly is None or partly >= skipped else 0,
        lines=new,
        tools=sum(isinstance(one.event, e.ToolStarted) for one in kept),
        since=fresh[0].at if fresh else session.last_at if new else 0.0,
        skipped=skipped,
        skipped_lines=sum(lines[:skipped]),
        seq=upto,
        begun=_begun(session.conversation, kept, session.mark.upto),
    )


def _begun(conversation: Sequence[e.Stamped], kept: Sequence[e.Stamped], seen: int) -> tuple[e.Stamped, ...]:
    """Messages that were said before the mark, and whose turns begin, or are given up without a beginning, in what is kept."""
    told = {stamped.event.turn for stamped in kept if isinstance(stamped.event, (e.TurnStarted, e.TurnEnded))}
    turns = {turn for turn in told if turn <= seen}
    if not turns:
        return ()
    recent = list(takewhile(lambda stamped: (stamped.seq or 0) >= min(turns), reversed(conversation)))
    told_here = {stamped.seq for stamped in kept}
    elsewhere = (stamped.event for stamped in recent if stamped.seq not in told_here)
    turns -= {event.turn for event in elsewhere if isinstance(event, e.TurnStarted)}
    said = [stamped for stamped in recent if stamped.seq in turns and isinstance(stamped.event, e.UserSaid)]
    return tuple(reversed(said))


def _shown_of_the_next(session: Session, fresh: Sequence[e.Stamped]) -> int:
    """Characters shown of the first answer after the mark; none if its turn began after the mark, as where a crash took the one before."""
    answering = (stamped.event.turn for stamped in fresh if isinstance(stamped.event, e.AssistantSaid))
    turn = next(answering, session.running)
    begun = any(isinstance(stamped.event, e.TurnStarted) and stamped.event.turn == turn for stamped in fresh)
    return 0 if begun else session.mark.shown


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


def _newest(events: Sequence[e.Stamped], capacity: int, capacity_bytes: int, weight: Callable[[e.Stamped], int]) -> list[e.Stamped]:
    """The newest events that fit, oldest first."""
    kept: list[e.Stamped] = []
    room = capacity_bytes
    for stamped in reversed(events):
        if weight(stamped) > capacity_bytes:
            stamped = _cut(stamped, capacity_bytes, weight)
        room -= weight(stamped)
        if room < 0 or len(kept) == capacity:
            break
        kept.append(stamped)
    kept.reverse()
    return kept


def _cut(stamped: e.Stamped, size: int, weight: Callable[[e.Stamped], int]) -> e.Stamped:
    """An event made to fit into `size` bytes by keeping the beginning of its text alone; the mark says how much is missing."""
    text, rebuilt = _text_of(stamped.event)
    bare = weight(replace(stamped, event=rebuilt("")))
    kept = text[: max(0, size - bare - MARK_LENGTH)]
    missing = weight(stamped) - bare - len(kept)
    if not missing:
        return stamped
    return replace(stamped, event=rebuilt(f"{kept}\n[{missing:,} more characters are only in /history.]"))


def _text_of(event: e.Event) -> tuple[str, Callable[[str], e.Event]]:
    """The text by which an event is read, and the event with another text and nothing else that can be long."""
    match event:
        case e.AssistantSaid(message=message):
            bare = replace(message, thinking="", calls=(), provider_state=None)
            return message.text, lambda text: replace(event, message=replace(bare, text=text))
        case e.ToolReturned(result=result):
            return result.content, lambda text: replace(event, result=replace(result, content=text))
        case e.QuestionAnswered(result=result):
            return result.content, lambda text: replace(event, result=replace(result, content=text))
        case e.ToolStarted(call=call):
            return call.arguments, lambda text: replace(event, call=replace(call, arguments=text))
        case e.QuestionAsked():
            return event.question, lambda text: replace(event, question=text, choices=())
        case e.UserSaid():
            return event.text, lambda text: replace(event, text=text, attachments=())
        case e.TurnEnded():
            return event.detail, lambda text: replace(event, detail=text)
        case e.Noted():
            return event.text, lambda text: replace(event, text=text)
        case e.Compacted():
            return event.summary, lambda text: replace(event, summary=text)
        case _:
            return "", lambda text: event


def _lines(stamped: e.Stamped, shown: int = 0) -> int:
    match stamped.event:
        case e.AssistantSaid(message=message):
            return _text_lines(message.text[shown:])
        case e.TurnEnded(detail=detail):
            return _text_lines(detail)
        case e.Noted(text=text) | e.QuestionAsked(question=text):
            return _text_lines(text)
        case e.Compacted():
            return 1
        case _:
            return 0


def _text_lines(text: str) -> int:
    return text.strip("\n").count("\n") + 1 if text.strip() else 0
