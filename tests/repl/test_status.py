"""The toolbar: what it says at which width, with one session and with many; and that it wakes up only while a turn runs."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest
from hypothesis import given, strategies as st
from wcwidth import wcswidth

from plait.core import events as e
from plait.core.commands import GateFigures, Status
from plait.core.messages import SessionId, Turn, Usage
from plait.core.session import Awaited, SessionState
from plait.repl.fleet import FleetView
from plait.repl.parts import session_mark
from plait.repl.printer import Printer
from plait.repl.rows import text_width
from plait.repl.status import Toolbar
from plait.repl.style import Look
from tests.repl.fleets import fleet, session

WIDE = Look()
MODEL = "anthropic:claude-sonnet-4-5"
NAMES = st.text(st.sampled_from("ab-7é漢한жא\u0301\U0001f468\u200d🎉\U0001f1e9\x1b\n\u202e"), max_size=24)
ALL = [
    session("auth-fix"),
    session("docs", "question"),
    session("api", state=SessionState.PROCESSING),
    session("ui"),
    session("db", "failed"),
    session("old", state=SessionState.PAUSED),
    session("tests", "answer"),
]


class Page:
    """A surface of some width."""

    def __init__(self, columns: int) -> None:
        self.columns = columns

    def write(self, text: str) -> None:
        """See `Surface`."""

    def set_tail(self, text: str) -> None:
        """See `Surface`."""


class World:
    """A toolbar with a clock that stands still until it is moved, and the number of times that it was drawn."""

    def __init__(self, there: FleetView, look: Look = WIDE, columns: int = 300, status: Status | None = None) -> None:
        self.page = Page(columns)
        self.printer = Printer(self.page, look, 0)
        self.time = 100.0
        self.drawn = 0
        self.toolbar = Toolbar(self.printer, lambda: self.time, self._draw)
        self.printer.on_change = self.toolbar.changed
        self.toolbar.fleet = there
        self.toolbar.status = status

    def _draw(self) -> None:
        self.drawn += 1

    def show(self, event: e.Event, seq: int | None = None) -> None:
        """An event of the shown session."""
        self.printer.show(e.Stamped(SessionId("auth-fix"), seq, 0.0, event))

    def say(self, seq: int) -> None:
        """A message of the user's."""
        self.show(e.UserSaid("hello"), seq)

    def begin(self, seq: int) -> None:
        """Its turn starts."""
        self.show(e.TurnStarted(Turn(seq)), seq + 1)

    def at(self, columns: int) -> str:
        """The row at this width."""
        self.page.columns = columns
        return self.toolbar.text()


def status_of(model: str = MODEL, used: int = 24_000, trouble: str = "") -> Status:
    return Status(
        info=session("auth-fix"),
        model=model,
        model_source="file",
        system="",
        instructions=(),
        instructions_asked=(),
        instructions_digest="",
        instructions_problems=(),
        temperature=None,
        top_p=None,
        max_tokens=None,
        usage=Usage(),
        context_used=used,
        context_window=200_000,
        cost=0.0,
        unpriced=0,
        calls_running=0,
        calls_queued=0,
        calls_max=5,
        trouble=trouble,
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (100, f"{MODEL} · answering 7 s · Ctrl+C stops · 1 queued · context 12 % · NOT SAVED"),
        (90, "anthropic:…sonnet-4-5 · answering 7 s · Ctrl+C stops · 1 queued · context 12 % · NOT SAVED"),
        (80, "answering 7 s · Ctrl+C stops · 1 queued · context 12 % · NOT SAVED"),
        (65, "answering 7 s · Ctrl+C stops · 1 queued · NOT SAVED"),
        (50, "answering 7 s · 1 queued · NOT SAVED"),
        (30, "1 queued · NOT SAVED"),
        (10, "NOT SAVED"),
        (8, "NOT SAV…"),
        (1, "…"),
    ],
)
def test_one_session(columns: int, expected: str) -> None:
    """Nothing of numbers, of other sessions or of the gate."""
    alone = fleet([session("auth-fix", state=SessionState.PROCESSING)], shown="auth-fix", gate=GateFigures(1, 0, 5))
    world = World(alone, status=status_of(trouble="full"))
    world.say(1)
    world.begin(1)
    world.say(3)
    world.time += 7
    assert world.at(columns) == expected


