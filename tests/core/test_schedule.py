"""Who is served next: in the order of coming, the foreground first, and no provider's pause holds up another's calls."""

from __future__ import annotations

from hypothesis import given, strategies as st

from plait.core.messages import SessionId
from plait.core.schedule import Waiting, in_order, next_up

SESSIONS = [SessionId(one) for one in "abcd"]
QUEUES = st.lists(st.tuples(st.sampled_from(SESSIONS), st.sampled_from(["p", "q"])), max_size=8).map(
    lambda them: [Waiting(number, session, provider) for number, (session, provider) in enumerate(them)]
)


@given(QUEUES, st.sets(st.sampled_from(SESSIONS)))
def test_nobody_is_dropped_and_the_foreground_comes_first(queue: list[Waiting], shown: set[SessionId]) -> None:
    order = in_order(list(reversed(queue)), shown.__contains__)
    assert sorted(order, key=lambda one: one.number) == queue
    foreground = [one for one in queue if one.session in shown]
    assert order == foreground + [one for one in queue if one.session not in shown]


@given(QUEUES, st.sets(st.sampled_from(["p", "q"])))
def test_the_next_is_the_first_that_is_not_paused(queue: list[Waiting], paused: set[str]) -> None:
    served = next_up(queue, paused)
    free = [one for one in queue if one.provider not in paused]
    assert served == (free[0] if free else None)
