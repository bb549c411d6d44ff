"""One `Client` for as long as the program runs, whoever owns the sessions meanwhile.

Rules:
1. A follower goes on over a change of the owner, from the last durable event that it was given: nothing is told twice or left out.
2. A command whose answer was lost is looked for before it is sent again (`remote.lost_answers`).
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from plait.core import commands as c, events as e
from plait.core.errors import OwnerError, OwnerLost
from plait.core.messages import SessionId
from plait.core.ports import FLEET, Client
from plait.core.revision_commands import ForkSession
from plait.remote import lost_answers
from plait.remote.ownership import Ownership, Ways

TRIES = 3
"""So often a command is sent whose answers are lost again and again: it may be what ends the owners."""
CLAIMED = 1_000


class ReconnectingClient(Ownership):
    """A `Client` over every owner, and an async context manager: see `Ownership`. `now` is in seconds since 1970."""

    def __init__(
        self, ways: Ways, told: Callable[[str], object], patience: float, *, quiet: bool = False, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(ways, told, patience, quiet=quiet)
        self._now = now
        self._known: dict[SessionId, int] = {}
        """The last event of each session that this client has heard of."""
        self._claimed: deque[tuple[SessionId, int]] = deque(maxlen=CLAIMED)
        """Events that were the answers to commands of ours."""

    async def submit(self, command: c.Command) -> c.Reply:
        """Carry out a command, whoever owns the sessions by then."""
        if isinstance(command, (c.OpenSession, ForkSession)) and not command.id:
            command = replace(command, id=SessionId(os.urandom(6).hex()))
        session = lost_answers.session_of(command)
        sent = lost_answers.Sent(command, self._known.get(session) if session else None, self._now())
        for _ in range(TRIES):
            client = await self.present()
            try:
                reply = await client.submit(command)
            except OwnerError as error:
                why = error
                await self.gone(client)
            else:
                return self._heard(reply)
            answer = await self._resolved(sent)
            if answer is not None:
                return self._heard(answer)
        return c.Refused(str(why), type(why).__name__)

    async def follow(self, session: SessionId, after: e.Cursor | None = None) -> AsyncGenerator[e.Stamped, None]:
        """Events after the cursor, then as they come; over every change of the owner."""
        changed, told_at = False, math.inf
        while True:
            client = await self.present()
            try:
                if after is None and session != FLEET:
                    after = e.Cursor(0, await self._last(client, session))
                elif after is not None and changed:
                    after = await self._as_far_as_known(client, session, after, told_at)
                async with aclosing(client.follow(session, after)) as events:
                    async for stamped in events:
                        if stamped.seq is not None and after is not None:
                            if stamped.seq <= after.seq:
                                continue
                            after, told_at = replace(after, seq=stamped.seq), stamped.at
                            self._known[session] = max(stamped.seq, self._known.get(session, 0))
                        yield stamped
            except OwnerError:
                await self.gone(client)
                changed = True

    async def sessions(self) -> Sequence[c.SessionInfo]:
        """Every session, last used first."""
        while True:
            client = await self.present()
            try:
                return await client.sessions()
            except OwnerError:
                await self.gone(client)

    async def _last(self, client: Client, session: SessionId) -> int:
        page = await client.submit(c.ReadHistory(session, None, 1))
        return (page.events[-1].seq or 0) if isinstance(page, c.HistoryPage) and page.events else 0

    async def _as_far_as_known(self, client: Client, session: SessionId, after: e.Cursor, told_at: float) -> e.Cursor:
        """The cursor, or one that fits where its event is not there any more: the database was salvaged, or replaced by a backup.

        What was said since has numbers that were told before, and is new all the same: it is known by its time.
        """
        page = await client.submit(c.ReadHistory(session, None, lost_answers.PAGE))
        if not isinstance(page, c.HistoryPage) or not page.events or (page.events[-1].seq or 0) >= after.seq:
            return after
        seq = max((one.seq or 0 for one in page.events if one.at <= told_at), default=(page.events[0].seq or 1) - 1)
        self._known[session] = seq
        return replace(after, seq=seq)

    def _heard(self, reply: c.Reply) -> c.Reply:
        if isinstance(reply, c.Done):
            self._claimed.append((reply.session, reply.seq))
        match reply:
            case c.Done(session=session, seq=seq) | c.Status(info=c.SessionInfo(id=session, seq=seq)) | c.News(session=session, seq=seq):
                self._known[session] = max(seq, self._known.get(session, 0))
            case _:
                pass
        return reply

    # A command whose answer was lost.

    async def _resolved(self, sent: lost_answers.Sent) -> c.Reply | None:
        """What came of it; None where it shall be sent lost_answers."""
        command = sent.command
        if isinstance(command, lost_answers.REPEATABLE):
            return None
        while True:
            client = await self.present()
            try:
                trace = lost_answers.trace_of(command)
                if trace is None:
                    return c.Refused(lost_answers.UNKNOWN, OwnerLost.__name__)
                return await lost_answers.found(client, sent, trace, lambda *event: event in self._claimed)
            except OwnerError:
                await self.gone(client)
