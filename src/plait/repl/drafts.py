"""What was typed and not sent belongs to its session: it is taken out of the line when the session is left, and comes back with it.

Rules:
1. What is under way is on disk `PAUSE` seconds after the last key at the latest, and at once when the session is left.
2. A draft is never sent by plait. While a question waits for its answer it stands aside, and comes back into the line after it.
3. The keys decide what belongs where, not how long a switch takes: what stands in the line when a key to another session is pressed is the
   draft of the session that is left; what is typed after that key, or after a command that was sent, is for the session that is shown then.
4. Where the terminal itself edits the line there is nothing to take; what was kept is told, and kept on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import anyio

from plait.core import commands as c
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.repl.surface import Terminal

PAUSE = 0.5
"""Seconds; typing is saved in its pauses, not at each key."""
_NOBODY = c.Draft(SessionId(""), "", 0)


class Drafts:
    """The draft of the shown session. `tell` shows a sentence; `keep_saved` runs for as long as lines are taken."""

    def __init__(self, client: Client, screen: Terminal, tell: Callable[[str], None]) -> None:
        self._client = client
        self._screen = screen
        self._tell = tell
        self._session = SessionId("")
        self._aside = ""
        self._told = ""
        """What was told of an earlier draft where the terminal itself edits the line."""
        self._held: deque[tuple[str, int]] = deque()
        """What stood in the line, and where the cursor, when keys were pressed that are still to be carried out; oldest first."""
        self._leaving: tuple[str, int] | None = None
        """The same of the key that is carried out now."""
        self._saved = _NOBODY
        self._edited = anyio.Event()

    def __repr__(self) -> str:
        return f"<Drafts of '{self._session}' [{len(self._aside)} characters aside, {len(self._held)} keys waiting]>"

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

    async def save(self, *, again: bool = False) -> None:
        """Keep what is under way now; `again`, even if it was, for another terminal may have written something else since.

        A failing disk is told elsewhere, and the text is in the line still."""
        line = (self._screen.draft, self._screen.cursor)
        draft = self._current(self._leaving or (self._held[0] if self._held else line))
        if draft.session and (draft != self._saved or (again and draft.text)):
            self._saved = draft
            await self.keep(draft)

    def _current(self, line: tuple[str, int]) -> c.Draft:
        if not self._screen.keeps_draft:
            text = _joined(self._told, self._aside)
            return c.Draft(self._session, text, len(text)) if self._aside else _NOBODY
        text, cursor = line
        if self._aside:
            text = _joined(self._aside, text)
            cursor = len(text)
        return c.Draft(self._session, text, cursor if text else 0)

    # Going from session to session.

    def hold(self) -> None:
        """A key that goes to another session was pressed: what stands in the line is the draft of the one that it leaves."""
        self._held.append((self._screen.draft, self._screen.cursor))
        self._screen.put_draft("", 0)

    def begin_to_leave(self) -> None:
        """That key is carried out now; `end_to_leave` follows."""
        self._leaving = self._held.popleft() if self._held else None

    def end_to_leave(self) -> None:
        """It was carried out. Where it led nowhere, the line is as it was."""
        held, self._leaving = self._leaving, None
        if held is not None:
            self.into_line(*held)

    def part(self) -> c.Draft:
        """The session is left: its draft, to be kept with `keep`. What stands in the line was typed for the session that comes next.

        Where there was none and is none, nothing is kept: another terminal may have written one.
        """
        draft = self._current(self._leaving or ("", 0))
        draft = draft if draft.text or draft != self._saved else _NOBODY
        self._session, self._aside, self._told, self._leaving = SessionId(""), "", "", None
        return draft

    async def keep(self, draft: c.Draft) -> None:
        """Keep the draft of a session; of none, where there is nothing new to keep. One that was refused is tried again."""
        reply = await self._client.submit(c.KeepDraft(draft.session, draft.text, draft.cursor)) if draft.session else None
        if isinstance(reply, c.Refused):
            self._saved = _NOBODY if draft == self._saved else self._saved
            if draft.session != self._session:  # it is in no line any more
                self._tell(reply.text)

    async def arrive(self, session: SessionId, *, aside: bool) -> None:
        """Another session is shown: its draft comes into the line before what was typed meanwhile, or stands aside."""
        reply = await self._client.submit(c.ReadDraft(session))
        kept = reply if isinstance(reply, c.Draft) else c.Draft(session, "", 0)
        self._session, self._saved = session, kept  # not before it was read: what is in the line now would be saved in its place
        if not kept.text:
            return
        if not self._screen.keeps_draft:
            self._told = kept.text
            self._tell(f"Typed here before and not sent: {kept.text}")
        elif aside:
            self._aside = kept.text
        else:
            self.into_line(kept.text, kept.cursor)

    async def take_back(self, session: SessionId, text: str) -> None:
        """A message that was not taken after all: it goes before what is typed in its session."""
        if session == self._session:
            self.into_line(text)
            return
        reply = await self._client.submit(c.ReadDraft(session))
        later = reply.text if isinstance(reply, c.Draft) else ""
        await self.keep(c.Draft(session, _joined(text, later), len(text)))

    # What is put aside, and comes back.

    def set_aside(self, text: str) -> None:
        """A text that was typed and shall not be sent now."""
        self._aside = _joined(self._aside, text)
        self.edited()

    def give_back(self) -> None:
        """What stands aside comes back into the line, before what is typed there."""
        text, self._aside = self._aside, ""
        if text:
            self.into_line(text)

    def into_line(self, text: str, cursor: int | None = None) -> None:
        """Put a text into the line, before what is typed there; the cursor stands at its end where nothing else is said."""
        line, at = self._leaving or (self._held[0] if self._held else (self._screen.draft, self._screen.cursor))
        place = len(text) + 1 + at if line else len(text) if cursor is None else cursor
        if self._leaving is not None:  # what is in the line is another session's already
            self._leaving = (_joined(text, line), place)
        elif self._held:
            self._held[0] = (_joined(text, line), place)
        else:
            self._screen.put_draft(_joined(text, line), place)


def _joined(before: str, after: str) -> str:
    return f"{before}\n{after}" if before and after else before or after
