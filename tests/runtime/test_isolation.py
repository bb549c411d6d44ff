"""One session's failure changes no other session (promise P4): the others' traces are those of a run without it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import anyio
import anyio.lowlevel
from hypothesis import given, settings, strategies as st

from plait.core import commands as c, events as e
from plait.core.errors import StoreError
from plait.core.messages import CallId as Id, Finished, ModelEvent, ModelRequest, SessionId, TextDelta, ToolCall
from plait.core.ports import ToolContext
from plait.models.scripted import Reply, ScriptedModel
from tests.runtime.failing import FailingStore
from tests.runtime.waiting import LIMIT
from tests.runtime.world import Bench, Recorder, World, opened, turned

MISCHIEF = ("crash", "hang", "flood", "tool", "refuse", "interrupt", "retry", "close", "reopen", "disk", "step")
COMMANDS: dict[str, Callable[[SessionId], c.Command]] = {
    "interrupt": c.Interrupt,
    "retry": c.Retry,
    "close": c.CloseSession,
    "reopen": c.ReopenSession,
}


class Mischief:
    """A model that does what the last message says, none of it good."""

    name, can_call_tools = "mischief", True

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Crash, hang, flood, or ask for a tool that crashes."""
        asked = [one.text for one in request.messages if hasattr(one, "text")][-1].split()[-1]
        yield TextDelta("half")
        match asked:
            case "hang":
                await anyio.sleep_forever()
            case "flood":
                for _ in range(2_000):
                    yield TextDelta("x" * 50)
                yield Finished("end")
            case "tool":
                yield Finished("tool_calls", calls=(ToolCall(Id("same"), "bomb", "not json"), ToolCall(Id(""), "none", "")))
            case _:
                raise ZeroDivisionError

    async def aclose(self) -> None:
        """Nothing is held."""


async def explode(arguments: str, context: ToolContext) -> str:
    raise RecursionError("boom")


def trace(world: World, session: SessionId) -> list[object]:
    """What happened in a session; turns by their order, for their numbers depend on how often progress was saved."""
    told: list[object] = []
    for event in world.log(session):
        match event:
            case e.AssistantSaid():
                told.append((event.message, event.stop, event.usage, event.complete))
            case e.TurnEnded():
                told.append((event.ending, event.detail))
            case e.TurnStarted():
                told.append("started")
            case e.AnswerProgress():
                pass
            case _:
                told.append(event)
    return told


def world_of() -> World:
    good = ScriptedModel([Reply(text=f"Answer {number}. " * 5, thinking="hm") for number in range(9)])
    return World(
        Bench({"good:1": good, "good:2": ScriptedModel([Reply(match="", text="yes")]), "mischief:m": Mischief()}),
        FailingStore(),
        {"bomb": Recorder("bomb", explode)},
    )


async def _run(messages: list[str], mischief: list[str]) -> list[list[object]]:
    world = world_of()
    store = world.store
    assert isinstance(store, FailingStore)
    with anyio.fail_after(LIMIT):
        async with world.start() as coordinator:
            good, other, bad = [await opened(coordinator) for _ in range(3)]
            await coordinator.submit(c.ChangeSetting(other, "model", "good:2"))
            await coordinator.submit(c.ChangeSetting(bad, "model", "mischief:m"))

            async def work(session: SessionId) -> None:
                for text in messages:
                    assert (await turned(coordinator, session, text)).ending == "done"

            async def harm() -> None:
                for one in mischief:
                    match one:
                        case "interrupt" | "retry" | "close" | "reopen":
                            tasks.start_soon(coordinator.submit, COMMANDS[one](bad))
                        case "disk":
                            store.fail(StoreError("This row is cursed. Wait."), only={bad})
                        case "step":
                            await anyio.wait_all_tasks_blocked()
                        case "refuse":
                            tasks.start_soon(coordinator.submit, c.Say(bad, ""))
                        case _:
                            tasks.start_soon(coordinator.submit, c.Say(bad, one))
                    await anyio.lowlevel.checkpoint()

            async with anyio.create_task_group() as tasks:
                async with anyio.create_task_group() as workers:
                    workers.start_soon(work, good)
                    workers.start_soon(work, other)
                    workers.start_soon(harm)
                store.recover()
                tasks.cancel_scope.cancel()
    assert coordinator.unsaved == 0
    return [trace(world, session) for session in (good, other)]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=4),
    st.lists(st.sampled_from(MISCHIEF), min_size=1, max_size=12),
)
def test_the_others_do_as_they_would_without_the_failing_one(messages: list[str], mischief: list[str]) -> None:
    assert anyio.run(_run, messages, mischief) == anyio.run(_run, messages, [])
