"""The prompt's look at all open sessions: asked for anew whenever the client says that something changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from plait.core.commands import Fleet, ReadFleet, SessionInfo
from plait.core.ports import FLEET, Client
from plait.repl.announce import Announcer
from plait.repl.fleet import FleetView
from plait.repl.title import WindowTitle


class FleetWatch:
    """Keeps `fleet`, the latest look. Each new one goes to the announcer, the title and `changed`.

    The project of the session that is shown first is the one whose sessions come first in the list. Without `many`, only the shown session
    is looked at.
    """

    def __init__(
        self, client: Client, announcer: Announcer, title: WindowTitle, changed: Callable[[FleetView], None], *, many: bool
    ) -> None:
        self._client = client
        self._many = many
        self._announcer = announcer
        self._title = title
        self._changed = changed
        self.fleet = FleetView()
        self.name = ""
        """The name of the shown session; of one that was just completed, the name that it had."""

    def __repr__(self) -> str:
        return f"<FleetWatch [{len(self.fleet.sessions)} sessions, {len(self.fleet.waiting)} waiting]>"

    async def run(self) -> None:
        """Follow the changes. Runs until it is cancelled; the terminal has its own title again then."""
        self._title.open()
        try:
            async with aclosing(self._client.follow(FLEET)) as changes:
                async for _ in changes:
                    await self.refresh()
        finally:
            self._title.close()

    async def refresh(self) -> None:
        """Look now."""
        reply = await self._client.submit(ReadFleet())
        if isinstance(reply, Fleet):
            view = FleetView.of(reply, self.fleet.shown, self.fleet.home)
            self._take(view if self._many else view.alone)

    def arrived(self, shown: SessionInfo) -> None:
        """Another session is shown: the prompt says so before anything else is asked."""
        self.name = shown.name
        self._take(replace(self.fleet, shown=shown.id, home=self.fleet.home or shown.project))

    def _take(self, fleet: FleetView) -> None:
        before, self.fleet = self.fleet, fleet
        if (shown := fleet.row(fleet.shown)) is not None:
            self.name = shown.name
        self._announcer.changed(before, fleet)
        if self.name:  # at the very start no session is shown yet
            self._title.show(fleet, self.name)
        self._changed(fleet)