def test_an_idle_session_before_anything_is_known() -> None:
    assert World(FleetView()).at(80) == "/help"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            160,
            "1 auth-fix* · 2 docs ? · 3 api … · 4 ui · 5 db ✗ · 6 old ‖ · 7 tests ✓ │ "
            f"{MODEL} · /help · llm 5/5, 3 queued · openai waits · context 12 %",
        ),
        (
            140,
            "1 auth-fix* · 2 docs ? · 3 api … · 4 ui · 5 db ✗ · 6 old ‖ · 7 tests ✓ │ "
            "anthropic:…et-4-5 · llm 5/5, 3 queued · openai waits · context 12 %",
        ),
        (110, "1 auth-fix* · 2 docs ? · 3 api … · 5 db ✗ · 7 tests ✓ · +2 more │ llm 5/5, 3 queued · openai waits"),
        (80, "1 auth-fix* · 2 docs ? · 5 db ✗ · +4 more │ llm 5/5, 3 queued · openai waits"),
        (60, "1 auth-fix* · 2 docs ? · 5 db ✗ · +4 more"),
        (40, "1 auth-fix* · 2 docs ? · +5 more"),
        (30, "1 auth-fix* · +6 more"),
        (10, "1 auth-fi…"),
    ],
)
def test_many_sessions(columns: int, expected: str) -> None:
    world = World(fleet(ALL, "auth-fix", GateFigures(5, 3, 5, ("openai",))), status=status_of())
    assert world.at(columns) == expected


def test_idle_sessions_leave_room_for_the_model() -> None:
    world = World(fleet([session(f"session-{number}") for number in range(10)], "session-0"), status=status_of())
    assert world.at(80) == "1 session-0* · 2 session-1 · +8 more │ anthropic:…aude-sonnet-4-5 · context 12 %"


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (GateFigures(0, 0, 5), ""),
        (GateFigures(2, 0, 5), "llm 2/5"),
        (GateFigures(0, 1, 5, ("openai",)), "llm 0/5, 1 queued · openai waits"),
        (GateFigures(5, 30, 5, ("anthropic", "openai")), "llm 5/5, 30 queued · anthropic, openai wait"),
    ],
)
def test_the_gate(gate: GateFigures, expected: str) -> None:
    assert World(fleet(ALL[:2], "auth-fix", gate)).at(200) == "1 auth-fix* · 2 docs ? │ /help" + (expected and f" · {expected}")


@pytest.mark.parametrize(
    ("awaited", "state", "unread", "mark"),
    [
        ("question", SessionState.ACTIVE, 1, "?"),
        ("answer", SessionState.ACTIVE, 1, "✓"),
        ("failed", SessionState.ACTIVE, 1, "✗"),
        ("interrupted", SessionState.ACTIVE, 1, "!"),
        ("limit", SessionState.ACTIVE, 1, "!"),
        ("", SessionState.PROCESSING, 1, "…"),
        ("", SessionState.PAUSED, 1, "‖"),
        ("", SessionState.ACTIVE, 1, "✓"),
        ("", SessionState.ACTIVE, 0, ""),
    ],
)
def test_marks(awaited: Awaited, state: SessionState, unread: int, mark: str) -> None:
    assert session_mark(session("a", awaited, state=state, unread=unread)) == mark


def test_an_ascii_terminal_has_stand_ins() -> None:
    row = World(fleet(ALL, "auth-fix"), Look(colour=False, unicode=False, encoding="ascii"), status=status_of()).at(200)
    assert row == (
        "1 auth-fix* - 2 docs ? - 3 api ... - 4 ui - 5 db x - 6 old = - 7 tests + | anthropic:claude-sonnet-4-5 - /help - context 12 %"
    )


