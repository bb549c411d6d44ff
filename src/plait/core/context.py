"""How much of a model's context window a conversation takes, and what of it a compaction puts behind. Pure.

Rules:
1. What a provider reported is taken as it is; only what came since is estimated, by its length: about four bytes a token.
2. A compaction keeps the last messages as they are, as far as their share of the window reaches. The cut stands before a message of the
   user or an answer, so that results stay with their calls; what the user said last and nobody has answered is never put behind.
3. Nothing is compacted where that would gain little: so no model, whatever it writes, is asked again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from plait.core import events as e
from plait.core.context_commands import ContextPart, PartName
from plait.core.counting import counted, shared_out
from plait.core.history import SUMMARY, told
from plait.core.messages import AssistantMessage, Message, ToolMessage, ToolSpec, Turn, Usage, UserMessage

BYTES = 4
"""Of one token, about: English has a little more, code and other scripts less. Whoever must not be over plans with a margin."""
UNSURE = 4
"""The part of an estimate that it may be too low by, seen with the bundled model and Markdown; who knows nothing else adds it."""
MESSAGE = 4
"""Tokens around each message."""
MOST_KEPT, MOST_SUMMARY = 20_000, 4_000
"""Tokens that stay as they are, and of a summary, in a window however large."""
LEAST_SUMMARY = 64


def tokens(text: str) -> int:
    """About how many tokens a text has."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return (size + BYTES - 1) // BYTES


def message_tokens(message: Message) -> int:
    """About how many tokens a message has in a request."""
    match message:
        case UserMessage():
            texts = [message.text, *(text for one in message.attachments for text in (one.path, one.text))]
        case AssistantMessage():
            texts = [message.text, *(text for call in message.calls for text in (call.name, call.arguments))]
        case ToolMessage():
            texts = [one.content for one in message.results]
    return MESSAGE + sum(map(tokens, texts))


def spec_tokens(specs: Iterable[ToolSpec]) -> int:
    """About how many tokens the descriptions of tools have."""
    return sum(tokens(one.name) + tokens(one.description) + tokens(one.parameters) for one in specs)


def last_reported(conversation: Sequence[e.Stamped], model: str) -> tuple[int, int]:
    """The last event that says how much the model was told, with the number: of a call as reported, or of a compaction as estimated.

    What was reported of another model says little: each counts tokens of its own.
    """
    for stamped in reversed(conversation):
        match stamped.event:
            case e.AssistantSaid(model=asked, usage=Usage() as usage) if usage.input and asked == model:
                return stamped.seq or 0, usage.input + usage.output
            case e.Compacted(told=reported):
                return stamped.seq or 0, reported
    return 0, 0


def last_compaction(conversation: Sequence[e.Stamped]) -> e.Compacted | None:
    """What stands for all before it, if anything was compacted."""
    return next((stamped.event for stamped in reversed(conversation) if isinstance(stamped.event, e.Compacted)), None)


def used(conversation: Sequence[e.Stamped], model: str, fixed: int, window_messages: int = 0) -> int:
    """About how many tokens the next call is told; `fixed` are those of the system prompt and the tools."""
    messages = told(conversation, window_messages)
    at, reported = last_reported(conversation, model)
    estimate = fixed + sum(message_tokens(message) for _, message in messages)
    if not reported:
        return estimate
    since = reported + sum(message_tokens(message) for place, message in messages if place > at)
    return min(since, estimate) if window_messages else since  # what was reported may have slid out of the window


