"""A session's last messages, read back through `ReadHistory`, and how they are shown again.

Rules:
1. A message stands where its turn started, as on the screen; one that never ran is shown where it was taken out of the queue.
2. Everything is shown: thinking is not folded here, and what was taken back is there, marked as such.
3. Pages are read from the end, and only as many as are needed; of an answer's progress nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from plait.core import events as e
from plait.core.branching import taken_back
from plait.core.commands import HistoryPage, ReadHistory
from plait.core.context import compacted_words
from plait.core.messages import AssistantMessage, SessionId, Turn
from plait.core.revision_commands import TurnLine
from plait.exchange.story import in_order
from plait.repl import render
from plait.repl.opening import clock
from plait.repl.printer import ASKING
from plait.repl.revisions import revision_text
from plait.repl.slash.layout import paragraph
from plait.repl.slash.registry import Prompt
from plait.repl.style import Look

PAGE = 1000  # the most events that the runtime gives at once

_TOLD = (
    e.UserSaid,
    e.RetryAsked,
    e.CompactionAsked,
    e.TurnStarted,
    e.AssistantSaid,
    e.ToolReturned,
    e.QuestionAsked,
    e.QuestionAnswered,
    e.Compacted,
    e.TurnEnded,
    e.Noted,
    e.Rewound,
    e.Redone,
    e.Forked,
    e.DirectoryChanged,
)


@dataclass(frozen=True, slots=True)
class Told:
    """Events in the order of the conversation, and which of their turns the model is told of no more."""

    events: Sequence[e.Stamped]
    gone: Set[Turn]


async def last_messages(prompt: Prompt, wanted: int, session: SessionId | None = None) -> Told | None:
    """The last `wanted` messages of a session (None: the shown one), oldest first, with what happened between them.

    None where reading was refused, which is shown.
    """
    kept: list[e.Stamped] = []
    before: int | None = None
    while True:
        page = await prompt.submit(ReadHistory(session or prompt.session, before, PAGE))
        if not isinstance(page, HistoryPage):
            return None
        kept = [stamped for stamped in page.events if isinstance(stamped.event, _TOLD)] + kept
        told = in_order(kept)
        messages = [place for place, stamped in enumerate(told) if is_message(stamped)]
        if len(messages) > wanted or not page.earlier:
            return Told(told[messages[-wanted] :] if len(messages) > wanted else told, taken_back(kept))
        before = page.earlier + 1


async def answer_in_progress(prompt: Prompt, session: SessionId) -> list[e.Stamped]:
    """What the model has written of an answer that is not finished, as far as it is on disk, as if it were; nothing if it writes none.

    Following the session would tell it too, but would count as showing it.
    """
    parts: list[str] = []
    before: int | None = None
    while True:
        page = await prompt.submit(ReadHistory(session, before, PAGE))
        if not isinstance(page, HistoryPage):
            return []
        for stamped in reversed(page.events):
            match stamped.event:
                case e.AnswerProgress(text=text):
                    parts.append(text)
                case e.TurnStarted(turn=turn):
                    text = "".join(reversed(parts))
                    said = e.AssistantSaid(turn, AssistantMessage(text), "end")
                    return [e.Stamped(session, stamped.seq, stamped.at, said)] if text.strip() else []
                case e.AssistantSaid() | e.TurnEnded():
                    return []
        if not page.earlier:
            return []
        before = page.earlier + 1


def worth_showing(stamped: e.Stamped) -> bool:
    """Whether this is anything that `shown_again` shows or `in_order` needs."""
    return isinstance(stamped.event, _TOLD)


def is_message(stamped: e.Stamped) -> bool:
    """Whether this is something that the user or the model said."""
    return isinstance(stamped.event, (e.UserSaid, e.AssistantSaid))


def headings(told: Told, turns: Sequence[TurnLine]) -> dict[int, str]:
    """What stands above the user's messages, by their events: the number by which a command names it, or that it was taken back."""
    numbers = {line.turn: f"{line.number:,}" for line in turns}
    marks: dict[int, str] = {}
    for stamped in told.events:
        turn = Turn(stamped.seq or 0)
        if isinstance(stamped.event, e.UserSaid) and (turn in told.gone or turn in numbers):
            marks[turn] = f"{'taken back' if turn in told.gone else numbers[turn]} · {clock(stamped.at)}"
    return marks


def shown_again(told: Sequence[e.Stamped], look: Look, marks: Mapping[int, str] | None = None) -> list[str]:
    """Each event as finished text; long pauses between two of them are named. `marks` are lines above some of them, by event."""
    out: list[str] = []
    last_at = 0.0
    for stamped in told:
        pause = stamped.at - last_at if last_at else 0.0
        gap = render.render_gap(pause, look) if pause >= render.GAP_S else ""
        text = _rendered(stamped.event, look)
        mark = (marks or {}).get(stamped.seq or 0, "")
        if text:
            head = "\n" + paragraph(_in_words(mark) if look.plain else mark, look, dim=True) if mark else ""
            out.append(("\n" + gap if gap else "") + head + (text.lstrip("\n") if head else text))
            last_at = stamped.at
    return out


def _in_words(mark: str) -> str:
    return (f"message {mark}" if mark[:1].isdigit() else mark).replace(" · ", ", ")


def _rendered(event: e.Event, look: Look) -> str:
    match event:
        case e.UserSaid(text=text, attachments=attachments):
            marks = [f"[{one.path}: {len(one.text):,} characters]" for one in attachments]
            return "\n" + render.render_user("\n".join([text, *marks]), look) + "\n"
        case e.AssistantSaid():
            return _answer(event, look)
        case e.ToolReturned(result=result):
            return render.render_notice("info", f"{result.name}: {result.outcome}. {result.content[:200]}", look)
        case e.QuestionAsked(question=question, choices=choices):
            return render.render_question(question, choices, look)
        case e.QuestionAnswered(result=result):
            return render.render_user(result.content, look) + "\n"
        case e.TurnEnded(ending="failed", detail=detail):
            return render.render_error(detail, look)
        case e.TurnEnded(ending="interrupted" | "limit", detail=detail):
            return render.render_notice("warning", detail, look) if detail else ""
        case e.Compacted(summary=summary):
            rule = render.render_rule(compacted_words(event), look)
            return f"{rule}{render.render_notice('info', f'The summary: {summary}', look)}\n"
        case e.Noted(text=text):
            return render.render_notice("warning", text, look)
        case _:
            text = revision_text(event)
            return render.render_notice("info", text, look) + ("\n" if isinstance(event, e.RetryAsked) else "") if text else ""


def _answer(event: e.AssistantSaid, look: Look) -> str:
    message = event.message
    stream = render.AnswerStream(look)
    blocks = stream.feed(message.text) + stream.finish(interrupted=not event.complete)
    if message.thinking.strip():
        blocks.insert(0, render.render_thinking(message.thinking.strip(), look, folded=False))
    blocks += [render.render_notice("info", f"→ {call.name} {call.arguments[:200]}", look) for call in message.calls if call.name != ASKING]
    return "".join(blocks)
