"""Kills the driver again and again, and looks at what is left after each time.

A program of its own, `python -m tests.kill.harness`: everything is imported once, and each life of the driver is a fork of this
single-threaded process, so that a cycle costs little more than the driver's own work. It prints one JSON object: see `Report`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.kill import driver
from tests.kill.witness import Witness

LIFE_LIMIT = 30.0
"""Seconds within which a driver must have said enough to be killed, or have ended."""
KILLED = -signal.SIGKILL
LIVES_OF_A_DATABASE = 20
LONG_EVERY = 40
"""So often a life is long: until a slow answer has streamed for `LONG` seconds."""
LONG = 2.4


@dataclass
class Report:
    """What happened: kills that really were (by signal 9, with something new acknowledged), and everything that was wrong."""

    kills: int = 0
    vacuous: int = 0
    acknowledged: int = 0
    partial: int = 0
    cut_tools: int = 0
    tools: int = 0
    turns: int = 0
    finishes: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


class Life:
    """One life of the driver: a fork with a pipe."""

    def __init__(self, witness: Witness, seed: int, mutant: str, kinds: Sequence[str], finish: bool, crash_at: str = "") -> None:
        self.witness = witness
        witness.died_of = ""
        self.new = 0
        self.streaming_since: dict[tuple[str, int], float] = {}
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 70
            try:
                os.close(reading)
                os.environ["PLAIT_CRASH_AT"] = crash_at
                driver.main(writing, witness.path, seed, mutant, kinds, finish)
                code = 0
            except BaseException:
                os.write(writing, json.dumps({"died": traceback.format_exc()}).encode() + b"\n")
                raise
            finally:
                os._exit(code)
        os.close(writing)
        self._pipe, self._rest = reading, b""

    def listen(self, until: float) -> bool:
        """Take what comes next; false at its end, or when the time `until` is over."""
        ready, _, _ = select.select([self._pipe], [], [], max(0.0, until - time.monotonic()))
        data = os.read(self._pipe, 1 << 16) if ready else b""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.new += self.witness.hear(line)
        return bool(data)

    @property
    def streamed(self) -> float:
        """Seconds for which some answer has been streaming."""
        return max((told[-1][1] - told[0][1] for told in self.witness.shown.values()), default=0.0)

    def end(self, number: int | None, limit: float = LIFE_LIMIT) -> int | None:
        """Kill it, or wait for its end, hearing all that it had said; its exit code, none if it had to be ended after `limit` seconds."""
        if number is not None:
            os.kill(self.pid, number)
        until = time.monotonic() + limit
        while self.listen(until):
            pass
        os.close(self._pipe)
        overdue = time.monotonic() >= until
        if overdue:
            os.kill(self.pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return None if overdue else code


class Harness:
    """Cycles of life, kill and check over a few databases."""

    def __init__(self, directory: Path, seed: int, mutant: str, long_only: bool) -> None:
        self._directory, self._seed, self._mutant, self._long_only = directory, seed, mutant, long_only
        self._random = random.Random(seed)
        self.report = Report()

    def run(self, kills: int) -> Report:
        """Kill so often, at random moments; stops at the first problem of a mutant."""
        began, witness = time.monotonic(), self._fresh(0)
        for cycle in range(kills):
            if cycle and cycle % LIVES_OF_A_DATABASE == 0:
                self.finish(witness, cycle)
                witness = self._fresh(cycle)
            long = self._long_only or cycle % LONG_EVERY == LONG_EVERY - 1
            self._kill(witness, self._seed * 1_000_003 + cycle, long)
            if self.report.problems:
                break
        if not self.report.problems:
            self.finish(witness, kills)
        self.report.seconds = round(time.monotonic() - began, 1)
        return self.report

    def _fresh(self, number: int) -> Witness:
        return Witness(self._directory / str(number) / "plait.db")

    def _kill(self, witness: Witness, seed: int, long: bool) -> None:
        life = Life(witness, seed, self._mutant, ("slow:",) if long else driver.KINDS, finish=False)
        wanted, until = self._random.randint(1, 40), time.monotonic() + LIFE_LIMIT
        while (life.streamed < LONG if long else life.new < wanted) and life.listen(until):
            pass
        if not long:
            life.listen(time.monotonic() + self._random.random() * 0.01)  # somewhere in what it does next
        killed_at = time.monotonic()
        code = life.end(signal.SIGKILL)
        if code != KILLED:
            self.report.problems.append(f"life {seed} ended by itself with {code}: {witness.died_of}")
        self.report.kills += 1
        self.report.vacuous += life.new == 0
        self.report.acknowledged += life.new
        self.look(witness, killed_at, f"life {seed}")

    def finish(self, witness: Witness, seed: int) -> None:
        """What was killed goes on: every session takes one more turn to its end, and the driver leaves in order."""
        life = Life(witness, seed, self._mutant, ("short:",), finish=True)
        code = life.end(None)
        if code != 0:
            self.report.problems.append(f"the driver did not finish over {witness.path.parent.name}: {code}: {witness.died_of}")
        self.report.finishes += 1
        self.look(witness, time.monotonic(), "the finish")
        self.report.partial += witness.partial
        self.report.cut_tools += witness.cut_tools
        self.report.tools += sum(witness.ran.values())
        self.report.turns += len(witness.meant)

    def look(self, witness: Witness, killed_at: float, where: str) -> None:
        if witness.path.exists():
            self.report.problems += [f"{where}: {problem}" for problem in witness.check(killed_at)]


def crash_at(directory: Path, label: str, times: int, limit: float) -> list[str]:
    """Have the driver killed at a named point, look, and let it go on; everything that was wrong."""
    witness = Witness(directory / label / str(times) / "plait.db")
    life = Life(witness, times, "", ("short:", "tool:", "cut:"), finish=label.startswith("close"), crash_at=f"{label}:{times}")
    code = life.end(None, limit)
    harness = Harness(directory, 1, "", long_only=False)
    if code != KILLED:
        harness.report.problems.append(f"{label}:{times} was not passed: {code}: {witness.died_of}")
    if not label.startswith(("create", "migrate")):  # there is no database yet to be looked at
        harness.look(witness, time.monotonic(), f"{label}:{times}")
    harness.finish(witness, 1_000 + times)
    return harness.report.problems


def main() -> None:
    """The command line: prints the report, exits with 1 where something was wrong."""
    parser = argparse.ArgumentParser(description="Kill the driver at random moments and look at what is left.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutant", choices=sorted(driver.MUTANTS), default="")
    parser.add_argument("--long", action="store_true", help="only long lives")
    parser.add_argument("--labels", nargs="*", help="named crash points instead, as LABEL:TIMES")
    parser.add_argument("--limit", type=float, default=LIFE_LIMIT, help="seconds within which a named point has to be passed")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="plait-kill-"))
    try:
        if options.labels is not None:
            labels = [one.split(":") for one in options.labels]
            problems = [problem for label, times in labels for problem in crash_at(directory, label, int(times), options.limit)]
            report = Report(kills=len(options.labels), problems=problems)
        else:
            report = Harness(directory, options.seed, options.mutant, options.long).run(options.kills)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    sys.exit(bool(report.problems))


if __name__ == "__main__":
    main()