def full_at(window: int, percent: int, max_tokens: int | None) -> int:
    """From how many tokens on a conversation is compacted: at `percent` of the window, or where the longest answer would not fit."""
    return max(min(window * percent // 100, window - (max_tokens or 0)), window // 4)


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens: of the messages that stay as they are, of the summary, of an answer that writes it, and of what one request can be told."""

    kept: int
    summary: int
    answer: int
    request: int


def budget(window: int, percent: int, fixed: int) -> Budget:
    """What a compaction in this window may take. A quarter of a request's room is left for what the estimate is wrong by."""
    room = max(window * (percent or 80) // 100 - fixed, window // 8)
    answer = window // 8
    return Budget(
        kept=min(room // 4, MOST_KEPT),
        summary=max(LEAST_SUMMARY, min(room // 8, MOST_SUMMARY)),
        answer=answer,
        request=(window - answer) * 3 // 4,
    )


@dataclass(frozen=True, slots=True)
class CompactionPlan:
    """What a compaction puts behind: all up to the event `upto`, which took about `replaced` tokens; `before` is the summary so far."""

    upto: int
    before: str
    messages: tuple[Message, ...]
    replaced: int

    @property
    def said(self) -> int:
        """How many messages and answers that are, results of tools apart."""
        return sum(not isinstance(message, ToolMessage) for message in self.messages)


def plan_compaction(
    conversation: Sequence[e.Stamped], kept: int, window_messages: int = 0, *, asked: bool = False
) -> CompactionPlan | None:
    """What to put behind, so that the messages after it have `kept` tokens at the most; None where there is nothing.

    With `asked`, a short conversation is made shorter too.
    """
    messages = told(conversation, window_messages)
    last = last_compaction(conversation)
    summarised, behind = (last.summary, last.upto) if last else ("", 0)
    if last is not None:
        del messages[0]
    sizes = [message_tokens(message) for _, message in messages]
    cut = _cut(messages, sizes, min(kept, sum(sizes) // 4) if asked else kept)
    if not any(place > behind for place, _ in messages[:cut]):
        return None
    upto = max(behind, messages[cut - 1][0])
    replaced = sum(sizes[:cut]) + (tokens(SUMMARY.format(summarised)) if last else 0)
    return CompactionPlan(upto, summarised, tuple(message for _, message in messages[:cut]), replaced)


def _cut(messages: Sequence[tuple[int, Message]], sizes: Sequence[int], kept: int) -> int:
    """How many of the messages are put behind."""
    last = len(messages)
    if messages and isinstance(messages[-1][1], UserMessage):
        last -= 1  # nobody has answered it yet
    cut, size = last, sum(sizes[last:])
    for place in range(last - 1, -1, -1):
        size += sizes[place]
        if size > kept:
            break
        if not isinstance(messages[place][1], ToolMessage):
            cut = place
    return cut


def parts(view: Sequence[Message], summary: str, system: str, files: Sequence[str], specs: Sequence[ToolSpec]) -> tuple[ContextPart, ...]:
    """What a request is made of; `view` is what was said, with the summary in its first message if there is one."""
    kinds: dict[PartName, list[int]] = {"system": [tokens(system)], "instructions": [tokens(text) for text in files], "tools": []}
    kinds["tools"] = [spec_tokens([one]) for one in specs]
    words = tokens(SUMMARY.format(summary)) if summary else 0
    kinds["summary"] = [words] if words else []
    users = [message_tokens(message) for message in view if isinstance(message, UserMessage)]
    if words and users:
        users = [one for one in (users[0] - words - MESSAGE, *users[1:]) if one > 0]
    kinds["user"] = users
    kinds["answers"] = [message_tokens(message) for message in view if isinstance(message, AssistantMessage)]
    kinds["results"] = [message_tokens(message) for message in view if isinstance(message, ToolMessage)]
    return tuple(ContextPart(name, sum(sizes), len(sizes)) for name, sizes in kinds.items())


def fitted(estimates: Sequence[ContextPart], total: int) -> tuple[ContextPart, ...]:
    """The parts of a request that takes `total` tokens: a provider reports the whole alone, and each part has its share of that."""
    sizes = shared_out(total, [part.tokens for part in estimates])
    return tuple(replace(part, tokens=size) for part, size in zip(estimates, sizes, strict=True))


def compaction_asked(conversation: Sequence[e.Stamped], turn: Turn) -> e.CompactionAsked | None:
    """What asked for this turn, if it is to compact the conversation."""
    for stamped in reversed(conversation):
        if stamped.seq == turn:
            return stamped.event if isinstance(stamped.event, e.CompactionAsked) else None
    return None


def asked_again(conversation: Sequence[e.Stamped]) -> e.RetryAsked | e.CompactionAsked:
    """What a retry asks for: once more the last call, or the compaction that did not come to its end."""
    for stamped in reversed(conversation):
        if isinstance(stamped.event, e.Compacted):
            break
        if isinstance(stamped.event, e.TurnStarted):
            return compaction_asked(conversation, stamped.event.turn) or e.RetryAsked()
    return e.RetryAsked()


def compacted_words(event: e.Compacted) -> str:
    """What a compaction did, for its user, without a full stop."""
    summary = tokens(event.summary)
    was = f", about {event.replaced:,} tokens," if event.replaced else ""
    verb = "is" if event.messages == 1 else "are"
    return f"compacted: {counted(event.messages, 'message')}{was} {verb} told as a summary of {summary:,}"
