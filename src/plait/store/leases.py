"""Leases of sessions where one process owns the store: kept in memory, for they end with the owner."""

from __future__ import annotations

import threading

from plait.core.messages import SessionId


class Leases:
    """Which owner holds which session. Any thread may call."""

    def __init__(self) -> None:
        self._holders: dict[SessionId, str] = {}
        self._lock = threading.Lock()

    def claim(self, session: SessionId, owner: str) -> bool:
        """Take the lease; False if another owner holds it."""
        with self._lock:
            return self._holders.setdefault(session, owner) == owner

    def renew(self, session: SessionId, owner: str) -> bool:
        """Keep the lease; False if `owner` does not hold it."""
        with self._lock:
            return self._holders.get(session) == owner

    def release(self, session: SessionId, owner: str) -> None:
        """Give the lease back, if `owner` holds it."""
        with self._lock:
            if self._holders.get(session) == owner:
                del self._holders[session]
