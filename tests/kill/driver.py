"""The program that is killed: the real coordinator over the real SQLite store, with scripted models and a tool, and many turns.

It writes a line of JSON for everything that it is about to do or has been told is done:

    {"say": text}                              about to send this message
    {"session": id, "seq": n, "event": [...]}  a follower was given this event: it is acknowledged
    {"done": [id, seq]}                        a message was acknowledged
    {"ran": [id, call, nonce]}                 a tool has run, now
    {"shown": [id, turn, characters, clock]}   so much of an answer was shown; clock is CLOCK_MONOTONIC

Mutants are the same program with one promise broken; the harness has to notice each.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from plait.core import commands as c, events as e
from plait.core.codec import encode_event
from plait.core.defaults import Defaults
from plait.core.messages import CallId, SessionId, ToolCall, ToolSpec, Turn
from plait.core.naming import Proposal
from plait.core.ports import ModelChoice, Store, ToolContext, Write
from plait.core.prompt import Instructions
from plait.core.session import Session
from plait.models.scripted import Reply, ScriptedModel
from plait.runtime.coordinator import Coordinator
from plait.runtime.managed import Managed, Surroundings
from plait.store.sqlite import SqliteStore, open_store

SESSIONS = 8
SLOW_WORDS, SLOW_RATE = 280, 100
TURN_LIMIT = 10.0
"""Seconds that one turn may take before the driver gives up, with exit code 3."""

REPLIES = (
    Reply(match="tool:", text="I look.", calls=(ToolCall(CallId(""), "touch", '{"nonce":1}'),)),
    Reply(match="touched", text="The tool has run. " * 3),
    Reply(match="slow:", words=SLOW_WORDS, per_second=SLOW_RATE, thinking="slowly"),
    Reply(match="cut:", text="This answer will be cut off before its end.", cut=20),
    Reply(match="", text="A short answer. " * 4, delay=0.001),
)
KINDS = ("short:", "short:", "tool:", "tool:", "cut:", "slow:")


@dataclass
class Scripts:
    """One scripted model, whatever the name."""

    model: ScriptedModel = field(default_factory=lambda: ScriptedModel(REPLIES))

    async def choose(self, name: str) -> ModelChoice:
        """See `Models.choose`."""
        return ModelChoice(self.model, "m")

    async def default(self) -> str:
        """See `Models.default`."""
        return "scripted:m"

    async def listing(self) -> Sequence[c.ModelLine]:
        """See `Models.listing`."""
        return ()


class Touch:
    """A tool with an effect: it says that it has run."""

    spec = ToolSpec("touch", "For the harness.", "{}")

    def __init__(self, tell: Callable[[object], None]) -> None:
        self._tell = tell

    async def run(self, arguments: str, context: ToolContext) -> str:
        """Say so, twice as long as a moment, so that kills fall into it."""
        self._tell({"ran": [context.session, context.call, os.getpid()]})
        await anyio.sleep(0.002)
        return "touched"


class EarlyStore:
    """Mutant: tells that a group is written, and writes it when some more have come."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._held: list[Sequence[Write]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def append(self, writes: Sequence[Write]) -> None:
        """Hold the last groups back: with many sessions at work the next one comes at once."""
        self._held.append(writes)
        while len(self._held) > SESSIONS:
            self._store.append(self._held.pop(0))


class Forgetful(Coordinator):
    """Mutant: does not record one type of event."""

    forgets: type[e.Event] = e.ToolStarted

    def record(self, session_id: SessionId, event: e.Event, *then: tuple[float, e.Durable]) -> int:
        """As the coordinator, but for the one."""
        return self._managed[session_id].session.seq if isinstance(event, self.forgets) else super().record(session_id, event, *then)


class Unsaved(Forgetful):
    """Mutant: keeps nothing of an answer until it is whole."""

    forgets = e.AnswerProgress


class Reusing(Coordinator):
    """Mutant: gives the first event of this run the number of the last one of the run before."""

    def manage(self, session: Session, unsaved: Sequence[e.Stamped] = ()) -> Managed:
        """Forget the last number."""
        session.seq = max(0, session.seq - 1)
        return super().manage(session, unsaved)


