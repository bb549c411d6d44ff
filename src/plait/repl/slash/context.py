"""/compact and /context: how full the model's context window is, and making the conversation shorter for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from plait.core.context_commands import Compact, ContextPart, ContextReport, PartName, ReadContext
from plait.core.counting import counted, shared_out
from plait.core.session import SessionState
from plait.repl.slash.choices import Choice, Lookup
from plait.repl.slash.layout import heading, pairs, paragraph
from plait.repl.slash.registry import Prompt, SlashCommand, notice, read_status, usage_error

_PARTS: Final[dict[PartName, tuple[str, str]]] = {
    "system": ("system prompt", ""),
    "instructions": ("instruction files", "file"),
    "tools": ("tools", "tool"),
    "summary": ("summary", ""),
    "user": ("your messages", "message"),
    "answers": ("answers", "answer"),
    "results": ("results of tools", "message"),
}


async def compact(prompt: Prompt, argument: str) -> None:
    """Have the model tell the conversation shorter from here on; what happens then is shown as it happens."""
    status = await read_status(prompt)
    if await prompt.submit(Compact(prompt.session, argument)) is None or status is None:
        return
    if status.info.state is SessionState.PAUSED:
        notice(prompt, "The session is paused, so it is compacted later. /unpause lets it go on.")
    elif status.running is not None or status.waiting:
        notice(prompt, "A turn is running, so the conversation is compacted after it. Go on typing meanwhile.")


async def context(prompt: Prompt, argument: str) -> None:
    """What the next call is told, by part; or the summary that stands for what was put behind."""
    if argument.lower() not in ("", "summary"):
        raise usage_error("context", "/context or /context summary", f"/context cannot be '{argument[:40]}'")
    now = await prompt.submit(ReadContext(prompt.session))
    if not isinstance(now, ContextReport):
        return
    if not argument:
        prompt.show(_told(prompt, now))
    elif now.summary:
        prompt.show(heading("What the model is told of what was said before", prompt.look) + paragraph(now.summary, prompt.look))
    else:
        notice(prompt, "Nothing was compacted in this session: the model is told what was said. /compact makes it shorter.")


def _told(prompt: Prompt, now: ContextReport) -> str:
    parts = [part for part in now.parts if part.count]
    sizes = [part.tokens for part in parts] + [max(0, now.window - now.next) if now.window else 0]
    percents = shared_out(100 * sum(sizes) // now.window, sizes) if now.window else []  # rounded one by one, they would not add up
    shares = [f" ({percent}%)" for percent in percents] or [""] * len(sizes)
    rows = [(_PARTS[part.name][0], _size(part, share)) for part, share in zip(parts, shares, strict=False)]
    if now.window:
        rows.append(("free", f"about {sizes[-1]:,} tokens{shares[-1]}"))
    rows += [("next call", _next(now, sum(percents[:-1]))), ("last call", _last(now)), ("compaction", _compaction(now))]
    if now.window_messages:
        left_out = f"; {counted(now.left_out, 'message')} before them left out" if now.left_out else ""
        rows.append(("window_messages", f"about the last {counted(now.window_messages, 'message')}{left_out}"))
    usage = (
        "The next call is estimated from what was reported of the last one, if anything was; parts are shares of that, by their lengths. "
        "/compact makes the conversation shorter; /context summary shows its summary."
    )
    return heading("Context", prompt.look) + pairs(rows, prompt.look) + "\n" + paragraph(usage, prompt.look, dim=True)


def _size(part: ContextPart, share: str) -> str:
    noun = _PARTS[part.name][1]
    return f"about {part.tokens:,} tokens{share}" + (f", {counted(part.count, noun)}" if noun else "")


def _next(now: ContextReport, percent: int) -> str:
    if now.window:
        return f"about {now.next:,} of the {now.window:,} tokens that {now.model} takes ({percent}%)"
    return f"about {now.next:,} tokens; how many {now.model or 'the model'} takes is not known"


def _last(now: ContextReport) -> str:
    if now.reported:
        return f"{now.reported:,} tokens, as the provider reported"
    return "none since the summary was written" if now.summary else "none of which the provider reported anything"


def _compaction(now: ContextReport) -> str:
    if not now.compact_at:
        return "only by /compact (compact_at is 0)"
    if not now.window:
        return "by itself where the provider finds it too long"
    return f"by itself at {now.compact_at} % (compact_at)"


async def _choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else (Choice("summary", "what the model is told of what was put behind"),)


COMMANDS = (
    SlashCommand(
        "compact",
        compact,
        "conversation",
        "/compact [WHAT TO KEEP]",
        "Have the model write a summary, which it is told from then on in place of what was said before.",
        (("/compact", "makes the conversation shorter"), ("/compact the names of all files", "says what must stay")),
        aliases=("compress", "summarize"),
        detail="The last messages stay as they are, and /history has all. Ctrl+C stops it, and nothing has changed then. /rewind to a "
        "message before it tells the model everything again. It happens by itself when the window is nearly full: /context shows it.",
    ),
    SlashCommand(
        "context",
        context,
        "models",
        "/context [summary]",
        "Show what the model is told, by part, how full its context window is, and the summary if there is one.",
        (("/context", "shows the parts and what is free"), ("/context summary", "shows what stands for the messages before")),
        complete=_choices,
    ),
)
