"""How much memory sessions hold, and putting out of it what nobody shows: the store has all of it."""

from __future__ import annotations

from plait.core.commands import Heavy
from plait.core.session import SessionState
from plait.runtime.managed import Managed
from plait.runtime.registry import Registry


def heavy(registry: Registry) -> tuple[Heavy, ...]:
    """The sessions that hold more than is usual."""
    limit = registry.world.defaults.warn_bytes
    return tuple(Heavy(one.session.id, one.held_bytes) for one in registry.loaded if one.held_bytes > limit)


def may_be_unloaded(managed: Managed, limit: int) -> bool:
    """Whether a session holds more than `limit` bytes, and nobody shows it and nothing works in it."""
    if managed.held_bytes <= limit or managed.log.readers or managed.at_work:
        return False
    return managed.session.state is not SessionState.PROCESSING
