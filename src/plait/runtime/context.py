"""The commands about a session's context window: asking for a compaction, and what the next call would be told."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core import context, events as e
from plait.core.commands import Done
from plait.core.context_commands import Compact, ContextReport, ReadContext
from plait.core.errors import ConfigError, ModelError, UsageError
from plait.core.history import provider_view, told
from plait.core.messages import Message, ToolMessage
from plait.core.ports import ModelChoice
from plait.core.session import Session
from plait.runtime.acknowledging import happen, refuse_when_full
from plait.runtime.registry import Registry
from plait.runtime.turn_setup import specs_for

KEEP_CAP = 2_000
"""Characters of what a user asks to keep: a small model has to read it with each piece of the conversation."""


async def compact(registry: Registry, command: Compact) -> Done:
    """Queue the turn in which the conversation is compacted. Raises `PlaitError`."""
    managed = await registry.managed(command.session)
    if len(command.keep) > KEEP_CAP:
        raise UsageError(f"What shall be kept has {len(command.keep):,} characters, more than {KEEP_CAP:,}. Name it in fewer words.")
    if not told(managed.session.conversation) and not managed.session.queue:
        raise UsageError("Nothing has been said in this session yet. There is nothing to compact.")
    refuse_when_full(registry)
    return await happen(registry, managed, e.CompactionAsked(command.keep.strip()))


async def read_context(registry: Registry, command: ReadContext) -> ContextReport:
    """What the next call of the session would be told. Raises `PlaitError`."""
    session = (await registry.managed(command.session)).session
    settings, conversation = registry.settings, session.conversation
    window_messages = settings.number(session, "window_messages")
    choice, name = await _choice(registry, session)
    granted = await settings.granted(session)
    specs = specs_for(choice, registry.world.tools) if choice is not None else ()
    last = context.last_compaction(conversation)
    view = provider_view(conversation, window_messages)
    summary = last.summary if last else ""
    parts = context.parts(view, summary, settings.system(session), [text for _, text in granted.given], specs)
    fixed = sum(part.tokens for part in parts if part.name in ("system", "instructions", "tools"))
    total = context.used(conversation, name, fixed, window_messages)
    return ContextReport(
        session=session.id,
        model=name,
        window=choice.context_window if choice is not None else None,
        parts=context.fitted(parts, total),
        next=total,
        reported=_reported(session, name),
        compact_at=settings.number(session, "compact_at"),
        window_messages=window_messages,
        left_out=_said(told(conversation)) - _said(told(conversation, window_messages)),
        summary=summary,
    )


async def _choice(registry: Registry, session: Session) -> tuple[ModelChoice | None, str]:
    """The session's model, as far as it is known without asking it anything, and its name."""
    name = ""
    try:
        name = await registry.settings.model_name(session)
        choice = registry.settings.known_choice(name) or await registry.settings.choice(name)
    except (ModelError, ConfigError):
        return None, name
    return choice, choice.name or name


def _reported(session: Session, model: str) -> int:
    """What the provider said of the last call, if nothing was compacted since."""
    at, reported = context.last_reported(session.conversation, model)
    said = any(stamped.seq == at and isinstance(stamped.event, e.AssistantSaid) for stamped in reversed(session.conversation))
    return reported if said else 0


def _said(messages: Sequence[tuple[int, Message]]) -> int:
    return sum(not isinstance(message, ToolMessage) for _, message in messages)
