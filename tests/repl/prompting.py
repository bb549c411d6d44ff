"""A prompt without a terminal, over a real coordinator: what commands are tested against."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.lowlevel

from plait.core import commands as c, events as e
from plait.core.defaults import Defaults
from plait.core.messages import Attachment, SessionId, Turn
from plait.core.ports import Client, ModelChoice, Tool
from plait.core.prompt import Instructions
from plait.instructions import read_instructions
from plait.models.scripted import Reply, ScriptedModel
from plait.repl.fleet import FleetView
from plait.repl.slash.commands import all_commands
from plait.repl.slash.line import SlashLine, parse_line
from plait.repl.style import Look
from plait.runtime.coordinator import Coordinator
from plait.runtime.managed import Surroundings
from plait.store.memory import MemoryStore
from tests.runtime.waiting import LIMIT
from tests.runtime.world import last_word

LISTED = (
    c.ModelLine("scripted:test", True, "", 1000, 1.0, 2.0),
    c.ModelLine("near:one", True),
    c.ModelLine("near:two:latest", True),
    c.ModelLine("far:one", True),
    c.ModelLine("locked:big", False, "LOCKED_API_KEY is not set. Set it and start plait again."),
)


class ScriptedModels:
    """A `Models` whose every name is one scripted model, with a window of 1,000 tokens and the prices of `LISTED`'s first line."""

    def __init__(self, model: ScriptedModel, listed: Sequence[c.ModelLine] = LISTED) -> None:
        self.model = model
        self.listed = listed
        self.asked = 0

    async def choose(self, name: str) -> ModelChoice:
        """The one model; it has a price under the name `scripted:test` only."""
        priced = name == "scripted:test"
        return ModelChoice(self.model, "test", 1000, 1.0 if priced else None, 0.5 if priced else None, 2.0 if priced else None)

    async def default(self) -> str:
        """The first of `LISTED`."""
        return "scripted:test"

    async def listing(self) -> Sequence[c.ModelLine]:
        """`listed`; counts how often it was asked."""
        self.asked += 1
        return self.listed


