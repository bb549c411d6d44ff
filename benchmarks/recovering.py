"""Killed with SIGKILL in the middle of an answer and started again, over and over: 500 sessions, a database of 1 GB.

From the start to a prompt that takes keys, and to the sentence that says where the answer was cut off: by then SQLite has gone through its
log, the database is open, and the session is read and mended. The log is never emptied between the kills, so it grows with each of them.
"""

from __future__ import annotations

import os
import random
import signal

from benchmarks.console import Console
from benchmarks.figures import Figure, NothingMeasured, Plan, percentile
from benchmarks.programs import Program, many
from benchmarks.seeding import Seed, database, long_answer, seed
from benchmarks.server import FIRST, Server, model
from benchmarks.startup import KEY

SESSIONS = 500
OPEN = 100
MEGABYTES = 1_000
KILLS = 25
RATE = 2_000
"""Tokens a second, of an answer that does not end before the kill."""
LONGEST = 1.0
"""Seconds of an answer before the kill."""
ANSWER = 9_000
"""Characters of the seeded answers."""
STORED = 3
"""Times that each is stored, more or less: whole, in parts while it came, and its words in the index."""
CUT_OFF = b"plait stopped in the middle of this turn"


def run(plan: Plan) -> list[Figure]:
    """p95 of both; how large database and log were is said beside."""
    sessions, chance = plan.times(SESSIONS, 10), random.Random(1)
    usable: list[float] = []
    mended: list[float] = []
    with Server() as server:
        program = many(plan, server, model(RATE * 600, RATE), "recovering", max_sessions=SESSIONS)
        exchanges = MEGABYTES * 1_000_000 // (SESSIONS * ANSWER * STORED)
        seeds = [Seed(f"work-{number:03}", exchanges, completed=number >= OPEN) for number in range(sessions)]
        seed(program, seeds, long_answer(ANSWER))
        killed(program, server, 0.3)
        for _ in range(plan.times(KILLS, 2)):
            to_prompt, to_session = started(program)
            usable.append(to_prompt)
            mended.append(to_session)
            killed(program, server, chance.random() * LONGEST)
        megabytes = sum(one.stat().st_size for one in database(program).parent.glob("plait.db*")) / 1e6
    what = f"kill -9 in the middle of an answer, {sessions} sessions, {megabytes:,.0f} MB"
    return [
        Figure(f"{what}: start to usable prompt, p95", percentile(usable, 95), "ms", 1_000, {"p50": percentile(usable, 50)}),
        Figure(f"{what}: start to the end that is told, p95", percentile(mended, 95), "ms", 1_000, {"p50": percentile(mended, 50)}),
    ]


def started(program: Program) -> tuple[float, float]:
    """Milliseconds to the echo of a key, and to what is told of the answer that was cut off."""
    with program.open() as console:
        console.until(program.prompt)
        console.send(KEY)
        to_prompt = console.until(KEY) - console.started
        return to_prompt * 1000, (console.until(CUT_OFF) - console.started) * 1000


def killed(program: Program, server: Server, seconds: float) -> None:
    """Begin an answer in the session that is shown, and kill the program after so long. Raises `NothingMeasured` if it ended before."""
    console = program.ready()
    console.send(b"tell me more")
    console.quiet(0.05)
    console.send(b"\r")
    console.until(FIRST)
    server.times()
    console.watch(seconds)
    kill(console)


def kill(console: Console) -> None:
    """SIGKILL, and see that it was that."""
    os.kill(console.pid, signal.SIGKILL)
    _, status = os.waitpid(console.pid, 0)
    os.close(console.fd)
    if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        raise NothingMeasured("the program had ended before it was killed")
