"""Searching much: from a query to its first page of hits, over a database with its index; and how fast the index takes messages in.

1,000,000 messages. Their words follow Zipf's law, as words of people do, and the frequent ones are short; every twentieth session is in
characters that are written without blanks, and every tenth message is answered with a tool. The question is how long a search takes whose
words stand in a handful of messages, in thousands of them and in nearly all, by itself and with what narrows it.
"""

from __future__ import annotations

import itertools
import random
import string
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.figures import Figure, Plan, percentile
from plait.core import events as e
from plait.core.messages import AssistantMessage, CallId, ProjectId, SessionId, ToolCall, ToolResult, Turn
from plait.core.ports import Project, Write
from plait.core.replies import info_of
from plait.core.searching import Query, phrases
from plait.core.session import Session
from plait.store.sqlite import SqliteStore, open_store

MESSAGES = 1_000_000
VOCABULARY = 50_000
CHARACTERS = 3_000
"""Different characters of the sessions without blanks."""
PER_SESSION = 200
"""Messages of one session: half of them answers."""
WITHOUT_BLANKS = 20
"""One session in so many is written without blanks between words."""
WITH_TOOL = 10
"""One message in so many has a tool called before its answer."""
LENGTHS = (12, 48)
"""Words, or pairs of characters, of a question and of an answer."""
DRAWN = 400_000
"""Words that are drawn; messages are pieces of them, for to draw 30 million takes longer than all the rest."""
SEARCHES = 40
"""Of each kind."""
SESSION = 1000.0
"""Seconds from the beginning of one session to the next."""
GROUP = 10
"""Sessions in one commit."""


def run(plan: Plan) -> list[Figure]:
    """Searches of each kind; and how fast the index takes messages in."""
    count = plan.times(MESSAGES, 2 * PER_SESSION)
    chance = random.Random(1)
    words, characters = Text([word(number) for number in range(VOCABULARY)], " ", chance), Text(_characters(), "", chance)
    store = open_store(plan.home / "data" / "plait.db", now=time.time(), report=lambda finding: None)
    try:
        written = fill(store, words, characters, count)
        started = time.perf_counter()
        while store.index():
            pass
        rate = count / (time.perf_counter() - started)
        asked = Asked(words, characters, count, plan.times(SEARCHES, 3))
        times = {kind: [searched(store, query) for query in queries] for kind, queries in asked.kinds().items()}
    finally:
        store.close()
    every = list(itertools.chain(*times.values()))
    size = (plan.home / "data" / "plait.db").stat().st_size / 1e6
    return [
        Figure(f"search over {count:,} messages, all kinds of search alike often, p95", percentile(every, 95), "ms", 100),
        Figure(f"search over {count:,} messages, p50", percentile(every, 50), "ms"),
        *(Figure(f"search: {kind}, p95", percentile(values, 95), "ms") for kind, values in times.items()),
        Figure("index, messages taken in", rate, "/s", 1_000, {"written, messages": written}, at_least=True),
        Figure(f"database of {count:,} messages with its index", size, "MB"),
    ]


def word(number: int) -> str:
    """The word with this place among the frequent ones: the first 26 have one letter, the next 676 two."""
    letters = string.ascii_lowercase[number % 26]
    while number := number // 26:
        number -= 1
        letters = string.ascii_lowercase[number % 26] + letters
    return letters


def _characters() -> list[str]:
    return [chr(0x4E00 + number) for number in range(CHARACTERS)]


class Text:
    """Pieces of a long text in which the word of place n comes with a chance of 1/n."""

    def __init__(self, known: Sequence[str], between: str, chance: random.Random) -> None:
        self.known = known
        self._between = between
        self._chance = chance
        sums = list(itertools.accumulate(1 / number for number in range(1, len(known) + 1)))
        self._drawn = chance.choices(known, cum_weights=sums, k=DRAWN)

    def piece(self, count: int) -> str:
        """So many words that follow each other."""
        start = self._chance.randrange(DRAWN - count)
        return self._between.join(self._drawn[start : start + count])

    def of(self, least: int, most: int, count: int) -> list[str]:
        """So many words from these places of frequency."""
        return [self.known[self._chance.randrange(least, most)] for _ in range(count)]


