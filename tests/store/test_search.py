"""Searching, over each kind of store: what is found, by which words, in which order, and what no input can break."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from plait.core import events as e
from plait.core.errors import StoreError
from plait.core.messages import AssistantMessage, Attachment, CallId, ProjectId, SessionId, ToolCall, ToolResult, Turn
from plait.core.ports import Project, Store, Write
from plait.core.searching import LONGEST_TEXT, MOST_WORDS, Query, phrases, places, words
from plait.core.snippets import LENGTH
from plait.core.states import SessionState
from plait.store import engine, schema
from plait.store.rows import event_rows
from plait.store.schema import Migrated
from plait.store.search import find, find_in
from plait.store.sqlite import Finding, open_store
from tests.store.kinds import KINDS
from tests.store.writing import PROJECT, any_row, open_at, write_of

S, OTHER = SessionId("s-1"), SessionId("s-2")
T = Turn(1)


@pytest.fixture(params=sorted(KINDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A fresh store of each kind, with one project."""
    opened = KINDS[request.param](tmp_path)
    yield opened
    opened.close()


def keep(store: Store, *events: e.Event, session: SessionId = S, at: float = 1.0) -> None:
    """Append, and go on with the index until it has everything."""
    before = len(store.read(session))
    store.append([write_of(session, before, events, store.epoch, at)])
    while store.index():
        pass


def said(*texts: str) -> tuple[e.Event, ...]:
    return tuple(map(e.UserSaid, texts))


def found(store: Store, text: str, **more: object) -> list[int]:
    """Sequence numbers, in the order in which they were found."""
    told = store.search(replace(Query(phrases(text)), **more))  # type: ignore[arg-type]  # fields by name
    assert told.unindexed == 0
    return [place.seq for place in told.found]


TEXTS = (
    "The db is slow, use C++ or C# and not Java",
    "foo_bar in node.js, see src/plait/core/words.py:17",
    "Привет, Ёжик и йод; и мир",
    "Crème brûlée, naïve Straße, ΣΊΣΥΦΟΣ",
    "東京都に行きたい。データベースが遅い",
    "한국어를 배우고 싶다",
    "数据库太慢了",
    "ภาษาไทยไม่มีช่องว่าง",
    "हिन्दी में लिखो",
    "don't e-mail ada@example.org about x=y+1",
    "AND OR NOT NEAR the operators",
    "ＦＵＬＬ width ﬁne",
)


@pytest.mark.parametrize(
    ("text", "which"),
    [
        *(("db", [1]), ("DB", [1]), ("c++", [1]), ("C#", [1]), ("java slow", [1]), ("c", [1]), ("jav", []), ("jav*", [1])),
        *(("foo_bar", [2]), ("foo", [2]), ("bar_foo", []), ("node.js", [2]), ("js.node", []), ("core/words.py", [2]), ("words.py:17", [2])),
        *(("привет", [3]), ("ПРИВЕТ", [3]), ("ежик", [3]), ("Ёжик", [3]), ("мир", [3]), ("ми", [])),
        *(("creme", [4]), ("Crème", [4]), ("cre\u0300me", [4]), ("brulee", [4]), ("STRASSE", [4]), ("naive", [4]), ("σίσυφος", [4])),
        *(
            ("東京", [5]),
            ("京都", [5]),
            ("都", [5]),
            ("い", [5]),
            ("東都", []),
            ("データ", [5]),
            ("ﾃﾞｰﾀ", [5]),
            ("ベース", [5]),
            ("遅い", [5]),
        ),
        *(("한국", [6]), ("국어", [6]), ("싶다", [6]), ("다", [6]), ("배우고 한국어를", [6]), ("数据", [7]), ("据库", [7]), ("太 慢", [7])),
        *(("ภาษา", [8]), ("ไทย", [8]), ("हिन्दी", [9]), ("लिखो", [9])),
        *(("don't", [10]), ("e-mail", [10]), ("ada@example.org", [10]), ("y+1", [10])),
        *(("AND", [1, 10, 11]), ("NOT NEAR", [11]), ("full", [12]), ("fine", [12])),
        *(("db nothing", []), ("zzz", [])),
    ],
)
def test_words_of_every_kind_are_found(store: Store, text: str, which: list[int]) -> None:
    keep(store, *said(*TEXTS))
    if text == "AND":
        which = [1, 11]
    assert sorted(found(store, text)) == which


@pytest.mark.parametrize("text", ["", " ", '"', "'", "*", "( )", "-- ; %", "\0", "\ud800", "^", "{}", "…"])
def test_what_has_no_word_asks_for_nothing(text: str) -> None:
    assert phrases(text) == ()


