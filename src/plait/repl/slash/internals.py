"""/debug sessions|coordinator|buffers|gate|metrics: what the runtime holds and does, as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from plait.core import commands as c
from plait.core.counting import counted
from plait.repl.slash.choices import Choice, Lookup
from plait.repl.slash.layout import heading, pairs, paragraph
from plait.repl.slash.metrics import show_metrics
from plait.repl.slash.registry import Prompt, SlashCommand, did_you_mean, notice, usage_error
from plait.repl.slash.targets import fleet_now
from plait.repl.slash.wording import size, state_words

Rows = list[tuple[str, str]]
USAGE = "/debug sessions|coordinator|buffers|gate|metrics"
METRICS: Final = "metrics"


def _sessions(now: c.Internals) -> Rows:
    rows = [("stored", f"{counted(now.stored, 'session')}, {len(now.held):,} of them in memory")]
    return rows + [
        (one.info.name, f"{one.info.id}, {state_words(one.info)}, at event {one.info.seq:,}, {_readers(one)}") for one in now.held
    ]


def _readers(one: c.Held) -> str:
    return f"shown by {counted(one.readers, 'front end')}" if one.readers else "shown by nobody"


def _coordinator(now: c.Internals) -> Rows:
    return [
        ("coordinator", now.text),
        ("stored", counted(now.stored, "session")),
        ("not on disk yet", counted(now.unsaved, "event")),
        ("trouble", now.trouble or "none"),
    ]


def _buffers(now: c.Internals) -> Rows:
    total = sum(one.ring_bytes + one.conversation_bytes + one.draft_bytes for one in now.held)
    rows = [
        (
            one.info.name,
            f"buffer {counted(one.ring_events, 'event')}, {size(one.ring_bytes)}; conversation "
            f"{counted(one.conversation_events, 'event')}, {size(one.conversation_bytes)}; draft {size(one.draft_bytes)}",
        )
        for one in now.held
    ]
    return [*rows, ("together", size(total))]


def _gate(now: c.Internals) -> Rows:
    names = {one.info.id: one.info.name for one in now.held}
    rows = [("running", f"{now.gate.running} of at most {now.gate.limit} model calls"), ("waiting", f"{now.gate.queued:,}")]
    rows += [
        (f"place {place}", f"{names.get(session, session)} for {provider}") for place, (session, provider) in enumerate(now.waiting, 1)
    ]
    return [*rows, ("held by a limit", ", ".join(now.gate.paused) or "no provider")]


_VIEWS: Final[Mapping[str, tuple[str, Callable[[c.Internals], Rows]]]] = {
    "sessions": ("what is in memory", _sessions),
    "coordinator": ("its state, the store's", _coordinator),
    "buffers": ("what each session holds", _buffers),
    "gate": ("model calls, running and waiting", _gate),
}


async def debug(prompt: Prompt, argument: str) -> None:
    """Show one part of the runtime's insides."""
    if argument.lower() == METRICS:
        await show_metrics(prompt)
        return
    view = _VIEWS.get(argument.lower())
    if view is None:
        unknown = f"/debug knows no '{argument[:40]}'{did_you_mean(argument, (*_VIEWS, METRICS), '/debug ')}"
        raise usage_error("debug", USAGE, unknown if argument else "/debug needs the part to show")
    reply = await prompt.submit(c.ReadInternals())
    if not isinstance(reply, c.Internals):
        return
    title, rows = view
    prompt.show(heading(f"{argument.lower()}: {title}", prompt.look) + pairs(rows(reply), prompt.look))
    if argument.lower() == "buffers":
        for sentence in (await fleet_now(prompt)).heavy_texts.values():
            notice(prompt, sentence, "warning")
        prompt.show(paragraph("Sizes are about bytes. What is not held is read from disk when it is needed.", prompt.look, dim=True))


async def _choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    views = [Choice(name, title) for name, (title, _) in _VIEWS.items()]
    return () if before else [*views, Choice(METRICS, "what was counted and measured")]


COMMANDS = (
    SlashCommand(
        "debug",
        debug,
        "sessions",
        USAGE,
        "Show what plait holds in memory, what its gate for model calls does, and what was counted and measured.",
        (
            ("/debug buffers", "shows the memory of each session"),
            ("/debug gate", "shows which calls run and which wait"),
            ("/debug metrics", "shows counts, durations, and what of them is alarming; they never leave this machine"),
        ),
        complete=_choices,
    ),
)
