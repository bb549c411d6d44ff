"""Searching much: from a command to its reply, over a database with its index; and how fast the index takes messages in.

100,000 messages. Their words follow Zipf's law, as words of people do: the question is how long a search takes whose words stand in a
handful of messages, in thousands of them, and in nearly all.
"""

from __future__ import annotations

import bisect
import itertools
import random
import time
from collections.abc import Iterator

from benchmarks.figures import Figure, Plan, percentile
from plait.core import events as e
from plait.core.messages import AssistantMessage, ProjectId, SessionId, Turn
from plait.core.ports import Project, Write
from plait.core.replies import info_of
from plait.core.searching import Query, phrases
from plait.core.session import Session
from plait.store.sqlite import SqliteStore, open_store

MESSAGES = 100_000
VOCABULARY = 50_000
PER_SESSION = 200
"""Messages of one session: half of them answers."""
LENGTHS = (20, 120)
"""Words of a question and of an answer."""
SEARCHES = 200


def run(plan: Plan) -> list[Figure]:
    """Searches of one to three words, as they come in the messages; and how fast the index takes messages in."""
    count = plan.times(MESSAGES, 2 * PER_SESSION)
    chance = random.Random(1)
    text = Text(chance)
    store = open_store(plan.home / "data" / "plait.db", now=time.time(), report=lambda finding: None)
    try:
        written = fill(store, text, count)
        started = time.perf_counter()
        while store.index():
            pass
        rate = count / (time.perf_counter() - started)
        times = {
            label: [searched(store, words) for words in asked] for label, asked in asking(text, chance, plan.times(SEARCHES, 5)).items()
        }
    finally:
        store.close()
    beside = {label: percentile(values, 95) for label, values in times.items() if label != "mixed"}
    return [
        Figure(f"search over {count:,} messages, p95", percentile(times["mixed"], 95), "ms", 100, beside=beside),
        Figure(f"search over {count:,} messages, p50", percentile(times["mixed"], 50), "ms"),
        Figure("index, messages taken in", rate, "/s", 1_000, at_least=True, beside={"written, messages": written}),
    ]


class Text:
    """Makes texts of words whose number n comes with a chance of 1/n."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._sums = list(itertools.accumulate(1 / number for number in range(1, VOCABULARY + 1)))

    def words(self, count: int) -> str:
        """So many words."""
        drawn = (bisect.bisect(self._sums, self._chance.random() * self._sums[-1]) for _ in range(count))
        return " ".join(f"w{number:05}" for number in drawn)


def fill(store: SqliteStore, text: Text, count: int) -> float:
    """Write so many messages; returns how many a second."""
    project = store.project(Project(ProjectId("work-00000000"), "work", "/home/ada/work", 1.0))
    took = 0.0
    for number in range(count // PER_SESSION):
        session = Session(SessionId(f"{number:012x}"))
        stamped: list[e.Stamped] = []
        for seq, event in enumerate(_events(project, text), 1):
            stamped.append(e.Stamped(session.id, seq, 1.0 + number * 1000 + seq, event))
            session.apply(stamped[-1])
        started = time.perf_counter()
        store.append([Write(info_of(session, draft=False), 0, store.epoch, tuple(stamped))])
        store.tidy()
        took += time.perf_counter() - started
    return count / took


def _events(project: Project, text: Text) -> Iterator[e.Event]:
    yield e.SessionOpened("work", "development", project.id, project.directory)
    for number in range(PER_SESSION // 2):
        turn = Turn(2 + 4 * number)
        yield e.UserSaid(text.words(LENGTHS[0]))
        yield e.TurnStarted(turn)
        yield e.AssistantSaid(turn, AssistantMessage(text.words(LENGTHS[1])), "end")
        yield e.TurnEnded(turn, "done", seen=True)


def asking(text: Text, chance: random.Random, count: int) -> dict[str, list[str]]:
    """What is searched for: mixed as people do, and each kind by itself."""
    rare = [f"w{chance.randrange(5_000, VOCABULARY):05}" for _ in range(count)]
    often = [f"w{chance.randrange(20, 500):05}" for _ in range(count)]
    pairs = [f"{one} {other}" for one, other in zip(often, reversed(often), strict=True)]
    everywhere = [f"w{chance.randrange(10):05}" for _ in range(max(1, count // 10))]
    mixed = [chance.choice((rare, often, pairs))[number] for number in range(count)]
    return {"mixed": mixed, "rare word": rare, "frequent word": often, "two frequent words": pairs, "word in most messages": everywhere}


def searched(store: SqliteStore, words: str) -> float:
    """Milliseconds."""
    query = Query(phrases(words))
    started = time.perf_counter()
    store.search(query)
    return (time.perf_counter() - started) * 1000