PLAIN = ('"db', 'db"', "db)", "(db", "db*", "-db", "^db", "db\0")
OTHER_WORDS = ("db OR", "NEAR(db", "said:db", "{said}:db", "'; DROP TABLE x; --db", "d*b")


@pytest.mark.parametrize("text", [*PLAIN, *OTHER_WORDS])
def test_no_input_is_an_error_of_the_database(store: Store, text: str) -> None:
    """Signs of SQLite's query language mean nothing, and its words are words that are searched for as any."""
    keep(store, *said("the db"))
    assert found(store, text) == ([1] if text in PLAIN else [])
    assert found(store, text, session=text, project=text) == []


def test_everything_that_was_said_is_found_by_its_role(store: Store) -> None:
    call = ToolCall(CallId("c"), "grep", '{"pattern": "needle one"}')
    answer = AssistantMessage("needle two", thinking="needle thinking", calls=(call,))
    keep(
        store,
        e.UserSaid("needle", (Attachment("needle.txt", "pin in a haystack"),)),
        e.AnswerProgress(T, "needle"),
        e.AssistantSaid(T, answer, "tool_calls"),
        e.ToolReturned(T, ToolResult(call.id, "grep", "needle output")),
        e.QuestionAsked(T, call.id, "Which needle?", ("the thin one", "the thick one")),
        e.QuestionAnswered(T, ToolResult(call.id, "ask_user", "the thick needle")),
        e.Noted("needle"),
        e.Titled("needle"),
        e.UnknownEvent("Needle", '{"type":"Needle"}'),
    )
    assert sorted(found(store, "needle")) == [1, 3, 3, 5, 6]
    assert sorted(found(store, "needle", tools=True)) == [1, 3, 3, 4, 5, 6]
    assert sorted(found(store, "needle", role="user")) == [1, 6]
    assert sorted(found(store, "needle", role="assistant")) == [3, 5]
    assert found(store, "needle", role="tool") == [3]
    assert sorted(found(store, "needle", role="tool", tools=True)) == [3, 4]
    assert (found(store, "haystack"), found(store, "thin"), found(store, "pattern")) == ([1], [5], [3])
    assert found(store, "thinking") == []
    assert found(store, "output") == []


def test_what_narrows_a_search(store: Store) -> None:
    other = store.project(Project(ProjectId("blog-00000001"), "blog", "/home/ada/blog", 2.0))
    keep(store, *said("needle"), at=100.0)
    row = replace(any_row(OTHER, 1, 200.0), name="essay", kind="planning", project=other.id)
    stamped = (e.Stamped(OTHER, 1, 200.0, e.UserSaid("needle")),)
    store.append([Write(row, 0, store.epoch, stamped)])
    while store.index():
        pass

    def sessions(**more: object) -> Sequence[str]:
        return sorted(place.session for place in store.search(replace(Query(phrases("needle")), **more)).found)  # type: ignore[arg-type]

    assert sessions() == [S, OTHER]
    assert sessions(session="essay") == sessions(session=OTHER) == sessions(project="blog") == sessions(project=other.id) == [OTHER]
    assert sessions(project=PROJECT.name) == sessions(kind="debug") == sessions(until=200.0) == [S]
    assert sessions(since=100.0, until=200.5) == [S, OTHER]
    assert sessions(since=100.5) == sessions(kind="planning") == [OTHER]
    assert sessions(session="nobody") == sessions(project="nowhere") == sessions(since=201.0) == []


def test_the_best_comes_first_and_the_newer_among_equals(store: Store) -> None:
    keep(store, *said("needle"), at=10.0)
    keep(store, *said("needle"), at=30.0)
    keep(store, *said("needle"), at=20.0)
    keep(store, *said("needle and " + "much hay " * 100), at=90.0)
    keep(store, *said("nothing of that kind", "nor here", "nor there"))
    assert found(store, "needle") == [2, 3, 1, 4]


def test_pages_and_their_total(store: Store) -> None:
    keep(store, *said(*(f"needle {number}" for number in range(7))))

    def page(offset: int, limit: int) -> tuple[int, int]:
        told = store.search(Query(phrases("needle"), offset=offset, limit=limit))
        return len(told.found), told.total

    assert [page(0, 3), page(6, 3), page(7, 3), page(99, 3), page(0, 99), page(0, 0)] == [(3, 7), (1, 7), (0, 7), (0, 7), (7, 7), (0, 7)]
    every = [place.seq for offset in range(0, 7, 2) for place in store.search(Query(phrases("needle"), offset=offset, limit=2)).found]
    assert sorted(every) == [1, 2, 3, 4, 5, 6, 7]
    assert page(10**30, 10**30) == (0, 7)


