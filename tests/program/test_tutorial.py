"""docs/tutorial.md as its reader follows it: what stands there is typed at the real program, and what it says must come.

In a block of the language `text`, a line `$ … plait …` starts the program, a line that begins with a prompt is typed there, and every
other line has to come after what was typed last, in the order in which it stands; blanks and ends of lines do not count. `<Alt+1>` at the
end of a line is a key in place of Enter, `▏` stands behind what is in the line already, and a prompt with nothing after it is waited for.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.session import SessionState
from plait.repl.asking import READABLE
from plait.store.reading import reading
from tests.program.running import Place, Plait

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL = (DOCS / "tutorial.md").read_text(encoding="utf-8")
START = "PLAIT_HOME=/tmp/plait-tutorial plait"
HERE = "/home/you/plait"
PROMPT = re.compile(r"(\(.+?\) >)(?: (.*))?")
KEYS = {"<Alt+1>": "\x1b1"}
DIFFERS = (
    (r"since \d\d:\d\d", "since 14:02"),
    (r"\d+ new lines?", "4 new lines"),
    (r"/history \d+", "/history 10"),
    (r"waiting (?:a moment|\d+ minutes?)", "waiting a moment"),
    (r"just now|\d+ minutes? ago", "just now"),
)
"""What is the reader's own: times, and how much had come when he looked."""


@dataclass(frozen=True, slots=True)
class Step:
    """A line that is typed, or that starts the program, and what must come after it; `typed` is None where only a prompt is waited for."""

    prompt: str
    typed: str | None
    expected: tuple[str, ...] = ()
    starts: str = ""


