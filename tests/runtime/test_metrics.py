"""What the coordinator counts and measures, and how it is kept: beside everything, and in nobody's way."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from plait.core import commands as c, events as e
from plait.core.messages import Turn
from plait.core.metrics import Metrics
from plait.core.metrics_commands import Figures, Measured, ReadMetrics
from plait.core.ports import Write
from plait.core.revision_commands import EditMessage, ForkSession
from plait.metrics_file import CAP, MetricsFile
from plait.models.scripted import Reply
from plait.runtime.coordinator import Coordinator
from plait.runtime.metrics import Meter
from tests.runtime.failing import FailingStore
from tests.runtime.waiting import until
from tests.runtime.world import World, ask, ended, opened, scripted, turned

pytestmark = pytest.mark.anyio


def metered(world: World, meter: Meter) -> Coordinator:
    coordinator = world.start()
    return Coordinator(replace(coordinator.world, meter=meter))


async def figures(coordinator: Coordinator) -> tuple[Figures, dict[str, int]]:
    told = await ask(coordinator, ReadMetrics(), Figures)
    return told, {one.name: one.count for one in told.counters}


async def test_what_happens_is_counted_and_measured() -> None:
    world = World(scripted(Reply(text="Fine."), Reply(error="RequestRefused", message="No.")))
    async with metered(world, Meter(lambda: 50.0)) as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hello")
        await turned(coordinator, session, "again")
        await ask(coordinator, Measured("session_switch_duration_ms", 12.5), c.Done)
        await ask(coordinator, c.CloseSession(session), c.Done)
        told, counted = await figures(coordinator)
        assert counted == {
            "sessions_created_total": 1,
            "messages_sent_total": 2,
            "model_calls_total": 1,
            "session_errors_total{RequestRefused}": 1,
            "api_failures_total{RequestRefused}": 1,
            "session_switches_total": 1,
            "sessions_closed_total": 1,
        }
        took = {one.name: one for one in told.timings}
        assert (took["session_switch_duration_ms"].count, took["session_switch_duration_ms"].most) == (1, 12.5)
        assert took["session_create_duration_ms"].count == 1
        assert took["command_execution_duration_ms"].count >= 4
        assert (told.since, told.kept, told.alerts) == (50.0, False, ())


async def test_a_message_said_anew_was_sent_and_a_fork_was_opened_but_what_is_copied_is_not_counted_again() -> None:
    async with metered(World(scripted()), Meter(lambda: 50.0)) as coordinator:
        session = await opened(coordinator)
        await turned(coordinator, session, "hello")
        await ended(coordinator, session, Turn((await ask(coordinator, EditMessage(session, "good day"), c.Done)).seq))
        await ask(coordinator, ForkSession(session), c.Done)
        assert (await figures(coordinator))[1] == {"sessions_created_total": 2, "messages_sent_total": 2, "model_calls_total": 2}


async def test_a_turn_that_a_crash_cut_off_is_counted() -> None:
    world = World(scripted(Reply(text="half", hang=True)))
    async with world.start() as coordinator:
        session = await opened(coordinator)
        await ask(coordinator, c.Say(session, "hello"), c.Done)
        await until(lambda: any(isinstance(event, e.TurnStarted) for event in world.log(session)))
        events, row = world.store.read(session), next(row for row in world.store.sessions())
    crashed = FailingStore()
    for project in world.store.projects():
        crashed.project(project)
    upto = [one for one in events if (one.seq or 0) <= row.seq]
    crashed.append([Write(row, 0, crashed.epoch, tuple(upto))])
    async with metered(World(scripted(), crashed), Meter(lambda: 50.0)) as coordinator:
        assert (await figures(coordinator))[1]["session_crashes_total"] == 1


async def test_a_failing_disk_is_counted() -> None:
    store = FailingStore()
    async with metered(World(scripted(), store), Meter(lambda: 50.0)) as coordinator:
        session = await opened(coordinator)
        store.fail()
        await coordinator.submit(c.RenameSession(session, "other"))
        assert (await figures(coordinator))[1]["database_save_failures_total"] == 1
        store.recover()


async def test_it_is_kept_from_run_to_run(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "state" / "metrics.json")
    world = World(scripted())
    for run in (1, 2):
        async with metered(world, Meter(lambda: 50.0, file)) as coordinator:
            await opened(coordinator)
            told, counted = await figures(coordinator)
            assert (counted["sessions_created_total"], told.kept) == (run, True)
    assert file.load().counters["sessions_created_total"] == 2
    path = tmp_path / "state" / "metrics.json"
    assert (stat.S_IMODE(path.stat().st_mode), os.listdir(path.parent)) == (0o600, ["metrics.json"])
    assert path.stat().st_size < CAP / 100


async def test_it_is_written_while_plait_runs(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    async with metered(World(scripted()), Meter(lambda: 50.0, MetricsFile(path), every=0.01)) as coordinator:
        await opened(coordinator)
        await until(path.exists)
        await opened(coordinator)
        await until(lambda: MetricsFile(path).load().counters == {"sessions_created_total": 2})
        told, counted = await figures(coordinator)
        assert (counted, told.kept) == ({"sessions_created_total": 2}, True)


async def test_what_cannot_be_written_is_kept_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "state" / "metrics.json"
    path.mkdir(parents=True)
    meter = Meter(lambda: 50.0, MetricsFile(path))
    meter.measured(Measured("session_switch_duration_ms", 5.0))
    await meter.save()
    assert (await meter.figures()).counters[0].count == 1
    path.rmdir()
    meter.measured(Measured("session_switch_duration_ms", 5.0))
    await meter.save()
    assert json.loads(path.read_text())["counters"] == {"session_switches_total": 2}
    assert (await meter.figures()).counters[0].count == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "x" * (CAP + 1), '{"version": 1}'])
def test_a_broken_file_is_begun_anew(text: str, tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "metrics.json")
    (tmp_path / "metrics.json").write_text(text)
    assert file.load() == Metrics()
    file.save(Metrics(counters={"a": 1}))
    assert file.load().counters == {"a": 1}


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "metrics.json").symlink_to(tmp_path / "elsewhere")
    file = MetricsFile(tmp_path / "metrics.json")
    assert file.load() == Metrics()
    file.save(Metrics(counters={"a": 1}))
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert file.load().counters == {"a": 1}
