"""Long conversations: compacted when asked, when the window is nearly full, and when a provider refuses; never twice for one call."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings, strategies as st

from plait.core import commands as c, events as e
from plait.core.context_commands import Compact, ContextReport, ReadContext
from plait.core.defaults import Defaults
from plait.core.errors import AccessRefused, ContextTooLong
from plait.core.history import SUMMARY
from plait.core.messages import (
    Finished,
    ModelEvent,
    ModelRequest,
    SessionId,
    TextDelta,
    ThinkingDelta,
    ToolMessage,
    Turn,
    Usage,
    UserMessage,
)
from plait.core.ports import ModelChoice, ToolContext
from plait.core.revision_commands import Rewind
from plait.core.summarising import SYSTEM
from plait.models.scripted import Reply, ScriptedModel
from plait.runtime.compacting import HALVINGS, NOT_COMPACTED, NOTHING_TO_COMPACT
from plait.runtime.coordinator import Coordinator
from tests.runtime.waiting import until
from tests.runtime.world import Bench, Recorder, World, ask, calls, ended, opened, said, turned

pytestmark = pytest.mark.anyio

ASKS = "Write the summary"
SHORT = Reply(match=ASKS, text="In short: they spoke.", usage=Usage(500, 20))


@dataclass
class Sized(Bench):
    """Models whose window is `window` tokens; None where nobody knows it."""

    window: int | None = 1_000
    can_summarise: bool = True

    async def choose(self, name: str) -> ModelChoice:
        """See `Models.choose`."""
        choice = await Bench.choose(self, name)
        return replace(choice, context_window=self.window, name=name, can_summarise=self.can_summarise)


@dataclass
class Strict:
    """A model that refuses what has more than `limit` characters, and writes `summary` where it is asked for one."""

    limit: int
    summary: str = "In short."
    name: str = "strict"
    can_call_tools: bool = True
    requests: list[ModelRequest] = field(default_factory=list)
    refused: int = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `ModelProvider`."""
        self.requests.append(request)
        size = sum(len(message.text) for message in request.messages if not isinstance(message, ToolMessage)) + len(request.system)
        if size > self.limit:
            self.refused += 1
            raise ContextTooLong(f"The conversation is too long: {size}. Shorten it.")
        yield TextDelta(self.summary if request.system == SYSTEM else "ok")
        yield Finished("end", Usage(size // 4, 5))

    async def aclose(self) -> None:
        """See `ModelProvider`."""


def scripted_world(*replies: Reply, window: int | None = 1_000, **defaults: int) -> World:
    return World(Sized({"scripted:m": ScriptedModel(replies)}, window=window), defaults=Defaults(**defaults))  # type: ignore[arg-type]


def strict_world(model: Strict, window: int | None = None, **defaults: int) -> World:
    return World(Sized({"strict:m": model}, window=window), defaults=Defaults(**defaults))  # type: ignore[arg-type]


def compactions(world: World, session: SessionId) -> list[e.Compacted]:
    return [event for event in world.log(session) if isinstance(event, e.Compacted)]


def notes(world: World, session: SessionId) -> list[str]:
    return [event.text for event in world.log(session) if isinstance(event, e.Noted)]


async def compacted(coordinator: Coordinator, session: SessionId, keep: str = "") -> e.TurnEnded:
    """Ask for a compaction and watch it to its end."""
    return await ended(coordinator, session, Turn((await ask(coordinator, Compact(session, keep), c.Done)).seq))


async def status(coordinator: Coordinator, session: SessionId) -> c.Status:
    return await ask(coordinator, c.ReadStatus(session), c.Status)


async def report(coordinator: Coordinator, session: SessionId) -> ContextReport:
    return await ask(coordinator, ReadContext(session), ContextReport)


async def test_a_compaction_that_is_asked_for() -> None:
    world = scripted_world(SHORT, *(Reply(text=f"answer {place} " + "y" * 200, usage=Usage(100, 10)) for place in range(4)), window=9_000)
    world.models.priced = True
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for place in range(4):
            await turned(coordinator, session, f"question {place} " + "x" * 200)
        before = await status(coordinator, session)
        assert (await compacted(coordinator, session, "the names")).ending == "done"
        after, seen = await status(coordinator, session), await report(coordinator, session)
        (event,) = compactions(world, session)
        assert (event.summary, event.asked, event.usage, event.messages) == ("In short: they spoke.", True, Usage(500, 20), 6)
        assert event.cost == pytest.approx((500 * 2.0 + 20 * 10.0) / 1e6)
        assert after.usage == before.usage + Usage(500, 20)
        assert after.cost == pytest.approx(before.cost + (event.cost or 0))
        assert (after.context_used, seen.next, seen.reported) == (event.told, event.told, 0)
        assert {part.name: part.count for part in seen.parts if part.count} == {
            "system": 1, "summary": 1, "user": 1, "answers": 1,
        }  # fmt: skip
        request = world.model.requests[-1]
        assert request.system == SYSTEM
        assert "question 0" in str(request.messages)
        assert "question 3" not in str(request.messages)
        assert "keep this in any case: the names" in str(request.messages)
        await turned(coordinator, session, "and now")
    first, *_ = world.model.requests[-1].messages
    assert isinstance(first, UserMessage)
    assert first.text.startswith(SUMMARY.format("In short: they spoke."))
    assert "question 3" in first.text
    async with world.start() as coordinator:
        assert (await status(coordinator, session)).usage == after.usage + Usage(*_words_of(world, session))


def _words_of(world: World, session: SessionId) -> tuple[int, int]:
    usage = world.answers(session)[-1].usage
    assert usage is not None
    return usage.input, usage.output


async def test_nearly_full_it_is_compacted_before_the_call_and_the_turn_goes_on() -> None:
    world = scripted_world(SHORT, *(Reply(text="y" * 400, usage=Usage(100 + 220 * place, 110)) for place in range(6)))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for place in range(4):
            assert not compactions(world, session)
            await turned(coordinator, session, f"question {place} " + "x" * 400)
        # 760 + 110 tokens were told; the next message would be over 800
        assert (await turned(coordinator, session, "and now")).ending == "done"
        (event,) = compactions(world, session)
        assert not event.asked
        assert event.told < 500
        told = world.model.requests[-1].messages
        assert str(told[0]).count("In short: they spoke.") == 1
        assert told[-1] == UserMessage("and now")
    kinds = [type(event).__name__ for event in world.log(session)]
    assert kinds[kinds.index("Compacted") - 1 :] == ["TurnStarted", "Compacted", "AssistantSaid", "TurnEnded"]


async def test_a_long_chain_of_tools_is_compacted_in_the_middle_of_its_turn() -> None:
    async def long(arguments: str, context: ToolContext) -> str:
        return "r" * 600

    steps = [Reply(match="", calls=calls("read").calls, usage=Usage(0, 0))]
    world = scripted_world(SHORT, *steps, max_turns=20)
    world.tools = {"read": Recorder("read", long)}
    async with world.start() as coordinator:
        session = await opened(coordinator)
        assert (await turned(coordinator, session, "Mend the till.")).ending == "limit"
    asked = [request for request in world.model.requests if request.system != SYSTEM]
    assert len(asked) == 20
    assert len(compactions(world, session)) > 2
    for request in asked:
        assert "Mend the till." in str(request.messages[0])
        assert len(str(request.messages)) < 8_000


async def test_for_a_model_too_small_plait_writes_the_summary_itself() -> None:
    models = Sized({"scripted:m": ScriptedModel([Reply(match="", text="y" * 400, usage=Usage())])}, window=1_200, can_summarise=False)
    world = World(models)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for place in range(12):
            assert (await turned(coordinator, session, f"question {place} " + "x" * 400)).ending == "done"
        events = compactions(world, session)
        assert len(events) >= 2
        await compacted(coordinator, session, "question 3")
    assert len(world.model.requests) == 12  # it was asked for answers and for nothing else
    assert "User: question 0" in events[0].summary
    assert "more lines left out" in events[1].summary.splitlines()[0]
    assert "User: question 3" in events[1].summary.splitlines()[1]  # of what was told so far, too
    assert {(event.model, event.usage) for event in events} == {("", None)}


async def test_a_window_that_is_set_to_never_is_left_alone() -> None:
    world = scripted_world(SHORT, Reply(match="", text="y" * 400, usage=Usage(5_000, 10)), compact_at=0)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for _ in range(4):
            await turned(coordinator, session, "x" * 400)
        assert not compactions(world, session)
        assert (await compacted(coordinator, session)).ending == "done"
        assert len(compactions(world, session)) == 1
        await ask(coordinator, c.ChangeSetting(session, "compact_at", 50), c.Done)
        await turned(coordinator, session, "x" * 400)
        await turned(coordinator, session, "x" * 400)
    assert len(compactions(world, session)) == 2


async def test_a_refusal_is_answered_with_one_compaction_where_the_window_is_not_known() -> None:
    model = Strict(limit=4_000)
    world = strict_world(model)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for place in range(8):
            assert (await turned(coordinator, session, f"question {place} " + "x" * 700)).ending == "done"
        assert model.refused == len(compactions(world, session)) > 0
        assert (await report(coordinator, session)).window is None
    assert model.requests[-1].system != SYSTEM


async def test_what_cannot_be_made_shorter_fails_with_a_sentence_and_the_next_message_goes_on() -> None:
    model = Strict(limit=4_000)
    world = strict_world(model)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        end = await turned(coordinator, session, "x" * 5_000)
        assert (end.ending, end.error) == ("failed", "ContextTooLong")
        assert model.refused == 1
        assert (await turned(coordinator, session, "short")).ending == "done"
        assert len(compactions(world, session)) == 1  # what was too long is behind
    assert "characters left out" in str(model.requests[-2].messages) or "xxx" in str(model.requests[-2].messages)


async def test_a_provider_that_refuses_everything_is_not_asked_for_ever() -> None:
    model = Strict(limit=0)
    world = strict_world(model, window=100_000)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for _ in range(3):
            assert (await turned(coordinator, session, "x" * 900)).error == "ContextTooLong"
            await ask(coordinator, c.ReadStatus(session), c.Status)
        assert (await compacted(coordinator, session)).error == "ContextTooLong"
    assert not compactions(world, session)
    assert len(model.requests) <= 4 * (HALVINGS + 2)


async def test_a_provider_that_refuses_after_a_compaction_too_is_asked_once_more_and_no_more() -> None:
    world = scripted_world(SHORT, Reply(text="y" * 3_000), Reply(match="and now", error="ContextTooLong", message="Too long. Shorten it."))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "x" * 900)
        end = await turned(coordinator, session, "and now")
        assert (end.ending, end.error) == ("failed", "ContextTooLong")
        assert end.detail == "Too long. Shorten it. It was just compacted, and that was not enough."
    assert len(compactions(world, session)) == 1


async def test_an_answer_that_has_begun_is_not_repeated() -> None:
    class Late(Strict):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            self.requests.append(request)
            yield TextDelta("half an ans")
            await anyio.wait_all_tasks_blocked()  # it is recorded
            raise ContextTooLong("The conversation is too long. Shorten it.")

    model = Late(limit=0)
    world = strict_world(model)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "x" * 900)
        assert (await turned(coordinator, session, "and now")).error == "ContextTooLong"
    assert len(model.requests) == 2
    assert [answer.message.text for answer in world.answers(session)] == ["half an ans"] * 2