def fill(store: SqliteStore, words: Text, characters: Text, count: int) -> float:
    """Write so many messages; returns how many a second."""
    projects = [store.project(Project(ProjectId(f"{name}-00000000"), name, f"/home/ada/{name}", 1.0)) for name in ("work", "play")]
    took = 0.0
    batch: list[Write] = []
    sessions = count // PER_SESSION
    for number in range(sessions):
        session = Session(SessionId(f"{number:012x}"))
        stamped: list[e.Stamped] = []
        text = characters if number % WITHOUT_BLANKS == 1 else words
        for seq, event in enumerate(_events(projects[number % 7 == 3], text, f"session-{number}"), 1):
            stamped.append(e.Stamped(session.id, seq, 1.0 + number * SESSION + seq, event))
            session.apply(stamped[-1])
        batch.append(Write(info_of(session, draft=False), 0, store.epoch, tuple(stamped)))
        if len(batch) == GROUP or number == sessions - 1:
            started = time.perf_counter()
            store.append(batch)
            store.tidy()
            took += time.perf_counter() - started
            batch = []
    return count / took


def _events(project: Project, text: Text, name: str) -> Iterator[e.Event]:
    yield e.SessionOpened(name, "development", project.id, project.directory)
    seq = 1
    for number in range(PER_SESSION // 2):
        turn = Turn(seq + 1)
        events: list[e.Event] = [e.UserSaid(text.piece(LENGTHS[0])), e.TurnStarted(turn)]
        if number % WITH_TOOL == 0:
            call = ToolCall(CallId(f"c{number}"), "read_file", '{"path":"notes.txt"}')
            events += [e.AssistantSaid(turn, AssistantMessage("", calls=(call,)), "tool_calls"), e.ToolStarted(turn, call)]
            events.append(e.ToolReturned(turn, ToolResult(call.id, call.name, text.piece(LENGTHS[1]))))
        events += [e.AssistantSaid(turn, AssistantMessage(text.piece(LENGTHS[1])), "end"), e.TurnEnded(turn, "done", seen=True)]
        yield from events
        seq += len(events)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is searched for in `messages` messages: so many of each kind."""

    words: Text
    characters: Text
    messages: int
    count: int

    def kinds(self) -> dict[str, list[Query]]:
        """Queries by kind; the words of one kind have the same range of frequency."""
        often, everywhere = self._words(60, 700), self._words(0, 10)
        pairs = [f"{one} {other}" for one, other in zip(often, reversed(often), strict=True)]
        many = [" ".join(self.words.of(0, 700, 4)) for _ in range(self.count)]
        two = [self.characters.piece(2) for _ in range(self.count)]
        asked = {
            "rare word": _queries(self._words(5_000, VOCABULARY)),
            "frequent word of two letters": _queries(often),
            "two frequent words": _queries(pairs),
            "four words": _queries(many),
            "word in most messages": _queries(everywhere),
            "beginning of words": _queries([f"{one}*" for one in self._words(702, VOCABULARY)]),
            "two characters without blanks": _queries(two),
            "one character without blanks": _queries(self.characters.of(100, CHARACTERS, self.count)),
        }
        last = self.messages // PER_SESSION - 1
        return asked | {
            "frequent word, said by the user": [replace(query, role="user") for query in asked["frequent word of two letters"]],
            "word in most messages, in one session": [replace(one, session="session-0") for one in asked["word in most messages"]],
            "word in most messages, in one project": [replace(one, project="play") for one in asked["word in most messages"]],
            "frequent word, in the last tenth": [replace(one, since=SESSION * last * 0.9) for one in asked["frequent word of two letters"]],
            "word in most messages, with tool output": [replace(one, tools=True) for one in asked["word in most messages"]],
        }

    def _words(self, least: int, most: int) -> list[str]:
        return self.words.of(least, most, self.count)


def _queries(texts: Sequence[str]) -> list[Query]:
    return [Query(phrases(text)) for text in texts]


def searched(store: SqliteStore, query: Query) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    store.search(query)
    return (time.perf_counter() - started) * 1000
