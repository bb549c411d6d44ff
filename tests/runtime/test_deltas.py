"""The text of a stream on its way to whoever watches: together where it comes together, in order, and whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, strategies as st

from plait.core import events as e
from plait.core.messages import Finished, ModelEvent, ModelRequest, TextDelta, ThinkingDelta
from tests.runtime.waiting import LIMIT
from tests.runtime.world import Bench, World, opened, said

pytestmark = pytest.mark.anyio


@dataclass
class Torrent:
    """A model whose pieces come without a wait between them, except where there is a None."""

    pieces: Sequence[TextDelta | ThinkingDelta | None]
    name: str = "torrent"
    can_call_tools: bool = False

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `ModelProvider.stream`."""
        for piece in self.pieces:
            if piece is None:
                await anyio.lowlevel.checkpoint()
            else:
                yield piece
        yield Finished("end")

    async def aclose(self) -> None:
        """See `ModelProvider.aclose`."""


async def watched(pieces: Sequence[TextDelta | ThinkingDelta | None]) -> tuple[list[e.AnswerDelta], e.AssistantSaid]:
    """The deltas of one turn, and its answer."""
    world, deltas = World(Bench({"torrent:t": Torrent(pieces)})), []
    async with world.start() as coordinator:
        session = await opened(coordinator)
        with anyio.fail_after(LIMIT):
            async with aclosing(coordinator.follow(session, e.Cursor(0, 0))) as events, anyio.create_task_group() as tasks:
                tasks.start_soon(said, coordinator, session, "hi")
                async for stamped in events:
                    if isinstance(stamped.event, e.AnswerDelta):
                        deltas.append(stamped.event)
                    if isinstance(stamped.event, e.TurnEnded):
                        break
    (answer,) = world.answers(session)
    return deltas, answer


async def test_what_comes_together_is_one_event() -> None:
    deltas, answer = await watched([TextDelta("a"), TextDelta("b"), TextDelta("c")] * 1_000)
    assert len(deltas) <= 2
    assert "".join(delta.text for delta in deltas) == answer.message.text == "abc" * 1_000


async def test_what_comes_apart_is_shown_apart() -> None:
    deltas, _ = await watched([TextDelta("a"), None, None, None, TextDelta("b"), None, None, None])
    assert [delta.text for delta in deltas] == ["a", "b"]


@given(
    st.lists(
        st.one_of(st.none(), st.text("ab \n", min_size=1).map(TextDelta), st.text("xy", min_size=1).map(ThinkingDelta)),
        min_size=1,
        max_size=12,
    )
)
async def test_nothing_is_lost_or_swapped(pieces: list[TextDelta | ThinkingDelta | None]) -> None:
    deltas, answer = await watched(pieces)
    sent = "".join(f"{'t' if isinstance(one, TextDelta) else 'k'}{char}" for one in pieces if one is not None for char in one.text)
    assert answer.message.text == "".join(one.text for one in pieces if isinstance(one, TextDelta))
    assert answer.message.thinking == "".join(one.text for one in pieces if isinstance(one, ThinkingDelta))
    shown = "".join(f"{'t' if delta.text else 'k'}{char}" for delta in deltas for char in delta.text or delta.thinking)
    assert shown == sent