def steps_of(page: str) -> list[Step]:
    """The steps of all blocks, in order. A block whose first line is none goes on with the last step of the block before."""
    steps: list[Step] = []
    for block in re.findall(r"^```text\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append(Step("", None, starts=line[2:]))
            elif told := PROMPT.fullmatch(line):
                steps.append(Step(told[1], told[2]))
            elif line.strip():
                steps[-1] = Step(steps[-1].prompt, steps[-1].typed, (*steps[-1].expected, line), steps[-1].starts)
    return steps


def joined(text: str) -> str:
    """A text on one line, without what differs from reader to reader."""
    text = " ".join(text.split())
    for pattern, same in DIFFERS:
        text = re.sub(pattern, same, text)
    return text


class Reader:
    """Somebody who follows the steps, one after the other. `typed` and `found` count the lines that he typed and found."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._plait: Plait | None = None
        self._from = 0
        self.typed = self.found = 0

    @property
    def plait(self) -> Plait:
        assert self._plait is not None, "the first line of the tutorial starts plait"
        return self._plait

    def follow(self, steps: Sequence[Step]) -> None:
        """Take all steps, and end the program."""
        for step in steps:
            if step.starts:
                self._start(step.starts)
            elif step.typed is None:
                self.plait.until(lambda step=step: self._row == step.prompt)  # type: ignore[misc]  # a default value has no type here
            else:
                self._type(step.prompt, step.typed)
            self._find(step.expected)
        assert self.plait.wait() == 0

    def close(self) -> None:
        """End a program that is still there."""
        if self._plait is not None:
            self._plait.child.close(force=True)

    @property
    def _row(self) -> str:
        return next((line for line in reversed(self.plait.text.splitlines()) if PROMPT.match(line)), "")

    @property
    def _all(self) -> str:
        return joined(self.plait.everything.replace(str(self._place.work), HERE))

    def _start(self, line: str) -> None:
        assert line.startswith(START + " "), f"the tutorial starts plait otherwise: {line}"
        if self._plait is not None:
            assert self._plait.wait() == 0
        self._from = 0  # from here on stands what was printed since something was typed last
        self._plait = self._place.start(*shlex.split(line.removeprefix(START)), model="", PLAIT_AUTO_NAMES="1")

    def _type(self, prompt: str, text: str) -> None:
        there, cursor, rest = text.partition("▏")
        if not cursor:
            there, rest = "", text
        key = next((key for key in KEYS if rest.endswith(key)), "")
        rest = rest.removesuffix(key)
        self.plait.until(lambda: self._row == f"{prompt} {there}".rstrip())
        if text == "/back":
            self.plait.until(self._heard)
        if "/" in prompt:
            self.plait.pause(2 * READABLE)  # who answers at once cannot have read the question, and is not taken at his word
        self.plait.send(rest)
        self.plait.until(lambda: self._row == f"{prompt} {there}{rest}".rstrip())
        self.plait.pause()
        self.plait.send(KEYS.get(key, "\r"))
        if not key and "/" not in prompt:  # a key, and an answer to a question of plait's own, are not shown once more
            echo = joined(f"{'·' if text.startswith('/') else '▌'} {there}{rest}")
            self.plait.until(lambda: echo in self._all[self._from :])
            self._from += self._all[self._from :].index(echo)
        self.typed += 1

    def _heard(self) -> bool:
        """Whether every session at work has said a line: a reader is never as quick as this test, and finds something new."""
        with reading(self._place.database) as database:
            assert database is not None
            for row in database.sessions():
                events = [stamped.event for stamped in reversed(database.events(row.id))]
                turn = list(takewhile(lambda event: not isinstance(event, e.TurnStarted), events))
                line = any(isinstance(event, e.AnswerProgress) and "\n" in event.text for event in turn)
                if row.state is SessionState.PROCESSING and not line and not any(isinstance(event, e.TurnEnded) for event in turn):
                    return False
        return True

    def _find(self, lines: Sequence[str]) -> None:
        if lines:
            wanted = [joined(line) for line in lines]
            self.plait.until(lambda: in_order(wanted, self._all[self._from :]))
            self.found += len(lines)


def in_order(wanted: Sequence[str], text: str) -> bool:
    at = 0
    for line in wanted:
        place = text.find(line, at)
        if place < 0:
            return False
        at = place + len(line)
    return True


@pytest.fixture
def reader(place: Place) -> Reader:
    """A reader in a directory that has the tutorial's model."""
    (place.work / "docs").mkdir()
    shutil.copy(DOCS / "tutorial.toml", place.work / "docs")
    return Reader(place)


def test_each_step_of_the_tutorial_does_what_it_says(reader: Reader) -> None:
    steps = steps_of(TUTORIAL)
    try:
        reader.follow(steps)
    finally:
        reader.close()
    assert len(re.findall(r"^## \d+\.", TUTORIAL, flags=re.MULTILINE)) == 12
    assert reader.typed == sum(step.typed is not None for step in steps) > 20
    assert reader.found == sum(len(step.expected) for step in steps) > 50


SAMPLE = """\
Some words.

```text
$ PLAIT_HOME=/tmp/plait-tutorial plait
(a) > one
▌ one

(a ?) > tw▏o<Alt+1>
(b) >
```

```toml
(c) > not typed
```
"""


def test_a_page_is_read_as_it_says() -> None:
    start, one, two, alone = steps_of(SAMPLE)
    assert start.starts == "PLAIT_HOME=/tmp/plait-tutorial plait"
    assert one == Step("(a) >", "one", ("▌ one",))
    assert two == Step("(a ?) >", "tw▏o<Alt+1>")
    assert alone == Step("(b) >", None)


def test_lines_count_only_in_their_order_and_as_they_stand() -> None:
    shown = joined("── a: 12 new lines since 09:41 · /history 11 for more ──\n  one\n  two  three\n")
    assert in_order([joined("── a: 3 new lines since 14:02 · /history 10 for more ──"), "one", "two three"], shown)
    assert not in_order(["two three", "one"], shown)
    assert not in_order(["one", "one"], shown)
    assert not in_order(["two four"], shown)