MUTANTS: dict[str, type[Coordinator]] = {
    "": Coordinator,
    "early": Coordinator,
    "no-start": Forgetful,
    "no-progress": Unsaved,
    "reuse": Reusing,
}


class Driver:
    """Talks in all sessions until it is killed, or in each once if it is to finish."""

    def __init__(self, pipe: int, seed: int, kinds: Sequence[str], finish: bool) -> None:
        self._pipe = pipe
        self._random = random.Random(seed)
        self._kinds, self._finish = kinds, finish
        self._seed = seed

    def tell(self, line: object) -> None:
        """One line to the harness, before anything else happens."""
        os.write(self._pipe, json.dumps(line).encode() + b"\n")

    async def run(self, path: Path, mutant: str) -> None:
        """Drive a coordinator over the database at `path`."""
        opened = open_store(path, now=time.time(), report=lambda finding: None)
        store: Store = EarlyStore(opened) if mutant == "early" else opened  # type: ignore[assignment]  # the rest comes by __getattr__
        ids = (f"{random.Random(f'{self._seed}/{number}').getrandbits(48):012x}" for number in range(10**9))
        world = Surroundings(
            store=store,
            models=Scripts(),
            defaults=Defaults(auto_names=False),
            instructions=lambda directory: Instructions(),
            now=time.time,
            random=self._random.random,
            new_id=lambda: next(ids),
            tools={"touch": Touch(self.tell)},
            named=lambda texts: Proposal("", "development"),
        )
        async with MUTANTS[mutant](world) as coordinator, anyio.create_task_group() as tasks:
            known = [row.id for row in await coordinator.sessions()]
            for number in range(SESSIONS):
                tasks.start_soon(self._session, coordinator, known[number] if number < len(known) else None)
        opened.close()

    async def _session(self, coordinator: Coordinator, session: SessionId | None) -> None:
        if session is None:
            reply = await coordinator.submit(c.OpenSession("/kill"))
            assert isinstance(reply, c.Done), reply
            session = reply.session
        seq = (await coordinator.managed(session)).session.seq
        async with anyio.create_task_group() as tasks:
            ended: dict[Turn, anyio.Event] = {}
            tasks.start_soon(self._follow, coordinator, session, e.Cursor(0, 0 if seq < 20 else seq - 10), ended)
            number = 0
            while not self._finish or number == 0:
                number += 1
                text = f"{self._random.choice(self._kinds)} {session} {os.getpid()} {number}"
                await self._say(coordinator, session, text, ended)
            tasks.cancel_scope.cancel()

    async def _say(self, coordinator: Coordinator, session: SessionId, text: str, ended: dict[Turn, anyio.Event]) -> None:
        self.tell({"say": text})
        with anyio.move_on_after(TURN_LIMIT):
            reply = await coordinator.submit(c.Say(session, text))
            assert isinstance(reply, c.Done), reply
            self.tell({"done": [session, reply.seq]})
            await ended.setdefault(Turn(reply.seq), anyio.Event()).wait()
            return
        os._exit(3)

    async def _follow(self, coordinator: Coordinator, session: SessionId, after: e.Cursor, ended: dict[Turn, anyio.Event]) -> None:
        shown = 0
        async with aclosing(coordinator.follow(session, after)) as events:
            async for stamped in events:
                event = stamped.event
                if stamped.seq is not None:
                    self.tell({"session": session, "seq": stamped.seq, "event": encode_event(event)})
                match event:
                    case e.AnswerDelta() | e.InProgress():
                        shown = len(event.text) + (shown if isinstance(event, e.AnswerDelta) else 0)
                        self.tell({"shown": [session, event.turn, shown, time.monotonic()]})
                    case e.AssistantSaid() | e.TurnStarted():
                        shown = 0
                    case e.TurnEnded():
                        ended.setdefault(event.turn, anyio.Event()).set()
                    case _:
                        pass


def main(pipe: int, path: Path, seed: int, mutant: str = "", kinds: Sequence[str] = KINDS, finish: bool = False) -> None:
    """Drive until killed, or to the end if it is to `finish`."""
    anyio.run(Driver(pipe, seed, kinds, finish).run, path, mutant)
