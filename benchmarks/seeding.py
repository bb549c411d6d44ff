"""A database with sessions in it, as if they had been used: made through the store, before the measured program starts.

Each exchange is the events that a real one leaves: the message, the start of its turn, the answer in progress, the whole answer, the end.
The last event says that all of it was seen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.programs import Program
from benchmarks.server import words
from plait.core import events as e
from plait.core.messages import AssistantMessage, ProjectId, SessionId, Turn, Usage
from plait.core.ports import Project, Write
from plait.core.replies import info_of
from plait.core.session import Session
from plait.store.sqlite import open_store

ANSWER = "".join(words(100, ""))
"""What each seeded answer says: 100 words."""
QUESTION = "What a person asks is a line or two of text, more or less; this is one of that kind."
PROGRESS = 4
"""Parts in which an answer was recorded while it came."""
PER_EXCHANGE = PROGRESS + 4
"""Events of one message and its answer."""
GROUP = 5_000
"""Events in one commit, more or less."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A session to be: with so many messages, each with its answer; `model` is its own (empty: the program's)."""

    name: str
    exchanges: int
    model: str = ""
    completed: bool = False


def database(program: Program) -> Path:
    """Where the program keeps its sessions."""
    return Path(program.environ["PLAIT_HOME"]) / "data" / "plait.db"


def long_answer(characters: int) -> str:
    """An answer of so many characters, in paragraphs."""
    return (f"{ANSWER}\n\n" * (characters // len(ANSWER) + 1))[:characters]


def seed(program: Program, seeds: Sequence[Seed], answer: str = ANSWER, parts: int = PROGRESS) -> None:
    """Make the sessions, in this order, in the directory in which the program runs. The first is the one that is shown at its start.

    Each answer says `answer`, and was recorded in so many `parts` while it came.
    """
    path = database(program)
    path.parent.mkdir(parents=True, exist_ok=True)
    now = time.time()
    store = open_store(path, now=now, report=lambda finding: None)
    project = store.project(Project(ProjectId("work-00000000"), "work", program.directory, now))
    writes: list[Write] = []
    for number, one in enumerate(seeds):
        session = Session(SessionId(f"{number:012x}"))
        begun = now - 100_000 + number
        stamped = []
        for seq, event in enumerate(_events(one, project, answer, parts), 1):
            last = isinstance(event, e.Seen) and not number
            stamped.append(e.Stamped(session.id, seq, now if last else begun + seq / 1000, event))
            session.apply(stamped[-1])
        writes.append(Write(info_of(session, draft=False), 0, store.epoch, tuple(stamped)))
        if sum(len(write.events) for write in writes) > GROUP or number == len(seeds) - 1:
            store.append(writes)
            writes = []
    while store.index():  # as it was after real use; else the program would do it while it is measured
        pass
    store.close()


def _events(one: Seed, project: Project, answer: str, parts: int) -> Iterator[e.Event]:
    yield e.SessionOpened(one.name, "development", project.id, project.directory, named_by_hand=True, kind_by_hand=True)
    seq = 1
    if one.model:
        yield e.SettingChanged("model", f"openai:{one.model}")
        seq += 1
    size = len(answer) // parts + 1
    for _ in range(one.exchanges):
        turn = Turn(seq + 1)
        yield e.UserSaid(QUESTION)
        yield e.TurnStarted(turn)
        for start in range(0, parts * size, size):
            yield e.AnswerProgress(turn, answer[start : start + size])
        yield e.AssistantSaid(turn, AssistantMessage(answer), "end", "openai:bench", Usage(1000, 100))
        yield e.TurnEnded(turn, "done", seen=True)
        seq += parts + 4
    yield e.Seen(seq)
    if one.completed:
        yield e.Closed()


def answers(program: Program) -> dict[str, str]:
    """The last whole answer of each session in the program's database, by the session's name. The program has ended."""
    store = open_store(database(program), now=time.time(), report=lambda finding: None)
    found = {}
    for row in store.sessions():
        said = [one.event for one in store.read(row.id) if isinstance(one.event, e.AssistantSaid)]
        if said and said[-1].complete:
            found[row.name] = said[-1].message.text
    store.close()
    return found
