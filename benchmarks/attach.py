"""Two terminals on one database: how soon the second one is there, how soon both show the same, and how soon the second owns after a kill.

And eight processes at once on one database, each with messages of its own: whether every one is answered.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.console import LIMIT, Console, NeverCame
from benchmarks.figures import Figure, NothingMeasured, Plan, median, percentile
from benchmarks.programs import Program, environ
from benchmarks.startup import KEY
from plait.core import events as e
from plait.store.sqlite import open_store

PROMPT = b"(default) >"
TAKEN_OVER = b"owns the sessions now"
PROCESSES = 8
TURNS = 1_000


def run(plan: Plan) -> list[Figure]:
    """Starts, events, kills, and the crowd."""
    program, lonely = scripted(plan, "attach"), scripted(plan, "alone")
    starts: list[tuple[float, float]] = []
    alone: list[tuple[float, float]] = []
    with program.open() as first:
        first.until(PROMPT)
        for _ in range(plan.times(21, 2)):  # taking turns; the first start of each is not counted: it makes files
            starts.append(started(program))
            alone.append(started(lonely))
        with program.open() as second:
            second.until(PROMPT)
            apart = both(first, second, plan.times(100, 3))
    kills = [killed(program) for _ in range(plan.times(15, 1))]
    (keys, names), (keys_alone, names_alone) = milliseconds(starts[1:]), milliseconds(alone[1:])
    return [
        Figure("second terminal: start to usable prompt, median", keys, "ms", 300, {"alone": keys_alone}),
        Figure("second terminal: start to the name of the shared session in its prompt, median", names, "ms", None, {"alone": names_alone}),
        Figure("one event on both screens: the second after the first, p95", percentile(apart, 95) * 1000, "ms", 20),
        Figure("take-over after kill -9, p95", percentile(kills, 95), "s", 1),
        *crowd(plan),
    ]


def milliseconds(starts: list[tuple[float, float]]) -> tuple[float, float]:
    """The medians of both."""
    return median([key for key, _ in starts]) * 1000, median([name for _, name in starts]) * 1000


def scripted(plan: Plan, label: str) -> Program:
    """plait with a scripted model that echoes; programs with the same `label` share a home."""
    home = plan.home / label
    work = home / "work"
    work.mkdir(parents=True)
    (home / "script.toml").write_text("")
    settings = environ(home, "http://127.0.0.1:9") | {"PLAIT_MODEL": f"scripted:{home}/script.toml", "PLAIT_AUTO_NAMES": "0"}
    settings |= {"TMPDIR": str(home)} if len(str(home)) < 50 else {}
    return Program("plait", (sys.executable, "-m", "plait"), settings, str(work), b") >")


def started(program: Program) -> tuple[float, float]:
    """Seconds to the echo of a key, and to the prompt of the session that is shared."""
    with program.open() as console:
        console.until(b") >")
        console.send(KEY)
        key = console.until(KEY) - console.started
        name = console.until(PROMPT) - console.started
        console.send(b"\x7f")  # else it is a draft of the session, and in every later prompt
        console.quiet(0.7)
        return key, name


def both(first: Console, second: Console, count: int) -> list[float]:
    """Seconds by which the second screen shows an answer after the first; one that is earlier counts as 0."""
    found = []
    for number in range(count):
        text = f"tell me {number}"
        first.send(text.encode())
        first.quiet(0.05)
        for one in (first, second):
            one.forget()
        first.send(b"\r")
        shown = until_both((first, second), f"  {text}".encode())
        found.append(max(0.0, shown[1] - shown[0]))
        first.quiet(0.05)
        second.quiet(0.05)
    return found


def until_both(consoles: tuple[Console, Console], wanted: bytes) -> tuple[float, float]:
    """When each of them had written it."""
    shown: dict[int, float] = {}
    deadline = time.monotonic() + LIMIT
    while len(shown) < 2:
        if time.monotonic() > deadline:
            raise NeverCame(f"{wanted!r} did not come to both screens")
        ready = select.select([one.fd for one in consoles], [], [], 1.0)[0]
        for place, one in enumerate(consoles):
            if one.fd in ready:
                one.read(0)
                if place not in shown and wanted in one.output:
                    shown[place] = time.monotonic()
    return shown[0], shown[1]


def killed(program: Program) -> float:
    """Seconds from the kill of an owner to the sentence of the one that was attached to it and owns now."""
    with program.open() as owner, program.open() as heir:
        owner.until(PROMPT)
        heir.until(PROMPT)
        owner.send(b"one more")
        owner.quiet(0.05)
        owner.send(b"\r")
        heir.until(b"one more")
        heir.quiet(0.2)
        heir.forget()
        owners = {one.pid: one for one in (owner, heir)}
        pid = int((Path(program.environ["PLAIT_HOME"]) / "data" / "plait.db.lock").read_text().split()[0])
        dead, other = owners[pid], next(one for one in owners.values() if one.pid != pid)
        at = time.monotonic()
        os.kill(dead.pid, signal.SIGKILL)
        return other.until(TAKEN_OVER) - at


def crowd(plan: Plan) -> list[Figure]:
    """Eight processes, each with a session of its own; what they say is counted in the database."""
    turns = plan.times(TURNS, 5)
    program = scripted_crowd(plan)
    began = time.monotonic()
    command = (sys.executable, "-m", "benchmarks.turns")
    workers = [
        subprocess.Popen(
            [*command, f"worker-{number}", str(turns)],
            cwd=program.directory,
            env=program.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    ends = [worker.communicate() for worker in workers]
    seconds = time.monotonic() - began
    told = "".join(err for _, err in ends)
    if "locked" in told or any(worker.returncode for worker in workers):
        raise NothingMeasured(f"a process did not come through: {told[-300:]}")
    answered = sum(int(out) for out, _ in ends)
    wanted = PROCESSES * turns
    done = stored_turns(Path(program.environ["PLAIT_HOME"]) / "data" / "plait.db")
    return [
        Figure(f"{PROCESSES} processes x {turns:,} turns on one database: answered, of {wanted:,}", answered, "", wanted, at_least=True),
        Figure("the same, ends of turns on disk", done, "", wanted, {"said": answered}, at_least=True),
        Figure("the same, in all", answered / seconds, "/s"),
    ]


def scripted_crowd(plan: Plan) -> Program:
    """The environment of the eight."""
    home = plan.home / "crowd"
    (home / "work").mkdir(parents=True)
    (home / "script.toml").write_text("")
    settings = environ(home, "http://127.0.0.1:9") | {"PLAIT_MODEL": f"scripted:{home}/script.toml", "PLAIT_AUTO_NAMES": "0"}
    return Program("plait", (), settings, str(home / "work"))


def stored_turns(database: Path) -> int:
    """Turns that ended well."""
    store = open_store(database, now=0.0, report=lambda finding: None)
    try:
        events = (one.event for row in store.sessions() for one in store.read(row.id))
        return sum(isinstance(event, e.TurnEnded) and event.ending == "done" for event in events)
    finally:
        store.close()
