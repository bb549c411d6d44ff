"""The seams, on one page. A seam has few methods; a new ability is a new command or a new event.

front end ── Client ── runtime ── Store, ModelProvider, Tool ── adapters
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from plait.core.commands import Command, Draft, ModelLine, Reply, SessionInfo
from plait.core.events import Cursor, Stamped
from plait.core.messages import CallId, ModelEvent, ModelRequest, ProjectId, SessionId, ToolSpec
from plait.core.metrics import Metrics
from plait.core.searching import Places, Query


@dataclass(frozen=True, slots=True)
class Project:
    """A directory that people work in; `id` is `{prefix}-{8 hex}`, `directory` is absolute."""

    id: ProjectId
    name: str
    directory: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Write:
    """What one session wants appended: `events` follow `expected_seq` without a gap.

    `row` is the session as it is after them; the store keeps it so that a list of sessions needs no fold.
    """

    row: SessionInfo
    expected_seq: int
    epoch: int
    events: tuple[Stamped, ...]


class Store(Protocol):
    """Durable events of all sessions. Synchronous: the journal's thread and worker threads call it, never the event loop.

    Every method may raise `StoreError`; `append` writes nothing at all then.
    """

    @property
    def epoch(self) -> int:
        """The number of this ownership; one higher at each opening for writing. A write of a lower epoch is refused."""
        ...

    def append(self, writes: Sequence[Write]) -> None:
        """Append to several sessions in one commit, synced to disk.

        Raises `SequenceConflict` if a session is not at `expected_seq` or the epoch is not the owner's.
        """
        ...

    def read(self, session: SessionId, after: int = 0, upto: int | None = None) -> Sequence[Stamped]:
        """Durable events with `after < seq <= upto`, in order; of an unknown session none."""
        ...

    def settled(self, session: SessionId, after: int, most: int) -> Sequence[Stamped]:
        """The next `most` durable events after `after` that a fold needs: without the progress of answers that are over.

        Fewer than `most` means that there are no more.
        """
        ...

    def sessions(self, *, open_only: bool = False) -> Sequence[SessionInfo]:
        """Every session ever opened, last used first; with `open_only` without the completed ones, of which there may be very many."""
        ...

    def project(self, new: Project) -> Project:
        """The project registered for `new.directory`; `new` itself, now registered, where there was none."""
        ...

    def projects(self) -> Sequence[Project]:
        """Every registered project, oldest first."""
        ...

    def trusted(self, project: ProjectId) -> tuple[str, bool] | None:
        """Digest and answer of the last question about the project's own instruction files; None if never asked."""
        ...

    def trust(self, project: ProjectId, digest: str, allowed: bool, at: float) -> None:
        """Keep the user's answer, synced to disk."""
        ...

    def drafts(self) -> Sequence[Draft]:
        """What was typed in each session and not sent; only sessions that have something."""
        ...

    def keep_draft(self, draft: Draft, at: float) -> None:
        """Keep what was typed, in place of what was kept before; an empty text forgets it. Synced to disk."""
        ...

    def search(self, query: Query) -> Places:
        """Messages that hold all of the words, best first. Sees what `index` has taken in; counts what it has not."""
        ...

    def index(self) -> bool:
        """Make a little more of what was appended findable, in some milliseconds; True if there is more to do.

        Never part of an append: whoever appends calls it when nothing waits. After a kill or an error it goes on where it was.
        """
        ...

    def sizes(self, sessions: Sequence[SessionId]) -> Mapping[SessionId, int]:
        """About how many bytes the events of each of these take; of an unknown one nothing is said."""
        ...

    def purge(self, sessions: Sequence[SessionId]) -> None:
        """Erase these sessions with all that is kept of them, in one commit: the only thing that erases.

        Raises `StoreError`, and nothing is erased, where one of them is not stored as completed and in the trash.
        """
        ...

    def claim(self, session: SessionId, owner: str) -> bool:
        """Take the session's lease for `owner`; False if another owner holds it."""
        ...

    def renew(self, session: SessionId, owner: str) -> bool:
        """Keep the lease; False if it was lost."""
        ...

    def release(self, session: SessionId, owner: str) -> None:
        """Give the lease back; giving back what was not held does nothing."""
        ...

    def tidy(self) -> None:
        """Do what no acknowledgement shall wait for, such as a checkpoint; cheap when there is nothing of that kind."""
        ...

    def close(self) -> None:
        """Release the database; a second call does nothing."""
        ...


class ModelProvider(Protocol):
    """One way to reach models: a wire and a place."""

    name: str
    can_call_tools: bool

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one call. The last event is `Finished`; whatever goes wrong is a `ModelError`. Makes no second attempt of its own.

        Closing the generator gives up the call at once and frees the provider's slot.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections and children."""
        ...


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A resolved model: its provider, the provider's own name of it, and what is known of it."""

    provider: ModelProvider
    model: str
    context_window: int | None = None
    input_price: float | None = None
    """US dollars per million input tokens; likewise `cached_price` and `output_price`."""
    cached_price: float | None = None
    output_price: float | None = None
    name: str = ""
    """The full name, `provider:name`."""
    can_summarise: bool = True
    """False for a model so small that its summary of a conversation would be noise."""


class Models(Protocol):
    """Where the runtime gets a model by its full name, `provider:name`."""

    async def choose(self, name: str) -> ModelChoice:
        """The model of that name; an empty name takes the best that is there. Raises `ModelError` (`NoModel`, `AccessRefused`, ...)."""
        ...

    async def default(self) -> str:
        """The full name that an empty name stands for now. Raises `NoModel`."""
        ...

    async def listing(self) -> Sequence[ModelLine]:
        """What there is, available ones first, and why the rest is not to be had."""
        ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """All that a tool learns of where it runs. Few fields, and a test fixes how many."""

    session: SessionId
    directory: str
    call: CallId


@dataclass(frozen=True, slots=True)
class Ask:
    """What a tool returns that is done but for the user's answer, which becomes the call's result. With `choices` it offers them."""

    question: str
    choices: tuple[str, ...] = ()


class Tool(Protocol):
    """Something that the model can ask for."""

    spec: ToolSpec

    async def run(self, arguments: str, context: ToolContext) -> str | Ask:
        """Do it once; `arguments` is the model's JSON text. What it raises becomes the call's error, told to the model."""
        ...


class MetricsKeeper(Protocol):
    """Where metrics are kept from run to run. Both methods block."""

    def load(self) -> Metrics:
        """What is kept; nothing where it cannot be read."""
        ...

    def save(self, metrics: Metrics) -> None:
        """Keep these in place of what was kept. Raises `OSError`."""
        ...


FLEET = SessionId("*")
"""What `Client.follow` is given to watch all open sessions and the gate."""


class Client(Protocol):
    """What a front end sees of everything else. In process it is the coordinator; over a socket, a remote twin."""

    async def submit(self, command: Command) -> Reply:
        """Carry out a command; answers once its effects are durable. A command that cannot be carried out is `Refused`."""
        ...

    def follow(self, session: SessionId, after: Cursor | None = None) -> AsyncGenerator[Stamped, None]:
        """Every event of a session after the cursor (None: from now on), then as they come; durable ones once they are committed.

        Where an answer is being written, the first ephemeral event is its `InProgress`. Following shows the session: it is attended
        for as long as the generator is open. `FLEET` follows no session: it yields `SessionsChanged`, once at the start and then when
        there is something new to be asked for, never more than one that was not taken.
        """
        ...

    async def sessions(self) -> Sequence[SessionInfo]:
        """Every session, last used first. Raises `StoreError` where they cannot be read."""
        ...
