"""The fake provider in a thread of its own, for programs on a terminal."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from anyio.from_thread import start_blocking_portal

from tests.models.fake_provider import FakeProvider, Scenario
from tests.program.running import Place


@contextmanager
def served(place: Place, scenario: Scenario | None = None, more: str = "") -> Iterator[FakeProvider]:
    """A server on loopback that the settings of `place` call `lab`; a model named like one of `SCENARIOS` plays that."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(FakeProvider(scenario)) as server:
        place.settings(f'{more}\n[providers.lab]\nbase_url = "{server.base_url}"\napi_key_env = "LAB_KEY"\n')
        yield server


def refused_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
