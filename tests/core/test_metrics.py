"""Counters, histograms and alerts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from plait.core import events as e
from plait.core.messages import AssistantMessage, CallId, ToolCall, Turn
from plait.core.metrics import (
    BOUNDS,
    CRASHES,
    MOST_NAMES,
    MOST_RECENT,
    SAVES,
    TIMED,
    Histogram,
    Metrics,
    alerts,
    from_plain,
    is_counted,
    to_plain,
)

DURATIONS = st.lists(st.floats(0, 100_000), max_size=50)


def timing(*milliseconds: float) -> Histogram:
    one = Histogram()
    for each in milliseconds:
        one.observe(each)
    return one


@given(DURATIONS, st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_in_the_bucket_of_the_true_one(durations: list[float], share: float) -> None:
    one = timing(*durations)
    told = one.percentile(share)
    if not durations:
        assert told == 0
        return
    true = sorted(durations)[max(0, -(-int(share * 1000) * len(durations) // 1000) - 1)]
    higher = next((bound for bound in BOUNDS if bound >= true), max(durations))
    assert true <= told <= higher
    assert told <= max(durations)


@given(DURATIONS, DURATIONS)
def test_merging_is_counting_all(first: list[float], second: list[float]) -> None:
    merged = timing(*first)
    merged.merge(timing(*second))
    whole = timing(*first, *second)
    assert (merged.counts, merged.most, merged.count) == (whole.counts, whole.most, len(first) + len(second))


def metrics_of(draws: list[tuple[str, int]], at: float) -> Metrics:
    metrics = Metrics()
    for name, by in draws:
        metrics.count(name, at, by=by)
        metrics.observe("session_switch_duration_ms", by, at)
    return metrics


COUNTS = st.lists(st.tuples(st.sampled_from([CRASHES, SAVES, "a", "b"]), st.integers(1, 9)), max_size=20)


@given(COUNTS, COUNTS)
def test_a_file_holds_all_of_it_and_merging_loses_nothing(first: list[tuple[str, int]], second: list[tuple[str, int]]) -> None:
    one, other = metrics_of(first, 5.0), metrics_of(second, 7.0)
    read = from_plain(json.loads(json.dumps(to_plain(one))))
    assert read == one
    read.merge(other)
    whole = dict.fromkeys({name for name, _ in (*first, *second)}, 0)
    for name, by in (*first, *second):
        whole[name] += by
    assert read.counters == whole
    assert read.since == (5.0 if first else 7.0 if second else 0.0)
    assert read.is_empty == (not first and not second)


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        {},
        {"version": 2},
        to_plain(Metrics()) | {"bounds": [1]},
        to_plain(Metrics()) | {"counters": {"a": -1}},
        to_plain(Metrics()) | {"counters": {"a": "x"}},
        to_plain(Metrics()) | {"counters": [1]},
        to_plain(Metrics()) | {"since": True},
        to_plain(Metrics()) | {"timings": {}},
        to_plain(Metrics()) | {"timings": {name: {"counts": [1], "total": 0, "most": 0} for name in TIMED}},
        to_plain(Metrics()) | {"recent": {CRASHES: [None]}},
    ],
)
def test_what_is_not_ours_is_begun_anew(plain: object) -> None:
    assert from_plain(plain) == Metrics()


def test_what_is_counted_of_events() -> None:
    metrics = Metrics()
    seen: list[e.Event] = [
        e.UserSaid("secret words"),
        e.AssistantSaid(Turn(1), AssistantMessage("secret words"), "end"),
        e.ToolStarted(Turn(1), ToolCall(CallId("c"), "sum", "{}")),
        e.CallDelayed(Turn(1), "slow", 1.0, 2, 5),
        e.TurnEnded(Turn(1), "failed", True, "secret words", "RateLimited"),
        e.TurnEnded(Turn(1), "failed", True, "secret words", "StoreError"),
        e.TurnEnded(Turn(1), "done", True),
        e.Closed(),
        e.AnswerDelta(Turn(1), "secret words"),
    ]
    for event in seen:
        metrics.saw(event, 5.0)
    assert metrics.counters == {
        "messages_sent_total": 1,
        "model_calls_total": 1,
        "tool_executions_total": 1,
        "api_failures_total{tried again}": 1,
        "session_errors_total{RateLimited}": 1,
        "api_failures_total{RateLimited}": 1,
        "session_errors_total{StoreError}": 1,
        "sessions_closed_total": 1,
    }
    assert not is_counted(e.AnswerDelta(Turn(1), "x"))
    assert "secret" not in json.dumps(to_plain(metrics))


def test_nothing_grows_without_end() -> None:
    metrics = Metrics()
    for number in range(MOST_NAMES * 2):
        metrics.count("session_errors_total", float(number), kind=f"Kind{number}")
    assert len(metrics.counters) == MOST_NAMES
    assert len(metrics.recent["session_errors_total"]) == MOST_RECENT
    metrics.count("session_errors_total", 1.0, kind="Kind3")
    assert metrics.counters["session_errors_total{Kind3}"] == 2
    other = Metrics()
    other.count("one-more", 1.0)
    metrics.merge(other)
    assert len(metrics.counters) == MOST_NAMES
    for wrong in (float("nan"), float("inf"), -1.0):
        metrics.observe("session_switch_duration_ms", wrong, 1.0)
    assert metrics.timings["session_switch_duration_ms"].count == 0


def test_alerts_come_above_their_limits_and_go_with_the_hour() -> None:
    metrics = Metrics()
    metrics.count(CRASHES, 1000.0, by=10)
    metrics.count(SAVES, 1000.0, by=6)
    metrics.observe("session_switch_duration_ms", 2_000, 1000.0)
    metrics.observe("session_create_duration_ms", 501, 1000.0)
    assert alerts(metrics, metrics, 1001.0) == [
        "6 failures to save in the last hour, more than 5. Look at the free space of the disk.",
        "95 % of new sessions take up to 501 ms since this start, more than 500. Look at what else uses the disk.",
    ]
    metrics.count(CRASHES, 2000.0)
    metrics.observe("session_switch_duration_ms", 4_500, 1000.0)
    told = "\n".join(alerts(metrics, metrics, 2001.0))
    assert told.startswith("11 turns cut off by a crash in the last hour, more than 10. Leave plait,")
    assert "99 % of switches take up to 4,500 ms since this start, more than 2,000. /debug buffers" in told
    assert alerts(metrics, Metrics(), 6000.0) == []
