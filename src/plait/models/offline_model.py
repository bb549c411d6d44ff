"""The bundled model as a provider: the OpenAI wire over its child process's private socket.

All calls share one context of the server's; a call is let in when there is room for its prompt and its answer (`offline_room`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from plait.core.messages import ModelEvent, ModelRequest
from plait.models.endpoint import Endpoint, Timeouts
from plait.models.offline import OfflineServer
from plait.models.offline_room import SharedContext
from plait.models.openai_compatible import OpenAICompatible


class OfflineModel:
    """A `ModelProvider` over a server that it owns: started by the first call, ended when idle and by `aclose`."""

    name = "offline"
    can_call_tools = False

    def __init__(self, server: OfflineServer, timeouts: Timeouts | None = None) -> None:
        self._server = server
        self._timeouts = timeouts
        self._shared = SharedContext()
        self._reached: OpenAICompatible | None = None

    def __repr__(self) -> str:
        return f"<OfflineModel over {self._server!r}>"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one call; the process is started where it does not run. Raises `ModelError`."""
        async with (
            self._server.use() as endpoint,
            self._shared.admit(request, endpoint) as admitted,
            aclosing((await self._reach(endpoint)).stream(admitted)) as events,
        ):
            async for event in events:
                yield event

    async def _reach(self, endpoint: Endpoint) -> OpenAICompatible:
        """The wire to this process; another one after a restart."""
        if self._reached is None or self._reached.endpoint != endpoint:
            if self._reached is not None:
                await self._reached.aclose()
            self._reached = OpenAICompatible(endpoint, can_call_tools=False, timeouts=self._timeouts)
        return self._reached

    async def aclose(self) -> None:
        """Close the wire and end the process."""
        if self._reached is not None:
            await self._reached.aclose()
        await self._server.aclose()