@pytest.mark.parametrize("summary", ["", "   ", "z" * 200_000])
async def test_a_summary_that_cannot_be_used_changes_nothing_and_says_so(summary: str) -> None:
    world = scripted_world(Reply(match=ASKS, text=summary, chunk=5_000), *(Reply(text="y" * 1_600, usage=Usage(900, 10)) for _ in range(4)))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "x" * 400)
        assert (await turned(coordinator, session, "and now")).ending == "done"
        assert (await turned(coordinator, session, "and then")).ending == "done"
        assert len(notes(world, session)) == 2  # one try for each turn
        assert "could not be compacted" in notes(world, session)[0]
        end = await compacted(coordinator, session)
        assert end.ending == "failed"
    assert not compactions(world, session)
    assert len([request for request in world.model.requests if request.system == SYSTEM]) == 3


async def test_a_summary_longer_than_what_it_stands_for_is_not_taken() -> None:
    world = scripted_world(Reply(match=ASKS, text="word " * 3_000, chunk=5_000), Reply(text="ok"), Reply(text="ok"), window=100_000)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hello")
        await turned(coordinator, session, "hello")
        end = await compacted(coordinator, session)
        assert end.ending == "failed"
        assert "as long as what it stands for" in end.detail
        assert (await turned(coordinator, session, "hello")).ending == "done"
    assert len(world.model.requests[-1].messages) == 5
    assert not compactions(world, session)


