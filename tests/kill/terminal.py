"""The real program at its prompt on a pseudo-terminal, with eight sessions at work, killed again and again.

`python -m tests.kill.terminal --kills N` prints one JSON object: see `Report`. What the screen said is held against what lies on the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

from plait.core import events as e
from plait.core.codec import encode_event
from plait.core.messages import SessionId, Turn
from plait.store.owner import take_ownership
from plait.store.verify import verify
from tests.kill.witness import read_all
from tests.program.many import goes, joined, told
from tests.program.running import PLAIT, Place, Plait

NAMES = tuple(f"s{number}" for number in range(1, 9))
SCRIPT = """
[[reply]]
match = "ask"
text = "One thing first."
calls = [{ name = "ask_user", arguments = { question = "Which one shall it be?" } }]

[[reply]]
match = "slow"
words = 150
per_second = 100
"""
KINDS = ("short", "short", "slow", "slow", "ask")
GONE = 2.0
"""Seconds within which no child of a killed program may be left."""


@dataclass
class Report:
    """What happened: kills that really were, those in which nothing new had been acknowledged, and everything that was wrong."""

    kills: int = 0
    vacuous: int = 0
    acknowledged: int = 0
    cut_turns: int = 0
    usual_start: float = 0.0
    """Seconds from a start to the prompt of a session, the median."""
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


class Terminal:
    """Lives of one database."""

    def __init__(self, place: Place, seed: int, command: Sequence[str] = PLAIT) -> None:
        self.place, self.report = place, Report()
        self._command = command
        self._random = random.Random(seed)
        self._acknowledged: dict[str, str] = {}
        """Messages, and the session of each."""
        self._log: dict[SessionId, list[tuple[str, str]]] = {}
        self._number = 0
        self._starts: list[float] = []
        place.work.mkdir(exist_ok=True)
        place.script.write_text(SCRIPT)

    def run(self, kills: int) -> Report:
        """Kill so often, then let everything come to an end; stops at the first problem."""
        began = time.monotonic()
        for _ in range(kills):
            if not self.report.problems:
                self._life()
        if not self.report.problems:
            self._finish()
        self.report.usual_start = round(median(self._starts), 2)
        self.report.seconds = round(time.monotonic() - began, 1)
        return self.report

    def _start(self) -> Plait:
        began = time.monotonic()
        command = [*self._command, "--model", self.place.model]
        plait = Plait(command, self.place, 110, 40, {"PLAIT_MAX_CONCURRENT_CALLS": "8"})
        plait.until(lambda: plait.name.strip(".") != "")  # the first prompt of all has no name
        self._starts.append(time.monotonic() - began)
        return plait

    def _life(self) -> None:
        with self._start() as plait:
            if not self._log:
                for name in NAMES:
                    goes(plait, f"/new {name}", name)
            said = []
            for name in self._random.sample(NAMES, self._random.randint(1, 4)):
                said.append(self._say(plait, name))
                if len(said) == 1:
                    plait.until(lambda: self._was_acknowledged(plait, *said[0]))
            plait.pause(self._random.random() * 0.3)  # somewhere in what they do next
            children = plait.descendants
            plait.child.kill(signal.SIGKILL)
            status = plait.wait()
            new = {text: name for text, name in said if self._was_acknowledged(plait, text, name)}
        self.report.kills += 1
        self.report.vacuous += not new
        self.report.acknowledged += len(new)
        self._acknowledged |= new
        if status != 128 + signal.SIGKILL:
            self.report.problems.append(f"it ended by itself with status {status}")
        self.report.problems += [f"life {self.report.kills}: {problem}" for problem in (*self._left(children), *self._check())]

    def _say(self, plait: Plait, name: str) -> tuple[str, str]:
        self._number += 1
        text = f"{self._random.choice(KINDS)} m{self._number:05}m"
        plait.enter(f"/say {name} {text}")
        return text, name

    @staticmethod
    def _was_acknowledged(plait: Plait, text: str, name: str) -> bool:
        after = joined(plait).partition(f"/say {name} {text}")[2]
        return re.match(rf"[^·]*(Sent to|Queued for) '{name}'", after) is not None

    @staticmethod
    def _left(children: Sequence[int]) -> Iterator[str]:
        until = time.monotonic() + GONE
        while left := [pid for pid in children if Path(f"/proc/{pid}").exists()]:
            if time.monotonic() > until:
                yield f"the processes {left} are left"
                return

    def _check(self) -> Iterator[str]:
        """Everything that is wrong with what lies on the disk."""
        take_ownership(self.place.database).release()
        yield from verify(self.place.database)
        log = read_all(self.place.database)
        names = {events[0].session: _name(events) for events in log.values()}
        said = [(one.event.text, names[session]) for session, events in log.items() for one in events if isinstance(one.event, e.UserSaid)]
        for text, name in self._acknowledged.items():
            if said.count((text, name)) != 1:
                yield f"message {text!r} to {name} was acknowledged, and is there {said.count((text, name))} times"
        if len(set(said)) != len(said):
            yield "a message is there twice"
        for session, events in log.items():
            now = [encode_event(one.event) for one in events]
            before = self._log.get(session, [])
            if now[: len(before)] != before:
                yield f"session {names[session]} is not what it was and more"
            self._log[session] = now
            ended = {one.event.turn for one in events if isinstance(one.event, e.TurnEnded)}
            self.report.cut_turns += sum(isinstance(one.event, e.TurnStarted) and one.event.turn not in ended for one in events)

    def _finish(self) -> None:
        """Every session takes one more turn to its end, and the program leaves in order."""
        self.place.script.write_text("")  # the model echoes whatever waits to be sent
        with self._start() as plait:
            for name in NAMES:
                told(plait, f"/say {name} the end", f"Sent to '{name}'")
            while unfinished := [name for name in NAMES if self._state(name) != "ended"]:
                if self._state(unfinished[0]) == "asks":
                    told(plait, f"/answer {unfinished[0]} this one", "·")
                plait.until(lambda name=unfinished[0]: self._state(name) != "asks")  # type: ignore[misc]  # mypy knows no default of a lambda
                plait.until(lambda name=unfinished[0]: self._state(name) != "works")  # type: ignore[misc]  # likewise
            plait.idle()
            if (status := plait.leave()) != 0:
                self.report.problems.append(f"it left with status {status}")
        self.report.problems += [
            *self._check(),
            *(f"{name} took no more turn to its end" for name in NAMES if self._state(name) != "ended"),
        ]

    def _state(self, name: str) -> Literal["ended", "asks", "works"]:
        """Whether the session has answered the last message, or what it does."""
        events = next(one for one in read_all(self.place.database).values() if _name(one) == name)
        turns = [one.seq for one in events if isinstance(one.event, e.UserSaid) and one.event.text == "the end"]
        ends = {one.event.turn: one.event.ending for one in events if isinstance(one.event, e.TurnEnded)}
        if [ends.get(Turn(turn or 0)) for turn in turns] == ["done"]:
            return "ended"
        asked = sum(isinstance(one.event, e.QuestionAsked) for one in events)
        over = {one.event.result.call for one in events if isinstance(one.event, e.QuestionAnswered | e.ToolReturned)}
        return "asks" if asked > len(over) else "works"


def _name(events: Sequence[e.Stamped]) -> str:
    return next(one.event.name for one in reversed(events) if isinstance(one.event, e.SessionOpened | e.Renamed))


def main() -> None:
    """The command line: prints the report, exits with 1 where something was wrong."""
    parser = argparse.ArgumentParser(description="Kill plait at its prompt at random moments and look at what is left.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    parser.add_argument("--mutant", default="")
    options = parser.parse_args()
    command = [sys.executable, str(Path(__file__).with_name("broken.py")), options.mutant] if options.mutant else PLAIT
    with tempfile.TemporaryDirectory(prefix="p") as directory:
        report = Terminal(Place(Path(directory)), options.seed, command).run(options.kills)
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    sys.exit(bool(report.problems))


if __name__ == "__main__":
    main()
