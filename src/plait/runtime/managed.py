"""What the runtime is given of the world, and a session that is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from plait.core import events as e
from plait.core.codec import cleaned
from plait.core.defaults import Defaults
from plait.core.errors import UsageError
from plait.core.messages import SessionId
from plait.core.naming import Proposal
from plait.core.ports import Models, Store, Tool
from plait.core.prompt import Instructions
from plait.core.session import Session, SessionState
from plait.runtime.eventlog import EventLog
from plait.runtime.metrics import Meter
from plait.runtime.weight import weight


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the runtime is given of the world: adapters, settings, the clock (seconds since 1970), chance in [0, 1), fresh ids.

    `named` makes a name and a kind of the user's first messages; it is pure and may take some milliseconds.
    """

    store: Store
    models: Models
    defaults: Defaults
    instructions: Callable[[str], Instructions]
    now: Callable[[], float]
    random: Callable[[], float]
    new_id: Callable[[], str]
    tools: Mapping[str, Tool]
    named: Callable[[Sequence[str]], Proposal]
    meter: Meter = field(default_factory=Meter)


@dataclass(slots=True)
class Managed:
    """A session that is loaded: its fold, its log, and the cancel scope of its running turn."""

    session: Session
    log: EventLog
    scope: anyio.CancelScope | None = None
    ended: anyio.Event = field(default_factory=anyio.Event)
    """Set when the turn of `scope` has ended."""
    tasks: int = 0
    """Turns that still run, those left behind included."""
    helpers: set[anyio.CancelScope] = field(default_factory=set)
    """Scopes of what is done for it in the background."""
    conversation_bytes: int = 0
    _changed: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        self.conversation_bytes = sum(map(weight, self.session.conversation))

    def happen(self, event: e.Event, at: float) -> e.Stamped:
        """Let the event happen to the session, and give it its place; whoever waits `until` something looks again.

        Raises `IllegalTransition`.
        """
        seq = None if isinstance(event, e.EPHEMERAL_TYPES) else self.session.seq + 1
        stamped = e.Stamped(self.session.id, seq, at, cleaned(event))  # so that what lives is what will be read back
        before, back = len(self.session.conversation), self.session.taken_back[-1:]
        self.session.apply(stamped)
        if isinstance(stamped.event, e.Rewound):
            self.conversation_bytes -= sum(map(weight, self.session.taken_back[-1]))
        elif isinstance(stamped.event, e.Redone):
            self.conversation_bytes += sum(map(weight, back[0]))
        elif len(self.session.conversation) > before:
            self.conversation_bytes += weight(stamped)
        if isinstance(stamped.event, (e.QuestionAnswered, e.Unpaused)):
            self._changed.set()
            self._changed = anyio.Event()
        return stamped

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once `condition`, which hangs on an answered question or an end of a pause, holds."""
        while not condition():
            await self._changed.wait()

    def stop_helpers(self) -> None:
        """What is done for it in the background has no use any more."""
        for scope in self.helpers:
            scope.cancel()

    @property
    def held_bytes(self) -> int:
        """About what the session holds in memory: its conversation and its ring."""
        return self.conversation_bytes + self.log.held_bytes

    @property
    def at_work(self) -> bool:
        """Whether a turn runs, waits for its start, or waits for an answer."""
        return bool(self.tasks or self.session.queue or self.session.running is not None)

    @property
    def is_idle(self) -> bool:
        """Whether it is completed and nobody has to do with it."""
        return self.session.state is SessionState.COMPLETED and not self.log.readers and not self.tasks


def unknown_session(session: SessionId) -> UsageError:
    """What is raised for a session that is not there, or not any more."""
    return UsageError(f"There is no session with the id '{session}'. /sessions lists those that are open.")
