"""One connection to who is attached, at the owner's end: it takes requests and gives them to the owner's `Client`.

Rules:
1. Requests are begun in the order in which they came. `Unfollow` is over before the next one begins.
2. A command is carried out once it was read, whether or not anybody waits for its answer by then.
3. Nothing is queued for a follower: what does not fit into its window waits in the session's log, which drops deltas and keeps the rest.
4. A bad frame ends this connection with a reason; so does anything unforeseen. No other one notices.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
from anyio.abc import TaskGroup

from plait.core import commands as c
from plait.core.errors import BadFrame, OwnerLost, PlaitError
from plait.core.messages import SessionId
from plait.core.ports import Client
from plait.remote import frames as f
from plait.remote.wire import Wire

log = logging.getLogger(__name__)

BUSY = 256
"""Commands of one connection that are carried out at once; then no more are read."""
FOLLOWED = 256
"""Sessions that one connection may follow at once."""
GREETING = 10.0
"""Seconds that the first frame may take."""


@dataclass(slots=True)
class _Following:
    """What one follower has been sent and has not taken, in bytes."""

    session: SessionId
    window: int
    outstanding: int = 0
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)
    taken: anyio.Event = field(default_factory=anyio.Event)

    async def room(self) -> None:
        """Return once there is some."""
        while self.outstanding >= self.window:
            await self.taken.wait()

    def take(self, size: int) -> None:
        """The follower has taken so many bytes."""
        self.outstanding = max(0, self.outstanding - max(0, size))
        self.taken.set()
        self.taken = anyio.Event()


class Connection:
    """Serves one peer. `commands` is the task group in which its commands are carried out; it outlives the connection."""

    def __init__(self, wire: Wire, client: Client, welcome: f.Welcome, commands: TaskGroup, greeted: Callable[[], object]) -> None:
        self._wire = wire
        self._client = client
        self._welcome = welcome
        self._commands = commands
        self._greeted = greeted
        self._busy = 0
        self._freed = anyio.Event()
        self._followed: dict[int, _Following] = {}
        self.peer: f.Hello | None = None
        """Who it is; None until that is known, and where it is nobody that can be talked to."""
        self._tasks: TaskGroup

    def __repr__(self) -> str:
        return f"<Connection of process {self.peer.pid if self.peer else '?'} [{len(self._followed)} followed, {self._wire!r}]>"

    @property
    def followed(self) -> Sequence[SessionId]:
        """The sessions that are followed here."""
        return [one.session for one in self._followed.values()]

    async def serve(self) -> None:
        """Answer until either side ends it. Raises nothing but cancellation."""
        try:
            async with anyio.create_task_group() as self._tasks:
                self._tasks.start_soon(self._wire.write)
                try:
                    await self._take_all()
                except OwnerLost:
                    pass
                except BadFrame as error:
                    await self.say_goodbye(str(error))
                except Exception as error:  # the connection's fault boundary: it ends with a sentence, and the owner goes on
                    log.exception("a connection failed")
                    await self.say_goodbye(f"plait failed in this connection ({type(error).__name__}). The log has more.")
                self._wire.close()
                self._tasks.cancel_scope.cancel()
        finally:
            self._wire.close()

    async def say_goodbye(self, reason: str, *, leaving: bool = False) -> None:
        """The last words, as far as they are taken."""
        with suppress(OwnerLost):
            self._wire.put_last(f.encode_frame(f.Goodbye(reason, leaving)))
            await self._wire.flush()

    async def _take_all(self) -> None:
        async with aclosing(self._wire.lines()) as lines:
            try:
                with anyio.fail_after(GREETING):
                    hello = f.decode_frame(await anext(lines), (f.Hello,))
            except TimeoutError:
                raise BadFrame(f"Nobody said Hello within {GREETING:.0f} seconds. Say it first.") from None
            await self._send(self._welcome)
            if reason := f.mismatch(hello):
                raise BadFrame(reason)
            self._wire.cap = f.FRAME_CAP
            self.peer = hello
            self._greeted()
            async for line in lines:
                await self._take(f.decode_frame(line, f.REQUESTS))

    async def _take(self, frame: f.Request) -> None:
        match frame:
            case f.Submit():
                await self._begin(self._submit, frame)
            case f.ListSessions():
                await self._begin(self._list, frame)
            case f.Follow():
                self._follow(frame)
            case f.Unfollow():
                await self._unfollow(frame)
            case f.Taken(id=number, size=size):
                if (following := self._followed.get(number)) is not None:
                    following.take(size)
            case f.Ping(id=number):
                await self._send(f.Pong(number))
            case f.Hello():
                raise BadFrame("Hello was said already. Send requests.")

    async def _send(self, frame: f.Response) -> None:
        await self._wire.send(f.encode_frame(frame))

    # Commands.

    async def _begin(self, function: Callable[[Any], Awaitable[f.Response]], frame: f.Submit | f.ListSessions) -> None:
        while self._busy >= BUSY:
            await self._freed.wait()
        self._busy += 1
        self._commands.start_soon(self._carry_out, function, frame)

    async def _carry_out(self, function: Callable[[Any], Awaitable[f.Response]], frame: f.Submit | f.ListSessions) -> None:
        try:
            answer = await function(frame)
            with suppress(OwnerLost):
                await self._wire.send(_line_of(answer))
        finally:
            self._busy -= 1
            self._freed.set()
            self._freed = anyio.Event()

    async def _submit(self, frame: f.Submit) -> f.Response:
        try:
            return f.Answered(frame.id, await self._reply(frame.command))
        except Exception as error:  # noqa: BLE001  # one command's fault boundary: it is refused, and the others go on
            return f.Answered(frame.id, _failed(error))

    async def _reply(self, command: c.Command) -> c.Reply:
        reply = await self._client.submit(command)
        while isinstance(command, c.ReadHistory) and isinstance(reply, c.HistoryPage) and len(reply.events) > 1 and _is_too_long(reply):
            command = replace(command, limit=len(reply.events) // 2)
            reply = await self._client.submit(command)
        return reply

    async def _list(self, frame: f.ListSessions) -> f.Response:
        try:
            return f.Listed(frame.id, tuple(await self._client.sessions()))
        except Exception as error:  # noqa: BLE001  # likewise
            return f.Answered(frame.id, _failed(error))

    # Followers.

    def _follow(self, frame: f.Follow) -> None:
        if frame.id in self._followed or len(self._followed) >= FOLLOWED:
            raise BadFrame(f"Following under the number {frame.id} is not possible. Take a fresh number, and follow {FOLLOWED} at most.")
        following = self._followed[frame.id] = _Following(frame.session, max(1, frame.window))
        self._tasks.start_soon(self._send_events, frame, following)

    async def _unfollow(self, frame: f.Unfollow) -> None:
        following = self._followed.get(frame.id)
        if following is not None:
            following.scope.cancel()
            await following.ended.wait()

    async def _send_events(self, frame: f.Follow, following: _Following) -> None:
        try:
            with following.scope, suppress(OwnerLost):
                try:
                    async with aclosing(self._client.follow(frame.session, frame.after)) as events:
                        while True:
                            await following.room()  # before the next event is asked for, which is then the latest there is
                            stamped = await anext(events)
                            line = f.encode_frame(f.Happened(frame.id, stamped))
                            following.outstanding += len(line)
                            await self._wire.send(line)
                except PlaitError as error:
                    if isinstance(error, OwnerLost):
                        raise
                    await self._send(f.Unfollowed(frame.id, type(error).__name__, str(error)))
                except Exception as error:  # noqa: BLE001  # one follower's fault boundary; logged in `_failed`
                    failed = _failed(error)
                    await self._send(f.Unfollowed(frame.id, failed.error, failed.text))
        finally:
            del self._followed[frame.id]
            following.ended.set()


def _failed(error: Exception) -> c.Refused:
    """What is told of a fault that nobody foresaw, or of what the store cannot read now."""
    if isinstance(error, PlaitError):
        return c.Refused(str(error), type(error).__name__)
    log.error("what an attached plait asked for failed", exc_info=error)
    return c.Refused(f"plait failed in what was asked of it ({type(error).__name__}). Try again; the log has more.", PlaitError.__name__)


def _line_of(answer: f.Response) -> bytes:
    try:
        return f.encode_frame(answer)
    except BadFrame as error:
        return f.encode_frame(f.Answered(getattr(answer, "id", 0), c.Refused(str(error), BadFrame.__name__)))


def _is_too_long(reply: c.Reply) -> bool:
    try:
        f.encode_frame(f.Answered(0, reply))
    except BadFrame:
        return True
    return False
