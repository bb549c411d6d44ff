"""What is shown of a session when it is shown: its last messages, however long their answers took."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from plait.core import events as e
from plait.core.commands import info_of
from plait.core.messages import AssistantMessage, ProjectId, SessionId, Turn
from plait.core.ports import Project, Write
from plait.core.session import Session
from plait.repl.opening import PAGE, PAGES, SHOWN_MESSAGES, Opening, read_opening
from tests.runtime.world import World, scripted

pytestmark = pytest.mark.anyio

SESSION = SessionId("s-1")


def answered(place: int, progress: int) -> list[e.Event]:
    """A message at sequence number `place`, and an answer that took `progress` steps."""
    turn = Turn(place)
    steps = [e.AnswerProgress(turn, "x")] * progress
    said = e.AssistantSaid(turn, AssistantMessage("x" * progress), "end")
    return [e.UserSaid(f"question {place}"), e.TurnStarted(turn), *steps, said, e.TurnEnded(turn, "done", True)]


async def opening_of(answers: Sequence[int], *after: e.Event) -> tuple[Opening, int]:
    """The opening of a session whose answers took so many steps each, with what came after them; and its last sequence number."""
    world = World(scripted())
    world.store.project(Project(ProjectId("shop-a7b3c2d1"), "shop", "/shop", 1.0))
    events: list[e.Event] = [e.SessionOpened("default", "development", ProjectId("shop-a7b3c2d1"), "/shop")]
    for progress in answers:
        events += answered(len(events) + 1, progress)
    events += after
    session = Session(SESSION)
    stamped = tuple(e.Stamped(SESSION, seq, float(seq), event) for seq, event in enumerate(events, 1))
    for one in stamped:
        session.apply(one)
    world.store.append([Write(info_of(session, draft=False), 0, world.store.epoch, stamped)])
    async with world.start() as coordinator:
        return await read_opening(coordinator, SESSION), session.seq


async def test_an_answer_longer_than_a_page_is_shown_with_its_question() -> None:
    opening, seq = await opening_of([PAGE + 100])
    assert [type(one.event) for one in opening.recent] == [e.SessionOpened, e.UserSaid, e.TurnStarted, e.AssistantSaid, e.TurnEnded][1:]
    assert (opening.inputs, opening.earlier, opening.more, opening.seq) == (("question 2",), 0, False, seq)


async def test_the_last_messages_are_found_behind_long_answers() -> None:
    opening, _ = await opening_of([1] + [PAGE] * 5)
    assert sum(isinstance(one.event, (e.UserSaid, e.AssistantSaid)) for one in opening.recent) == SHOWN_MESSAGES
    assert len(opening.inputs) >= 5


async def test_a_short_session_is_read_in_one_page() -> None:
    opening, seq = await opening_of([0] * 300)
    assert sum(isinstance(one.event, (e.UserSaid, e.AssistantSaid)) for one in opening.recent) == SHOWN_MESSAGES
    assert (opening.more, opening.seq, len(opening.inputs)) == (True, seq, 200)


async def test_what_is_no_talk_does_not_make_a_session_look_fresh() -> None:
    opening, seq = await opening_of([1], e.Closed(), e.Reopened(), e.Renamed("docs", by_hand=True))
    assert opening.seq == seq
    said = max(one.at for one in opening.recent if isinstance(one.event, e.AssistantSaid))
    assert opening.last_at == said
    assert opening.heading("docs", "", said + 366 * 86_400.0).startswith("docs · 1 year ago")


async def test_reading_ends_however_long_an_answer_is() -> None:
    opening, seq = await opening_of([PAGE * (PAGES + 1)])
    assert (opening.more, opening.seq) == (True, seq)
    assert [type(one.event) for one in opening.recent] == [e.AssistantSaid, e.TurnEnded]
