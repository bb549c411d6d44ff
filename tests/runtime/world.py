"""A whole runtime for tests: the real coordinator over the store in memory and the scripted model, with a clock and ids that count."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeVar

import anyio

from plait.core import commands as c, events as e
from plait.core.commands import ModelLine
from plait.core.defaults import Defaults
from plait.core.errors import NoModel
from plait.core.messages import CallId, SessionId, ToolCall, ToolResult, ToolSpec, Turn
from plait.core.naming import Proposal, proposed
from plait.core.ports import Ask, ModelChoice, ModelProvider, Store, Tool, ToolContext
from plait.core.prompt import Instructions
from plait.models.scripted import Reply, ScriptedModel
from plait.runtime.coordinator import Coordinator
from plait.runtime.managed import Surroundings
from tests.runtime.failing import FailingStore
from tests.runtime.waiting import LIMIT

Answer = TypeVar("Answer", bound=c.Reply)


@dataclass
class Bench:
    """The models of a test by their names; prices are those of `priced`."""

    providers: dict[str, ModelProvider]
    priced: bool = False

    async def choose(self, name: str) -> ModelChoice:
        """See `Models.choose`."""
        if name not in self.providers:
            raise NoModel(f"There is no model '{name}'. Take another one.")
        prices = (2.0, 0.5, 10.0) if self.priced else (None, None, None)
        return ModelChoice(self.providers[name], name.partition(":")[2], 1_000, *prices)

    async def default(self) -> str:
        """See `Models.default`."""
        if not self.providers:
            raise NoModel("There is no model here. Install one.")
        return next(iter(self.providers))

    async def listing(self) -> Sequence[ModelLine]:
        """See `Models.listing`."""
        return [ModelLine(name, True) for name in self.providers]


@dataclass
class Recorder:
    """A tool that does what it is told by `act`, and remembers every run."""

    name: str
    act: Callable[[str, ToolContext], Awaitable[str | Ask]]
    runs: list[CallId] = field(default_factory=list)
    spec: ToolSpec = field(init=False)

    def __post_init__(self) -> None:
        self.spec = ToolSpec(self.name, "For tests.", '{"type":"object"}')

    async def run(self, arguments: str, context: ToolContext) -> str | Ask:
        """See `Tool.run`."""
        self.runs.append(context.call)
        return await self.act(arguments, context)


async def fine(arguments: str, context: ToolContext) -> str:
    """What an ordinary tool does."""
    return f"done in {context.directory}"


def last_word(texts: Sequence[str]) -> Proposal:
    """A name that shows what it was made of: the last word of each message; a message about a bug makes the kind debug."""
    words = [text.split()[-1] for text in texts if text.split()]
    return Proposal(proposed(" ".join(words)), "debug" if "bug" in words else "development")


def scripted(*replies: Reply) -> Bench:
    """One scripted model, `scripted:m`."""
    return Bench({"scripted:m": ScriptedModel(replies)})


def calls(*names: str, **more: str) -> Reply:
    """A reply that calls tools, with ids of its own."""
    return Reply(calls=tuple(ToolCall(CallId(more.get("id", "")), name, "{}") for name in names))


@dataclass
class World:
    """Everything that a coordinator is given; used again, it is the same machine after a restart."""

    models: Bench
    store: Store = field(default_factory=FailingStore)
    tools: dict[str, Tool] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=Defaults)
    instructions: Callable[[str], Instructions] = lambda directory: Instructions()
    named: Callable[[Sequence[str]], Proposal] | None = None
    """None leaves sessions with their placeholders, so that a log holds what its test says and no more."""
    clock: count[int] = field(default_factory=lambda: count(1_000))
    ids: count[int] = field(default_factory=lambda: count(1))

    def start(self) -> Coordinator:
        """A coordinator over this world, not entered yet."""
        return Coordinator(
            Surroundings(
                store=self.store,
                models=self.models,
                defaults=self.defaults if self.named else replace(self.defaults, auto_names=False),
                instructions=self.instructions,
                now=lambda: float(next(self.clock)),
                random=lambda: 0.0,
                new_id=lambda: f"{next(self.ids):08x}",
                tools=self.tools,
                named=self.named or last_word,
            )
        )

    @property
    def model(self) -> ScriptedModel:
        """The first model, a scripted one."""
        model = next(iter(self.models.providers.values()))
        assert isinstance(model, ScriptedModel)
        return model

    def log(self, session: SessionId) -> list[e.Event]:
        """What lies in the store."""
        return [one.event for one in self.store.read(session)]

    def results(self, session: SessionId) -> list[ToolResult]:
        """What the session's tools returned."""
        return [event.result for event in self.log(session) if isinstance(event, e.ToolReturned)]

    def answers(self, session: SessionId) -> list[e.AssistantSaid]:
        """What the model said in the session."""
        return [event for event in self.log(session) if isinstance(event, e.AssistantSaid)]


async def ask(coordinator: Coordinator, command: c.Command, kind: type[Answer]) -> Answer:
    """Submit a command that is answered by a `kind`."""
    with anyio.fail_after(LIMIT):
        reply = await coordinator.submit(command)
    assert isinstance(reply, kind), reply
    return reply


async def opened(coordinator: Coordinator, directory: str = "/shop", name: str = "") -> SessionId:
    """A fresh session."""
    return (await ask(coordinator, c.OpenSession(directory, name), c.Done)).session


async def said(coordinator: Coordinator, session: SessionId, text: str) -> Turn:
    """Say something; the turn that it asks for."""
    return Turn((await ask(coordinator, c.Say(session, text), c.Done)).seq)


async def ended(coordinator: Coordinator, session: SessionId, turn: Turn) -> e.TurnEnded:
    """Watch a session until a turn has ended."""
    with anyio.fail_after(LIMIT):
        async with aclosing(coordinator.follow(session, e.Cursor(0, turn))) as events:
            async for stamped in events:
                if isinstance(stamped.event, e.TurnEnded) and stamped.event.turn == turn:
                    return stamped.event
    raise AssertionError("a log that is followed does not end")


async def turned(coordinator: Coordinator, session: SessionId, text: str) -> e.TurnEnded:
    """Say something and watch until its turn has ended."""
    return await ended(coordinator, session, await said(coordinator, session, text))


async def shown(coordinator: Coordinator, session: SessionId, text: str) -> None:
    """Watch a session until this text has been streamed in the item in progress."""
    whole = ""
    with anyio.fail_after(LIMIT):
        async with aclosing(coordinator.follow(session, e.Cursor(0, 0))) as events:
            async for stamped in events:
                if isinstance(stamped.event, e.InProgress | e.AnswerDelta):
                    whole = stamped.event.text if isinstance(stamped.event, e.InProgress) else whole + stamped.event.text
                if text in whole:
                    return
