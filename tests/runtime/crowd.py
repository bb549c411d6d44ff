"""Sessions to which anything may happen: the model that they talk to, the commands, and what must hold at a rest and at the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import anyio
import anyio.lowlevel

from plait.core import commands as c, events as e
from plait.core.answer import Answer
from plait.core.errors import AccessRefused, IllegalTransition
from plait.core.messages import CallId, Finished, ModelEvent, ModelRequest, SessionId, TextDelta, ToolCall, ToolMessage, Turn
from plait.core.ports import Tool, ToolContext
from plait.core.session import SessionState
from plait.runtime.coordinator import Coordinator
from plait.runtime.recovery import fold
from plait.tools.ask_user import AskUser
from tests.runtime.failing import FailingStore
from tests.runtime.waiting import until
from tests.runtime.world import Bench, Recorder, World, last_word

WHIMS = ("answer", "fail", "crash", "stall", "ask", "tool")


class Whims:
    """A model that does what the last word says, and answers what a tool has told it."""

    name, can_call_tools = "whims", True

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `ModelProvider.stream`."""
        last = request.messages[-1]
        heard = last.results[0].content if isinstance(last, ToolMessage) else getattr(last, "text", "")
        yield TextDelta(f"About {heard}: ")
        await anyio.lowlevel.checkpoint()
        match "" if isinstance(last, ToolMessage) else heard.split()[-1]:
            case "fail":
                raise AccessRefused("The key is wrong. Give another.")
            case "crash":
                raise ZeroDivisionError
            case "stall":
                await anyio.sleep_forever()
            case "ask":
                yield Finished("tool_calls", calls=(ToolCall(CallId(""), "ask_user", '{"question": "Which?"}'),))
            case "tool":
                yield Finished("tool_calls", calls=(ToolCall(CallId(""), "bomb", "{}"),))
            case _:
                yield TextDelta("it is so.")
                yield Finished("end")

    async def aclose(self) -> None:
        """Nothing is held."""


async def explode(arguments: str, context: ToolContext) -> str:
    """A tool that fails."""
    raise RecursionError("boom")


def world_of() -> World:
    """A world with room for a few sessions that stall and a few that work."""
    tools: dict[str, Tool] = {"bomb": Recorder("bomb", explode), "ask_user": AskUser()}
    return World(Bench({"whims:m": Whims()}), FailingStore(), tools, named=last_word)


def trace(world: World, session: SessionId) -> tuple[list[object], list[object]]:
    """What happened in a session, and what it was named by itself; without what hangs on time: turns' numbers, marks, saved progress."""
    told, by_itself = list[object](), list[object]()
    for event in world.log(session):
        match event:
            case e.AnswerProgress() | e.Seen():
                pass
            case e.KindChanged() | e.Renamed(by_hand=False):
                by_itself.append(event)
            case e.TurnEnded():
                told.append(replace(event, turn=Turn(0), seen=False))
            case e.TurnStarted() | e.AssistantSaid() | e.ToolStarted() | e.ToolReturned() | e.QuestionAsked() | e.QuestionAnswered():
                told.append(replace(event, turn=Turn(0)))
            case _:
                told.append(event)
    return told, by_itself