def test_of_very_many_matches_the_latest_are_weighed_and_no_more_are_counted(tmp_path: Path) -> None:
    store = open_at(tmp_path / "data" / "plait.db")
    keep(store, *said(*("needle " * (9 - number) + "hay" for number in range(8))))
    connection = engine.connect(store.path, writing=False)
    query = Query(phrases("needle"))
    every = [place.seq for place in find(connection, query).found]
    assert every == list(range(1, 9))
    for narrowed in (query, replace(query, role="user")):
        capped = [find(connection, narrowed, ranked) for ranked in (3, 8, 9)]
        told = [([place.seq for place in one.found], one.total, one.more) for one in capped]
        assert told == [([6, 7, 8], 3, True), (every, 8, False), (every, 8, False)]
        beyond = find(connection, replace(narrowed, offset=3), 3)
        assert (beyond.found, beyond.total, beyond.more) == ((), 3, True)
    connection.close()
    store.close()


def test_every_match_of_a_session_is_found_wherever_its_documents_stand(tmp_path: Path) -> None:
    """A search in one session looks only at the numbers between its first and its last document."""
    store = open_at(tmp_path / "data" / "plait.db")
    call = ToolCall(CallId("c"), "grep", "needle")
    for _ in range(3):
        keep(store, e.AssistantSaid(T, AssistantMessage("needle", calls=(call,)), "tool_calls"))
        keep(store, *said("needle"), session=OTHER)
    assert sorted(found(store, "needle", session=S)) == [1, 1, 2, 2, 3, 3]
    assert sorted(found(store, "needle", session=OTHER)) == [1, 2, 3]
    assert sorted(found(store, "needle", session=S, role="tool")) == [1, 2, 3]
    store.close()


def test_the_snippet_shows_the_words_in_one_short_line(store: Store) -> None:
    keep(store, *said("hay " * 400 + "the Needle\n\n   is\there, in the NEEDLE case " + "hay " * 400))
    (place,) = store.search(Query(phrases("needle case"))).found
    assert [place.snippet[start:end] for start, end in place.marks] == ["Needle", "NEEDLE", "case"]
    assert "the Needle is here, in the NEEDLE case" in place.snippet
    assert place.snippet.startswith("… hay")
    assert place.snippet.endswith(" …")
    assert len(place.snippet) <= LENGTH + 4