@dataclass
class FakePrompt:
    """A `Prompt` that keeps what it is told."""

    client: Client
    session: SessionId
    models: ScriptedModels
    directory: str = "/"
    environ: Mapping[str, str] = field(default_factory=dict)
    look: Look = field(default_factory=lambda: Look(colour=False, width=100))
    edited: str | None = None
    """What the user's editor leaves behind."""
    vi_mode: bool = False
    texts: list[str] = field(default_factory=list)
    opened_with: list[str] = field(default_factory=list)
    has_menu: bool = True
    offered: list[str] = field(default_factory=list)
    line: str = ""
    sequences: list[str] = field(default_factory=list)
    left: bool = False
    many: bool = True
    to_many: str = "Start plait without --single for many."
    fleet: FleetView = field(default_factory=FleetView)
    """As of the last line that was typed."""
    home: str = ""
    came_from: SessionId | None = None
    on_round: bool = False
    answers: list[bool] = field(default_factory=list)
    """What the user will say to each `confirm`; `asked` is what they were asked."""
    asked: list[str] = field(default_factory=list)

    def set_vi_mode(self, on: bool) -> None:
        self.vi_mode = on

    def show(self, text: str) -> None:
        assert text.endswith("\n"), "only whole lines go into the scrollback"
        self.texts.append(text)

    async def shown(self) -> None:
        """There is no terminal to wait for."""

    async def submit(self, command: c.Command) -> c.Reply | None:
        reply = await self.client.submit(command)
        if isinstance(reply, c.Refused):
            self.show(f"refused: {reply.text}\n")
            return None
        return reply

    async def switch(self, session: SessionId, *, on_round: bool = False) -> None:
        if not (on_round and self.on_round):
            self.came_from = self.session
        self.session, self.on_round = session, on_round
        await self.client.submit(c.MarkSeen(session))

    async def show_another(self, instead_of: SessionId) -> None:
        if instead_of == self.session:
            view = await self.look_around()
            fresh = None if view.sessions else await self.client.submit(c.OpenSession("/"))
            await self.switch(fresh.session if isinstance(fresh, c.Done) else max(view.sessions, key=lambda row: row.last_at).id)

    def may_answer(self, asked_at: float) -> bool:
        return True

    async def confirm(self, question: str) -> bool:
        self.asked.append(question)
        return self.answers.pop(0)

    async def edit(self, text: str) -> str | None:
        self.opened_with.append(text)
        return self.edited

    def prefill(self, text: str) -> None:
        self.line = text

    def offer(self, start: str) -> bool:
        self.offered.append(start)
        return self.has_menu

    def forward(self, sequence: str) -> None:
        self.sequences.append(sequence)

    def leave(self) -> None:
        self.left = True

    # What tests do with it.

    async def type(self, line: str) -> str:
        """Type a command; what it showed."""
        self.texts.clear()
        await self.look_around()
        parsed = parse_line(line)
        assert isinstance(parsed, SlashLine)
        await all_commands(database="/home/plait.db").run(self, parsed)
        return "".join(self.texts)

    async def told(self, line: str) -> str:
        """Type a command; what it showed, on one line."""
        return " ".join((await self.type(line)).split())

    async def look_around(self) -> FleetView:
        """See the sessions as they are now."""
        reply = await self.client.submit(c.ReadFleet())
        assert isinstance(reply, c.Fleet)
        self.fleet = FleetView.of(reply, self.session, self.home)
        return self.fleet

    async def until(self, condition: Callable[[FleetView], bool]) -> None:
        """Wait until the sessions are so, and what made them so can be read back."""
        with anyio.fail_after(LIMIT):
            while not condition(await self.look_around()) or await self._unsaved():
                await anyio.lowlevel.checkpoint()

    async def _unsaved(self) -> int:
        reply = await self.client.submit(c.ReadInternals())
        assert isinstance(reply, c.Internals)
        return reply.unsaved

    async def open(self, name: str, directory: str = "") -> SessionId:
        """Another session; the one that is shown stays."""
        done = await self.client.submit(c.OpenSession(directory or self.directory, name))
        assert isinstance(done, c.Done), done
        return done.session

    async def row(self, name: str) -> c.SessionInfo:
        """The newest session of a name, open or not."""
        return max((row for row in await self.client.sessions() if row.name == name), key=lambda row: row.created_at)

    async def say(self, text: str, attachments: tuple[Attachment, ...] = ()) -> e.TurnEnded:
        """Say something and wait for the end of its turn."""
        done = await self.client.submit(c.Say(self.session, text, attachments))
        assert isinstance(done, c.Done)
        return await self.turn_after(done.seq)

    async def turn_after(self, seq: int) -> e.TurnEnded:
        """The end of the turn that event `seq` asked for; it is shown meanwhile."""
        async with aclosing(self.client.follow(self.session, e.Cursor(0, seq))) as events:
            async for stamped in events:
                if isinstance(stamped.event, e.TurnEnded) and stamped.event.turn == Turn(seq):
                    return stamped.event
        raise AssertionError("the log ended")

    async def status(self) -> c.Status:
        """What the session is doing."""
        reply = await self.client.submit(c.ReadStatus(self.session))
        assert isinstance(reply, c.Status)
        return reply


@asynccontextmanager
async def prompt_over(
    directory: Path,
    replies: Sequence[Reply] = (),
    *,
    defaults: Defaults | None = None,
    listed: Sequence[c.ModelLine] = LISTED,
    instructions: Callable[[str], Instructions] | None = None,
    step: float = 1.0,
    tools: Mapping[str, Tool] | None = None,
    now: float = 1_700_000_000.0,
) -> AsyncGenerator[FakePrompt, None]:
    """A prompt on a fresh session in `directory`; the clock goes on by `step` seconds at each look."""
    models = ScriptedModels(ScriptedModel(replies), listed)
    ids, clock = itertools.count(1), itertools.count(now, step)
    surroundings = Surroundings(
        store=MemoryStore(),
        models=models,
        defaults=defaults or Defaults(auto_names=False, compact_at=0),
        instructions=instructions or (lambda place: read_instructions(directory / "nowhere" / "AGENTS.md", place)),
        now=lambda: next(clock),
        random=lambda: 0.5,
        new_id=lambda: f"e{next(ids):011x}",
        tools=tools or {},
        named=last_word,
    )
    async with Coordinator(surroundings) as coordinator:
        opened = await coordinator.submit(c.OpenSession(str(directory)))
        assert isinstance(opened, c.Done)
        prompt = FakePrompt(coordinator, opened.session, models, str(directory))
        prompt.home = (await prompt.status()).info.project
        yield prompt