def test_what_the_shown_session_does() -> None:
    waiting = World(fleet([session("auth-fix", state=SessionState.PROCESSING), session("docs")], "auth-fix"))
    waiting.say(1)
    waiting.begin(1)
    waiting.show(e.SlotAwaited(Turn(1), 3))
    assert waiting.at(200) == "1 auth-fix* · 2 docs │ waiting for its turn, place 3"
    asking = World(fleet([session("auth-fix", "question"), session("docs")], "auth-fix"))
    asking.say(1)
    asking.begin(1)
    assert asking.at(200) == "1 auth-fix* ? · 2 docs │ waits for your answer · Ctrl+C stops"
    paused = World(fleet([session("auth-fix", state=SessionState.PAUSED)], "auth-fix"))
    assert paused.at(200) == "paused, /unpause goes on"
    paused.toolbar.command_started()
    paused.time += 2
    assert paused.at(200) == "!command, 2 s · Ctrl+C stops"


def test_seconds_count_from_when_this_turn_of_this_session_was_first_shown() -> None:
    rows = [session("auth-fix", state=SessionState.PROCESSING), session("docs", state=SessionState.PROCESSING)]
    world = World(fleet(rows, "auth-fix"))
    world.begin(1)
    world.time += 60
    assert "answering 60 s" in world.at(200)
    world.printer.reset()  # another session is shown, whose turn has the same number
    world.toolbar.fleet = fleet(rows, "docs")
    world.begin(1)
    world.time += 1
    assert "answering 1 s" in world.at(200)
    world.printer.reset()
    world.toolbar.fleet = fleet(rows, "auth-fix")
    world.begin(1)
    assert "answering 61 s" in world.at(200), "it went on meanwhile"
    world.toolbar.fleet = fleet([session("auth-fix", "question")], "auth-fix")
    assert "waits for your answer" in world.at(200)
    world.time += 3600
    world.toolbar.fleet = fleet([rows[0]], "auth-fix")
    assert "answering 0 s" in world.at(200), "the wait for the user is not counted"


@pytest.mark.anyio
async def test_nothing_wakes_up_but_while_a_turn_runs() -> None:
    idle = fleet(ALL, "auth-fix", GateFigures(1, 0, 5))
    world = World(idle)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.toolbar.tick)
        await anyio.wait_all_tasks_blocked()
        world.toolbar.fleet = idle
        await anyio.wait_all_tasks_blocked()
        assert world.drawn == 0
        world.begin(1)
        assert world.drawn == 1
        await anyio.wait_all_tasks_blocked()
        assert world.drawn == 2, "it counts"
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_session_that_asks_may_wait_for_hours_without_waking_anything() -> None:
    asking = fleet([session("auth-fix", "question")], "auth-fix")
    world = World(asking)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.toolbar.tick)
        world.begin(1)
        assert world.toolbar.running
        await anyio.wait_all_tasks_blocked()
        assert world.drawn == 1
        world.toolbar.fleet = fleet([session("auth-fix", state=SessionState.PROCESSING)], "auth-fix")
        await anyio.wait_all_tasks_blocked()
        assert world.drawn == 2, "answered: it counts"
        tasks.cancel_scope.cancel()


@given(
    st.lists(st.tuples(NAMES, st.sampled_from(["", "question", "answer", "failed"]), st.sampled_from(list(SessionState))), max_size=30),
    st.integers(1, 300),
    st.sampled_from([Look(), Look(unicode=False, encoding="ascii"), Look(colour=False, unicode=False, encoding="iso8859-1")]),
    st.one_of(st.just(MODEL), NAMES),
    st.tuples(st.integers(0, 5), st.integers(0, 99), st.lists(NAMES, max_size=2)),
    st.booleans(),
)
def test_it_is_one_row_that_fits(
    rows: list[tuple[str, Awaited, SessionState]],
    columns: int,
    look: Look,
    model: str,
    gate: tuple[int, int, list[str]],
    running: bool,
) -> None:
    sessions = [replace(session(name, awaited, state=state), id=SessionId(str(at))) for at, (name, awaited, state) in enumerate(rows)]
    world = World(fleet(sessions, "0", GateFigures(gate[0], gate[1], 5, tuple(gate[2]))), look, columns, status_of(model))
    if running:
        world.begin(1)
        world.say(3)
    row = world.toolbar.text()
    assert max(text_width(row), wcswidth(row)) <= columns
    assert not set(row) & {"\n", "\x1b", "\u202e"}
    row.encode(look.encoding)
    assert row or columns < 3
