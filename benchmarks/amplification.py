"""Bytes that go to the disk for 1,000 turns, as a multiple of the bytes that were said in them.

20 sessions at once, a coordinator of the benchmark's own process, each answer 400 tokens in a second. Counted is what the kernel sends to
storage for all of it: SQLite's log and database, the index for searching. A message, the start of its turn and its end are each synced
before anything goes on, and an answer in progress four times a second; each such commit writes three pages of 4 kB at the least.
"""

from __future__ import annotations

import os
import time

import anyio

from benchmarks.figures import Figure, NothingMeasured, Plan
from benchmarks.process import bytes_written
from benchmarks.programs import environ
from benchmarks.server import Server, model, words
from plait.app import open_app
from plait.builders import catalog_of
from plait.core import commands as c
from plait.paths import Paths
from plait.program import Program
from plait.runtime.coordinator import Coordinator
from plait.settings import Settings
from plait.store.sqlite import open_store

SESSIONS = 20
TURNS = 1_000
TOKENS, RATE = 400, 400
QUESTION = "What a person asks is a line or two of text, more or less; this is one of that kind."


def run(plan: Plan) -> list[Figure]:
    """The multiple."""
    turns, sessions = plan.times(TURNS, 4), plan.times(SESSIONS, 2)
    with Server() as server:
        written = anyio.run(measure, plan, server, sessions, turns // sessions)
    said = turns * len(QUESTION + "".join(words(TOKENS, "")))
    name = f"bytes written for {turns:,} turns of {said // turns:,} bytes, {sessions} sessions at once, over the bytes said"
    return [Figure(name, written / said, "times", 5)]


async def measure(plan: Plan, server: Server, sessions: int, turns: int) -> int:
    """Bytes that were written for so many turns in each of so many sessions."""
    directory = plan.home / "amplification"
    directory.mkdir()
    store = open_store(directory / "plait.db", now=time.time(), report=lambda finding: None)
    settings = Settings(model=f"openai:{model(TOKENS, RATE)}", auto_names=False, max_concurrent_calls=sessions, max_sessions=sessions)
    paths = Paths(directory, directory, directory, directory)
    world = environ(plan.home, server.base_url)
    async with open_app(Program(settings, paths, world, str(directory)), store, catalog_of(settings, paths, world)) as coordinator:
        before = bytes_written(os.getpid())
        async with anyio.create_task_group() as tasks:
            for _ in range(sessions):
                tasks.start_soon(converse, coordinator, str(directory), turns)
        while store.index():  # what is found belongs to it
            pass
        written = bytes_written(os.getpid()) - before
    store.close()
    return written


async def converse(coordinator: Coordinator, directory: str, turns: int) -> None:
    """So many turns in a session of its own. Raises `NothingMeasured` where one fails."""
    opened = await coordinator.submit(c.OpenSession(directory))
    if not isinstance(opened, c.Done):
        raise NothingMeasured(f"no session: {opened}")
    for _ in range(turns):
        await coordinator.submit(c.Say(opened.session, QUESTION))
        while (status := await coordinator.submit(c.ReadStatus(opened.session))) and isinstance(status, c.Status):
            if status.running is None and not status.waiting:
                break
            await anyio.sleep(0.02)
    if not isinstance(status, c.Status) or status.info.messages != 2 * turns or status.info.ending != "done":
        raise NothingMeasured(f"a turn failed: {status}")
