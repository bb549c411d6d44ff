"""The twin of the coordinator at the other end of a socket: a `Client` whose answers come from the owner.

Rules:
1. It asks, and waits; it decides nothing and keeps nothing of the sessions.
2. When the connection ends, everything that waits raises `OwnerLost`. Whether the last commands were carried out is not known here.
3. A follower takes what was sent to it at its own pace: what it has not taken yet is bounded by its window, and holds up nobody else.
4. Where a command is not answered, the owner is asked whether it is there. One that says nothing for `PATIENCE` seconds is silent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeVar

import anyio
from anyio.abc import TaskGroup

from plait import __version__
from plait.core.commands import Command, Refused, Reply, SessionInfo
from plait.core.errors import BadFrame, OwnerError, OwnerLost, PlaitError, error_named
from plait.core.events import Cursor, Stamped
from plait.core.messages import SessionId
from plait.core.ports import FLEET
from plait.remote import frames as f
from plait.remote.wire import ByteStream, Wire, lost

WINDOW = 1024 * 1024
"""Bytes of events that may be on their way to one follower: a second of many answers, and little memory."""
PATIENCE = 1.0
"""Seconds without a word of the owner, while something is asked of it, after which it is named to the user."""
Answer = TypeVar("Answer", bound=f.Response)


class _Feed:
    """What was sent to one follower and not taken yet."""

    def __init__(self) -> None:
        self.lines: deque[tuple[Stamped, int]] = deque()
        self.failure: PlaitError | None = None
        self.changed = anyio.Event()

    def put(self, stamped: Stamped, size: int) -> None:
        self.lines.append((stamped, size))
        self.changed.set()

    def fail(self, error: PlaitError) -> None:
        self.failure = self.failure or error
        self.changed.set()


class RemoteClient:
    """A `Client` over `stream`; an async context manager. `silence` is told True when the owner says nothing, False when it does again.

    `role` is what this process is to the owner.
    """

    def __init__(self, stream: ByteStream, pid: int, silence: Callable[[bool], object] = bool, *, role: f.Role = "prompt") -> None:
        self._wire = Wire(stream)
        self._hello = f.Hello(f.PROTOCOL, f.shape(), __version__, pid, role)
        self._silence = silence
        self._number = 0
        self._asked: dict[int, tuple[anyio.Event, list[f.Response]]] = {}
        self._feeds: dict[int, _Feed] = {}
        self._quiet_since = 0.0
        """When the last line came, or the first thing was asked after it."""
        self._silent = False
        self._wanted = anyio.Event()
        self._greeted = anyio.Event()
        self.ended = anyio.Event()
        """Set when the connection has ended; `reason` says why, and `handed_over` whether the owner left in order."""
        self.reason: OwnerError = lost()
        self.handed_over = False
        self.owner: f.Welcome
        self._tasks: TaskGroup

    def __repr__(self) -> str:
        state = "ended" if self.ended.is_set() else "silent" if self._silent else "attached"
        return f"<RemoteClient [{state}, {len(self._asked)} asked, {len(self._feeds)} followed]>"

    async def __aenter__(self) -> Self:
        """Attach. Raises `OwnerError` where the owner cannot be understood, `OwnerLost` where it went away meanwhile."""
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        try:
            for task in (self._wire.write, self._read, self._watch):
                self._tasks.start_soon(task)
            self._quiet_since = anyio.current_time()
            self._wire.put(f.encode_frame(self._hello))
            self._wanted.set()
            await self._greeted.wait()
            if self.ended.is_set():
                raise self.reason
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        self._wire.close()
        self._end(lost())
        self._tasks.cancel_scope.cancel()
        if isinstance(error, Exception):  # goes on as it is, not as a group of one
            await self._tasks.__aexit__(None, None, None)
            return False  # a group that was cancelled says that it has taken the error
        return await self._tasks.__aexit__(kind, error, traceback)

    def hang_up(self) -> None:
        """End the connection; whoever waits for something raises `OwnerLost` as soon as it runs again."""
        self._wire.close()

    # What a `Client` does.

    async def submit(self, command: Command) -> Reply:
        """Carry out a command there. Raises `OwnerLost` where the connection ended before its answer."""
        number = self._next()
        try:
            line = f.encode_frame(f.Submit(number, command))
        except BadFrame as error:
            return Refused(str(error), type(error).__name__)
        return (await self._ask(number, line, f.Answered)).reply

    async def sessions(self) -> Sequence[SessionInfo]:
        """Every session, last used first. Raises `OwnerLost`, or what keeps the owner from listing them."""
        number = self._next()
        return (await self._ask(number, f.encode_frame(f.ListSessions(number)), f.Listed)).sessions

    async def follow(self, session: SessionId, after: Cursor | None = None) -> AsyncGenerator[Stamped, None]:
        """See `Client.follow`. Raises `OwnerLost` once all that came before the connection's end was taken."""
        number, window = self._next(), 1 if session == FLEET else WINDOW
        feed = self._feeds[number] = _Feed()
        taken = 0
        try:
            await self._wire.send(f.encode_frame(f.Follow(number, session, after, window)))
            while True:
                while feed.lines:
                    stamped, size = feed.lines.popleft()
                    taken += size
                    if taken >= window // 4:
                        self._tell(f.Taken(number, taken))
                        taken = 0
                    yield stamped
                if feed.failure is not None:
                    raise feed.failure
                feed.changed = anyio.Event()
                await feed.changed.wait()
        finally:
            del self._feeds[number]
            if feed.failure is None:
                self._tell(f.Unfollow(number))

    def _tell(self, frame: f.Request) -> None:
        """Say something small that is not answered; to nobody, if the connection has ended."""
        if not self._wire.closed:
            self._wire.put(f.encode_frame(frame))

    def _next(self) -> int:
        self._number += 1
        return self._number

    async def _ask(self, number: int, line: bytes, kind: type[Answer]) -> Answer:
        if self.ended.is_set():
            raise self.reason
        if not self._asked:
            self._quiet_since = anyio.current_time()
        answered, answers = self._asked[number] = (anyio.Event(), [])
        try:
            await self._wire.send(line)
            self._wanted.set()
            await answered.wait()
        finally:
            del self._asked[number]
        if not answers:
            raise self.reason
        answer = answers[0]
        if not isinstance(answer, kind) and isinstance(answer, f.Answered) and isinstance(answer.reply, Refused):
            raise _told_by_owner(answer.reply)
        if not isinstance(answer, kind):
            raise OwnerError(
                f"The plait that owns the sessions (process {self.owner.pid}) answered something else. Leave both, and start again."
            )
        return answer

    # What comes.

    async def _read(self) -> None:
        try:
            async with aclosing(self._wire.lines()) as lines:
                async for line in lines:
                    self._speaks()
                    self._take(f.decode_frame(line, f.RESPONSES), len(line) + 1)
        except OwnerError as error:
            self._end(error)
        self._wire.close()

    def _take(self, frame: f.Response, size: int) -> None:
        match frame:
            case f.Welcome():
                if reason := f.mismatch(frame):
                    raise OwnerError(reason)
                self._wire.cap = f.FRAME_CAP
                self.owner = frame
                self._greeted.set()
            case f.Answered(id=number) | f.Listed(id=number):
                if (asked := self._asked.get(number)) is not None:  # else nobody waits for it any more
                    asked[1].append(frame)
                    asked[0].set()
            case f.Happened(id=number, event=stamped):
                if (feed := self._feeds.get(number)) is not None:
                    feed.put(stamped, size)
            case f.Unfollowed(id=number, error=name, text=text):
                if (feed := self._feeds.get(number)) is not None:
                    feed.fail(error_named(name)(text))
            case f.Pong():
                pass
            case f.Goodbye(reason=reason, leaving=leaving):
                self.handed_over = leaving
                raise OwnerLost(reason) if leaving else OwnerError(reason)

    def _end(self, reason: OwnerError) -> None:
        if self.ended.is_set():
            return
        self.reason = reason
        self.ended.set()
        self._greeted.set()
        for answered, _ in self._asked.values():
            answered.set()
        for feed in self._feeds.values():
            feed.fail(reason)

    # Whether the owner is there.

    async def _watch(self) -> None:
        """While something is asked and nothing comes, ask whether anybody is there, and tell of silence."""
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            while self._asked or not self._greeted.is_set():
                since = self._quiet_since
                await anyio.sleep_until(since + PATIENCE / 2)
                if since != self._quiet_since:
                    continue
                if self._greeted.is_set() and not self._silent:
                    self._tell(f.Ping(self._next()))
                await anyio.sleep(PATIENCE / 2)
                if since == self._quiet_since and not self._silent and (self._asked or not self._greeted.is_set()):
                    self._silent = True
                    self._silence(True)

    def _speaks(self) -> None:
        self._quiet_since = anyio.current_time()
        if self._silent:
            self._silent = False
            self._silence(False)


def _told_by_owner(refused: Refused) -> PlaitError:
    """What an owner says that is there: never an `OwnerError`, after which one would wait for the next owner."""
    kind = error_named(refused.error)
    return (PlaitError if issubclass(kind, OwnerError) else kind)(refused.text)