@dataclass
class Crowd:
    """Wild sessions of one world over its lives; what was acknowledged is remembered."""

    world: World
    wild: list[SessionId] = field(default_factory=list)
    kept: list[tuple[SessionId, int, e.Event]] = field(default_factory=list)
    """What an acknowledged command has recorded: within so many events of its session."""
    drafts: dict[SessionId, str] = field(default_factory=dict)
    asked: dict[SessionId, e.QuestionAsked] = field(default_factory=dict)
    """The questions that waited when the coordinator was left."""
    answered: list[c.AnswerQuestion] = field(default_factory=list)
    number: int = 0

    async def do(self, coordinator: Coordinator, action: str, session: SessionId, following: anyio.CancelScope | None) -> None:
        """Carry out one step; what is refused has its reasons."""
        self.number += 1
        match action:
            case "follow":
                assert following is not None
                with following:
                    async with aclosing(coordinator.follow(session, e.Cursor(0, 0))) as events:
                        async for _ in events:
                            pass
            case "late":
                await self._late(coordinator, session)
            case "answer the question" | "answer again":
                await self._answer(coordinator, action, session)
            case _:
                await self._command(coordinator, action, session)

    async def _command(self, coordinator: Coordinator, action: str, session: SessionId) -> None:
        name, text = f"name-{self.number}", f"number {self.number}"
        plain: dict[str, Callable[[SessionId], c.Command]] = {
            "interrupt": c.Interrupt,
            "retry": c.Retry,
            "pause": c.PauseSession,
            "unpause": c.UnpauseSession,
            "close": c.CloseSession,
            "reopen": c.ReopenSession,
            "seen": c.MarkSeen,
            "news": c.ReadNews,
            "history": c.ReadHistory,
        }
        match action:
            case "rename":
                reply = await coordinator.submit(c.RenameSession(session, name))
                self._keep(reply, e.Renamed(name, by_hand=True))
            case "draft":
                self.drafts[session] = text
                await coordinator.submit(c.KeepDraft(session, text, 3))
            case whim if whim in WHIMS:
                reply = await coordinator.submit(c.Say(session, f"{text} {whim}"))
                self._keep(reply, e.UserSaid(f"{text} {whim}"))
            case _:
                await coordinator.submit(plain[action](session))

    def _keep(self, reply: c.Reply, event: e.Event) -> None:
        if isinstance(reply, c.Done):
            self.kept.append((reply.session, reply.seq, event))

    async def _answer(self, coordinator: Coordinator, action: str, session: SessionId) -> None:
        status = await coordinator.submit(c.ReadStatus(session))
        again = [one for one in self.answered if one.session == session]
        if action == "answer again" and again:
            assert isinstance(await coordinator.submit(again[-1]), c.Refused)
        elif isinstance(status, c.Status) and status.question is not None:
            command = c.AnswerQuestion(session, status.question.call, f"this {self.number}")
            reply = await coordinator.submit(command)
            if isinstance(reply, c.Done):
                self.answered.append(command)
                assert any(isinstance(one, e.QuestionAnswered) and one.result.content == command.text for one in self.world.log(session))

    async def _late(self, coordinator: Coordinator, session: SessionId) -> None:
        """What a turn that is over has recorded comes once more: it is refused and changes nothing."""
        live = (await coordinator.managed(session)).session
        over = {stamped.event.turn for stamped in live.conversation if isinstance(stamped.event, e.TurnEnded)}
        before = (live.seq, live.state, list(live.queue), live.running)
        for stamped in live.conversation:
            if getattr(stamped.event, "turn", None) in over:
                try:
                    coordinator.record(session, stamped.event)
                except IllegalTransition:
                    continue
                raise AssertionError(f"{stamped.event} was taken twice")
        assert before == (live.seq, live.state, list(live.queue), live.running)


async def settled(coordinator: Coordinator) -> None:
    """Return when everything that is recorded is on disk, and check that what lives is what would be read back."""
    await until(lambda: coordinator.journal.waiting == 0)
    for managed in coordinator.loaded:
        live = managed.session
        assert replace(live, answer=Answer()) == replace(fold(live.id, coordinator.world.store.read(live.id)), answer=Answer())
        assert live.state is not SessionState.PROCESSING or live.running is not None
        assert live.state is not SessionState.WAITING or live.question is not None or live.unseen
        assert live.state is not SessionState.COMPLETED or (live.running, live.queue, live.question) == (None, [], None)
        assert live.question is None or (managed.scope is not None and not managed.scope.cancel_called)
    rows = [row for row in await coordinator.sessions() if row.state is not SessionState.COMPLETED]
    assert len({(row.project, row.name) for row in rows}) == len(rows)


def left_in_order(crowd: Crowd, coordinator: Coordinator) -> None:
    """What must hold of the store and of the coordinator when it was left."""
    store = crowd.world.store
    assert coordinator.unsaved == 0
    assert coordinator.turns == 0
    assert coordinator.gate.report() == c.GateFigures(0, 0, coordinator.gate.limit)
    assert not any(managed.scope or managed.helpers or managed.log.readers for managed in coordinator.loaded)
    for managed in coordinator.loaded:
        assert managed.session == fold(managed.session.id, store.read(managed.session.id))
    drafts = {draft.session: draft.text for draft in store.drafts()}
    for row in store.sessions():
        folded = fold(row.id, store.read(row.id))
        assert c.info_of(folded, draft=row.id in drafts) == row
        assert folded.running is None or folded.question is not None
        assert folded.question == crowd.asked.get(row.id, folded.question)
        assert store.claim(row.id, "another")  # no lease is left behind
        store.release(row.id, "another")
    assert drafts == crowd.drafts
    for session, seq, event in crowd.kept:
        assert event in crowd.world.log(session)[:seq]
