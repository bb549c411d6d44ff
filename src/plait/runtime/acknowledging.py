"""Recording something and acknowledging it: the answer to a command comes once its effects are on disk."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from plait.core import commands as c, events as e
from plait.core.errors import NotSaved, StoreError, UsageError
from plait.core.messages import Attachment, SessionId
from plait.runtime.managed import Managed
from plait.runtime.registry import Registry

INPUT_CAP = 16 * 1024 * 1024
"""Characters of one message, attachments included: far above any model's window, and it keeps one paste from filling the memory."""
PATIENCE = 2.0
"""Seconds that a command waits for a failing disk before it says so; a script must not hang on it."""


async def happen(registry: Registry, managed: Managed, event: e.Event) -> c.Done:
    """Let something happen in a session, and acknowledge it. Raises `IllegalTransition`, or what `done` raises."""
    session = managed.session
    seq = registry.record(session.id, event)
    registry.dispatch(managed)
    return await done(registry, session.id, seq)


async def done(registry: Registry, session: SessionId, seq: int) -> c.Done:
    """Acknowledge what was recorded, once it is on disk. Raises `NotSaved` where the disk keeps failing; what was said is kept then."""
    while True:
        with anyio.move_on_after(PATIENCE):
            await registry.journal.durable(session, seq)
            return c.Done(session, seq)
        if trouble := registry.journal.trouble_of(session):
            raise NotSaved(f"This is not on disk yet: {trouble} It is kept and will be written when that works; do not send it again.")


def refuse_bad_message(text: str, attachments: Sequence[Attachment]) -> None:
    """Raises `UsageError` for a message that is empty or too long."""
    size = len(text) + sum(len(one.text) for one in attachments)
    if size > INPUT_CAP:
        raise UsageError(f"This message has {size:,} characters, more than the {INPUT_CAP:,} that one may have. Send it in parts.")
    if not text.strip() and not attachments:
        raise UsageError("The message is empty. Type something first.")


def refuse_when_full(registry: Registry) -> None:
    """Raises `StoreError` where so much waits for a failing disk already that no new input may be taken (promise P6)."""
    if registry.journal.full:
        raise StoreError(f"Nothing new can be taken until the disk works again: {registry.journal.trouble}")
