"""What was typed and not sent belongs to its session: it is taken out of the line when the session is left, and comes back with it.

Rules:
1. What is under way is on disk `PAUSE` seconds after the last key at the latest, and at once when the session is left.
2. A draft is never sent by plait. While a question waits for its answer it stands aside, and comes back into the line after it.
3. Where the terminal itself edits the line there is nothing to take; what was kept is told, and kept on.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio

from plait.core import commands as c
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.repl.surface import Terminal

PAUSE = 0.5
"""Seconds; typing is saved in its pauses, not at each key."""


class Drafts:
    """The draft of the shown session. `tell` shows a sentence; `keep_saved` runs for as long as lines are taken."""

    def __init__(self, client: Client, screen: Terminal, tell: Callable[[str], None]) -> None:
        self._client = client
        self._screen = screen
        self._tell = tell
        self._session = SessionId("")
        self._aside = ""
        self._saved = c.Draft(SessionId(""), "", 0)
        self._edited = anyio.Event()

    def __repr__(self) -> str:
        return f"<Drafts of '{self._session}' [{len(self._aside)} characters aside]>"

    def edited(self) -> None:
        """The text under way changed."""
        self._edited.set()

    async def keep_saved(self) -> None:
        """Save what is typed, in its pauses. Runs until it is cancelled."""
        while True:
            await self._edited.wait()
            await anyio.sleep(PAUSE)
            self._edited = anyio.Event()
            await self.save()

    async def save(self) -> None:
        """Keep what is under way now. A failing disk is told elsewhere, and the text is in the line still."""
        draft = self._current()
        if self._session and self._screen.keeps_draft and draft != self._saved:
            self._saved = draft
            await self._keep(draft)

    async def _keep(self, draft: c.Draft) -> None:
        await self._client.submit(c.KeepDraft(draft.session, draft.text, draft.cursor))

    def _current(self) -> c.Draft:
        line = self._screen.draft
        if self._aside:
            text = _joined(self._aside, line)
            return c.Draft(self._session, text, len(text))
        return c.Draft(self._session, line, self._screen.cursor if line else 0)

    def part(self) -> c.Draft:
        """Take the draft out of the line, which is empty then: the session is left. `keep` it."""
        draft = self._current()
        self._session, self._aside = SessionId(""), ""
        if self._screen.keeps_draft:
            self._screen.put_draft("", 0)
        return draft

    async def keep(self, draft: c.Draft) -> None:
        """Keep the draft of a session that was left."""
        if draft.session and self._screen.keeps_draft:
            await self._keep(draft)

    async def arrive(self, session: SessionId, *, aside: bool) -> None:
        """Another session is shown: its draft comes into the line before what was typed meanwhile, or stands aside."""
        self._session = session
        reply = await self._client.submit(c.ReadDraft(session))
        kept = reply if isinstance(reply, c.Draft) else c.Draft(session, "", 0)
        self._saved = kept
        if not kept.text or self._session != session:
            return
        if not self._screen.keeps_draft:
            self._tell(f"Typed here before and not sent: {kept.text}")
        elif aside:
            self._aside = kept.text
        elif meanwhile := self._screen.draft:
            self._screen.put_draft(_joined(kept.text, meanwhile), len(kept.text) + 1 + len(meanwhile))
        else:
            self._screen.put_draft(kept.text, kept.cursor)

    def set_aside(self, text: str) -> None:
        """A text that was typed and shall not be sent now."""
        self._aside = _joined(self._aside, text)
        self.edited()

    def give_back(self) -> None:
        """What stands aside comes back into the line, before what is typed there."""
        text, self._aside = self._aside, ""
        if text:
            line = self._screen.draft
            self._screen.put_draft(_joined(text, line), len(text) + (1 + len(line) if line else 0))


def _joined(before: str, after: str) -> str:
    return f"{before}\n{after}" if before and after else before or after