def test_only_so_much_of_a_message_counts(store: Store) -> None:
    keep(store, *said("x" * LONGEST_TEXT + " needle", ("y" * 63 + " ") * (LONGEST_TEXT // 64 - 1) + "needle"))
    assert found(store, "needle") == [2]
    assert len(phrases(" ".join(map(str, range(200))))) == MOST_WORDS


def test_what_was_taken_back_is_found_and_said_to_be(store: Store) -> None:
    def turn(number: int) -> tuple[e.Event, ...]:
        started = Turn(number)
        answer = e.AssistantSaid(started, AssistantMessage("apple"), "end")
        return e.UserSaid("apple"), e.TurnStarted(started), answer, e.TurnEnded(started, "done", seen=True)

    def flags() -> dict[int, bool]:
        return {place.seq: place.taken_back for place in store.search(Query(phrases("apple"))).found}

    keep(store, *turn(1), *turn(5), e.Rewound(Turn(5)))
    assert flags() == {1: False, 3: False, 5: True, 7: True}
    keep(store, e.Redone())
    assert not any(flags().values())
    keep(store, e.Rewound(Turn(1)), e.UserSaid("apple"))
    assert flags() == {1: True, 3: True, 5: True, 7: True, 12: False}


def test_what_was_not_taken_in_yet_is_counted(tmp_path: Path) -> None:
    store = KINDS["sqlite"](tmp_path)
    store.append([write_of(S, 0, said("needle", "hay"), store.epoch)])
    told = store.search(Query(phrases("needle")))
    assert (told.found, told.total, told.unindexed) == ((), 0, 2)
    assert store.index() is False
    store.append([write_of(S, 2, said("a new needle"), store.epoch)])
    told = store.search(Query(phrases("needle")))
    assert ([place.seq for place in told.found], told.unindexed) == ([1], 1)
    store.close()
    with pytest.raises(StoreError):
        store.search(Query(phrases("needle")))
    with pytest.raises(StoreError):
        store.index()


LETTERS = st.text(st.sampled_from("aB9_.-+#*'\" (Éé\u0301ßİпЙ東京都にガカ\u3099ｶﾞ한국ไทยहि\u200d\n\u00a0½ﷺ⒈🙂"), max_size=30)
ANY = st.one_of(LETTERS, st.text(st.characters(codec="utf-8"), max_size=30))


@given(text=ANY)
def test_a_text_is_found_by_each_part_of_it(text: str) -> None:
    for part in [*text.split(), text]:
        assert all(places(text, phrases(part)))


@given(text=ANY)
def test_words_are_plain_for_every_tokenizer(text: str) -> None:
    for word in words(text):
        assert word
        assert not [char for char in word if char.isascii() and not char.isalnum() and char not in "+#"]
        assert word == word.lower()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(ANY, min_size=1, max_size=6), wanted=ANY)
def test_both_stores_find_the_same(make: Callable[[str], Store], texts: list[str], wanted: str) -> None:
    memory, sqlite = make("memory"), make("sqlite")
    session = SessionId(f"s-{len(sqlite.sessions())}")
    for store in (memory, sqlite):
        keep(store, *said(*texts), session=session)
    for text in (wanted, *texts):
        if asked := phrases(text):
            told = [sorted(place.seq for place in one.search(Query(asked, session=session)).found) for one in (memory, sqlite)]
            assert told[0] == told[1]
            assert text not in texts or texts.index(text) + 1 in told[0]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """The two stores of one test, made once for all of its examples."""
    stores = {kind: KINDS[kind](tmp_path) for kind in ("memory", "sqlite")}
    yield stores.__getitem__
    for store in stores.values():
        store.close()


def insert_of_before(connection: engine.Connection, write: Write) -> None:
    """Insert as the plait did that had no index yet; its rows had fewer columns."""
    row = write.row
    values = (row.id, row.name, row.kind, row.state, row.project, row.directory, row.messages, row.created_at, row.last_at, row.seq)
    columns = "id, name, kind, state, project, directory, messages, created_at, last_at, seq"
    connection.execute(f"INSERT INTO sessions ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.execute("INSERT INTO threads (session, number) VALUES (?, 1)", (row.id,))
    connection.executemany("INSERT INTO events (session, seq, thread, at, type, data) VALUES (?, ?, ?, ?, ?, ?)", event_rows(write))


def test_a_database_of_before_is_taken_in_by_and_by(tmp_path: Path) -> None:
    """What it holds is found once it was gone through, the session used last first; nothing of that happens while it is opened."""
    path, before = tmp_path / "data" / "plait.db", tmp_path / "before"
    before.mkdir()
    for name in ("m0001_begin", "m0002_many_sessions"):
        shutil.copy(schema.migrations_directory() / f"{name}.py", before)
    old = open_store(path, now=1.0, report=print, migrations=before)
    old.project(PROJECT)
    epoch = old.epoch
    old.close()
    connection = engine.connect(path, writing=True)
    for number in range(3):
        insert_of_before(connection, write_of(SessionId(f"s-{number}"), 0, said("needle") + said("hay") * 300, epoch))
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="no index for searching yet"):
        find_in(path, Query(phrases("needle")))
    findings: list[Finding] = []
    store = open_at(path, findings)
    (told,) = findings
    assert isinstance(told, Migrated)
    assert (told.before, told.rows_before) == ("m0002_many_sessions", told.rows_after)
    left = []
    while True:
        result = store.search(Query(phrases("needle")))
        left.append((result.unindexed, result.total))
        if not store.index():
            break
    assert left[0] == (903, 0)
    assert all(one >= other for one, other in pairwise(unindexed for unindexed, _ in left))
    assert any(0 < unindexed < 903 for unindexed, _ in left), "it was done in one step, so the test says nothing"
    result = store.search(Query(phrases("needle")))
    assert (result.unindexed, result.total) == (0, 3)
    store.close()
    assert find_in(path, Query(phrases("needle"))).total == 3  # with nobody there


def test_tags_narrow_a_search_and_the_trash_is_left_out(store: Store) -> None:
    for name, tags, trashed_at in (("s-1", ("api", "db"), 0.0), ("s-2", ("api",), 0.0), ("s-3", ("db",), 5.0), ("s-4", (), 0.0)):
        write = write_of(SessionId(name), 0, said("the same words"), store.epoch)
        row = replace(write.row, tags=tags, trashed_at=trashed_at, state=SessionState.COMPLETED)
        store.append([replace(write, row=row)])
    while store.index():
        pass

    def sessions(**more: object) -> str:
        asked = replace(Query(phrases("words")), **more)  # type: ignore[arg-type]  # fields by name
        return " ".join(sorted(place.session for place in store.search(asked).found))

    assert sessions() == "s-1 s-2 s-4"
    assert sessions(trashed=True) == "s-1 s-2 s-3 s-4"
    assert sessions(tags=("api",)) == "s-1 s-2"
    assert sessions(tags=("db",)) == "s-1"
    assert sessions(tags=("db",), trashed=True) == "s-1 s-3"
    assert sessions(tags=("api", "db")) == "s-1"
    assert sessions(tags=("ap",)) == ""
    assert sessions(session="s-3") == ""
    assert sessions(session="s-3", trashed=True, role="user") == "s-3"