@dataclass
class Endless(Strict):
    """A model that, asked for a summary, thinks for ever, or writes it letter by letter."""

    thinks: bool = True

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `ModelProvider`."""
        if request.system == SYSTEM and self.thinks:
            while True:
                await anyio.lowlevel.checkpoint()
                yield ThinkingDelta("so " * 5_000)
        if request.system == SYSTEM:
            for _ in range(50_000):
                yield TextDelta("x")
        async for event in Strict.stream(self, request):
            yield event


async def test_a_model_that_thinks_for_ever_about_a_summary_is_stopped() -> None:
    world = strict_world(Endless(100_000))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hello " * 100)
        await turned(coordinator, session, "more " * 100)
        end = await compacted(coordinator, session)
        assert (end.ending, "was stopped" in end.detail) == ("failed", True)
        assert compactions(world, session) == []


async def test_a_summary_in_single_letters_holds_nobody_up() -> None:
    world = strict_world(Endless(100_000, thinks=False))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hello " * 10_000)
        await turned(coordinator, session, "more " * 100)
        with anyio.fail_after(10):  # each letter took as long as all before it
            await compacted(coordinator, session)


async def test_an_interrupted_compaction_changes_nothing_and_a_retry_compacts() -> None:
    world = scripted_world(
        Reply(match=ASKS, text="half of it", hang=True, times=1, usage=Usage(500, 20)), Reply(text="y" * 900), Reply(text="y" * 900)
    )
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "x" * 900)
        turn = Turn((await ask(coordinator, Compact(session, "names"), c.Done)).seq)
        await until(lambda: bool(world.model.requests) and world.model.requests[-1].system == SYSTEM)
        await ask(coordinator, c.Interrupt(session), c.Done)
        end = await ended(coordinator, session, turn)
        assert (end.ending, end.detail) == ("interrupted", NOT_COMPACTED)
        assert not compactions(world, session)
        again = Turn((await ask(coordinator, c.Retry(session), c.Done)).seq)
        assert (await ended(coordinator, session, again)).ending == "done"
        assert "names" in str(world.model.requests[-1].messages)
    assert len(compactions(world, session)) == 1


async def test_a_crash_in_the_middle_leaves_the_conversation_as_it_was() -> None:
    world = scripted_world(Reply(match=ASKS, hang=True, times=1, text="half", usage=Usage(1, 1)), Reply(text="y" * 900))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "x" * 900)
        await ask(coordinator, Compact(session), c.Done)
        await until(lambda: world.model.requests[-1].system == SYSTEM)
    async with world.start() as coordinator:
        assert not compactions(world, session)
        assert isinstance(world.log(session)[-1], e.TurnEnded)
        again = Turn((await ask(coordinator, c.Retry(session), c.Done)).seq)
        assert (await ended(coordinator, session, again)).ending == "done"
    assert len(compactions(world, session)) == 1


async def test_pieces_and_how_far_it_is_are_told() -> None:
    world = scripted_world(SHORT, *(Reply(text="y" * 1_500, usage=Usage(10, 10)) for _ in range(6)), window=2_000, compact_at=0)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for _ in range(6):
            await turned(coordinator, session, "x" * 1_500)
        told: list[tuple[int, int]] = []
        turn = Turn((await ask(coordinator, Compact(session), c.Done)).seq)
        async for stamped in coordinator.follow(session, e.Cursor(0, turn)):
            if isinstance(stamped.event, e.Compacting):
                told.append((stamped.event.part, stamped.event.parts))
            if isinstance(stamped.event, e.TurnEnded):
                break
        (event,) = compactions(world, session)
    assert len(told) >= 2
    parts = {of for _, of in told}
    assert parts == {max(part for part, _ in told)}
    assert event.usage == Usage(500 * max(parts), 20 * max(parts))
    pieces = [request for request in world.model.requests if request.system == SYSTEM]
    assert "Summary of what was said before:\\nIn short" in str(pieces[-1].messages)


async def test_a_piece_that_is_refused_is_made_smaller() -> None:
    model = Strict(limit=3_000)
    world = strict_world(model, window=8_192, compact_at=0)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for _ in range(3):
            await turned(coordinator, session, "x" * 800)
        assert (await compacted(coordinator, session)).ending == "done"
    (event,) = compactions(world, session)
    assert event.summary == "In short."


async def test_the_bill_of_a_compaction_that_is_refused_by_the_provider_is_told() -> None:
    world = scripted_world(Reply(match=ASKS, error="AccessRefused"), Reply(match="", text="y" * 2_000, usage=Usage(900, 10)))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "x")
        await turned(coordinator, session, "x")
        end = await compacted(coordinator, session)
    assert (end.ending, end.error) == ("failed", AccessRefused.__name__)
    assert "goes on as it is" in notes(world, session)[0]


async def test_going_back_before_a_compaction() -> None:
    world = scripted_world(SHORT, *(Reply(text=f"answer {place} " + "y" * 500) for place in range(3)), window=9_000)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        turns = [await said_and_done(coordinator, session, f"question {place} " + "x" * 500) for place in range(3)]
        await compacted(coordinator, session)
        await ask(coordinator, Rewind(session, turns[1]), c.Done)
        await turned(coordinator, session, "another way")
    told = world.model.requests[-1].messages
    assert [one.text[:10] for one in told if isinstance(one, UserMessage)] == ["question 0", "another wa"]


async def said_and_done(coordinator: Coordinator, session: SessionId, text: str) -> Turn:
    turn = await said(coordinator, session, text)
    await ended(coordinator, session, turn)
    return turn


async def test_one_that_ended_while_nobody_looked_says_what_it_did() -> None:
    world = scripted_world(SHORT, Reply(match="", text="y" * 900))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "x" * 900)
        await ask(coordinator, c.MarkSeen(session), c.Done)
        await ask(coordinator, Compact(session), c.Done)
        await until(lambda: next(row for row in coordinator.list.open()).waiting_for == "answer")
        fleet = await ask(coordinator, c.ReadFleet(), c.Fleet)
        news = await ask(coordinator, c.ReadNews(session), c.News)
    assert dict(fleet.texts)[session].startswith("compacted: 2 messages")
    assert news.lines == 1


SIZES = st.sampled_from([0, 30, 700, 3_000, 9_000])


@settings(max_examples=25, deadline=None)
@given(st.lists(SIZES, min_size=1, max_size=6), SIZES, st.sampled_from([0, 600, 4_000, 30_000]), st.sampled_from([None, 500, 2_000]))
def test_no_call_is_preceded_by_two_compactions_whatever_the_model_writes(
    sizes: list[int], summary: int, limit: int, window: int | None
) -> None:
    anyio.run(_lives, sizes, "s" * summary, limit, window)


async def _lives(sizes: list[int], summary: str, limit: int, window: int | None) -> None:
    model = Strict(limit, summary)
    world = strict_world(model, window)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        for size in sizes:
            before = len(model.requests)
            end = await turned(coordinator, session, "m" + "x" * size)
            assert end.ending in ("done", "failed")
            assert end.error in ("", "ContextTooLong")
            calls_made = model.requests[before:]
            assert len([one for one in calls_made if one.system != SYSTEM]) <= 2
            assert len(calls_made) <= 2 + len(sizes) * 2 + 2 * HALVINGS
    since = 0
    for event in world.log(session):
        since = since + 1 if isinstance(event, e.Compacted) else 0 if isinstance(event, (e.TurnStarted, e.AssistantSaid)) else since
        assert since <= 1


async def test_there_is_nothing_to_compact() -> None:
    world = scripted_world(SHORT, Reply(text="ok"))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        refused = await ask(coordinator, Compact(session), c.Refused)
        assert "nothing to compact" in refused.text
        await ask(coordinator, Compact(session, "x" * 2_001), c.Refused)
        await turned(coordinator, session, "x" * 900)
        assert (await compacted(coordinator, session)).ending == "done"
        assert (await compacted(coordinator, session)).ending == "done"
    assert notes(world, session) == [NOTHING_TO_COMPACT]
    assert len(compactions(world, session)) == 1


async def test_a_sliding_window_is_a_setting_of_a_session() -> None:
    world = scripted_world(Reply(match="", text="ok"), window=9_000)
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await ask(coordinator, c.ChangeSetting(session, "window_messages", "3"), c.Done)
        for place in range(4):
            await turned(coordinator, session, f"question {place}")
        assert [str(one) for one in world.model.requests[-1].messages] == [
            str(UserMessage("question 2")), *map(str, world.model.requests[-1].messages[1:2]), str(UserMessage("question 3")),
        ]  # fmt: skip
        seen, now = await report(coordinator, session), await status(coordinator, session)
        assert (seen.window_messages, seen.left_out, seen.compact_at) == (3, 6, 80)
        assert (now.window_messages, now.compact_at) == (3, 80)


async def test_what_a_context_is_made_of() -> None:
    world = scripted_world(Reply(text="ok", usage=Usage(77, 5)))
    world.tools = {"read": Recorder("read", _never)}
    async with world.start() as coordinator:
        session = await opened(coordinator)
        empty = await report(coordinator, session)
        assert (empty.reported, empty.model, empty.window) == (0, "scripted:m", 1_000)
        assert empty.next == sum(part.tokens for part in empty.parts) > 0
        await turned(coordinator, session, "hello")
        seen = await report(coordinator, session)
        assert (seen.reported, seen.next) == (82, 82)
        assert {part.name: part.count for part in seen.parts} == {
            "system": 1, "instructions": 0, "tools": 1, "summary": 0, "user": 1, "answers": 1, "results": 0,
        }  # fmt: skip
        await ask(coordinator, c.ChangeSetting(session, "model", "nothing:x"), c.Done)
        assert (await report(coordinator, session)).window is None


async def _never(arguments: str, context: ToolContext) -> str:
    raise AssertionError("nobody calls it")
